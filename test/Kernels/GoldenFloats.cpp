//===- GoldenFloats.cpp - Bits of float arithmetic -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every operation rounds once, to nearest, half to even, and keeps subnormals:
// what the kernels' results rest on. Expected values are the host's, compiled
// without contraction.
//
//===----------------------------------------------------------------------===//
#include "DeviceGolden.h"

#include <cmath>
#include <functional>

using namespace mlir::qopt::test;

static constexpr size_t kCount = 2048;

/// Operands of binary operations: all pairs of the first special values, then
/// values with shuffled partners.
static std::vector<float> makePartners(const std::vector<float> &values) {
  std::vector<float> partners(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    partners[i] = values[(i * 1103 + 57) % values.size()];
  return partners;
}

static void addUnary(std::vector<DeviceGolden> &goldens,
                     const std::string &name,
                     const std::function<float(float)> &compute,
                     const std::string &body) {
  std::vector<float> values = makeFloats(kCount), results;
  for (float value : values)
    results.push_back(compute(value));
  goldens.push_back(
      makeElementwise("float_" + name, {makeTensor("values", QOPT_F32, values)},
                      {makeTensor("results", QOPT_F32, results)}, body));
}

static void addBinary(std::vector<DeviceGolden> &goldens,
                      const std::string &name,
                      const std::function<float(float, float)> &compute,
                      const std::string &body) {
  std::vector<float> a = makeFloats(kCount), b = makePartners(a), results;
  // Zeros of both signs, infinities and NaNs meet each other.
  std::vector<float> special = {0.0f,     -0.0f,     1.0f, -1.0f,
                                INFINITY, -INFINITY, NAN};
  size_t place = kCount - special.size() * special.size();
  for (float x : special)
    for (float y : special) {
      a[place] = x;
      b[place++] = y;
    }
  for (size_t i = 0; i < kCount; ++i)
    results.push_back(compute(a[i], b[i]));
  goldens.push_back(makeElementwise(
      "float_" + name,
      {makeTensor("a", QOPT_F32, a), makeTensor("b", QOPT_F32, b)},
      {makeTensor("results", QOPT_F32, results)}, body));
}

static void addFma(std::vector<DeviceGolden> &goldens) {
  std::vector<float> a = makeFloats(kCount), b = makePartners(a),
                     c = makePartners(b), results;
  for (size_t i = 0; i < kCount; ++i) {
    // Every second sum cancels: only one rounding gives these bits.
    if (i % 2)
      c[i] = -(a[i] * b[i]);
    results.push_back(std::fma(a[i], b[i], c[i]));
  }
  goldens.push_back(makeElementwise("float_fma",
                                    {makeTensor("a", QOPT_F32, a),
                                     makeTensor("b", QOPT_F32, b),
                                     makeTensor("c", QOPT_F32, c)},
                                    {makeTensor("results", QOPT_F32, results)},
                                    "%y0 = math.fma %x0, %x1, %x2 : f32\n"));
}

/// a * b + c in two operations must not become one.
static void addMulAdd(std::vector<DeviceGolden> &goldens) {
  std::vector<float> a = makeFloats(kCount), b = makePartners(a), c, results;
  for (size_t i = 0; i < kCount; ++i) {
    c.push_back(-(a[i] * b[i]));
    float product = a[i] * b[i];
    results.push_back(product + c[i]);
  }
  goldens.push_back(makeElementwise("float_mul_add",
                                    {makeTensor("a", QOPT_F32, a),
                                     makeTensor("b", QOPT_F32, b),
                                     makeTensor("c", QOPT_F32, c)},
                                    {makeTensor("results", QOPT_F32, results)},
                                    "%product = arith.mulf %x0, %x1 : f32\n"
                                    "%y0 = arith.addf %product, %x2 : f32\n"));
}

/// All ordered and unordered comparisons, as bits of a mask.
static void addCompare(std::vector<DeviceGolden> &goldens) {
  struct Predicate {
    const char *name;
    bool whenLess, whenEqual, whenGreater, whenUnordered;
  };
  constexpr Predicate kPredicates[] = {
      {"oeq", false, true, false, false}, {"ogt", false, false, true, false},
      {"oge", false, true, true, false},  {"olt", true, false, false, false},
      {"ole", true, true, false, false},  {"one", true, false, true, false},
      {"ord", true, true, true, false},   {"ueq", false, true, false, true},
      {"ugt", false, false, true, true},  {"uge", false, true, true, true},
      {"ult", true, false, false, true},  {"ule", true, true, false, true},
      {"une", true, false, true, true},   {"uno", false, false, false, true}};
  std::vector<float> a = makeFloats(kCount), b = makePartners(a);
  for (size_t i = 0; i < kCount; i += 5)
    b[i] = i % 2 ? a[i] : 0.0f * a[i]; // equal ones, signed zeros, NaNs
  std::vector<int32_t> results(kCount);
  std::string body = "%mask = arith.constant 0 : i32\n", last = "%mask";
  int bit = 0;
  for (const Predicate &predicate : kPredicates) {
    for (size_t i = 0; i < kCount; ++i) {
      bool holds = a[i] < b[i]    ? predicate.whenLess
                   : a[i] == b[i] ? predicate.whenEqual
                   : a[i] > b[i]  ? predicate.whenGreater
                                  : predicate.whenUnordered;
      if (holds)
        results[i] |= 1 << bit;
    }
    std::string n = std::to_string(bit);
    body += "%bit" + n + " = arith.constant " + std::to_string(1 << bit) +
            " : i32\n%is" + n + " = arith.cmpf " + predicate.name +
            ", %x0, %x1 : f32\n%with" + n + " = arith.ori " + last + ", %bit" +
            n + " : i32\n%y" + (n == "13" ? "0" : "_" + n) +
            " = arith.select %is" + n + ", %with" + n + ", " + last +
            " : i32\n";
    last = "%y_" + n;
    ++bit;
  }
  goldens.push_back(makeElementwise(
      "float_compare",
      {makeTensor("a", QOPT_F32, a), makeTensor("b", QOPT_F32, b)},
      {makeTensor("results", QOPT_I32, results)}, body));
}

/// IEEE 754-2019 maximum: NaN wins, and +0 is greater than -0.
static float maximum(float a, float b) {
  if (std::isnan(a) || std::isnan(b))
    return NAN;
  if (a == b)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

void mlir::qopt::test::addFloatGoldens(std::vector<DeviceGolden> &goldens) {
  auto binary = [](const char *op) {
    return std::string("%y0 = arith.") + op + " %x0, %x1 : f32\n";
  };
  addBinary(
      goldens, "add", [](float a, float b) { return a + b; }, binary("addf"));
  addBinary(
      goldens, "sub", [](float a, float b) { return a - b; }, binary("subf"));
  addBinary(
      goldens, "mul", [](float a, float b) { return a * b; }, binary("mulf"));
  addBinary(
      goldens, "div", [](float a, float b) { return a / b; }, binary("divf"));
  addBinary(goldens, "maximum", maximum, binary("maximumf"));
  addBinary(
      goldens, "minimum", [](float a, float b) { return -maximum(-a, -b); },
      binary("minimumf"));
  addFma(goldens);
  addMulAdd(goldens);
  addCompare(goldens);

  auto unary = [](const char *op) {
    return std::string("%y0 = math.") + op + " %x0 : f32\n";
  };
  addUnary(
      goldens, "sqrt", [](float x) { return std::sqrt(x); }, unary("sqrt"));
  // As kernels have it: two rounded operations.
  addUnary(
      goldens, "rsqrt", [](float x) { return 1.0f / std::sqrt(x); },
      "%one = arith.constant 1.0 : f32\n%root = math.sqrt %x0 : f32\n"
      "%y0 = arith.divf %one, %root : f32\n");
  addUnary(
      goldens, "roundeven", [](float x) { return std::nearbyint(x); },
      unary("roundeven"));
  addUnary(
      goldens, "floor", [](float x) { return std::floor(x); }, unary("floor"));
  addUnary(
      goldens, "ceil", [](float x) { return std::ceil(x); }, unary("ceil"));
  addUnary(
      goldens, "trunc", [](float x) { return std::trunc(x); }, unary("trunc"));
  addUnary(goldens, "abs", [](float x) { return std::fabs(x); }, unary("absf"));
  addUnary(
      goldens, "neg", [](float x) { return -x; },
      "%y0 = arith.negf %x0 : f32\n");
}

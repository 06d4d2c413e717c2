//===- MathFunctionsTest.cpp - Expanded functions of f32 -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions are rounded once: the result is the float nearest to the exact
// value, or its neighbour where that lies between two floats. Checked against
// the host's functions of f64 on every 4099th f32, of all magnitudes and signs;
// QUANTOPT_EXHAUSTIVE=1 takes all 2^32. Kernels give the bits of the CPU.
//
//===----------------------------------------------------------------------===//
#include "KernelsModel.h"

#include <cmath>
#include <cstdlib>
#include <limits>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

static constexpr float kInfinity = std::numeric_limits<float>::infinity();
static constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

static const Floats kSpecial = {
    0.0f,    -0.0f,  kNaN,    kInfinity, -kInfinity, 1.0f,    -1.0f,   2.0f,
    -2.0f,   0.5f,   0.7071f, 0.7072f,   1e-45f,     -1e-45f, 1e-40f,  -1e-40f,
    3e38f,   -3e38f, 1e-7f,   -1e-7f,    88.7f,      88.8f,   -103.9f, -104.1f,
    127.99f, 128.0f, -149.0f, -150.1f,   -0.99999f,  3.0f};

/// Applies `body`, which makes %r of %a and %b, to `count` numbers of each.
static std::string makeModel(const std::string &body, size_t count) {
  std::string type = "tensor<" + std::to_string(count) + "xf32>";
  return "#id = affine_map<(i) -> (i)>\nfunc.func @main(%x: " + type +
         ", %y: " + type + ") -> " + type +
         " {\n%e = tensor.empty() : " + type +
         "\n%0 = linalg.generic {indexing_maps = [#id, #id, #id], "
         "iterator_types = [\"parallel\"]} ins(%x, %y : " +
         type + ", " + type + ") outs(%e : " + type +
         ") {\n^bb0(%a: f32, %b: f32, %o: f32):\n" + body +
         "\nlinalg.yield %r : f32\n} -> " + type + "\nreturn %0 : " + type +
         "\n}";
}

static bool isSame(float a, float b) {
  return std::isnan(a) ? std::isnan(b)
                       : a == b && std::signbit(a) == std::signbit(b);
}

namespace {
/// Compares results with those of f64, rounded.
class Comparison {
public:
  void check(float actual, double exact, float a, float b) {
    ++count;
    float expected = static_cast<float>(exact);
    if (isSame(expected, actual))
      return;
    ++differences;
    bool isNeighbour = std::nextafter(expected, actual) == actual &&
                       std::signbit(expected) == std::signbit(actual);
    if (!isNeighbour && ++failures <= 5)
      ADD_FAILURE() << std::hexfloat << a << ", " << b << ": " << actual
                    << ", expected " << expected;
  }
  /// All but one in `rarity` are the nearest.
  void finish(uint64_t rarity) const {
    EXPECT_EQ(failures, 0u);
    EXPECT_LE(differences, count / rarity + 1);
  }

private:
  uint64_t count = 0, differences = 0, failures = 0;
};
} // namespace

static float fromBits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof(bits));
  return value;
}

/// One number of results is the most that may differ from the nearest float.
static constexpr uint64_t kRarity = 200000;

struct UnaryFunction {
  const char *op;
  double (*exact)(double);
};

TEST(MathFunctions, UnaryFunctionsAreRoundedOnce) {
  const UnaryFunction functions[] = {
      {"exp", std::exp},   {"exp2", std::exp2},   {"erf", std::erf},
      {"tanh", std::tanh}, {"log", std::log},     {"log1p", std::log1p},
      {"log2", std::log2}, {"log10", std::log10},
  };
  constexpr size_t kCount = 1 << 16;
  const uint64_t step = std::getenv("QUANTOPT_EXHAUSTIVE") ? 1 : 4099;
  for (const UnaryFunction &function : functions) {
    SCOPED_TRACE(function.op);
    CpuModel model(makeModel(
        std::string("%r = math.") + function.op + " %a : f32", kCount));
    Comparison comparison;
    Floats x(kCount, 1.0f);
    for (uint64_t start = 0; start < uint64_t(1) << 32;
         start += step * kCount) {
      for (size_t i = 0; i < kCount; ++i)
        x[i] = fromBits(static_cast<uint32_t>(start + step * i));
      if (start == 0)
        std::copy(kSpecial.begin(), kSpecial.end(), x.begin());
      Floats y = model.run1<float>({x, x});
      ASSERT_EQ(y.size(), kCount) << model.error();
      for (size_t i = 0; i < kCount; ++i)
        comparison.check(y[i], function.exact(x[i]), x[i], 0);
    }
    comparison.finish(kRarity);
  }
}

/// Pairs of all special numbers, ordinary ones, and all magnitudes.
static void makePairs(Floats &x, Floats &y, size_t count) {
  x = randomFloats(count, 1, 3.0f);
  y = randomFloats(count, 2, 5.0f);
  std::mt19937 random(3);
  for (size_t i = 0; i < count / 2; ++i) {
    x[i] = i % 4 ? std::fabs(x[i]) : fromBits(random());
    y[i] = i % 4 == 1   ? std::round(y[i])
           : i % 4 == 2 ? fromBits(random())
                        : y[i];
  }
  Floats exponents = kSpecial;
  for (float exponent : {-3.0f, 4.0f, 5.0f, -0.5f, 1.5f, 0x1p23f, 0x1p24f,
                         8388609.0f, -8388609.0f})
    exponents.push_back(exponent);
  size_t i = count / 2;
  for (float base : kSpecial)
    for (float exponent : exponents) {
      x[i] = base;
      y[i++] = exponent;
    }
  ASSERT_LE(i, count);
}

/// Products that the exponent's bits ask for, lowest first.
static float multiply(float x, unsigned n) {
  float result = 1.0f;
  for (float square = x; n != 0; n >>= 1, square *= square)
    if (n & 1)
      result *= square;
  return result;
}

/// What a power is by docs/Numerics.md, given its value in f64.
static double expectPower(float x, float y) {
  for (float simple : {2.0f, 3.0f, 4.0f})
    if (y == simple)
      return multiply(x, static_cast<unsigned>(simple));
  if (y == -1 || y == -2)
    return 1.0f / multiply(x, static_cast<unsigned>(-y));
  float root = x == -kInfinity ? kInfinity : std::sqrt(x + 0.0f);
  if (y == 0.5f)
    return root;
  if (y == -0.5f)
    return 1.0f / root;
  return std::pow(double(x), double(y));
}

TEST(MathFunctions, Powers) {
  constexpr size_t kCount = 20000;
  Floats x, y;
  makePairs(x, y, kCount);
  CpuModel model(makeModel("%r = math.powf %a, %b : f32", kCount));
  Floats actual = model.run1<float>({x, y});
  ASSERT_EQ(actual.size(), kCount) << model.error();
  Comparison comparison;
  for (size_t i = 0; i < kCount; ++i)
    comparison.check(actual[i], expectPower(x[i], y[i]), x[i], y[i]);
  comparison.finish(kRarity);
}

/// A power does not depend on whether its exponent is a constant.
TEST(MathFunctions, ConstantExponents) {
  constexpr size_t kCount = 4000;
  Floats x, y;
  makePairs(x, y, kCount);
  CpuModel general(makeModel("%r = math.powf %a, %b : f32", kCount));
  for (const char *text : {"0.0", "1.0", "2.0", "3.0", "4.0", "5.0", "-1.0",
                           "-2.0", "-3.0", "0.5", "-0.5", "0.25", "1.7"}) {
    SCOPED_TRACE(text);
    CpuModel model(makeModel("%c = arith.constant " + std::string(text) +
                                 " : f32\n%r = math.powf %a, %c : f32",
                             kCount));
    Floats actual = model.run1<float>({x, x}),
           expected = general.run1<float>(
               {x, Floats(kCount, std::strtof(text, nullptr))});
    ASSERT_EQ(actual.size(), kCount) << model.error();
    ASSERT_EQ(expected.size(), kCount) << general.error();
    for (size_t i = 0; i < kCount; ++i)
      EXPECT_TRUE(isSame(actual[i], expected[i]))
          << x[i] << ": " << actual[i] << ", expected " << expected[i];
  }
}

TEST(MathFunctions, IntegerPowers) {
  constexpr size_t kCount = 2000;
  Floats x = randomFloats(kCount, 1, 2.0f);
  std::copy(kSpecial.begin(), kSpecial.end(), x.begin());
  for (int n : {0, 1, 2, 3, 4, 5, 7, 31, 64, 1000003, -1, -2, -3, -7,
                -2147483647, 2147483647}) {
    SCOPED_TRACE(n);
    std::string number = std::to_string(n);
    CpuModel constant(makeModel("%c = arith.constant " + number +
                                    " : i32\n%r = math.fpowi %a, %c : f32, i32",
                                kCount));
    // An exponent that is known only at run time.
    CpuModel general(makeModel(
        "%c = arith.constant " + number +
            " : i32\n%t = arith.bitcast %b : f32 to i32\n%n = arith.addi %c, "
            "%t : i32\n%r = math.fpowi %a, %n : f32, i32",
        kCount));
    Floats known = constant.run1<float>({x, Floats(kCount, 0.0f)}),
           unknown = general.run1<float>({x, Floats(kCount, 0.0f)});
    ASSERT_EQ(known.size(), kCount) << constant.error();
    ASSERT_EQ(unknown.size(), kCount) << general.error();
    for (size_t i = 0; i < kCount; ++i) {
      float power = multiply(x[i], static_cast<unsigned>(std::abs(n)));
      float expected = n < 0 ? 1.0f / power : power;
      EXPECT_TRUE(isSame(known[i], expected)) << x[i] << ": " << known[i];
      EXPECT_TRUE(isSame(unknown[i], expected)) << x[i] << ": " << unknown[i];
    }
  }
}

/// Kernels have the same code. The emulator is slow: every eighth pair.
TEST(MathFunctions, KernelsGiveTheBitsOfTheCpu) {
  constexpr size_t kCount = 500, kStep = 8;
  Floats x, y;
  makePairs(x, y, kCount * kStep);
  for (size_t i = 0; i < kCount; ++i) {
    x[i] = x[i * kStep];
    y[i] = y[i * kStep];
  }
  x.resize(kCount);
  y.resize(kCount);
  for (const char *body :
       {"%r = math.log %a : f32", "%r = math.log1p %a : f32",
        "%r = math.log2 %a : f32", "%r = math.log10 %a : f32",
        "%r = math.exp2 %a : f32", "%r = math.powf %a, %b : f32",
        "%c = arith.constant -0.5 : f32\n%r = math.powf %a, %c : f32",
        "%c = arith.constant -7 : i64\n%r = math.fpowi %a, %c : f32, i64",
        "%n = arith.bitcast %b : f32 to i32\n%r = math.fpowi %a, %n : f32, i32",
        "%h = arith.truncf %a : f32 to f16\n%l = math.log %h : f16\n%r = "
        "arith.extf %l : f16 to f32",
        "%h = arith.truncf %a : f32 to bf16\n%l = math.exp %h : bf16\n%r = "
        "arith.extf %l : bf16 to f32"}) {
    SCOPED_TRACE(body);
    expectSameBits(makeModel(body, kCount), {x, y});
  }
}

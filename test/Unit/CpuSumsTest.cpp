//===- CpuSumsTest.cpp - Sums of floats in the fixed order -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/Numerics.md, "Sums of floats", against QuantMath's scalar form, bit
// for bit: rows and columns of all lengths, several reduced dims, whatever is
// fused into a sum, and accesses that no loop nest takes. Numbers are of very
// different magnitude, so that hardly any two orders agree.
//
//===----------------------------------------------------------------------===//
#include "CpuModel.h"

#include "QuantOpt/Support/QuantMathFunctions.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

using Floats = std::vector<float>;

static Floats wildFloats(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::uniform_int_distribution<int> exponent(-12, 12);
  Floats values(count);
  for (float &value : values)
    value = std::ldexp(normal(random), exponent(random));
  return values;
}

static uint32_t bitsOf(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return std::isnan(value) ? 0x7fc00000 : bits;
}

static void expectBits(const Floats &actual, const Floats &expected) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i)
    EXPECT_EQ(bitsOf(actual[i]), bitsOf(expected[i]))
        << i << ": " << actual[i] << ", expected " << expected[i];
}

/// A sum of a [d0, d1, d2] over the dims in `reduced`, with `body` making %e of
/// %x, started from 1.5 for every result.
static std::string makeSum(const int64_t (&extents)[3], unsigned reduced,
                           const std::string &body = "%e = arith.addf %x, %c0 "
                                                     ": f32") {
  std::string kept, type, kinds, shape;
  for (int d = 0; d < 3; ++d) {
    bool isReduced = reduced >> d & 1;
    kinds += std::string(d ? ", " : "") +
             (isReduced ? "\"reduction\"" : "\"parallel\"");
    shape += std::to_string(extents[d]) + "x";
    if (isReduced)
      continue;
    kept += std::string(kept.empty() ? "" : ", ") + "d" + std::to_string(d);
    type += std::to_string(extents[d]) + "x";
  }
  type = "tensor<" + type + "f32>";
  std::string from = "tensor<" + shape + "f32>";
  return "func.func @main(%a: " + from + ") -> " + type +
         " {\n%c0 = arith.constant -0.0 : f32\n%c1 = arith.constant 1.5 : f32\n"
         "%n = tensor.empty() : " +
         type + "\n%z = linalg.fill ins(%c1 : f32) outs(%n : " + type +
         ") -> " + type +
         "\n%r = linalg.generic {indexing_maps = [affine_map<(d0, d1, d2) -> "
         "(d0, d1, d2)>, affine_map<(d0, d1, d2) -> (" +
         kept + ")>], iterator_types = [" + kinds + "]} ins(%a : " + from +
         ") outs(%z : " + type + ") {\n^bb0(%x: f32, %s: f32):\n" + body +
         "\n%t = arith.addf %s, %e : f32\nlinalg.yield %t : f32\n} -> " + type +
         "\nreturn %r : " + type + "\n}";
}

/// What makeSum computes of elements `f(x)`.
static Floats sumUp(const Floats &a, const int64_t (&extents)[3],
                    unsigned reduced, float (*f)(float)) {
  std::vector<Floats> elements;
  for (int64_t i = 0; i < extents[0]; ++i)
    for (int64_t j = 0; j < extents[1]; ++j)
      for (int64_t k = 0; k < extents[2]; ++k) {
        int64_t index[3] = {i, j, k};
        size_t at = 0;
        for (int d = 0; d < 3; ++d)
          if (!(reduced >> d & 1))
            at = at * extents[d] + index[d];
        elements.resize(std::max(elements.size(), at + 1));
        elements[at].push_back(f(a[(i * extents[1] + j) * extents[2] + k]));
      }
  Floats sums;
  for (const Floats &row : elements)
    sums.push_back(1.5f + quantmath::fixedOrderSum(
                              row.data(), static_cast<int64_t>(row.size())));
  return sums;
}

static void checkSum(const int64_t (&extents)[3], unsigned reduced) {
  SCOPED_TRACE(std::to_string(extents[0]) + "x" + std::to_string(extents[1]) +
               "x" + std::to_string(extents[2]) + ", dims " +
               std::to_string(reduced));
  Floats a = wildFloats(extents[0] * extents[1] * extents[2], 1);
  CpuModel model(makeSum(extents, reduced));
  Floats actual = model.run1<float>({a});
  ASSERT_EQ(model.error(), "");
  expectBits(actual, sumUp(a, extents, reduced, [](float x) { return x; }));
}

static const int64_t kLengths[] = {1,   2,   3,   5,   8,   15,   16,  17,
                                   31,  33,  64,  100, 128, 197,  255, 256,
                                   257, 300, 511, 512, 513, 1000, 4097};

TEST(CpuSums, Rows) {
  for (int64_t length : kLengths)
    for (int64_t rows : {1, 9})
      checkSum({rows, 1, length}, 4);
}

TEST(CpuSums, Columns) {
  for (int64_t length : kLengths)
    for (int64_t columns : {3, 8, 16, 17, 40})
      checkSum({2, length, columns}, 2);
  checkSum({1, 2, 300}, 2);
  checkSum({1, 2, 1030}, 2);
  checkSum({1, 600, 515}, 2);
}

TEST(CpuSums, EveryDim) {
  for (unsigned reduced = 1; reduced < 8; ++reduced) {
    checkSum({11, 13, 19}, reduced);
    checkSum({3, 40, 24}, reduced);
    checkSum({20, 1, 20}, reduced);
    checkSum({2, 3, 5}, reduced);
  }
}

TEST(CpuSums, SpecialNumbers) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
  Floats a(4 * 300, -0.0f);
  a[5] = kInfinity;
  a[299] = 1;
  a[300 + 7] = kInfinity;
  a[300 + 290] = -kInfinity;
  a[600 + 256] = kNaN;
  for (int i = 900; i < 1200; ++i) // Their sum overflows on the way or not.
    a[i] = i % 2 ? 3e38f : -3e38f;
  const int64_t rows[3] = {4, 1, 300}, columns[3] = {1, 4, 300};
  auto same = [](float x) { return x; };
  CpuModel inner(makeSum(rows, 4)), outer(makeSum(columns, 2));
  expectBits(inner.run1<float>({a}), sumUp(a, rows, 4, same));
  expectBits(outer.run1<float>({a}), sumUp(a, columns, 2, same));
}

/// Nothing was added: the init stays, and -0.0 with it.
TEST(CpuSums, FromNegativeZero) {
  CpuModel model(R"(
    func.func @main(%a: tensor<2x3xf32>) -> tensor<2xf32> {
      %c0 = arith.constant -0.0 : f32
      %e = tensor.empty() : tensor<2xf32>
      %z = linalg.fill ins(%c0 : f32) outs(%e : tensor<2xf32>) -> tensor<2xf32>
      %r = linalg.reduce {arith.addf} ins(%a : tensor<2x3xf32>)
          outs(%z : tensor<2xf32>) dimensions = [1]
      return %r : tensor<2xf32>
    })");
  expectBits(
      model.run1<float>({Floats{-0.0f, -0.0f, -0.0f, -0.0f, 0.0f, -0.0f}}),
      {-0.0f, 0.0f});
}

TEST(CpuSums, OfSquaresAndWhatElseTheBodyComputes) {
  for (unsigned reduced : {2u, 4u, 6u}) {
    SCOPED_TRACE(reduced);
    const int64_t extents[3] = {5, 30, 24};
    Floats a = wildFloats(5 * 30 * 24, 2);
    CpuModel squares(makeSum(extents, reduced, "%e = arith.mulf %x, %x : f32"));
    expectBits(squares.run1<float>({a}),
               sumUp(a, extents, reduced, [](float x) { return x * x; }));
    CpuModel roots(makeSum(extents, reduced,
                           "%m = math.absf %x : f32\n%e = math.sqrt %m : f32"));
    expectBits(roots.run1<float>({a}), sumUp(a, extents, reduced, [](float x) {
                 return std::sqrt(std::fabs(x));
               }));
  }
}

/// A product that is fused into a sum does not make it a contraction.
TEST(CpuSums, OfAProductBefore) {
  const std::string text = R"(
    #id = affine_map<(i, j) -> (i, j)>
    #row = affine_map<(i, j) -> (i)>
    func.func @main(%a: tensor<6x300xf32>, %b: tensor<6x300xf32>)
        -> tensor<6xf32> {
      %c1 = arith.constant 1.5 : f32
      %e = tensor.empty() : tensor<6x300xf32>
      %p = linalg.generic {indexing_maps = [#id, #id, #id],
          iterator_types = ["parallel", "parallel"]}
          ins(%a, %b : tensor<6x300xf32>, tensor<6x300xf32>)
          outs(%e : tensor<6x300xf32>) {
      ^bb0(%x: f32, %y: f32, %o: f32):
        %0 = arith.mulf %x, %y : f32
        linalg.yield %0 : f32
      } -> tensor<6x300xf32>
      %n = tensor.empty() : tensor<6xf32>
      %z = linalg.fill ins(%c1 : f32) outs(%n : tensor<6xf32>) -> tensor<6xf32>
      %r = linalg.generic {indexing_maps = [#id, #row],
          iterator_types = ["parallel", "reduction"]}
          ins(%p : tensor<6x300xf32>) outs(%z : tensor<6xf32>) {
      ^bb0(%x: f32, %s: f32):
        %0 = arith.addf %x, %s : f32
        linalg.yield %0 : f32
      } -> tensor<6xf32>
      return %r : tensor<6xf32>
    })";
  Floats a = wildFloats(1800, 1), b = wildFloats(1800, 2), expected;
  for (int i = 0; i < 6; ++i)
    expected.push_back(1.5f + quantmath::fixedOrderSum(300, [&](int64_t j) {
                         return a[i * 300 + j] * b[i * 300 + j];
                       }));
  for (auto kernels :
       {cpu::KernelPreference::Auto, cpu::KernelPreference::Plain}) {
    CpuOptions options;
    options.kernels = kernels;
    CpuModel model(text, options);
    expectBits(model.run1<float>({a, b}), expected);
    EXPECT_TRUE(model.get()->kernels().empty());
  }
}

/// A sum next to a maximum in one op.
TEST(CpuSums, AmongSeveralResults) {
  CpuModel model(R"(
    #id = affine_map<(i, j) -> (i, j)>
    #row = affine_map<(i, j) -> (i)>
    func.func @main(%a: tensor<7x270xf32>) -> (tensor<7xf32>, tensor<7xf32>) {
      %c1 = arith.constant 1.5 : f32
      %e = tensor.empty() : tensor<7xf32>
      %z = linalg.fill ins(%c1 : f32) outs(%e : tensor<7xf32>) -> tensor<7xf32>
      %r:2 = linalg.generic {indexing_maps = [#id, #row, #row],
          iterator_types = ["parallel", "reduction"]}
          ins(%a : tensor<7x270xf32>) outs(%z, %z : tensor<7xf32>, tensor<7xf32>) {
      ^bb0(%x: f32, %m: f32, %s: f32):
        %0 = arith.maximumf %x, %m : f32
        %1 = arith.addf %s, %x : f32
        linalg.yield %0, %1 : f32, f32
      } -> (tensor<7xf32>, tensor<7xf32>)
      return %r#0, %r#1 : tensor<7xf32>, tensor<7xf32>
    })");
  Floats a = wildFloats(7 * 270, 4), max;
  const int64_t extents[3] = {7, 1, 270};
  auto outputs = model.run({a});
  ASSERT_EQ(outputs.size(), 2u) << model.error();
  for (int i = 0; i < 7; ++i)
    max.push_back(std::max(1.5f, *std::max_element(a.begin() + i * 270,
                                                   a.begin() + (i + 1) * 270)));
  EXPECT_EQ(outputs[0].as<float>(), max);
  expectBits(outputs[1].as<float>(),
             sumUp(a, extents, 4, [](float x) { return x; }));
}

/// What depends on the running sum is no sum of elements: it keeps its order.
TEST(CpuSums, RunningValues) {
  const int64_t extents[3] = {3, 1, 20};
  CpuModel model(makeSum(extents, 4,
                         "%h = arith.mulf %s, %c1 : f32\n%e = arith.addf %x, "
                         "%h : f32"));
  Floats a = wildFloats(60, 4), expected(3, 1.5f);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 20; ++j)
      expected[i] = expected[i] + (a[i * 20 + j] + expected[i] * 1.5f);
  expectBits(model.run1<float>({a}), expected);
}

/// Subscripts that are not linear, and rows that overlap.
TEST(CpuSums, IrregularAccesses) {
  CpuModel model(R"(
    func.func @main(%a: tensor<100xf32>) -> (tensor<4xf32>, tensor<5xf32>) {
      %c1 = arith.constant 1.5 : f32
      %w = tensor.empty() : tensor<4x300xi1>
      %e = tensor.empty() : tensor<4xf32>
      %z = linalg.fill ins(%c1 : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
      %r = linalg.generic {indexing_maps = [
          affine_map<(i, j) -> ((i * 7 + j) mod 100)>, affine_map<(i, j) -> (i, j)>,
          affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
          ins(%a, %w : tensor<100xf32>, tensor<4x300xi1>) outs(%z : tensor<4xf32>) {
      ^bb0(%x: f32, %n: i1, %s: f32):
        %0 = arith.addf %x, %s : f32
        linalg.yield %0 : f32
      } -> tensor<4xf32>
      %v = tensor.empty() : tensor<28xi1>
      %e2 = tensor.empty() : tensor<5xf32>
      %z2 = linalg.fill ins(%c1 : f32) outs(%e2 : tensor<5xf32>) -> tensor<5xf32>
      %q = linalg.generic {indexing_maps = [
          affine_map<(i, j) -> (i * 18 + j)>, affine_map<(i, j) -> (j)>,
          affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
          ins(%a, %v : tensor<100xf32>, tensor<28xi1>) outs(%z2 : tensor<5xf32>) {
      ^bb0(%x: f32, %n: i1, %s: f32):
        %0 = arith.addf %x, %s : f32
        linalg.yield %0 : f32
      } -> tensor<5xf32>
      return %r, %q : tensor<4xf32>, tensor<5xf32>
    })");
  Floats a = wildFloats(100, 6), sums, windows;
  for (int i = 0; i < 4; ++i)
    sums.push_back(1.5f + quantmath::fixedOrderSum(300, [&](int64_t j) {
                     return a[(i * 7 + j) % 100];
                   }));
  for (int i = 0; i < 5; ++i)
    windows.push_back(1.5f + quantmath::fixedOrderSum(&a[i * 18], 28));
  auto outputs = model.run({a});
  ASSERT_EQ(outputs.size(), 2u) << model.error();
  expectBits(outputs[0].as<float>(), sums);
  expectBits(outputs[1].as<float>(), windows);
}

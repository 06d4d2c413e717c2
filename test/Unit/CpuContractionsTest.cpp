//===- CpuContractionsTest.cpp - Spellings of contractions -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every way to write a contraction gives the exact result, with fast and with
// plain kernels.
//
//===----------------------------------------------------------------------===//
#include "SumOfProducts.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

namespace {
/// M = 5, N = 7, K = 6 with the strides of each spelling.
struct MatmulCase {
  const char *name;
  std::string a, b, result, op;
  Strides extents, l, r, o;
};

std::vector<MatmulCase> matmulCases() {
  const std::string mk = "tensor<5x6xf32>", kn = "tensor<6x7xf32>",
                    mn = "tensor<5x7xf32>", nk = "tensor<7x6xf32>",
                    km = "tensor<6x5xf32>", nm = "tensor<7x5xf32>";
  const std::string body =
      " {\n^bb0(%x: f32, %y: f32, %acc: f32):\n"
      "  %p = arith.mulf %y, %x : f32\n  %s = arith.addf %p, %acc : f32\n"
      "  linalg.yield %s : f32\n} -> ";
  const std::string kinds =
      "iterator_types = [\"parallel\", \"parallel\", \"reduction\"]";
  const Strides mnk = {5, 7, 6};
  return {
      {"matmul",
       mk,
       kn,
       mn,
       "linalg.matmul ins(%a, %b : " + mk + ", " + kn + ") outs(%zero : " + mn +
           ") -> " + mn,
       mnk,
       {6, 0, 1},
       {0, 1, 7},
       {7, 1, 0}},
      {"matmulTransposedB",
       mk,
       nk,
       mn,
       "linalg.matmul indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, "
       "affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, "
       "d1)>] ins(%a, %b : " +
           mk + ", " + nk + ") outs(%zero : " + mn + ") -> " + mn,
       mnk,
       {6, 0, 1},
       {0, 6, 1},
       {7, 1, 0}},
      {"contract",
       km,
       nk,
       mn,
       "linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d2, d0)>, "
       "affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, "
       "d1)>] ins(%a, %b : " +
           km + ", " + nk + ") outs(%zero : " + mn + ") -> " + mn,
       mnk,
       {1, 0, 5},
       {0, 6, 1},
       {7, 1, 0}},
      {"genericTransposedResult",
       mk,
       kn,
       nm,
       "linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, "
       "affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (n, m)>], " +
           kinds + "} ins(%a, %b : " + mk + ", " + kn + ") outs(%zero : " + nm +
           ")" + body + nm,
       mnk,
       {6, 0, 1},
       {0, 1, 7},
       {1, 5, 0}},
      {"genericReductionFirst",
       kn,
       mk,
       mn,
       "linalg.generic {indexing_maps = [affine_map<(k, m, n) -> (k, n)>, "
       "affine_map<(k, m, n) -> (m, k)>, affine_map<(k, m, n) -> (m, n)>], "
       "iterator_types = [\"reduction\", \"parallel\", \"parallel\"]} ins(%a, "
       "%b : " +
           kn + ", " + mk + ") outs(%zero : " + mn + ")" + body + mn,
       {6, 5, 7},
       {7, 0, 1},
       {1, 6, 0},
       {0, 7, 1}},
      {"matvec",
       mk,
       "tensor<6xf32>",
       "tensor<5xf32>",
       "linalg.matvec ins(%a, %b : " + mk +
           ", tensor<6xf32>) outs(%zero : tensor<5xf32>) -> tensor<5xf32>",
       {5, 6},
       {6, 1},
       {0, 1},
       {1, 0}},
      {"vecmat",
       "tensor<6xf32>",
       kn,
       "tensor<7xf32>",
       "linalg.vecmat ins(%a, %b : tensor<6xf32>, " + kn +
           ") outs(%zero : tensor<7xf32>) -> tensor<7xf32>",
       {7, 6},
       {0, 1},
       {1, 7},
       {1, 0}},
      {"dot",
       "tensor<6xf32>",
       "tensor<6xf32>",
       "tensor<f32>",
       "linalg.dot ins(%a, %b : tensor<6xf32>, tensor<6xf32>) outs(%zero : "
       "tensor<f32>) -> tensor<f32>",
       {6},
       {1},
       {1},
       {0}},
      {"batchMatmul",
       "tensor<3x5x6xf32>",
       "tensor<3x6x7xf32>",
       "tensor<3x5x7xf32>",
       "linalg.batch_matmul ins(%a, %b : tensor<3x5x6xf32>, "
       "tensor<3x6x7xf32>) outs(%zero : tensor<3x5x7xf32>) -> "
       "tensor<3x5x7xf32>",
       {3, 5, 7, 6},
       {30, 6, 0, 1},
       {42, 0, 1, 7},
       {35, 7, 1, 0}},
      // Rows, columns and sums of two loops each that do not merge; heads
      // between rows and features.
      {"contractManyDims",
       "tensor<2x3x5x4xf32>",
       "tensor<4x3x7x2xf32>",
       "tensor<5x3x7xf32>",
       "linalg.contract indexing_maps = [affine_map<(h, m, n, i, j) -> (i, h, "
       "m, j)>, affine_map<(h, m, n, i, j) -> (j, h, n, i)>, affine_map<(h, m, "
       "n, i, j) -> (m, h, n)>] ins(%a, %b : tensor<2x3x5x4xf32>, "
       "tensor<4x3x7x2xf32>) outs(%zero : tensor<5x3x7xf32>) -> "
       "tensor<5x3x7xf32>",
       {3, 5, 7, 2, 4},
       {20, 4, 0, 60, 1},
       {14, 0, 2, 1, 42},
       {7, 21, 1, 0, 0}},
      {"batchReduceMatmul",
       "tensor<3x5x6xf32>",
       "tensor<3x6x7xf32>",
       mn,
       "linalg.batch_reduce_matmul ins(%a, %b : tensor<3x5x6xf32>, "
       "tensor<3x6x7xf32>) outs(%zero : " +
           mn + ") -> " + mn,
       {3, 5, 7, 6},
       {30, 6, 0, 1},
       {42, 0, 1, 7},
       {0, 7, 1, 0}},
  };
}

int64_t countElements(const std::string &type) {
  int64_t count = 1, dim = 0;
  for (char c : type.substr(type.find('<') + 1)) {
    if (c >= '0' && c <= '9')
      dim = dim * 10 + (c - '0');
    else if (c == 'x')
      count *= dim, dim = 0;
    else
      break;
  }
  return count;
}
} // namespace

TEST(CpuContractions, Spellings) {
  for (const MatmulCase &c : matmulCases()) {
    SCOPED_TRACE(c.name);
    auto a = smallIntegers<float>(countElements(c.a), 1);
    auto b = smallIntegers<float>(countElements(c.b), 2);
    std::vector<float> zeros(countElements(c.result), 0.0f);
    expectBoth(around(c.a, c.b, c.result, "f32", c.op), {a, b},
               sumOfProducts(c.extents, a, c.l, b, c.r, zeros, c.o));
  }
}

TEST(CpuContractions, AddsToItsInit) {
  const std::string text = R"(
    func.func @main(%a: tensor<5x6xf32>, %b: tensor<6x7xf32>,
                    %c: tensor<5x7xf32>) -> (tensor<5x7xf32>, tensor<5x7xf32>) {
      %0 = linalg.matmul ins(%a, %b : tensor<5x6xf32>, tensor<6x7xf32>)
                         outs(%c : tensor<5x7xf32>) -> tensor<5x7xf32>
      %1 = linalg.matmul ins(%a, %b : tensor<5x6xf32>, tensor<6x7xf32>)
                         outs(%0 : tensor<5x7xf32>) -> tensor<5x7xf32>
      return %0, %1 : tensor<5x7xf32>, tensor<5x7xf32>
    })";
  auto a = smallIntegers<float>(30, 1), b = smallIntegers<float>(42, 2),
       c = smallIntegers<float>(35, 3);
  auto once = sumOfProducts<float, float, float>({5, 7, 6}, a, {6, 0, 1}, b,
                                                 {0, 1, 7}, c, {7, 1, 0});
  auto twice = sumOfProducts<float, float, float>({5, 7, 6}, a, {6, 0, 1}, b,
                                                  {0, 1, 7}, once, {7, 1, 0});
  CpuModel model(text);
  ASSERT_TRUE(model.get()) << model.error();
  auto outputs = model.run({a, b, c});
  EXPECT_EQ(outputs[0].as<float>(), once);
  EXPECT_EQ(outputs[1].as<float>(), twice);
}

TEST(CpuContractions, InitialValues) {
  // A constant other than zero, a bias, zeros in a splat and in a function's
  // argument that must not be written.
  const char *inits[] = {
      "%i = linalg.fill ins(%three : f32) outs(%e : tensor<5x7xf32>) -> "
      "tensor<5x7xf32>",
      "%i = linalg.broadcast ins(%bias : tensor<7xf32>) outs(%e : "
      "tensor<5x7xf32>) dimensions = [0]",
      "%i = arith.constant dense<0.0> : tensor<5x7xf32>",
      "%i = arith.constant dense<2.0> : tensor<5x7xf32>"};
  auto a = smallIntegers<float>(30, 1), b = smallIntegers<float>(42, 2),
       bias = smallIntegers<float>(7, 3);
  for (int i = 0; i < 4; ++i) {
    std::string text = R"(
      func.func @main(%a: tensor<5x6xf32>, %b: tensor<6x7xf32>,
                      %bias: tensor<7xf32>) -> tensor<5x7xf32> {
        %three = arith.constant 3.0 : f32
        %e = tensor.empty() : tensor<5x7xf32>
        )" + std::string(inits[i]) +
                       R"(
        %r = linalg.matmul ins(%a, %b : tensor<5x6xf32>, tensor<6x7xf32>)
                           outs(%i : tensor<5x7xf32>) -> tensor<5x7xf32>
        return %r : tensor<5x7xf32>
      })";
    std::vector<float> init(35);
    for (int j = 0; j < 35; ++j)
      init[j] = i == 0 ? 3.0f : i == 1 ? bias[j % 7] : i == 2 ? 0.0f : 2.0f;
    expectBoth(text, {a, b, bias},
               sumOfProducts<float, float, float>({5, 7, 6}, a, {6, 0, 1}, b,
                                                  {0, 1, 7}, init, {7, 1, 0}));
  }
}

TEST(CpuContractions, ReadsThroughTransposeAndBroadcast) {
  const std::string text = R"(
    func.func @main(%a: tensor<3x5x6xf32>, %w: tensor<7x6xf32>)
        -> tensor<3x5x7xf32> {
      %c0 = arith.constant 0.0 : f32
      %e0 = tensor.empty() : tensor<6x7xf32>
      %t = linalg.transpose ins(%w : tensor<7x6xf32>)
                            outs(%e0 : tensor<6x7xf32>) permutation = [1, 0]
      %e1 = tensor.empty() : tensor<3x6x7xf32>
      %wb = linalg.generic {indexing_maps = [
          affine_map<(d0, d1, d2) -> (d1, d2)>,
          affine_map<(d0, d1, d2) -> (d0, d1, d2)>],
          iterator_types = ["parallel", "parallel", "parallel"]}
          ins(%t : tensor<6x7xf32>) outs(%e1 : tensor<3x6x7xf32>) {
      ^bb0(%in: f32, %out: f32):
        linalg.yield %in : f32
      } -> tensor<3x6x7xf32>
      %e2 = tensor.empty() : tensor<3x5x7xf32>
      %z = linalg.fill ins(%c0 : f32) outs(%e2 : tensor<3x5x7xf32>)
          -> tensor<3x5x7xf32>
      %r = linalg.batch_matmul
          ins(%a, %wb : tensor<3x5x6xf32>, tensor<3x6x7xf32>)
          outs(%z : tensor<3x5x7xf32>) -> tensor<3x5x7xf32>
      return %r : tensor<3x5x7xf32>
    })";
  auto a = smallIntegers<float>(90, 1), w = smallIntegers<float>(42, 2);
  expectBoth(text, {a, w},
             sumOfProducts<float, float, float>(
                 {15, 7, 6}, a, {6, 0, 1}, w, {0, 6, 1},
                 std::vector<float>(105, 0.0f), {7, 1, 0}));
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

namespace {
std::string integerMatmul(const char *extendA, const char *extendB) {
  return around("tensor<5x64xi8>", "tensor<64x33xi8>", "tensor<5x33xi32>",
                "i32",
                std::string(R"(linalg.generic {indexing_maps = [
        affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
        affine_map<(m, n, k) -> (m, n)>],
        iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %b : tensor<5x64xi8>, tensor<64x33xi8>)
        outs(%zero : tensor<5x33xi32>) {
      ^bb0(%x: i8, %y: i8, %acc: i32):
        %xe = )") + extendA +
                    " %x : i8 to i32\n %ye = " + extendB +
                    R"( %y : i8 to i32
        %p = arith.muli %ye, %xe : i32
        %s = arith.addi %p, %acc : i32
        linalg.yield %s : i32
      } -> tensor<5x33xi32>)");
}

template <typename L, typename R>
void checkIntegers(const char *extendA, const char *extendB) {
  auto a = smallIntegers<L>(5 * 64, 1, std::numeric_limits<L>::min(),
                            std::numeric_limits<L>::max());
  auto b = smallIntegers<R>(64 * 33, 2, std::numeric_limits<R>::min(),
                            std::numeric_limits<R>::max());
  // Extremes in a row each: where saturating instructions go wrong.
  std::fill_n(a.begin(), 64, std::numeric_limits<L>::max());
  for (int k = 0; k < 64; ++k)
    b[k * 33] = std::numeric_limits<R>::max();
  expectBoth(integerMatmul(extendA, extendB), {a, b},
             sumOfProducts<L, R, int32_t>(
                 {5, 33, 64}, a, {64, 0, 1}, b, {0, 1, 33},
                 std::vector<int32_t>(5 * 33, 0), {33, 1, 0}));
}
} // namespace

TEST(CpuContractions, EightBitIntegers) {
  checkIntegers<uint8_t, int8_t>("arith.extui", "arith.extsi");
  checkIntegers<int8_t, uint8_t>("arith.extsi", "arith.extui");
  checkIntegers<int8_t, int8_t>("arith.extsi", "arith.extsi");
  checkIntegers<uint8_t, uint8_t>("arith.extui", "arith.extui");
}

TEST(CpuContractions, NamedIntegerMatmulSignExtends) {
  auto a = smallIntegers<int8_t>(30, 1, -128, 127),
       b = smallIntegers<int8_t>(42, 2, -128, 127);
  expectBoth(around("tensor<5x6xi8>", "tensor<6x7xi8>", "tensor<5x7xi32>",
                    "i32",
                    "linalg.matmul ins(%a, %b : tensor<5x6xi8>, "
                    "tensor<6x7xi8>) outs(%zero : tensor<5x7xi32>) -> "
                    "tensor<5x7xi32>"),
             {a, b},
             sumOfProducts<int8_t, int8_t, int32_t>(
                 {5, 7, 6}, a, {6, 0, 1}, b, {0, 1, 7},
                 std::vector<int32_t>(35, 0), {7, 1, 0}));
}

TEST(CpuContractions, OtherTypesRunAsLoops) {
  auto a = smallIntegers<double>(30, 1), b = smallIntegers<double>(42, 2);
  expectBoth(around("tensor<5x6xf64>", "tensor<6x7xf64>", "tensor<5x7xf64>",
                    "f64",
                    "linalg.matmul ins(%a, %b : tensor<5x6xf64>, "
                    "tensor<6x7xf64>) outs(%zero : tensor<5x7xf64>) -> "
                    "tensor<5x7xf64>"),
             {a, b},
             sumOfProducts<double, double, double>(
                 {5, 7, 6}, a, {6, 0, 1}, b, {0, 1, 7},
                 std::vector<double>(35, 0.0), {7, 1, 0}),
             /*numKernels=*/0);
  // Zero points: the imported form of quantized models.
  const std::string quantized = R"(
    func.func @main(%a: tensor<5x6xi8>, %b: tensor<6x7xi8>) -> tensor<5x7xi32> {
      %c0 = arith.constant 0 : i32
      %za = arith.constant -3 : i32
      %zb = arith.constant 5 : i32
      %e = tensor.empty() : tensor<5x7xi32>
      %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<5x7xi32>) -> tensor<5x7xi32>
      %r = linalg.quantized_matmul
          ins(%a, %b, %za, %zb : tensor<5x6xi8>, tensor<6x7xi8>, i32, i32)
          outs(%z : tensor<5x7xi32>) -> tensor<5x7xi32>
      return %r : tensor<5x7xi32>
    })";
  auto qa = smallIntegers<int8_t>(30, 1, -128, 127),
       qb = smallIntegers<int8_t>(42, 2, -128, 127);
  std::vector<int32_t> sa(qa.begin(), qa.end()), sb(qb.begin(), qb.end());
  for (int32_t &value : sa)
    value += 3;
  for (int32_t &value : sb)
    value -= 5;
  expectBoth(quantized, {qa, qb},
             sumOfProducts<int32_t, int32_t, int32_t>(
                 {5, 7, 6}, sa, {6, 0, 1}, sb, {0, 1, 7},
                 std::vector<int32_t>(35, 0), {7, 1, 0}),
             /*numKernels=*/0);
}

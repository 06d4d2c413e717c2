//===- CpuContractionsTest.cpp - Spellings of sums of products -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every way to write a contraction or convolution gives the exact result, with
// fast and with plain kernels. The reference below knows nothing of MLIR: it
// takes each operand as a function of the loops.
//
//===----------------------------------------------------------------------===//
#include "CpuModel.h"

#include <map>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

namespace {
using Strides = std::vector<int64_t>;

/// out[o·i] += lhs[l·i] * rhs[r·i] over all i in `extents`.
template <typename L, typename R, typename O>
std::vector<O> sumOfProducts(const Strides &extents, const std::vector<L> &lhs,
                             const Strides &l, const std::vector<R> &rhs,
                             const Strides &r, std::vector<O> out,
                             const Strides &o) {
  Strides i(extents.size(), 0);
  while (true) {
    int64_t at[3] = {0, 0, 0};
    for (size_t d = 0; d < i.size(); ++d) {
      at[0] += i[d] * l[d];
      at[1] += i[d] * r[d];
      at[2] += i[d] * o[d];
    }
    out.at(at[2]) += static_cast<O>(lhs.at(at[0])) * static_cast<O>(rhs.at(at[1]));
    size_t d = i.size();
    while (d > 0 && ++i[d - 1] == extents[d - 1])
      i[--d] = 0;
    if (d == 0)
      return out;
  }
}

CpuOptions plain() {
  CpuOptions options;
  options.kernels = cpu::KernelPreference::Plain;
  return options;
}

/// Runs `text` with both kernel preferences. It is to call one kernel, or none
/// for types that kernels do not know.
template <typename T>
void expectBoth(const std::string &text, const std::vector<Buffer> &inputs,
                const std::vector<T> &expected, size_t numKernels = 1) {
  for (const CpuOptions &options : {CpuOptions(), plain()}) {
    CpuModel model(text, options);
    ASSERT_TRUE(model.get()) << model.error() << text;
    EXPECT_EQ(model.get()->kernels().size(), numKernels) << text;
    EXPECT_EQ(model.run1<T>(inputs), expected) << text;
  }
}

/// `func @main(%a, %b) -> result` around `op`, whose init is %zero.
std::string around(const std::string &a, const std::string &b,
                   const std::string &result, const std::string &type,
                   const std::string &op) {
  return "func.func @main(%a: " + a + ", %b: " + b + ") -> " + result +
         " {\n  %c0 = arith.constant 0" + (type[0] == 'f' ? ".0" : "") + " : " +
         type + "\n  %e = tensor.empty() : " + result +
         "\n  %zero = linalg.fill ins(%c0 : " + type + ") outs(%e : " + result +
         ") -> " + result + "\n  %r = " + op + "\n  return %r : " + result +
         "\n}\n";
}

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
      {"matmul", mk, kn, mn,
       "linalg.matmul ins(%a, %b : " + mk + ", " + kn + ") outs(%zero : " + mn +
           ") -> " + mn,
       mnk, {6, 0, 1}, {0, 1, 7}, {7, 1, 0}},
      {"matmulTransposedB", mk, nk, mn,
       "linalg.matmul indexing_maps = [affine_map<(d0, d1, d2) -> (d0, d2)>, "
       "affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, "
       "d1)>] ins(%a, %b : " +
           mk + ", " + nk + ") outs(%zero : " + mn + ") -> " + mn,
       mnk, {6, 0, 1}, {0, 6, 1}, {7, 1, 0}},
      {"contract", km, nk, mn,
       "linalg.contract indexing_maps = [affine_map<(d0, d1, d2) -> (d2, d0)>, "
       "affine_map<(d0, d1, d2) -> (d1, d2)>, affine_map<(d0, d1, d2) -> (d0, "
       "d1)>] ins(%a, %b : " +
           km + ", " + nk + ") outs(%zero : " + mn + ") -> " + mn,
       mnk, {1, 0, 5}, {0, 6, 1}, {7, 1, 0}},
      {"genericTransposedResult", mk, kn, nm,
       "linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, "
       "affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (n, m)>], " +
           kinds + "} ins(%a, %b : " + mk + ", " + kn + ") outs(%zero : " + nm +
           ")" + body + nm,
       mnk, {6, 0, 1}, {0, 1, 7}, {1, 5, 0}},
      {"genericReductionFirst", kn, mk, mn,
       "linalg.generic {indexing_maps = [affine_map<(k, m, n) -> (k, n)>, "
       "affine_map<(k, m, n) -> (m, k)>, affine_map<(k, m, n) -> (m, n)>], "
       "iterator_types = [\"reduction\", \"parallel\", \"parallel\"]} ins(%a, "
       "%b : " +
           kn + ", " + mk + ") outs(%zero : " + mn + ")" + body + mn,
       {6, 5, 7}, {7, 0, 1}, {1, 6, 0}, {0, 7, 1}},
      {"matvec", mk, "tensor<6xf32>", "tensor<5xf32>",
       "linalg.matvec ins(%a, %b : " + mk +
           ", tensor<6xf32>) outs(%zero : tensor<5xf32>) -> tensor<5xf32>",
       {5, 6}, {6, 1}, {0, 1}, {1, 0}},
      {"vecmat", "tensor<6xf32>", kn, "tensor<7xf32>",
       "linalg.vecmat ins(%a, %b : tensor<6xf32>, " + kn +
           ") outs(%zero : tensor<7xf32>) -> tensor<7xf32>",
       {7, 6}, {0, 1}, {1, 7}, {1, 0}},
      {"dot", "tensor<6xf32>", "tensor<6xf32>", "tensor<f32>",
       "linalg.dot ins(%a, %b : tensor<6xf32>, tensor<6xf32>) outs(%zero : "
       "tensor<f32>) -> tensor<f32>",
       {6}, {1}, {1}, {0}},
      {"batchMatmul", "tensor<3x5x6xf32>", "tensor<3x6x7xf32>",
       "tensor<3x5x7xf32>",
       "linalg.batch_matmul ins(%a, %b : tensor<3x5x6xf32>, "
       "tensor<3x6x7xf32>) outs(%zero : tensor<3x5x7xf32>) -> "
       "tensor<3x5x7xf32>",
       {3, 5, 7, 6}, {30, 6, 0, 1}, {42, 0, 1, 7}, {35, 7, 1, 0}},
      // Rows, columns and sums of two loops each that do not merge; heads
      // between rows and features.
      {"contractManyDims", "tensor<2x3x5x4xf32>", "tensor<4x3x7x2xf32>",
       "tensor<5x3x7xf32>",
       "linalg.contract indexing_maps = [affine_map<(h, m, n, i, j) -> (i, h, "
       "m, j)>, affine_map<(h, m, n, i, j) -> (j, h, n, i)>, affine_map<(h, m, "
       "n, i, j) -> (m, h, n)>] ins(%a, %b : tensor<2x3x5x4xf32>, "
       "tensor<4x3x7x2xf32>) outs(%zero : tensor<5x3x7xf32>) -> "
       "tensor<5x3x7xf32>",
       {3, 5, 7, 2, 4}, {20, 4, 0, 60, 1}, {14, 0, 2, 1, 42}, {7, 21, 1, 0, 0}},
      {"batchReduceMatmul", "tensor<3x5x6xf32>", "tensor<3x6x7xf32>", mn,
       "linalg.batch_reduce_matmul ins(%a, %b : tensor<3x5x6xf32>, "
       "tensor<3x6x7xf32>) outs(%zero : " +
           mn + ") -> " + mn,
       {3, 5, 7, 6}, {30, 6, 0, 1}, {42, 0, 1, 7}, {0, 7, 1, 0}},
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
  auto once = sumOfProducts<float, float, float>(
      {5, 7, 6}, a, {6, 0, 1}, b, {0, 1, 7}, c, {7, 1, 0});
  auto twice = sumOfProducts<float, float, float>(
      {5, 7, 6}, a, {6, 0, 1}, b, {0, 1, 7}, once, {7, 1, 0});
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
        )" + std::string(inits[i]) + R"(
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
             sumOfProducts<float, float, float>({15, 7, 6}, a, {6, 0, 1}, w,
                                                {0, 6, 1},
                                                std::vector<float>(105, 0.0f),
                                                {7, 1, 0}));
}

//===----------------------------------------------------------------------===//
// Integers
//===----------------------------------------------------------------------===//

namespace {
std::string integerMatmul(const char *extendA, const char *extendB) {
  return around(
      "tensor<5x64xi8>", "tensor<64x33xi8>", "tensor<5x33xi32>", "i32",
      std::string(R"(linalg.generic {indexing_maps = [
        affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
        affine_map<(m, n, k) -> (m, n)>],
        iterator_types = ["parallel", "parallel", "reduction"]}
        ins(%a, %b : tensor<5x64xi8>, tensor<64x33xi8>)
        outs(%zero : tensor<5x33xi32>) {
      ^bb0(%x: i8, %y: i8, %acc: i32):
        %xe = )") +
          extendA + " %x : i8 to i32\n %ye = " + extendB +
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
             sumOfProducts<L, R, int32_t>({5, 33, 64}, a, {64, 0, 1}, b,
                                          {0, 1, 33},
                                          std::vector<int32_t>(5 * 33, 0),
                                          {33, 1, 0}));
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

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

namespace {
/// A convolution in the loops (b, g, o, y, x, c, v, u), with its layouts as
/// orders of these letters: i = input, f = filter, r = result.
struct ConvCase {
  const char *op;
  const char *input, *filter, *result;
  bool depthwise = false;
  int64_t groups = 1;
  const char *type = "f32";
};

constexpr int64_t kBatch = 2, kIn = 3, kOut = 4, kOutY = 4, kOutX = 5,
                  kTapY = 3, kTapX = 2;

/// Extents of the letters and the resulting type and strides of a layout.
struct Layout {
  std::string type;
  std::map<char, int64_t> strides;
  int64_t count = 1;
  Layout(const char *order, const std::map<char, int64_t> &extents,
         const char *element) {
    std::string order_(order);
    type = "tensor<";
    for (char c : order_)
      type += std::to_string(extents.at(c)) + "x";
    type += std::string(element) + ">";
    for (auto c = order_.rbegin(); c != order_.rend(); ++c) {
      strides[*c] = count;
      count *= extents.at(*c);
    }
  }
  int64_t of(char letter) const {
    auto it = strides.find(letter);
    return it == strides.end() ? 0 : it->second;
  }
};

template <typename T, typename O>
void checkConv(const ConvCase &c, int64_t stride, int64_t dilation) {
  SCOPED_TRACE(std::string(c.op) + " stride " + std::to_string(stride) +
               " dilation " + std::to_string(dilation));
  bool has1D = !strchr(c.input, 'y'), has3D = strchr(c.input, 'z');
  std::map<char, int64_t> extents = {
      {'b', kBatch}, {'g', c.groups},
      {'c', c.depthwise ? 1 : kIn}, {'o', c.depthwise ? 1 : kOut},
      {'v', kTapY},  {'u', kTapX},  {'t', 2}};
  if (c.depthwise)
    extents['g'] = 6;
  if (strchr(c.filter, 'o') && c.depthwise)
    extents['o'] = 2; // Channel multiplier.
  std::map<char, int64_t> in = extents, out = extents;
  in['y'] = (kOutY - 1) * stride + (kTapY - 1) * dilation + 1;
  in['x'] = (kOutX - 1) * stride + (kTapX - 1) * dilation + 1;
  in['z'] = (3 - 1) * stride + (2 - 1) * dilation + 1;
  out['y'] = kOutY;
  out['x'] = kOutX;
  out['z'] = 3;
  const char *element = std::is_same_v<T, float> ? "f32" : "i8";
  const char *sumElement = std::is_same_v<T, float> ? "f32" : "i32";
  Layout i(c.input, in, element), f(c.filter, extents, element),
      r(c.result, out, sumElement);

  auto values = [](int64_t n, unsigned seed) {
    return std::is_same_v<T, float> ? smallIntegers<T>(n, seed)
                                    : smallIntegers<T>(n, seed, -128, 127);
  };
  std::vector<T> input = values(i.count, 1), filter = values(f.count, 2);
  Strides loops = {kBatch,
                   extents['g'],
                   extents['o'],
                   has3D ? 3 : 1,
                   has1D ? 1 : kOutY,
                   kOutX,
                   extents['c'],
                   has3D ? 2 : 1,
                   has1D ? 1 : kTapY,
                   kTapX};
  Strides iStrides = {i.of('b'),
                      i.of('g'),
                      0,
                      i.of('z') * stride,
                      i.of('y') * stride,
                      i.of('x') * stride,
                      i.of('c'),
                      i.of('z') * dilation,
                      i.of('y') * dilation,
                      i.of('x') * dilation};
  Strides fStrides = {0,         f.of('g'), f.of('o'), 0,         0, 0,
                      f.of('c'), f.of('t'), f.of('v'), f.of('u')};
  Strides rStrides = {r.of('b'), r.of('g'), r.of('o'), r.of('z'), r.of('y'),
                      r.of('x'), 0,         0,         0,         0};
  std::string rank = has1D ? "1" : has3D ? "3" : "2";
  std::string attributes =
      " {dilations = dense<" + std::to_string(dilation) + "> : vector<" + rank +
      "xi64>, strides = dense<" + std::to_string(stride) + "> : vector<" +
      rank + "xi64>}";
  std::string op = "linalg." + std::string(c.op) + attributes + " ins(%a, %b : " +
                   i.type + ", " + f.type + ") outs(%zero : " + r.type +
                   ") -> " + r.type;
  expectBoth(around(i.type, f.type, r.type, sumElement, op), {input, filter},
             sumOfProducts<T, T, O>(loops, input, iStrides, filter, fStrides,
                                    std::vector<O>(r.count, O(0)), rStrides));
}

const ConvCase kConvCases[] = {
    {"conv_1d_ncw_fcw", "bcx", "ocu", "box"},
    {"conv_1d_nwc_wcf", "bxc", "uco", "bxo"},
    {"conv_2d_nchw_fchw", "bcyx", "ocvu", "boyx"},
    {"conv_2d_nhwc_hwcf", "byxc", "vuco", "byxo"},
    {"conv_2d_nhwc_fhwc", "byxc", "ovuc", "byxo"},
    {"conv_2d_ngchw_fgchw", "bgcyx", "ogcvu", "bgoyx", false, 2},
    {"conv_2d_ngchw_gfchw", "bgcyx", "gocvu", "bgoyx", false, 2},
    {"conv_2d_nhwgc_gfhwc", "byxgc", "govuc", "byxgo", false, 2},
    {"conv_3d_ncdhw_fcdhw", "bczyx", "octvu", "bozyx"},
    {"conv_3d_ndhwc_dhwcf", "bzyxc", "tvuco", "bzyxo"},
    {"depthwise_conv_1d_ncw_cw", "bgx", "gu", "bgx", true},
    {"depthwise_conv_1d_nwc_wc", "bxg", "ug", "bxg", true},
    {"depthwise_conv_2d_nchw_chw", "bgyx", "gvu", "bgyx", true},
    {"depthwise_conv_2d_nhwc_hwc", "byxg", "vug", "byxg", true},
    {"depthwise_conv_2d_nhwc_hwcm", "byxg", "vugo", "byxgo", true},
};
} // namespace

TEST(CpuContractions, ConvolutionSpellings) {
  for (const ConvCase &c : kConvCases)
    for (int64_t stride : {1, 2})
      for (int64_t dilation : {1, 2})
        checkConv<float, float>(c, stride, dilation);
}

TEST(CpuContractions, IntegerConvolutions) {
  for (const char *name : {"conv_2d_nchw_fchw", "conv_2d_nhwc_hwcf",
                           "conv_2d_nhwc_fhwc", "depthwise_conv_2d_nhwc_hwc"})
    for (const ConvCase &c : kConvCases)
      if (StringRef(c.op) == name)
        checkConv<int8_t, int32_t>(c, 2, 1);
}

/// 1x1 windows, windows as large as the input, a generic with the filter first.
TEST(CpuContractions, DegenerateConvolutions) {
  auto x = smallIntegers<float>(2 * 3 * 5 * 5, 1),
       w = smallIntegers<float>(4 * 3, 2);
  expectBoth(
      around("tensor<2x3x5x5xf32>", "tensor<4x3x1x1xf32>", "tensor<2x4x3x3xf32>",
             "f32",
             "linalg.conv_2d_nchw_fchw {strides = dense<2> : vector<2xi64>, "
             "dilations = dense<1> : vector<2xi64>} ins(%a, %b : "
             "tensor<2x3x5x5xf32>, tensor<4x3x1x1xf32>) outs(%zero : "
             "tensor<2x4x3x3xf32>) -> tensor<2x4x3x3xf32>"),
      {x, w},
      sumOfProducts<float, float, float>(
          {2, 4, 3, 3, 3}, x, {75, 0, 10, 2, 25}, w, {0, 3, 0, 0, 1},
          std::vector<float>(72, 0.0f), {36, 9, 3, 1, 0}));
  auto full = smallIntegers<float>(4 * 3 * 25, 3);
  expectBoth(
      around("tensor<2x3x5x5xf32>", "tensor<4x3x5x5xf32>", "tensor<2x4x1x1xf32>",
             "f32",
             "linalg.conv_2d_nchw_fchw ins(%a, %b : tensor<2x3x5x5xf32>, "
             "tensor<4x3x5x5xf32>) outs(%zero : tensor<2x4x1x1xf32>) -> "
             "tensor<2x4x1x1xf32>"),
      {x, full},
      sumOfProducts<float, float, float>({2, 4, 75}, x, {75, 0, 1}, full,
                                         {0, 75, 1}, std::vector<float>(8, 0.0f),
                                         {4, 1, 0}));
  auto taps = smallIntegers<float>(3, 4), signal = smallIntegers<float>(9, 5);
  expectBoth(
      around("tensor<3xf32>", "tensor<9xf32>", "tensor<7xf32>", "f32",
             R"(linalg.generic {indexing_maps = [affine_map<(p, t) -> (t)>,
               affine_map<(p, t) -> (p + t)>, affine_map<(p, t) -> (p)>],
               iterator_types = ["parallel", "reduction"]}
               ins(%a, %b : tensor<3xf32>, tensor<9xf32>)
               outs(%zero : tensor<7xf32>) {
             ^bb0(%x: f32, %y: f32, %acc: f32):
               %p = arith.mulf %x, %y : f32
               %s = arith.addf %acc, %p : f32
               linalg.yield %s : f32
             } -> tensor<7xf32>)"),
      {taps, signal},
      sumOfProducts<float, float, float>({7, 3}, taps, {0, 1}, signal, {1, 1},
                                         std::vector<float>(7, 0.0f), {1, 0}));
}

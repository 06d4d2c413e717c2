//===- CpuSplatsTest.cpp - Operands that are one value ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Splat weights and activations, and other operands that rewrites move into
// the body of a contraction: such an op is no kernel any more, and must still
// start its sums from zero. Buffers hold other values before each run.
//
//===----------------------------------------------------------------------===//
#include "SumOfProducts.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

namespace {
/// How a splat is written.
enum class Spelling { Constant, Fill };

/// The value of all splats: a factor of weights is the largest one.
constexpr int kSplat = 127;

/// A model of f32 or i8 operands `a` and `b`, one of them a splat of kSplat;
/// the other one is the function's argument.
struct SplatModel {
  std::string types[2]; ///< Of %a and %b.
  std::string result;   ///< The type of %r.
  std::string op;       ///< Reads %a, %b and %zero.
  bool isFloat;

  std::string text(unsigned splat, Spelling spelling) const {
    const char *names[2] = {"%a", "%b"};
    std::string element = isFloat ? "f32" : "i8", sum = isFloat ? "f32" : "i32";
    std::string value = std::to_string(kSplat) + (isFloat ? ".0" : "");
    std::string name = names[splat], type = types[splat];
    // A buffer of the arena, not an argument, takes the sums.
    return "func.func @main(" + std::string(names[1 - splat]) + ": " +
           types[1 - splat] + ") -> " + result + " {\n  " +
           (spelling == Spelling::Constant
                ? name + " = arith.constant dense<" + value + "> : " + type
                : "%v = arith.constant " + value + " : " + element +
                      "\n  %ve = tensor.empty() : " + type + "\n  " + name +
                      " = linalg.fill ins(%v : " + element +
                      ") outs(%ve : " + type + ") -> " + type) +
           "\n  %c0 = arith.constant 0" + (isFloat ? ".0" : "") + " : " + sum +
           "\n  %e = tensor.empty() : " + result +
           "\n  %zero = linalg.fill ins(%c0 : " + sum +
           ") outs(%e : " + result + ") -> " + result + "\n  %r = " + op + R"(
  %abs = linalg.map ins(%r, %r : )" +
           result + ", " + result + ") outs(%e : " + result + R"()
    (%x: )" +
           sum + ", %y: " + sum + ", %out: " + sum +
           ") {\n    %s = " + (isFloat ? "arith.addf" : "arith.addi") +
           " %x, %y : " + sum + "\n    linalg.yield %s : " + sum +
           "\n  }\n  return %abs : " + result + "\n}\n";
  }
};

/// Twice the sums over the loops `extents`, for each choice of the splat.
template <typename T, typename O>
void checkSplats(const SplatModel &model, const Strides &extents,
                 const std::array<int64_t, 3> &counts, const Strides &a,
                 const Strides &b, const Strides &r) {
  for (unsigned splat : {0u, 1u})
    for (Spelling spelling : {Spelling::Constant, Spelling::Fill})
      for (const CpuOptions &options : {CpuOptions(), plain()}) {
        std::string text = model.text(splat, spelling);
        CpuModel compiled(text, options);
        ASSERT_TRUE(compiled.get()) << compiled.error() << text;
        for (unsigned seed : {1u, 2u, 3u}) {
          auto values = [&](int64_t n) {
            return std::is_same_v<T, float>
                       ? smallIntegers<T>(n, seed)
                       : smallIntegers<T>(n, seed, -128, 127);
          };
          std::vector<T> same(counts[splat], static_cast<T>(kSplat));
          std::vector<T> other = values(counts[1 - splat]);
          auto expected = sumOfProducts<T, T, O>(
              extents, splat == 0 ? same : other, a, splat == 1 ? same : other,
              b, std::vector<O>(counts[2], O(0)), r);
          for (O &value : expected)
            value *= 2;
          EXPECT_EQ(compiled.run1<O>({other}), expected) << text;
        }
      }
}

SplatModel matmul(bool isFloat, int m, int n, int k) {
  std::string element = isFloat ? "f32" : "i8", sum = isFloat ? "f32" : "i32";
  auto type = [](int rows, int cols, const std::string &element) {
    return "tensor<" + std::to_string(rows) + "x" + std::to_string(cols) + "x" +
           element + ">";
  };
  SplatModel model = {
      {type(m, k, element), type(k, n, element)}, type(m, n, sum), "", isFloat};
  model.op = "linalg.matmul ins(%a, %b : " + model.types[0] + ", " +
             model.types[1] + ") outs(%zero : " + model.result + ") -> " +
             model.result;
  return model;
}
} // namespace

TEST(CpuSplats, Contractions) {
  // Sizes for every int8 kernel; constants of more and of less than 512 bytes.
  const int sizes[][3] = {{6, 10, 32}, {5, 33, 64}, {1, 8, 6}, {40, 1, 32}};
  for (auto [m, n, k] : sizes) {
    const Strides extents = {m, n, k}, a = {k, 0, 1}, b = {0, 1, n},
                  r = {n, 1, 0};
    const std::array<int64_t, 3> counts = {m * k, k * n, m * n};
    checkSplats<float, float>(matmul(true, m, n, k), extents, counts, a, b, r);
    checkSplats<int8_t, int32_t>(matmul(false, m, n, k), extents, counts, a, b,
                                 r);
  }
}

namespace {
template <typename T, typename O> void checkConvolutions() {
  constexpr bool isFloat = std::is_same_v<T, float>;
  std::string element = isFloat ? "f32>" : "i8>",
              sum = isFloat ? "f32>" : "i32>";
  // Loops: position y and x, output, tap v and u, input channel.
  SplatModel dense = {
      {"tensor<1x6x7x32x" + element, "tensor<3x2x32x9x" + element},
      "tensor<1x4x6x9x" + sum,
      "",
      isFloat};
  dense.op = "linalg.conv_2d_nhwc_hwcf ins(%a, %b : " + dense.types[0] + ", " +
             dense.types[1] + ") outs(%zero : " + dense.result + ") -> " +
             dense.result;
  checkSplats<T, O>(dense, {4, 6, 9, 3, 2, 32},
                    {6 * 7 * 32, 3 * 2 * 32 * 9, 4 * 6 * 9},
                    {7 * 32, 32, 0, 7 * 32, 32, 1},
                    {0, 0, 1, 2 * 32 * 9, 32 * 9, 9}, {6 * 9, 9, 1, 0, 0, 0});
  SplatModel depthwise = {
      {"tensor<1x6x7x8x" + element, "tensor<3x2x8x" + element},
      "tensor<1x4x6x8x" + sum,
      "",
      isFloat};
  depthwise.op =
      "linalg.depthwise_conv_2d_nhwc_hwc ins(%a, %b : " + depthwise.types[0] +
      ", " + depthwise.types[1] + ") outs(%zero : " + depthwise.result +
      ") -> " + depthwise.result;
  checkSplats<T, O>(depthwise, {4, 6, 8, 3, 2},
                    {6 * 7 * 8, 3 * 2 * 8, 4 * 6 * 8}, {7 * 8, 8, 1, 7 * 8, 8},
                    {0, 0, 1, 2 * 8, 8}, {6 * 8, 8, 1, 0, 0});
}
} // namespace

TEST(CpuSplats, Convolutions) {
  checkConvolutions<float, float>();
  checkConvolutions<int8_t, int32_t>();
}

/// A bias that is extracted from the initial value of sums whose weight is a
/// splat, and equal operands, which become one.
TEST(CpuSplats, InitialValuesAndEqualOperands) {
  const std::string text = R"(
    func.func @main(%a: tensor<5x6xf32>, %bias: tensor<7xf32>)
        -> (tensor<5x7xf32>, tensor<5xf32>) {
      %b = arith.constant dense<3.0> : tensor<6x7xf32>
      %e = tensor.empty() : tensor<5x7xf32>
      %init = linalg.broadcast ins(%bias : tensor<7xf32>)
                               outs(%e : tensor<5x7xf32>) dimensions = [0]
      %r = linalg.matmul ins(%a, %b : tensor<5x6xf32>, tensor<6x7xf32>)
                         outs(%init : tensor<5x7xf32>) -> tensor<5x7xf32>
      %c0 = arith.constant 0.0 : f32
      %e1 = tensor.empty() : tensor<5xf32>
      %zero = linalg.fill ins(%c0 : f32) outs(%e1 : tensor<5xf32>)
          -> tensor<5xf32>
      %squares = linalg.generic {indexing_maps = [
          affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (m, k)>,
          affine_map<(m, k) -> (m)>], iterator_types = ["parallel", "reduction"]}
          ins(%a, %a : tensor<5x6xf32>, tensor<5x6xf32>)
          outs(%zero : tensor<5xf32>) {
      ^bb0(%x: f32, %y: f32, %acc: f32):
        %p = arith.mulf %x, %y : f32
        %s = arith.addf %acc, %p : f32
        linalg.yield %s : f32
      } -> tensor<5xf32>
      return %r, %squares : tensor<5x7xf32>, tensor<5xf32>
    })";
  for (const CpuOptions &options : {CpuOptions(), plain()}) {
    CpuModel model(text, options);
    ASSERT_TRUE(model.get()) << model.error();
    for (unsigned seed : {1u, 2u}) {
      auto a = smallIntegers<float>(30, seed),
           bias = smallIntegers<float>(7, 9);
      std::vector<float> product(35), squares(5);
      for (int m = 0; m < 5; ++m)
        for (int k = 0; k < 6; ++k) {
          squares[m] += a[m * 6 + k] * a[m * 6 + k];
          for (int n = 0; n < 7; ++n)
            product[m * 7 + n] += a[m * 6 + k] * 3.0f;
        }
      for (int i = 0; i < 35; ++i)
        product[i] += bias[i % 7];
      auto outputs = model.run({a, bias});
      EXPECT_EQ(outputs[0].as<float>(), product);
      EXPECT_EQ(outputs[1].as<float>(), squares);
    }
  }
}

//===- MatchersTest.cpp - What the structural matchers recognise ----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "IRSnippet.h"

#include "QuantOpt/Analysis/Quantizable.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

namespace {
/// A contraction between %x and the constant %w.
struct Spelling {
  const char *name;
  const char *x, *w, *y; ///< tensor types
  const char *op;        ///< up to and with the operands; {test} marks it
  const char *kind;
  SmallVector<int64_t> weightDims, resultDims;
  int64_t reductionSize;
  bool rows;
  bool weightFirst = false;
};

std::ostream &operator<<(std::ostream &os, const Spelling &s) {
  return os << s.name;
}

std::string makeModule(const Spelling &s, bool constantWeight) {
  std::string x = s.x, w = s.w, y = s.y;
  std::string text = "func.func @f(%x: " + x + ", %init: " + y;
  text += constantWeight ? ") {\n%w = arith.constant dense<1.0> : " + w + "\n"
                         : ", %w: " + w + ") {\n";
  std::string ins = s.weightFirst ? "(%w, %x : " + w + ", " + x + ")"
                                  : "(%x, %w : " + x + ", " + w + ")";
  text += "%0 = " + std::string(s.op) + " ins" + ins + " outs(%init : " + y +
          ") -> " + y + "\nreturn\n}";
  return text;
}

class Spellings : public testing::TestWithParam<Spelling> {};

TEST_P(Spellings, RolesChannelsAndRows) {
  const Spelling &s = GetParam();
  IRSnippet snippet(makeModule(s, /*constantWeight=*/true));
  Operation *op = snippet.getMarked();
  std::optional<Quantizable> match = matchQuantizable(op);
  ASSERT_TRUE(match);
  EXPECT_EQ(match->op, op);
  EXPECT_EQ(match->kind, s.kind);
  ASSERT_TRUE(match->weight);
  EXPECT_EQ(match->weight->getOperandNumber(), s.weightFirst ? 0u : 1u);
  ASSERT_TRUE(match->activation);
  EXPECT_EQ(match->activation->getOperandNumber(), s.weightFirst ? 1u : 0u);
  ASSERT_TRUE(match->init);
  EXPECT_EQ(match->init->getOperandNumber(), 2u);
  EXPECT_EQ(match->weightChannelDims, s.weightDims);
  EXPECT_EQ(match->resultChannelDims, s.resultDims);
  EXPECT_EQ(match->reductionSize, s.reductionSize);
  EXPECT_EQ(match->rowsAreIndependent, s.rows);
}

TEST_P(Spellings, RunTimeWeightIsNoWeight) {
  IRSnippet snippet(makeModule(GetParam(), /*constantWeight=*/false));
  std::optional<Quantizable> match = matchQuantizable(snippet.getMarked());
  ASSERT_TRUE(match);
  EXPECT_EQ(match->weight, nullptr);
  EXPECT_NE(match->activation, nullptr);
  EXPECT_EQ(match->kind, GetParam().kind);
}

constexpr const char *kTransposed =
    "linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, "
    "affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>] {test}";
constexpr const char *kBroadcast =
    "linalg.batch_matmul indexing_maps = [affine_map<(b, m, n, k) -> (b, m, "
    "k)>, affine_map<(b, m, n, k) -> (k, n)>, affine_map<(b, m, n, k) -> (b, "
    "m, n)>] {test}";
constexpr const char *kContract =
    "linalg.contract indexing_maps = [affine_map<(a, b, m, k) -> (m, k)>, "
    "affine_map<(a, b, m, k) -> (b, a, k)>, affine_map<(a, b, m, k) -> (a, m, "
    "b)>] {test}";

INSTANTIATE_TEST_SUITE_P(
    Contractions, Spellings,
    testing::Values(Spelling{"matmul",
                             "tensor<2x3xf32>",
                             "tensor<3x4xf32>",
                             "tensor<2x4xf32>",
                             "linalg.matmul {test}",
                             "matmul",
                             {1},
                             {1},
                             3,
                             true},
                    Spelling{"transposed",
                             "tensor<2x3xf32>",
                             "tensor<4x3xf32>",
                             "tensor<2x4xf32>",
                             kTransposed,
                             "matmul",
                             {0},
                             {1},
                             3,
                             true},
                    // The activation's rows are the reduced dimension here.
                    Spelling{"weight_first",
                             "tensor<3x2xf32>",
                             "tensor<4x3xf32>",
                             "tensor<4x2xf32>",
                             "linalg.matmul {test}",
                             "matmul",
                             {0},
                             {0},
                             3,
                             false,
                             true},
                    Spelling{"batch",
                             "tensor<5x2x3xf32>",
                             "tensor<5x3x4xf32>",
                             "tensor<5x2x4xf32>",
                             "linalg.batch_matmul {test}",
                             "matmul",
                             {0, 2},
                             {0, 2},
                             3,
                             true},
                    Spelling{"broadcast",
                             "tensor<5x2x3xf32>",
                             "tensor<3x4xf32>",
                             "tensor<5x2x4xf32>",
                             kBroadcast,
                             "matmul",
                             {1},
                             {2},
                             3,
                             true},
                    Spelling{"contract",
                             "tensor<4x5xf32>",
                             "tensor<3x2x5xf32>",
                             "tensor<2x4x3xf32>",
                             kContract,
                             "matmul",
                             {0, 1},
                             {2, 0},
                             5,
                             true},
                    Spelling{"matvec",
                             "tensor<3xf32>",
                             "tensor<4x3xf32>",
                             "tensor<4xf32>",
                             "linalg.matvec {test}",
                             "matmul",
                             {0},
                             {0},
                             3,
                             true,
                             true},
                    Spelling{"dot",
                             "tensor<3xf32>",
                             "tensor<3xf32>",
                             "tensor<f32>",
                             "linalg.dot {test}",
                             "matmul",
                             {},
                             {},
                             3,
                             true}),
    [](const auto &info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Convolutions, Spellings,
    testing::Values(Spelling{"conv_1d",
                             "tensor<1x9x3xf32>",
                             "tensor<2x3x4xf32>",
                             "tensor<1x8x4xf32>",
                             "linalg.conv_1d_nwc_wcf {test}",
                             "conv",
                             {2},
                             {2},
                             6,
                             false},
                    Spelling{"fhwc",
                             "tensor<1x5x5x3xf32>",
                             "tensor<4x2x2x3xf32>",
                             "tensor<1x4x4x4xf32>",
                             "linalg.conv_2d_nhwc_fhwc {test}",
                             "conv",
                             {0},
                             {3},
                             12,
                             false},
                    Spelling{"hwcf",
                             "tensor<1x5x5x3xf32>",
                             "tensor<2x2x3x4xf32>",
                             "tensor<1x4x4x4xf32>",
                             "linalg.conv_2d_nhwc_hwcf {test}",
                             "conv",
                             {3},
                             {3},
                             12,
                             false},
                    Spelling{"nchw",
                             "tensor<1x3x5x5xf32>",
                             "tensor<4x3x2x2xf32>",
                             "tensor<1x4x4x4xf32>",
                             "linalg.conv_2d_nchw_fchw {test}",
                             "conv",
                             {0},
                             {1},
                             12,
                             false},
                    Spelling{"depthwise",
                             "tensor<1x5x5x3xf32>",
                             "tensor<2x2x3xf32>",
                             "tensor<1x4x4x3xf32>",
                             "linalg.depthwise_conv_2d_nhwc_hwc {test}",
                             "depthwise_conv",
                             {2},
                             {3},
                             4,
                             false},
                    Spelling{"multiplier",
                             "tensor<1x5x5x3xf32>",
                             "tensor<2x2x3x2xf32>",
                             "tensor<1x4x4x3x2xf32>",
                             "linalg.depthwise_conv_2d_nhwc_hwcm {test}",
                             "depthwise_conv",
                             {2, 3},
                             {3, 4},
                             4,
                             false},
                    Spelling{"grouped",
                             "tensor<1x5x5x2x3xf32>",
                             "tensor<2x4x2x2x3xf32>",
                             "tensor<1x4x4x2x4xf32>",
                             "linalg.conv_2d_nhwgc_gfhwc {test}",
                             "conv",
                             {0, 1},
                             {3, 4},
                             12,
                             false}),
    [](const auto &info) { return info.param.name; });

/// A generic over (i, j, k) with this body.
std::string makeGeneric(const char *body, const char *element = "f32") {
  std::string e = element;
  return "func.func @f(%x: tensor<2x3x" + e + ">, %w: tensor<3x4x" + e +
         ">, %init: tensor<2x4x" + e +
         ">) {\n%0 = linalg.generic {indexing_maps = [affine_map<(i, j, k) -> "
         "(i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> "
         "(i, j)>], iterator_types = [\"parallel\", \"parallel\", "
         "\"reduction\"]} ins(%x, %w : tensor<2x3x" +
         e + ">, tensor<3x4x" + e + ">) outs(%init : tensor<2x4x" + e +
         ">) attrs = {test} {\n^bb0(%a: " + e + ", %b: " + e + ", %c: " + e +
         "):\n" + body + "\n} -> tensor<2x4x" + e + ">\nreturn\n}";
}

bool matches(const std::string &text) {
  IRSnippet snippet(text);
  return matchQuantizable(snippet.getMarked()).has_value();
}

TEST(Matchers, BodyMayExchangeOperands) {
  EXPECT_TRUE(matches(makeGeneric("%p = arith.mulf %a, %b : f32\n%s = "
                                  "arith.addf %c, %p : f32\nlinalg.yield %s : "
                                  "f32")));
  EXPECT_TRUE(matches(makeGeneric("%p = arith.mulf %b, %a : f32\n%s = "
                                  "arith.addf %p, %c : f32\nlinalg.yield %s : "
                                  "f32")));
}

TEST(Matchers, OtherBodiesAreNoContraction) {
  // max-plus, a square, subtraction, an unread accumulator.
  EXPECT_FALSE(matches(makeGeneric("%p = arith.addf %a, %b : f32\n%s = "
                                   "arith.maximumf %c, %p : f32\nlinalg.yield "
                                   "%s : f32")));
  EXPECT_FALSE(matches(makeGeneric("%p = arith.mulf %a, %a : f32\n%s = "
                                   "arith.addf %c, %p : f32\nlinalg.yield %s : "
                                   "f32")));
  EXPECT_FALSE(matches(makeGeneric("%p = arith.mulf %a, %b : f32\n%s = "
                                   "arith.subf %c, %p : f32\nlinalg.yield %s : "
                                   "f32")));
  EXPECT_FALSE(matches(makeGeneric("%p = arith.mulf %a, %b : f32\nlinalg.yield "
                                   "%p : f32")));
}

TEST(Matchers, IntegersAreNotQuantizedAgain) {
  EXPECT_FALSE(matches(makeGeneric("%p = arith.muli %a, %b : i32\n%s = "
                                   "arith.addi %c, %p : i32\nlinalg.yield %s : "
                                   "i32",
                                   "i32")));
}

TEST(Matchers, BuffersAndPoolsAreNot) {
  EXPECT_FALSE(matches(R"(func.func @f(%x: memref<2x2xf32>) {
    linalg.matmul {test} ins(%x, %x : memref<2x2xf32>, memref<2x2xf32>)
                         outs(%x : memref<2x2xf32>)
    return
  })"));
  EXPECT_FALSE(
      matches(R"(func.func @f(%x: tensor<1x4x4x2xf32>, %w: tensor<2x2xf32>,
                              %init: tensor<1x3x3x2xf32>) {
    %0 = linalg.pooling_nhwc_sum {test}
        ins(%x, %w : tensor<1x4x4x2xf32>, tensor<2x2xf32>)
        outs(%init : tensor<1x3x3x2xf32>) -> tensor<1x3x3x2xf32>
    return
  })"));
}

TEST(Matchers, ResourceWeightIsConstant) {
  IRSnippet snippet(R"(func.func @f(%x: tensor<1x1xf32>, %y: tensor<1x1xf32>) {
    %w = arith.constant dense_resource<w> : tensor<1x1xf32>
    %0 = linalg.matmul {test} ins(%x, %w : tensor<1x1xf32>, tensor<1x1xf32>)
                              outs(%y : tensor<1x1xf32>) -> tensor<1x1xf32>
    return
  }
  {-# dialect_resources: { builtin: { w: "0x040000000000803F" } } #-})");
  std::optional<Quantizable> match = matchQuantizable(snippet.getMarked());
  ASSERT_TRUE(match);
  EXPECT_NE(match->weight, nullptr);
}

TEST(Matchers, MovementSource) {
  IRSnippet snippet(R"(func.func @f(%x: tensor<2x3xf32>) {
    %zero = arith.constant 0.0 : f32
    %e = tensor.empty() : tensor<3x2xf32>
    %0 = linalg.transpose ins(%x : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>)
                          permutation = [1, 0]
    %1 = tensor.collapse_shape %0 [[0, 1]] : tensor<3x2xf32> into tensor<6xf32>
    %2 = tensor.pad %1 low[1] high[1] {
    ^bb0(%i: index):
      tensor.yield %zero : f32
    } {test} : tensor<6xf32> to tensor<8xf32>
    return
  })");
  Value value = snippet.getMarked()->getResult(0);
  Value argument = snippet.get<func::FuncOp>().getArgument(0);
  EXPECT_EQ(getMovementSource(value), argument);
  EXPECT_EQ(getMovementSource(argument), argument);
}

TEST(Matchers, PaddingWithOneIsNoMovement) {
  IRSnippet snippet(R"(func.func @f(%x: tensor<2xf32>) {
    %one = arith.constant 1.0 : f32
    %0 = tensor.pad %x low[1] high[1] {
    ^bb0(%i: index):
      tensor.yield %one : f32
    } {test} : tensor<2xf32> to tensor<4xf32>
    return
  })");
  EXPECT_EQ(getMovedOperand(snippet.getMarked()), nullptr);
}
} // namespace

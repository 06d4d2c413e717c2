//===- ElementwiseTest.cpp - Clamps and per-channel affine functions ------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "IRSnippet.h"

#include "QuantOpt/Analysis/Elementwise.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

namespace {
using Numbers = SmallVector<double>;

/// An elementwise op on %v (tensor<2x3xf32>) with captured constants and this
/// body, which yields %r.
std::string makeUnary(const std::string &body) {
  return R"(func.func @f(%x: tensor<2x3xf32>) {
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %six = arith.constant 6.0 : f32
    %nan = arith.constant 0x7FC00000 : f32
    %e = tensor.empty() : tensor<2x3xf32>
    %0 = linalg.generic {
        indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
        iterator_types = ["parallel", "parallel"]}
        ins(%x : tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
    ^bb0(%v: f32, %out: f32):
)" + body +
         R"(
      linalg.yield %r : f32
    } -> tensor<2x3xf32>
    return
  })";
}

std::optional<Clamp> clampOf(const std::string &text) {
  IRSnippet snippet(text);
  return matchClamp(snippet.get<linalg::GenericOp>());
}

void expectClamp(const std::string &text, float low, float high) {
  std::optional<Clamp> clamp = clampOf(text);
  ASSERT_TRUE(clamp) << text;
  EXPECT_EQ(clamp->low, low) << text;
  EXPECT_EQ(clamp->high, high) << text;
}

//===----------------------------------------------------------------------===//
// Clamps
//===----------------------------------------------------------------------===//

TEST(MatchClamp, MaximumInEverySpelling) {
  for (const char *body : {"%r = arith.maximumf %v, %zero : f32",
                           "%r = arith.maximumf %zero, %v : f32",
                           "%r = arith.maxnumf %v, %zero : f32",
                           "%r = arith.maxnumf %zero, %v : f32"})
    expectClamp(makeUnary(body), 0.0f, INFINITY);
}

TEST(MatchClamp, SelectInEverySpelling) {
  for (std::string predicate : {"ogt", "oge", "ugt", "uge"}) {
    expectClamp(makeUnary("%c = arith.cmpf " + predicate +
                          ", %v, %zero : f32\n"
                          "%r = arith.select %c, %v, %zero : f32"),
                0.0f, INFINITY);
    expectClamp(makeUnary("%c = arith.cmpf " + predicate +
                          ", %zero, %v : f32\n"
                          "%r = arith.select %c, %zero, %v : f32"),
                0.0f, INFINITY);
    // The smaller one is selected: a minimum.
    expectClamp(makeUnary("%c = arith.cmpf " + predicate +
                          ", %v, %six : f32\n"
                          "%r = arith.select %c, %six, %v : f32"),
                -INFINITY, 6.0f);
  }
  for (std::string predicate : {"olt", "ole", "ult", "ule"}) {
    expectClamp(makeUnary("%c = arith.cmpf " + predicate +
                          ", %v, %zero : f32\n"
                          "%r = arith.select %c, %zero, %v : f32"),
                0.0f, INFINITY);
    expectClamp(makeUnary("%c = arith.cmpf " + predicate +
                          ", %v, %six : f32\n"
                          "%r = arith.select %c, %v, %six : f32"),
                -INFINITY, 6.0f);
  }
}

TEST(MatchClamp, StepsCombineInTheirOrder) {
  expectClamp(makeUnary("%m = arith.maximumf %v, %zero : f32\n"
                        "%r = arith.minimumf %m, %six : f32"),
              0.0f, 6.0f);
  expectClamp(makeUnary("%m = arith.minnumf %v, %six : f32\n"
                        "%c = arith.cmpf ogt, %m, %one : f32\n"
                        "%r = arith.select %c, %m, %one : f32"),
              1.0f, 6.0f);
  // max(min(x, 0), 6) is 6 everywhere.
  expectClamp(makeUnary("%m = arith.minimumf %v, %zero : f32\n"
                        "%r = arith.maximumf %m, %six : f32"),
              6.0f, 6.0f);
}

TEST(MatchClamp, BoundsOutsideTheBody) {
  // A 0-d tensor, a broadcast 1-element tensor and a splat of any shape.
  for (auto [type, map, value] :
       {std::tuple("tensor<f32>", "affine_map<(i, j) -> ()>", "dense<6.0>"),
        std::tuple("tensor<1xf32>", "affine_map<(i, j) -> (0)>", "dense<6.0>"),
        std::tuple("tensor<1xf32>", "affine_map<(i, j) -> (0)>",
                   "dense<[6.0]>"),
        std::tuple("tensor<2x3xf32>", "affine_map<(i, j) -> (i, j)>",
                   "dense<6.0>")})
    expectClamp(
        std::string("func.func @f(%x: tensor<2x3xf32>) {\n%b = "
                    "arith.constant ") +
            value + " : " + type +
            "\n%e = tensor.empty() : tensor<2x3xf32>\n%0 = linalg.generic "
            "{indexing_maps = [affine_map<(i, j) -> (i, j)>, " +
            map +
            ", affine_map<(i, j) -> (i, j)>], iterator_types = [\"parallel\", "
            "\"parallel\"]} ins(%x, %b : tensor<2x3xf32>, " +
            type +
            ") outs(%e : tensor<2x3xf32>) {\n^bb0(%v: f32, %s: f32, %out: "
            "f32):\n%r = arith.minimumf %v, %s : f32\nlinalg.yield %r : "
            "f32\n} -> tensor<2x3xf32>\nreturn\n}",
        -INFINITY, 6.0f);
}

TEST(MatchClamp, OtherBodiesAreNoClamp) {
  for (const char *body :
       {// Different values compared and selected.
        "%c = arith.cmpf ogt, %v, %zero : f32\n"
        "%r = arith.select %c, %v, %one : f32",
        // Leaky ReLU.
        "%l = arith.mulf %v, %six : f32\n"
        "%c = arith.cmpf ogt, %v, %zero : f32\n"
        "%r = arith.select %c, %v, %l : f32",
        // Not a comparison of order.
        "%c = arith.cmpf une, %v, %zero : f32\n"
        "%r = arith.select %c, %v, %zero : f32",
        // No constant, NaN, no clamp at all.
        "%n = arith.negf %v : f32\n%r = arith.maximumf %v, %n : f32",
        "%r = arith.maximumf %v, %nan : f32", "%r = math.exp %v : f32"})
    EXPECT_FALSE(clampOf(makeUnary(body))) << body;
}

TEST(MatchClamp, CopyIsNoClamp) {
  IRSnippet snippet(R"(func.func @f(%x: tensor<2xf32>) {
    %e = tensor.empty() : tensor<2xf32>
    %0 = linalg.generic {
        indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
        iterator_types = ["parallel"]}
        ins(%x : tensor<2xf32>) outs(%e : tensor<2xf32>) {
    ^bb0(%v: f32, %out: f32):
      linalg.yield %v : f32
    } -> tensor<2xf32>
    return
  })");
  EXPECT_FALSE(matchClamp(snippet.get<linalg::GenericOp>()));
}

//===----------------------------------------------------------------------===//
// Per-channel affine functions
//===----------------------------------------------------------------------===//

/// An op on %v with the per-channel constants %a = [2, 4, 8], %b = [1, 2, 3]
/// and %c = [[0.5]], the channel being j.
std::string makeChannelOp(const std::string &body) {
  return R"(func.func @f(%x: tensor<2x3xf32>) {
    %ca = arith.constant dense<[2.0, 4.0, 8.0]> : tensor<3xf32>
    %cb = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
    %cc = arith.constant dense<0.5> : tensor<1x1xf32>
    %three = arith.constant 3.0 : f32
    %e = tensor.empty() : tensor<2x3xf32>
    %0 = linalg.generic {
        indexing_maps = [affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>,
          affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (0, 0)>, affine_map<(i, j) -> (i, j)>],
        iterator_types = ["parallel", "parallel"]}
        ins(%ca, %x, %cb, %cc : tensor<3xf32>, tensor<2x3xf32>, tensor<3xf32>, tensor<1x1xf32>)
        outs(%e : tensor<2x3xf32>) {
    ^bb0(%a: f32, %v: f32, %b: f32, %c: f32, %out: f32):
)" + body +
         R"(
      linalg.yield %r : f32
    } -> tensor<2x3xf32>
    return
  })";
}

std::optional<ChannelAffine> affineOf(const std::string &body,
                                      ArrayRef<int64_t> channelDims = {1}) {
  IRSnippet snippet(makeChannelOp(body));
  return matchChannelAffine(snippet.get<linalg::GenericOp>(), channelDims);
}

TEST(MatchChannelAffine, SingleOps) {
  auto sum = affineOf("%r = arith.addf %b, %v : f32");
  ASSERT_TRUE(sum);
  EXPECT_EQ(sum->scale, Numbers({1, 1, 1}));
  EXPECT_EQ(sum->shift, Numbers({1, 2, 3}));

  auto difference = affineOf("%r = arith.subf %b, %v : f32");
  ASSERT_TRUE(difference);
  EXPECT_EQ(difference->scale, Numbers({-1, -1, -1}));
  EXPECT_EQ(difference->shift, Numbers({1, 2, 3}));

  auto product = affineOf("%r = arith.mulf %a, %v : f32");
  ASSERT_TRUE(product);
  EXPECT_EQ(product->scale, Numbers({2, 4, 8}));
  EXPECT_EQ(product->shift, Numbers({0, 0, 0}));

  auto quotient = affineOf("%r = arith.divf %v, %a : f32");
  ASSERT_TRUE(quotient);
  EXPECT_EQ(quotient->scale, Numbers({0.5, 0.25, 0.125}));

  auto negative = affineOf("%r = arith.negf %v : f32");
  ASSERT_TRUE(negative);
  EXPECT_EQ(negative->scale, Numbers({-1, -1, -1}));
}

TEST(MatchChannelAffine, UnfoldedBatchNorm) {
  // (v - 3) · b / sqrt(a · 2) + c, with a literal in the body.
  auto affine = affineOf("%two = arith.constant 2.0 : f32\n"
                         "%0 = arith.subf %v, %three : f32\n"
                         "%1 = arith.mulf %a, %two : f32\n"
                         "%2 = math.rsqrt %1 : f32\n"
                         "%3 = arith.mulf %0, %2 : f32\n"
                         "%4 = arith.mulf %b, %3 : f32\n"
                         "%r = arith.addf %4, %c : f32");
  ASSERT_TRUE(affine);
  EXPECT_EQ(affine->scale[0], 0.5); // 1/sqrt(4)
  EXPECT_EQ(affine->shift[0], -1.0);
  EXPECT_DOUBLE_EQ(affine->scale[1], 2 / std::sqrt(8.0));
  EXPECT_EQ(affine->scale[2], 0.75); // 3/sqrt(16)
  EXPECT_EQ(affine->shift[2], -1.75);
}

TEST(MatchChannelAffine, ScaleAndSumOfTwoReads) {
  // v·2 + v: both reads count.
  auto affine = affineOf("%0 = arith.mulf %v, %a : f32\n"
                         "%r = arith.addf %0, %v : f32");
  ASSERT_TRUE(affine);
  EXPECT_EQ(affine->scale, Numbers({3, 5, 9}));
}

TEST(MatchChannelAffine, NotAffine) {
  EXPECT_FALSE(affineOf("%r = arith.mulf %v, %v : f32"));
  EXPECT_FALSE(affineOf("%r = arith.divf %a, %v : f32"));
  EXPECT_FALSE(affineOf("%r = math.exp %v : f32"));
  EXPECT_FALSE(affineOf("%r = arith.maximumf %v, %a : f32"));
}

TEST(MatchChannelAffine, NotFinite) {
  EXPECT_FALSE(affineOf("%z = arith.constant 0.0 : f32\n"
                        "%r = arith.divf %v, %z : f32"));
  EXPECT_FALSE(affineOf("%0 = arith.negf %a : f32\n%1 = math.sqrt %0 : f32\n"
                        "%r = arith.mulf %v, %1 : f32"));
}

TEST(MatchChannelAffine, ConstantsVaryAlongOtherDims) {
  // The constants are indexed by j, the channels by i.
  EXPECT_FALSE(affineOf("%r = arith.addf %b, %v : f32", {0}));
}

TEST(MatchChannelAffine, SeveralChannelDimsInAnyOrder) {
  const char *text = R"(func.func @f(%x: tensor<2x3xf32>) {
    %c = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
    %e = tensor.empty() : tensor<2x3xf32>
    %0 = linalg.generic {
        indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>,
          affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
        ins(%x, %c : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
    ^bb0(%v: f32, %b: f32, %out: f32):
      %r = arith.addf %v, %b : f32
      linalg.yield %r : f32
    } -> tensor<2x3xf32>
    return
  })";
  IRSnippet snippet(text);
  auto op = snippet.get<linalg::GenericOp>();
  auto rowMajor = matchChannelAffine(op, {0, 1});
  ASSERT_TRUE(rowMajor);
  EXPECT_EQ(rowMajor->shift, Numbers({1, 2, 3, 4, 5, 6}));
  auto columnMajor = matchChannelAffine(op, {1, 0});
  ASSERT_TRUE(columnMajor);
  EXPECT_EQ(columnMajor->shift, Numbers({1, 4, 2, 5, 3, 6}));
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

TEST(MainInput, IsTheOneRunTimeValueReadInPlace) {
  const char *format =
      R"(func.func @f(%%x: tensor<2x2xf32>, %%y: tensor<2x2xf32>) {
    %%e = tensor.empty() : tensor<2x2xf32>
    %%0 = linalg.generic {
        indexing_maps = [affine_map<(i, j) -> (%s)>, affine_map<(i, j) -> (i, j)>,
          affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
        ins(%%x, %s : tensor<2x2xf32>, tensor<2x2xf32>) outs(%%e : tensor<2x2xf32>) {
    ^bb0(%%a: f32, %%b: f32, %%out: f32):
      %%r = arith.addf %%a, %%b : f32
      linalg.yield %%r : f32
    } -> tensor<2x2xf32>
    return
  })";
  char text[1024];
  snprintf(text, sizeof(text), format, "i, j", "%y");
  IRSnippet two(text);
  EXPECT_EQ(getMainInput(two.get<linalg::GenericOp>()), nullptr);
  // A transposed read is not in place.
  snprintf(text, sizeof(text), format, "j, i", "%y");
  IRSnippet transposed(text);
  EXPECT_EQ(getMainInput(transposed.get<linalg::GenericOp>()), nullptr);
}
} // namespace

//===- PolicyTest.cpp - Which ops become integer, and on whose word -------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "IRSnippet.h"

#include "QuantOpt/Analysis/Policy.h"
#include "QuantOpt/Analysis/Quantizable.h"

#include <fstream>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::test;

namespace {

/// A policy from options, with the errors about it.
class PolicyTest : public ::testing::Test {
protected:
  PolicyTest() : snippet("module {}"), loc(UnknownLoc::get(&snippet.context)) {}

  FailureOr<Policy> create(const std::string &preset,
                           ArrayRef<std::string> rules = {},
                           ArrayRef<std::string> keepFloat = {}) {
    return Policy::create({preset, rules, keepFloat}, &snippet.context,
                          [&] { return emitError(loc); });
  }
  /// Writes a file of that name with these rules.
  std::string write(const std::string &name, const std::string &rules) {
    std::string path = ::testing::TempDir() + name;
    std::ofstream(path) << R"({"schema": 1, "rules": [)" << rules << "]}";
    return path;
  }

  IRSnippet snippet;
  Location loc;
};

PolicyQuery makeMatmul(StringRef name, int64_t k, int64_t n, int64_t m,
                       unsigned index = 1, unsigned count = 3) {
  PolicyQuery query = PolicyQuery::make(name, "matmul");
  query.isContraction = true;
  query.k = k;
  query.n = n;
  query.m = m;
  query.weights = k * n;
  query.groups = 1;
  query.index = index;
  query.count = count;
  return query;
}

TEST_F(PolicyTest, Default) {
  for (StringRef preset : {"", "default", "all", "cpu"}) {
    FailureOr<Policy> policy = create(preset.str());
    ASSERT_TRUE(succeeded(policy));
    Decision decision = policy->decide(makeMatmul("fc", 1, 1, 1, 0, 1));
    EXPECT_TRUE(decision.quantize);
    EXPECT_EQ(decision.reason, "");
    EXPECT_FALSE(decision.bits);
    EXPECT_EQ(decision.requiredBy, "");
  }
}

TEST_F(PolicyTest, LastMatchWins) {
  std::string first = write("first.json", R"(
      {"match": {"kind": "contraction"}, "precision": "float"},
      {"match": {"name": ["fc?", "head"], "k": {"min": 16}},
       "precision": "int8", "require": true, "reason": "deep"})");
  std::string second = write("second.json", R"(
      {"match": {"name": "fc2"}, "require": false},
      {"match": {"kind": ["softmax", "matm*"]}, "bits": 16})");
  FailureOr<Policy> policy = create("default", {first, second}, {"head"});
  ASSERT_TRUE(succeeded(policy));

  Decision decision = policy->decide(makeMatmul("conv", 16, 4, 4));
  EXPECT_FALSE(decision.quantize);
  EXPECT_EQ(decision.reason, "kept float by rule 1 of first.json");
  EXPECT_EQ(decision.bits, 16u);
  EXPECT_EQ(decision.bitsReason, "16 bits by rule 2 of second.json");

  decision = policy->decide(makeMatmul("fc1", 16, 4, 4));
  EXPECT_TRUE(decision.quantize);
  EXPECT_EQ(decision.reason, "int8 by rule 2 of first.json: deep");
  EXPECT_EQ(decision.requiredBy, "rule 2 of first.json: deep");
  EXPECT_FALSE(policy->decide(makeMatmul("fc1", 15, 4, 4)).quantize);

  // A rule decides about what it speaks of only.
  decision = policy->decide(makeMatmul("fc2", 16, 4, 4));
  EXPECT_TRUE(decision.quantize);
  EXPECT_EQ(decision.requiredBy, "");

  // --keep-float goes before all files.
  decision = policy->decide(makeMatmul("head", 16, 4, 4));
  EXPECT_FALSE(decision.quantize);
  EXPECT_EQ(decision.reason, "kept float by --keep-float=head");

  // What is no contraction has no sizes, and is none.
  decision = policy->decide(PolicyQuery::make("fc3", "softmax"));
  EXPECT_TRUE(decision.quantize);
  EXPECT_EQ(decision.bits, 16u);
  EXPECT_EQ(decision.requiredBy, "");
}

TEST_F(PolicyTest, Sizes) {
  auto decides = [&](const std::string &match, const PolicyQuery &query) {
    std::string path = write(
        "sizes.json", R"({"precision": "float", "match": )" + match + "}");
    FailureOr<Policy> policy = create("", {path});
    EXPECT_TRUE(succeeded(policy));
    return succeeded(policy) && !policy->decide(query).quantize;
  };
  PolicyQuery query = makeMatmul("fc", 3, 5, 7);
  EXPECT_TRUE(decides(R"({"k": 3, "n": 5, "m": 7, "weights": 15})", query));
  EXPECT_FALSE(decides(R"({"k": 4})", query));
  EXPECT_FALSE(decides(R"({"n": {"max": 4}})", query));
  EXPECT_TRUE(decides(R"({"n": {"max": 5}})", query));
  EXPECT_FALSE(decides(R"({"m": {"min": 8}})", query));
  EXPECT_TRUE(decides(R"({"macs": 105, "groups": 1})", query));
  EXPECT_FALSE(decides(R"({"macs": 104})", query));
  EXPECT_FALSE(decides(R"({"weights": 0})", query));
  EXPECT_FALSE(decides(R"({"position": "first"})", query));
  EXPECT_TRUE(
      decides(R"({"position": "first"})", makeMatmul("a", 1, 1, 1, 0, 2)));
  EXPECT_FALSE(
      decides(R"({"position": "last"})", makeMatmul("a", 1, 1, 1, 0, 2)));
  EXPECT_TRUE(
      decides(R"({"position": "last"})", makeMatmul("a", 1, 1, 1, 1, 2)));
  // Products beyond 64 bits are large.
  EXPECT_TRUE(decides(R"({"macs": {"min": 9223372036854775807}})",
                      makeMatmul("a", INT64_MAX, 1 << 20, 1 << 20)));
  EXPECT_FALSE(decides(R"({"k": {}})", PolicyQuery::make("relu", "clamp")));
}

TEST_F(PolicyTest, Presets) {
  FailureOr<Policy> accurate = create("accurate");
  ASSERT_TRUE(succeeded(accurate));
  EXPECT_EQ(accurate->decide(makeMatmul("a", 9, 9, 9, 0)).reason,
            "kept float by --policy=accurate: the first contraction reads the "
            "input");
  EXPECT_TRUE(accurate->decide(makeMatmul("a", 9, 9, 9, 1)).quantize);
  EXPECT_FALSE(accurate->decide(makeMatmul("a", 9, 9, 9, 2)).quantize);
  EXPECT_EQ(accurate->decide(PolicyQuery::make("s", "layer_norm")).bits, 16u);

  FailureOr<Policy> tensorrt = create("tensorrt");
  ASSERT_TRUE(succeeded(tensorrt));
  EXPECT_TRUE(tensorrt->decide(makeMatmul("a", 9, 9, 9)).quantize);
  EXPECT_FALSE(tensorrt->decide(makeMatmul("a", 9, 1, 9)).quantize);
  EXPECT_FALSE(tensorrt->decide(makeMatmul("a", 9, 9, 1)).quantize);

  // The cost model: a product of 8 x 8 numbers is not worth its errors.
  FailureOr<Policy> chip = create("sm_80");
  ASSERT_TRUE(succeeded(chip));
  EXPECT_TRUE(chip->decide(makeMatmul("a", 4096, 4096, 4096)).quantize);
  Decision small = chip->decide(makeMatmul("a", 8, 8, 1));
  EXPECT_FALSE(small.quantize);
  expectContains(small.reason, "kept float by --policy=sm_80: it is expected "
                               "to take ");
}

TEST_F(PolicyTest, Errors) {
  EXPECT_TRUE(failed(create("best")));
  expectContains(snippet.errors, "unknown policy 'best'; this version knows "
                                 "default, all, accurate, tensorrt, cpu, "
                                 "sm_80");
  EXPECT_TRUE(failed(create("", {}, {"a", "[b"})));
  expectContains(snippet.errors, "keep-float pattern '[b' is not a glob: ");
  std::string path =
      write("bad.json", R"({"bits": 8}, {"bits": 8, "match": {"kind": "["}})");
  EXPECT_TRUE(failed(create("", {path})));
  expectContains(snippet.errors,
                 "rule 2 of bad.json: match.kind: '[' is not a glob: ");
  EXPECT_TRUE(failed(create("", {"/no/such/rules.json"})));
  expectContains(snippet.errors, "rules file '/no/such/rules.json': ");
}

TEST_F(PolicyTest, Unmatched) {
  std::string path = write("r.json", R"({"bits": 8, "match": {"name": "a"}},
                                        {"bits": 8, "match": {"name": "b"}})");
  FailureOr<Policy> policy = create("accurate", {path}, {"c", "d*"});
  ASSERT_TRUE(succeeded(policy));
  for (StringRef name : {"a", "d1"})
    (void)policy->decide(PolicyQuery::make(name, "clamp"));
  policy->warnUnmatched(loc);
  std::string what = " matches no op of the model (the names are in the report "
                     "and in --explain)\n";
  EXPECT_EQ(snippet.errors,
            "rule 2 of r.json" + what + "--keep-float=c" + what);
}

/// k, n, m, weights and groups of the marked op.
SmallVector<int64_t> getSizes(StringRef text) {
  IRSnippet snippet(text);
  std::optional<Quantizable> match = matchQuantizable(snippet.getMarked());
  EXPECT_TRUE(match);
  PolicyQuery query = PolicyQuery::makeContraction("op", *match, 0, 1);
  EXPECT_EQ(query.kind, match->kind);
  return {query.k, query.n, query.m, query.weights, query.groups};
}

TEST(PolicyQueries, Matmul) {
  EXPECT_EQ(getSizes(R"(
    func.func @f(%x: tensor<4x3xf32>, %y: tensor<4x5xf32>) -> tensor<4x5xf32> {
      %w = arith.constant dense<1.0> : tensor<3x5xf32>
      %0 = linalg.matmul {test} ins(%x, %w : tensor<4x3xf32>, tensor<3x5xf32>)
                         outs(%y : tensor<4x5xf32>) -> tensor<4x5xf32>
      return %0 : tensor<4x5xf32>
    })"),
            SmallVector<int64_t>({3, 5, 4, 15, 1}));
}

TEST(PolicyQueries, Attention) {
  EXPECT_EQ(getSizes(R"(
    func.func @f(%x: tensor<2x4x3xf32>, %w: tensor<2x3x5xf32>,
                 %y: tensor<2x4x5xf32>) -> tensor<2x4x5xf32> {
      %0 = linalg.batch_matmul {test}
             ins(%x, %w : tensor<2x4x3xf32>, tensor<2x3x5xf32>)
             outs(%y : tensor<2x4x5xf32>) -> tensor<2x4x5xf32>
      return %0 : tensor<2x4x5xf32>
    })"),
            SmallVector<int64_t>({3, 10, 4, 0, 2}));
}

TEST(PolicyQueries, Convolutions) {
  EXPECT_EQ(getSizes(R"(
    func.func @f(%x: tensor<1x6x6x3xf32>, %y: tensor<1x4x4x8xf32>)
        -> tensor<1x4x4x8xf32> {
      %w = arith.constant dense<1.0> : tensor<3x3x3x8xf32>
      %0 = linalg.conv_2d_nhwc_hwcf {test}
             ins(%x, %w : tensor<1x6x6x3xf32>, tensor<3x3x3x8xf32>)
             outs(%y : tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
      return %0 : tensor<1x4x4x8xf32>
    })"),
            SmallVector<int64_t>({27, 8, 16, 216, 1}));
  EXPECT_EQ(getSizes(R"(
    func.func @f(%x: tensor<1x6x6x8xf32>, %y: tensor<1x4x4x8xf32>)
        -> tensor<1x4x4x8xf32> {
      %w = arith.constant dense<1.0> : tensor<3x3x8xf32>
      %0 = linalg.depthwise_conv_2d_nhwc_hwc {test}
             ins(%x, %w : tensor<1x6x6x8xf32>, tensor<3x3x8xf32>)
             outs(%y : tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
      return %0 : tensor<1x4x4x8xf32>
    })"),
            SmallVector<int64_t>({9, 8, 16, 72, 8}));
}

TEST(PolicyBits, Edges) {
  IRSnippet snippet(R"(
    func.func @f(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
      %0 = qopt.observe %x {name = "x"} : tensor<4x4xf32>
      %e = tensor.empty() : tensor<4x4xf32>
      %1 = linalg.exp {qopt.edge_bits = 8 : i64}
             ins(%0 : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>)
             -> tensor<4x4xf32>
      %2 = qopt.observe %1 {name = "exp"} : tensor<4x4xf32>
      %t = linalg.transpose ins(%2 : tensor<4x4xf32>)
             outs(%e : tensor<4x4xf32>) permutation = [1, 0]
      %3 = linalg.exp {qopt.edge_bits = 16 : i64, qopt.edge_bits_reason = " by rule"}
             ins(%t : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>)
             -> tensor<4x4xf32>
      %4 = linalg.exp ins(%3 : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>)
             -> tensor<4x4xf32>
      %5 = qopt.observe %4 {name = "none"} : tensor<4x4xf32>
      return %3, %5 : tensor<4x4xf32>, tensor<4x4xf32>
    })");
  std::vector<std::string> found;
  snippet.module->walk([&](ObserveOp op) {
    std::optional<RequestedBits> bits = getRequestedBits(op);
    found.push_back(bits ? std::to_string(bits->bits) + bits->reason.str()
                         : std::string());
  });
  EXPECT_EQ(found, std::vector<std::string>({"8", "16 by rule", ""}));
}

} // namespace

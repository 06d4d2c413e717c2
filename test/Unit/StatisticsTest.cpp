//===- StatisticsTest.cpp - Ranges of edges and their merging -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "IRSnippet.h"

#include "QuantOpt/Calibration/Statistics.h"

#include <cfloat>
#include <cmath>
#include <random>

using namespace mlir;
using namespace mlir::qopt;

namespace {
EdgeStatistics observe(ArrayRef<float> values) {
  EdgeStatistics statistics;
  statistics.observe(values.data(), values.size());
  return statistics;
}

void expectEqual(const EdgeStatistics &a, const EdgeStatistics &b) {
  EXPECT_EQ(a.getCount(), b.getCount());
  EXPECT_EQ(a.getNonFinite(), b.getNonFinite());
  EXPECT_EQ(a.getMin(), b.getMin());
  EXPECT_EQ(a.getMax(), b.getMax());
}

TEST(EdgeStatistics, StartsEmpty) {
  EdgeStatistics statistics;
  EXPECT_EQ(statistics.getCount(), 0);
  EXPECT_EQ(statistics.getMin(), 0.0);
  EXPECT_EQ(statistics.getMax(), 0.0);
  statistics.observe(nullptr, 0);
  EXPECT_EQ(statistics.getCount(), 0);
}

TEST(EdgeStatistics, ExactRangeOfFiniteValues) {
  EdgeStatistics s = observe({0.1f, -3.5f, NAN, INFINITY, -INFINITY, 2.0f});
  EXPECT_EQ(s.getCount(), 6);
  EXPECT_EQ(s.getNonFinite(), 3);
  EXPECT_EQ(s.getMin(), -3.5);
  EXPECT_EQ(s.getMax(), 2.0);

  EdgeStatistics limits = observe({FLT_MAX, -FLT_MAX, FLT_TRUE_MIN});
  EXPECT_EQ(limits.getMin(), -FLT_MAX);
  EXPECT_EQ(limits.getMax(), FLT_MAX);
  EXPECT_EQ(limits.getNonFinite(), 0);
}

TEST(EdgeStatistics, NothingFinite) {
  EdgeStatistics s = observe({NAN, INFINITY, -NAN});
  EXPECT_EQ(s.getNonFinite(), 3);
  EXPECT_EQ(s.getMin(), 0.0);
  EXPECT_EQ(s.getMax(), 0.0);
}

/// Every length, so that whole and partial vectors are met.
TEST(EdgeStatistics, AnyLength) {
  for (int64_t length = 1; length < 100; ++length)
    for (int64_t position : {int64_t(0), length / 2, length - 1}) {
      std::vector<float> values(length, 1.0f);
      values[position] = -7.0f;
      EdgeStatistics s = observe(values);
      EXPECT_EQ(s.getCount(), length);
      EXPECT_EQ(s.getMin(), -7.0);
      EXPECT_EQ(s.getMax(), length == 1 ? -7.0 : 1.0);
      values[position] = NAN;
      EXPECT_EQ(observe(values).getNonFinite(), 1);
    }
}

/// Any split of the values over threads, merged in any order, gives the same.
TEST(EdgeStatistics, MergeIsOrderFree) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> uniform(-10, 10);
  std::vector<float> values(3000);
  for (float &value : values) {
    value = uniform(random);
    if (random() % 50 == 0)
      value = std::array{NAN, INFINITY, -INFINITY, -0.0f}[random() % 4];
  }
  const EdgeStatistics whole = observe(values);
  for (int split = 0; split < 200; ++split) {
    SmallVector<EdgeStatistics> parts(1); // one that saw nothing
    for (size_t i = 0; i < values.size();) {
      size_t n = std::min<size_t>(1 + random() % 700, values.size() - i);
      parts.push_back(observe(ArrayRef(values).slice(i, n)));
      i += n;
    }
    std::shuffle(parts.begin(), parts.end(), random);
    while (parts.size() > 1) {
      EdgeStatistics last = parts.pop_back_val();
      parts[random() % parts.size()].merge(last);
    }
    expectEqual(parts.front(), whole);
  }
}

TEST(EdgeStatistics, Attribute) {
  MLIRContext context(test::IRSnippet::makeRegistry());
  context.loadAllAvailableDialects();
  StatsAttr stats = observe({-1.0f, 3.0f, NAN}).getAttr(&context);
  EXPECT_EQ(stats.getMin().value, -1.0);
  EXPECT_EQ(stats.getMax().value, 3.0);
  EXPECT_EQ(stats.getCount(), 3);
  EXPECT_EQ(stats.getNonFinite(), 1);
  EXPECT_FALSE(stats.getCandidates().empty());
  // No finite value at all is still a valid attribute.
  EXPECT_EQ(observe({NAN}).getAttr(&context).getMax().value, 0.0);
}

TEST(MaxCandidates, OnePerStorageKind) {
  MLIRContext context(test::IRSnippet::makeRegistry());
  context.loadAllAvailableDialects();
  auto find = [](ArrayRef<CandidateAttr> list,
                 Storage storage) -> CandidateAttr {
    for (CandidateAttr c : list)
      if (c.getStorage() == storage)
        return c;
    return {};
  };
  auto twoSided = getMaxCandidates(&context, -1.0, 2.0);
  EXPECT_FALSE(find(twoSided, Storage::U8));
  CandidateAttr symmetric = find(twoSided, Storage::S8);
  ASSERT_TRUE(symmetric);
  EXPECT_EQ(symmetric.getMin().value, -2.0);
  EXPECT_EQ(symmetric.getMax().value, 2.0);
  EXPECT_DOUBLE_EQ(symmetric.getError().value, (2.0 / 127) * (2.0 / 127) / 12);
  CandidateAttr asymmetric = find(twoSided, Storage::U8Asymmetric);
  ASSERT_TRUE(asymmetric);
  EXPECT_EQ(asymmetric.getMin().value, -1.0);
  EXPECT_EQ(asymmetric.getMax().value, 2.0);
  EXPECT_DOUBLE_EQ(asymmetric.getError().value, (3.0 / 255) * (3.0 / 255) / 12);

  // A range that does not touch 0 is widened to it.
  auto positive = getMaxCandidates(&context, 1.0, 2.0);
  CandidateAttr oneSided = find(positive, Storage::U8);
  ASSERT_TRUE(oneSided);
  EXPECT_EQ(oneSided.getMin().value, 0.0);
  EXPECT_EQ(oneSided.getMax().value, 2.0);
  auto negative = getMaxCandidates(&context, -2.0, -1.0);
  EXPECT_FALSE(find(negative, Storage::U8));
  EXPECT_EQ(find(negative, Storage::U8Asymmetric).getMax().value, 0.0);
}
} // namespace

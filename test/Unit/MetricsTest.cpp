//===- MetricsTest.cpp - How quant-run compares and scores ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Values worked out by hand, and random data against the definitions.
//
//===----------------------------------------------------------------------===//
#include "Metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

using namespace mlir::qopt::run;

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

ErrorStatistics compare(const std::vector<double> &reference,
                        const std::vector<double> &values) {
  ErrorStatistics statistics;
  statistics.add(reference.data(), values.data(), values.size());
  return statistics;
}

//===----------------------------------------------------------------------===//
// Values and errors
//===----------------------------------------------------------------------===//

TEST(ValueStatistics, RangeMeanAndNaN) {
  ValueStatistics statistics;
  std::vector<double> first = {3, kNaN, -1}, second = {4};
  statistics.add(first.data(), first.size());
  statistics.add(second.data(), second.size());
  EXPECT_EQ(statistics.min(), -1);
  EXPECT_EQ(statistics.max(), 4);
  EXPECT_EQ(statistics.mean(), 2);
  EXPECT_EQ(statistics.nanCount(), 1u);
  ValueStatistics none;
  EXPECT_TRUE(std::isnan(none.min()) && std::isnan(none.max()) &&
              std::isnan(none.mean()));
}

TEST(ErrorStatistics, ByHand) {
  // Errors 0, -1, 2; energies 9 + 16 + 0 and 0 + 1 + 4.
  ErrorStatistics statistics = compare({3, 4, 0}, {3, 5, -2});
  EXPECT_EQ(statistics.maxAbs(), 2);
  EXPECT_DOUBLE_EQ(statistics.rms(), std::sqrt(5.0 / 3));
  EXPECT_DOUBLE_EQ(statistics.sqnrDb(), 10 * std::log10(25.0 / 5));
  EXPECT_DOUBLE_EQ(statistics.cosine(), 29 / std::sqrt(25.0 * 38));
  EXPECT_EQ(statistics.nonFiniteMismatches(), 0u);
}

TEST(ErrorStatistics, NoError) {
  for (const std::vector<double> &values :
       {std::vector<double>{1, -2}, std::vector<double>{0, 0},
        std::vector<double>{}}) {
    ErrorStatistics statistics = compare(values, values);
    EXPECT_EQ(statistics.maxAbs(), 0);
    EXPECT_EQ(statistics.rms(), 0);
    EXPECT_EQ(statistics.sqnrDb(), kInfinity);
  }
  EXPECT_DOUBLE_EQ(compare({1, -2}, {1, -2}).cosine(), 1);
  EXPECT_TRUE(std::isnan(compare({0}, {0}).cosine()));
}

TEST(ErrorStatistics, ZeroReference) {
  EXPECT_EQ(compare({0, 0}, {0, 1}).sqnrDb(), -kInfinity);
}

TEST(ErrorStatistics, AgreeingNonFiniteValuesCountForNothing) {
  ErrorStatistics statistics = compare({kNaN, kInfinity, -kInfinity, 1},
                                       {-kNaN, kInfinity, -kInfinity, 2});
  EXPECT_EQ(statistics.nonFiniteMismatches(), 0u);
  EXPECT_EQ(statistics.maxAbs(), 1);
  EXPECT_EQ(statistics.rms(), 1);
  EXPECT_EQ(statistics.sqnrDb(), 0);
}

TEST(ErrorStatistics, OtherNonFiniteValuesAreInfiniteErrors) {
  const double pairs[][2] = {{1, kNaN},
                             {kNaN, 1},
                             {kInfinity, 1},
                             {1, -kInfinity},
                             {kInfinity, -kInfinity},
                             {kNaN, kInfinity}};
  for (const auto &[reference, value] : pairs) {
    ErrorStatistics statistics = compare({1, reference}, {1, value});
    EXPECT_EQ(statistics.nonFiniteMismatches(), 1u);
    EXPECT_EQ(statistics.maxAbs(), kInfinity);
    EXPECT_EQ(statistics.rms(), kInfinity);
    EXPECT_EQ(statistics.sqnrDb(), -kInfinity);
    EXPECT_TRUE(std::isnan(statistics.cosine()));
  }
}

TEST(ErrorStatistics, PiecesGiveTheSameBitsAsTheWhole) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  std::vector<double> reference(1000), values(1000);
  for (size_t i = 0; i < values.size(); ++i) {
    reference[i] = normal(random);
    values[i] = reference[i] + 0.01 * normal(random);
  }
  ErrorStatistics whole = compare(reference, values), pieces;
  for (size_t i = 0; i < values.size(); i += 8)
    pieces.add(&reference[i], &values[i], 8);
  EXPECT_EQ(whole.sqnrDb(), pieces.sqnrDb());
  EXPECT_EQ(whole.rms(), pieces.rms());
  EXPECT_NEAR(whole.sqnrDb(), 40, 0.5);
}

//===----------------------------------------------------------------------===//
// Classes
//===----------------------------------------------------------------------===//

size_t argmaxOf(const std::vector<double> &values) {
  return argmax(values.data(), values.size());
}

TEST(Argmax, FirstOfEqualsAndNaN) {
  EXPECT_EQ(argmaxOf({1}), 0u);
  EXPECT_EQ(argmaxOf({1, 3, 3, 2}), 1u);
  EXPECT_EQ(argmaxOf({-kInfinity, -kInfinity}), 0u);
  EXPECT_EQ(argmaxOf({1, kNaN, kInfinity, kNaN}), 1u);
}

TEST(ArgmaxAgreement, CountsRows) {
  ArgmaxAgreement agreement(2);
  EXPECT_TRUE(std::isnan(agreement.percent()));
  std::vector<double> reference = {1, 2, 2, 1, 5, 5},
                      values = {0, 9, 1, 2, 3, 3};
  agreement.add(reference.data(), values.data(), 3);
  EXPECT_DOUBLE_EQ(agreement.percent(), 200.0 / 3);
}

TEST(TopK, RanksWithTies) {
  TopK topK(7);
  std::vector<double> scores = {7, 6, 5, 4, 4, 4, 1};
  topK.add(scores.data(), 0); // Best.
  topK.add(scores.data(), 4); // Fifth: 3 is equal but earlier.
  topK.add(scores.data(), 5); // Sixth.
  topK.add(scores.data(), 6);
  EXPECT_EQ(topK.top1Percent(), 25);
  EXPECT_EQ(topK.top5Percent(), 50);
}

TEST(TopK, NaNIsWrongAndFewClassesHaveNoTop5) {
  TopK topK(3);
  std::vector<double> good = {0, 2, 1}, bad = {0, 2, kNaN};
  topK.add(good.data(), 1);
  topK.add(bad.data(), 1);
  EXPECT_EQ(topK.top1Percent(), 50);
  EXPECT_TRUE(std::isnan(topK.top5Percent()));
  EXPECT_TRUE(std::isnan(TopK(10).top1Percent()));
}

TEST(AreaUnderCurve, ByHand) {
  EXPECT_EQ(areaUnderCurve({1, 2, 3, 4}, {false, false, true, true}), 1);
  EXPECT_EQ(areaUnderCurve({1, 2, 3, 4}, {true, true, false, false}), 0);
  EXPECT_EQ(areaUnderCurve({1, 1, 1}, {true, false, true}), 0.5);
  EXPECT_EQ(areaUnderCurve({1, 2, 2, 3}, {false, true, false, true}), 0.875);
  EXPECT_EQ(areaUnderCurve({kInfinity, -kInfinity}, {true, false}), 1);
  EXPECT_TRUE(std::isnan(areaUnderCurve({1, 2}, {true, true})));
  EXPECT_TRUE(std::isnan(areaUnderCurve({1, kNaN}, {true, false})));
  EXPECT_TRUE(std::isnan(areaUnderCurve({}, {})));
}

TEST(AreaUnderCurve, AgainstAllPairs) {
  std::mt19937 random(2);
  for (int round = 0; round < 50; ++round) {
    std::vector<double> scores;
    std::vector<bool> positive;
    for (int i = 0; i < 60; ++i) {
      scores.push_back(int(random() % 12) - 6); // Many ties.
      positive.push_back(random() % 3 == 0);
    }
    positive[0] = true;
    positive[1] = false;
    double wins = 0, pairs = 0;
    for (size_t p = 0; p < scores.size(); ++p)
      for (size_t n = 0; n < scores.size(); ++n)
        if (positive[p] && !positive[n]) {
          wins += scores[p] > scores[n] ? 1 : scores[p] == scores[n] ? 0.5 : 0;
          ++pairs;
        }
    EXPECT_DOUBLE_EQ(areaUnderCurve(scores, positive), wins / pairs);
  }
}

} // namespace

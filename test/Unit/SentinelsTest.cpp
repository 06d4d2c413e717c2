//===- SentinelsTest.cpp - Masks never widen a range ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is left out of a distribution as sentinels, and what never is.
//
//===----------------------------------------------------------------------===//
#include "StatisticsOracle.h"

#include <cfloat>

using namespace statisticstest;

namespace {

using Values = std::vector<float>;

Values operator+(Values a, const Values &b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

/// Attention scores, a third of them with `mask` added.
Values maskedScores(float mask, size_t count = 12000, float deviation = 3) {
  Values values = gaussian(count, 7, deviation);
  for (size_t i = 0; i < count; i += 3)
    values[i] += mask;
  return values;
}

/// The distribution, which must be the oracle's.
Distribution distributionIn(const Values &values) {
  Distribution distribution = observed(values).getDistribution();
  expectEqual(distribution, distributionOf(values));
  return distribution;
}

/// The distribution must be that of `legit` alone, beside `sentinels` more.
void expectLeftOut(const Values &legit, const Values &sentinels) {
  Distribution with = distributionIn(legit + sentinels);
  Distribution without = distributionIn(legit);
  EXPECT_EQ(without.sentinels, 0u);
  EXPECT_EQ(with.sentinels, sentinels.size());
  EXPECT_EQ(with.sentinelValue,
            *std::min_element(sentinels.begin(), sentinels.end()));
  without.sentinels = with.sentinels;
  without.sentinelValue = with.sentinelValue;
  expectEqual(with, without);
}

void expectKept(const Values &values) {
  Distribution distribution = distributionIn(values);
  EXPECT_EQ(distribution.sentinels, 0u);
  EXPECT_EQ(distribution.sentinelValue, 0);
  EXPECT_EQ(distribution.count, values.size());
  EXPECT_EQ(distribution.min, *std::min_element(values.begin(), values.end()));
  EXPECT_EQ(distribution.max, *std::max_element(values.begin(), values.end()));
}

//===----------------------------------------------------------------------===//
// Sentinels
//===----------------------------------------------------------------------===//

TEST(Sentinels, MasksInPlaceOfScores) {
  Values scores = gaussian(8000, 8, 4);
  for (float mask : {-10000.0f, -65504.0f, -1e9f, -1e12f, -1e30f, -FLT_MAX})
    expectLeftOut(scores, Values(3000, mask));
}

TEST(Sentinels, MasksAddedToScores) {
  for (float mask : {-10000.0f, -65504.0f, -1e9f, -FLT_MAX}) {
    SCOPED_TRACE(mask);
    Values legit, swamped;
    for (float x : maskedScores(mask))
      (x < mask / 2 ? swamped : legit).push_back(x);
    expectLeftOut(legit, swamped);
  }
}

TEST(Sentinels, MasksAddedSeveralTimes) {
  for (float mask : {-10000.0f, -1e9f}) {
    Values scores = gaussian(3000, 9), swamped;
    for (int times : {1, 2, 3, 4})
      for (float x : gaussian(1000, times))
        swamped.push_back(x + times * mask);
    expectLeftOut(scores, swamped);
  }
}

TEST(Sentinels, SeveralMasks) {
  Values scores = gaussian(5000, 10);
  Values masks(500, -1e9f);
  for (float mask : {-1.25e8f, -10000.0f, -65504.0f, -FLT_MAX, -3e15f}) {
    masks.insert(masks.end(), 400, mask);
    expectLeftOut(scores, masks);
  }
}

TEST(Sentinels, MaskTensors) {
  for (float mask : {-10000.0f, -65504.0f, -1e9f, -FLT_MAX}) {
    expectLeftOut(Values(100, 0.0f), Values(28, mask));
    expectLeftOut(Values(1, -0.0f), Values(500, mask));
  }
  // Infinities are no values at all.
  Values zeros(100, 0.0f), mask(28, -kInfinity);
  Distribution distribution = distributionIn(zeros + mask);
  EXPECT_EQ(distribution.count, 100u);
  EXPECT_EQ(distribution.sentinels, 0u);
}

TEST(Sentinels, ExtremesOfBothSigns) {
  Values legit = gaussian(3000, 11);
  for (const Values &extremes :
       {Values{FLT_MAX}, Values{-FLT_MAX, FLT_MAX}, Values{0x1p100f},
        Values{0x1p100f, -0x1p101f, 1e32f}}) {
    Distribution distribution = distributionIn(legit + extremes);
    EXPECT_EQ(distribution.sentinels, extremes.size());
    EXPECT_EQ(distribution.count, legit.size());
  }
  EXPECT_EQ(distributionIn(legit + Values{FLT_MAX, -FLT_MAX}).sentinelValue,
            -FLT_MAX);
  EXPECT_EQ(distributionIn(legit + Values{FLT_MAX, -1e9f}).sentinelValue,
            FLT_MAX);
  EXPECT_EQ(distributionIn(legit + Values{FLT_MAX, -1e9f}).sentinels, 2u);
}

/// What remains may be far itself, and of any sign.
TEST(Sentinels, BesideFarValues) {
  expectLeftOut({5000, 60000, 1e6f}, {-1e9f});
  expectLeftOut({-5000, -7000}, {-1e9f, -1e9f});
  expectLeftOut({-5000, 4e6f, 0}, {-FLT_MAX});
  expectLeftOut({1e20f}, {-FLT_MAX});
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

TEST(Sentinels, FeaturesOfManyMagnitudesAreKept) {
  for (float sign : {1.0f, -1.0f}) {
    Values values = gaussian(20000, 12, 3);
    for (float &x : values)
      x = sign * std::exp(x); // Up to 1e5.
    EXPECT_GT(std::fabs(distributionIn(values).getAmax()), 1e5);
    expectKept(values);
  }
}

TEST(Sentinels, PositiveOutliersAreKept) {
  for (float outlier : {4096.0f, 9000.0f, 1e5f, 1e9f, 1e20f, 1e30f})
    for (size_t count : {1, 100, 5000})
      expectKept(gaussian(10000, 13) + Values(count, outlier));
}

/// Single channels of single tokens in large models.
TEST(Sentinels, MassiveActivationsAreKept) {
  Values hidden = gaussian(128 * 768, 14, 2);
  expectKept(hidden + Values{2622, 1547, 802, -1264, 7100, 5296});
  expectKept(hidden + Values{-15000, -14500});
  expectKept(hidden + Values{-15000, -9000, -2000, -500, -100});
  expectKept(hidden + Values{12000, -15000});
}

TEST(Sentinels, NegativeValuesInABroadBandAreKept) {
  Values band;
  for (int i = 0; i < 1000; ++i)
    band.push_back(-9000.0f - 9.0f * float(i));
  expectKept(gaussian(1000, 15, 0.1f) + band);
  // Five bands are no mask added up.
  band = {-9000, -12000, -16000, -21000, -28000};
  expectKept(gaussian(1000, 15, 0.1f) + band);
}

TEST(Sentinels, ValuesWithoutAGapAreKept) {
  Values scores = gaussian(1000, 16);
  expectKept(scores + Values{-1e9f, 1e8f});
  expectKept(scores + Values{-1e9f, -1e8f, -5e6f, -1e5f, -2000, -60});
  expectKept(scores + Values{FLT_MAX, 0x1p123f, 0x1p118f, 0x1p113f, 0x1p108f,
                             0x1p103f, 0x1p98f});
  expectKept(scores + Values{-1e9f, 2e9f});
  // 10000 / 128 = 78.1
  expectKept(scores + Values{-10000, 79});
  expectLeftOut(scores + Values{78}, {-10000});
}

TEST(Sentinels, SomethingRemains) {
  for (float x : {-10000.0f, -1e9f, -FLT_MAX, FLT_MAX}) {
    expectKept({x});
    expectKept(Values(100, x));
  }
  expectKept({-FLT_MAX, FLT_MAX});
  // Of two clusters the lower one remains.
  EXPECT_EQ(distributionIn({-FLT_MAX, -1e9f}).sentinels, 1u);
}

TEST(Sentinels, LimitsOfTheRule) {
  auto isKept = [](float x, Values others) {
    return distributionIn(others + Values{x}).sentinels == 0;
  };
  auto below = [](float x) { return std::nextafter(x, 0.0f); };
  EXPECT_FALSE(isKept(0x1p100f, {1}));
  EXPECT_TRUE(isKept(below(0x1p100f), {1}));
  EXPECT_FALSE(isKept(0x1p100f, {0x1p94f}));
  EXPECT_TRUE(isKept(below(0x1p120f), {0x1p114f}));
  EXPECT_FALSE(isKept(-0x1p26f, {0x1p20f}));
  EXPECT_TRUE(isKept(below(-0x1p26f), {0x1p20f}));
  EXPECT_TRUE(isKept(below(-0x1p30f), {0x1p24f}));
  EXPECT_FALSE(isKept(-0x1p13f, {0x1p6f}));
  EXPECT_TRUE(isKept(below(-0x1p13f), {0}));
  EXPECT_TRUE(isKept(below(-0x1p14f), {0x1p7f}));
  // One value in 4096.
  EXPECT_FALSE(isKept(-10000, Values(4095, 1)));
  EXPECT_TRUE(isKept(-10000, Values(4096, 1)));
  // Bands are 9/8 wide and 5/4 apart.
  EXPECT_FALSE(isKept(-9216, {-8192, 1}));
  EXPECT_TRUE(isKept(-9224, {-8192, 1}));
  EXPECT_TRUE(isKept(-10232, {-8192, 1}));
  EXPECT_FALSE(isKept(-10240, {-8192, 1}));
}

//===----------------------------------------------------------------------===//
// All kinds together
//===----------------------------------------------------------------------===//

/// Clusters of random sizes, signs, places and widths, against the oracle.
TEST(Sentinels, RandomClusters) {
  Random random(20260820);
  int leftOut = 0, kept = 0;
  for (int repeat = 0; repeat < 4000; ++repeat) {
    Values values;
    if (random() % 8)
      values = gaussian(1 + random() % 300, random(),
                        std::ldexp(1.0f, int(random() % 24) - 12));
    if (random() % 4 == 0)
      values = values + Values(1 + random() % 10, 0.0f);
    for (int clusters = random() % 4; clusters > 0; --clusters) {
      const float masks[] = {-1e4f, -65504, -1e9f, -FLT_MAX, FLT_MAX, 9000};
      float center = random() % 2 ? masks[random() % 6]
                                  : std::ldexp(random() % 4 ? -1.3f : 1.3f,
                                               int(random() % 116) + 12);
      float spread = random() % 2 ? 0 : std::ldexp(1.0f, -int(random() % 12));
      for (int count = 1 + random() % 20; count > 0; --count)
        values.push_back(center * (1 - spread * float(random() % 1000) / 1000));
    }
    Distribution distribution = distributionIn(values);
    (distribution.sentinels ? leftOut : kept)++;
    if (HasFailure())
      return;
  }
  EXPECT_GT(leftOut, 1000);
  EXPECT_GT(kept, 1000);
}

} // namespace

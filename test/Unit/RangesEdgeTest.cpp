//===- RangesEdgeTest.cpp - Calibration methods at their limits -----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dead, constant and tiny tensors, counts near 2^60, the same bits everywhere.
//
//===----------------------------------------------------------------------===//
#include "Logarithm.h"
#include "RangesSamples.h"

#include <gtest/gtest.h>

using namespace mlir::qopt;
using namespace rangesoracle;
using namespace rangessamples;

namespace {

constexpr RangeMethod kMethods[] = {RangeMethod::Max, RangeMethod::Percentile,
                                    RangeMethod::Entropy, RangeMethod::MSE};
constexpr RangeStorage kStorages[] = {RangeStorage::S8, RangeStorage::U8,
                                      RangeStorage::U8Asymmetric};

void expectSame(const Range &a, const Range &b) {
  EXPECT_EQ(a.low, b.low);
  EXPECT_EQ(a.high, b.high);
  EXPECT_EQ(a.meanSquaredError, b.meanSquaredError);
  EXPECT_EQ(a.meanError, b.meanError);
  EXPECT_EQ(a.clippedFraction, b.clippedFraction);
}

//===----------------------------------------------------------------------===//
// Degenerate distributions
//===----------------------------------------------------------------------===//

TEST(ChooseRange, NothingAndZerosOnly) {
  Distribution empty;
  Distribution sized = distributionOf({});
  Distribution zeros = distributionOf({0, -0.0f, 0});
  for (const Distribution *d : {&empty, &sized, &zeros})
    for (RangeMethod method : kMethods)
      for (RangeStorage storage : kStorages)
        expectSame(chooseRange(*d, method, storage), Range());
  for (const Distribution *d : {&empty, &zeros}) {
    Range range = evaluateRange(*d, RangeStorage::U8Asymmetric, -1, 2);
    EXPECT_EQ(range.low, -1);
    EXPECT_EQ(range.high, 2);
    EXPECT_EQ(range.meanSquaredError, 0);
    EXPECT_EQ(range.clippedFraction, 0);
  }
}

/// Only the scale's rounding is left, and no method does worse than max.
TEST(ChooseRange, Constants) {
  for (float x : {0.7f, -0.7f, 4.0f, -1e-30f, 3e10f, -5.0f}) {
    Distribution d = distributionOf(std::vector<float>(100, x));
    for (RangeMethod method : kMethods)
      for (RangeStorage storage : kStorages) {
        if (storage == RangeStorage::U8 && x < 0)
          continue;
        Range range = chooseRange(d, method, storage);
        double step = std::fabs(x) * 0x1p-23;
        // Below 2^-40 a scale rounds everything to 0.
        double expected = std::fabs(x) < 0x1p-41 ? double(x) * x : step * step;
        EXPECT_LE(range.meanSquaredError, expected * (1 + 1e-9));
        EXPECT_LE(range.low, 0);
        EXPECT_GE(range.high, 0);
        EXPECT_LE(range.clippedFraction, 0);
      }
  }
}

TEST(ChooseRange, OnlyNegativeValuesMirror) {
  std::vector<float> values = gaussian(20000), mirrored = values;
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = std::fabs(values[i]) + (i % 3 ? 0 : 1);
    mirrored[i] = -values[i];
  }
  Distribution d = distributionOf(values), m = distributionOf(mirrored);
  for (RangeMethod method : kMethods) {
    Range right = chooseRange(d, method, RangeStorage::U8Asymmetric);
    Range left = chooseRange(m, method, RangeStorage::U8Asymmetric);
    EXPECT_EQ(left.high, 0);
    // Levels of entropy are counted from the low end: not quite a mirror.
    double tolerance = method == RangeMethod::Entropy ? 0.05 : 1e-6;
    EXPECT_NEAR(left.low, -right.high, tolerance * right.high);
    EXPECT_NEAR(left.meanSquaredError, right.meanSquaredError,
                4 * tolerance * right.meanSquaredError);
  }
}

TEST(ChooseRange, OneSidedAsymmetricIsOneSided) {
  Distribution d =
      distributionOf(draw(20000, [random = std::mt19937(5)]() mutable {
        return std::exponential_distribution<float>(2)(random);
      }));
  for (RangeMethod method :
       {RangeMethod::Max, RangeMethod::Entropy, RangeMethod::MSE})
    expectSame(chooseRange(d, method, RangeStorage::U8),
               chooseRange(d, method, RangeStorage::U8Asymmetric));
  // A percentile is cut on both sides.
  EXPECT_GT(
      chooseRange(d, RangeMethod::Percentile, RangeStorage::U8Asymmetric).high,
      chooseRange(d, RangeMethod::Percentile, RangeStorage::U8).high);
}

TEST(ChooseRange, EntropyNeedsAsManyBinsAsLevels) {
  // Below 2^-100 bins do not shrink with the values: the highest is bin 99.
  std::vector<float> values;
  for (int i = 1; i <= 99; ++i)
    values.push_back(i * 0x1p-111f);
  Distribution d = distributionOf(values);
  Range max = chooseRange(d, RangeMethod::Max, RangeStorage::S8);
  expectSame(chooseRange(d, RangeMethod::Entropy, RangeStorage::S8), max);
  expectSame(chooseRange(d, RangeMethod::MSE, RangeStorage::S8), max);
}

TEST(ChooseRange, ClampedScales) {
  // 3e38 / 127 exceeds the largest scale: all choices are alike, max is kept.
  Distribution huge = distributionOf({3e38f, -2e38f, 1e38f, 5});
  for (RangeStorage storage : {RangeStorage::S8, RangeStorage::U8Asymmetric})
    expectSame(chooseRange(huge, RangeMethod::MSE, storage),
               chooseRange(huge, RangeMethod::Max, storage));
  // Around the clamp, some are.
  std::mt19937 random(9);
  for (int exponent : {-34, -33, -32, 46, 47, 48}) {
    std::vector<float> values = gaussian(3000, exponent + 100);
    for (float &x : values)
      x = std::ldexp(x, exponent);
    Distribution d = distributionOf(values);
    for (RangeStorage storage :
         {RangeStorage::S8, RangeStorage::U8Asymmetric}) {
      Range best = chooseRange(d, RangeMethod::MSE, storage);
      for (int i = 0; i < 500; ++i) {
        double high = d.getAmax() * (random() % 1000 + 1) / 1000;
        Range other = evaluateRange(d, storage, -high, high);
        EXPECT_LE(best.meanSquaredError, other.meanSquaredError * (1 + 1e-3));
      }
    }
  }
}

//===----------------------------------------------------------------------===//
// Large counts
//===----------------------------------------------------------------------===//

Distribution multiply(Distribution d, uint64_t factor) {
  d.count *= factor, d.zeros *= factor;
  for (auto *half : {&d.positive, &d.negative})
    for (uint64_t &n : *half)
      n *= factor;
  return d;
}

TEST(ChooseRange, MultipleCountsChangeNothing) {
  for (const Sample &sample : allSamples()) {
    Distribution large = multiply(
        sample.values, uint64_t(1) << (sample.data.size() > 2000 ? 44 : 49));
    for (RangeStorage storage : kStorages)
      for (RangeMethod method : kMethods) {
        if (storage == RangeStorage::U8 && sample.values.min < 0)
          continue;
        SCOPED_TRACE(sample.name);
        Range range = chooseRange(sample.values, method, storage);
        Range same = chooseRange(large, method, storage);
        if (method == RangeMethod::Entropy) {
          // Logarithms of counts do not scale exactly.
          EXPECT_NEAR(range.high, same.high, 1e-3 * range.high);
          EXPECT_NEAR(range.low, same.low, -1e-3 * range.low);
          continue;
        }
        expectSame(range, same);
      }
  }
}

/// Nearly 2^60 values, all but a few in a few bins; against the oracle.
TEST(ChooseRange, NearlyAllValuesInOneBin) {
  std::vector<uint64_t> positive(kHistogramBins), negative(kHistogramBins);
  positive[100] = uint64_t(1) << 60;
  positive[101] = 3;
  negative[7] = 12345678901234567;
  for (int t = 300; t < 2048; t += 97)
    positive[t] = negative[t / 2] = 1;
  Distribution d = distributionOfCounts(positive, negative, 1, 0);
  for (RangeStorage storage : {RangeStorage::S8, RangeStorage::U8Asymmetric}) {
    Range best = chooseRange(d, RangeMethod::MSE, storage);
    EXPECT_GT(best.meanSquaredError, 0);
    for (int t = 1; t <= 2048; ++t) {
      double edge = std::min(t / 2048.0, d.max);
      double low = storage == RangeStorage::S8 ? -edge : std::max(-edge, d.min);
      Real error =
          errorOf(spreadsOf(d), d.count, scaleOf(storage, low, edge)).squared;
      EXPECT_LE(best.meanSquaredError, error * (1 + 1e-9L)) << t;
    }
  }
  Range range = chooseRange(d, RangeMethod::Percentile, RangeStorage::S8);
  EXPECT_GE(range.high, 100 / 2048.0);
  EXPECT_LE(range.high, 101 / 2048.0);
}

//===----------------------------------------------------------------------===//
// The same bits everywhere
//===----------------------------------------------------------------------===//

TEST(RangesLogarithm, IsAccurate) {
  const ranges::Logarithm &log = ranges::Logarithm::get();
  std::mt19937_64 random(19);
  auto check = [&](double x) {
    Real exact = std::log(Real(x));
    EXPECT_LE(std::fabs(log(x) - exact), 0x1p-51 * (1 + std::fabs(exact))) << x;
  };
  EXPECT_LE(std::fabs(log(1)), 0x1p-51);
  for (int i = 1; i < 100000; ++i)
    check(i);
  for (int i = 0; i < 100000; ++i) {
    check(std::ldexp(1.0 + double(random() >> 12) * 0x1p-52,
                     int(random() % 130) - 65));
    check(1 +
          std::ldexp(double(random() % 1000) - 500, -10 - int(random() % 50)));
  }
}

/// The oracle's histogram is the one that calibration makes.
TEST(RangesOracle, CountsAsEdgeStatisticsDo) {
  for (const Sample &sample : allSamples()) {
    EdgeStatistics statistics;
    statistics.observe(sample.data.data(), sample.data.size());
    Distribution d = statistics.getDistribution();
    SCOPED_TRACE(sample.name);
    if (d.sentinels != 0)
      continue;
    EXPECT_EQ(d.min, sample.values.min);
    EXPECT_EQ(d.max, sample.values.max);
    EXPECT_EQ(d.count, sample.values.count);
    EXPECT_EQ(d.exponent, sample.values.exponent);
    EXPECT_EQ(d.positive, sample.values.positive);
    EXPECT_EQ(d.negative, sample.values.negative);
    EXPECT_EQ(double(binWidth(d)), d.getBinWidth());
  }
}

/// A change of these bits is a change of every calibration. They were computed
/// alike with SSE2 and AVX-512, with and without optimization.
TEST(ChooseRange, SameBitsEverywhere) {
  // Integer arithmetic only.
  uint64_t state = 1;
  auto next = [&] {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return state >> 33;
  };
  uint64_t hash = 0xcbf29ce484222325u;
  auto add = [&](double x) {
    uint64_t bits = quantmath::detail::bitCast<uint64_t>(x);
    for (int i = 0; i < 8; ++i)
      hash = (hash ^ (bits >> (8 * i) & 255)) * 0x100000001b3u;
  };
  for (int i = 0; i < 20; ++i) {
    std::vector<uint64_t> halves[2];
    for (auto &half : halves)
      for (uint64_t t = 0; t < kHistogramBins; ++t) {
        uint64_t mass = next() % 100000000, slope = t + 1 + next() % 9;
        half.push_back(mass / (slope * (t + 1)));
      }
    if (i % 2)
      halves[1].assign(kHistogramBins, 0);
    Distribution d = distributionOfCounts(halves[0], halves[1], 10, i - 10);
    for (RangeStorage storage : kStorages)
      for (RangeMethod method : kMethods) {
        Range range = chooseRange(d, method, storage);
        for (double x : {range.low, range.high, range.meanSquaredError,
                         range.meanError, range.clippedFraction})
          add(x);
      }
  }
  EXPECT_EQ(hash, 10745727701116469641u);
}

TEST(ChooseRange, SelectorGivesTheSameInAnyOrder) {
  for (const Sample &sample : allSamples()) {
    RangeSelector forth(sample.values), back(sample.values);
    std::vector<Range> first, second;
    for (RangeMethod method : kMethods)
      for (RangeStorage storage : kStorages)
        first.push_back(forth.choose(method, storage));
    for (int i = 11; i >= 0; --i)
      second.push_back(back.choose(kMethods[i / 3], kStorages[i % 3]));
    for (int i = 0; i < 12; ++i) {
      expectSame(first[i], second[11 - i]);
      expectSame(first[i], forth.choose(kMethods[i / 3], kStorages[i % 3]));
      expectSame(first[i],
                 chooseRange(sample.values, kMethods[i / 3], kStorages[i % 3]));
    }
  }
}

} // namespace

//===- SampleStatisticsTest.cpp - Samples told apart by their energy ------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Statistics/SampleStatistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cfloat>
#include <cmath>
#include <limits>
#include <map>
#include <random>

using namespace mlir::qopt;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// Straight from the words of docs/Numerics.md.
int expectedOctave(const std::vector<float> &sample) {
  double partials[16] = {};
  for (size_t i = 0; i < sample.size(); ++i) {
    double x = sample[i];
    bool counts = x > -4096.0 && x < std::ldexp(1.0, 100);
    partials[i % 16] += counts ? x * x : 0.0;
  }
  double sum = 0;
  for (double partial : partials)
    sum += partial;
  int exponent;
  double meanSquare = sum / double(sample.size());
  std::frexp(meanSquare, &exponent);
  return meanSquare == 0 ? kSilentOctave : exponent;
}

/// Samples of very different energy, some with special values.
std::vector<std::vector<float>> makeSamples(size_t count, size_t size,
                                            unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::vector<float>> samples(count);
  for (std::vector<float> &sample : samples) {
    float scale = std::ldexp(1.0f, int(random() % 40) - 20);
    for (size_t i = 0; i < size; ++i) {
      float value = scale * normal(random);
      if (random() % 64 == 0)
        value =
            std::array{NAN,     kInfinity, -kInfinity, -1e9f, -FLT_MAX,
                       FLT_MAX, 0.0f,      -0.0f,      1e-40f}[random() % 9];
      sample.push_back(value);
    }
    if (random() % 8 == 0)
      std::fill(sample.begin(), sample.end(), 0.0f);
  }
  return samples;
}

std::vector<float> join(const std::vector<std::vector<float>> &samples) {
  std::vector<float> values;
  for (const std::vector<float> &sample : samples)
    values.insert(values.end(), sample.begin(), sample.end());
  return values;
}

TEST(EnergyOctave, IsThatOfTheMeanSquare) {
  auto octaveOf = [](std::vector<float> values) {
    return getEnergyOctave(values.data(), values.size());
  };
  EXPECT_EQ(octaveOf({1.0f}), 1);
  EXPECT_EQ(octaveOf({0.5f}), -1);
  EXPECT_EQ(octaveOf({1.0f, 0.0f, 0.0f, 0.0f}), -1);
  EXPECT_EQ(octaveOf({0.0f, -0.0f}), kSilentOctave);
  // Marks of masks and errors have no energy.
  EXPECT_EQ(octaveOf({NAN, kInfinity, -kInfinity, -1e9f, FLT_MAX, -FLT_MAX,
                      -4096.0f, 8.0f}),
            octaveOf({0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 8.0f}));
  EXPECT_EQ(octaveOf({-4095.0f}), 24);
  EXPECT_EQ(octaveOf({4096.0f}), 25);
  EXPECT_EQ(octaveOf({FLT_TRUE_MIN}), -297);
}

TEST(EnergyOctave, FixedOrder) {
  for (size_t size : {1, 7, 15, 16, 17, 31, 33, 100, 1000, 4097})
    for (const std::vector<float> &sample : makeSamples(50, size, 3))
      ASSERT_EQ(getEnergyOctave(sample.data(), size), expectedOctave(sample));
}

TEST(SampleStatistics, AnyOrderSplitAndTree) {
  constexpr size_t count = 60, size = 96;
  std::vector<std::vector<float>> samples = makeSamples(count, size, 11);
  const ChannelLayout layout{32, 1};
  SampleStatistics whole(layout);
  whole.observe(join(samples).data(), count * size, count);
  const std::string bytes = whole.serialize();
  std::mt19937 random(5);
  for (int round = 0; round < 40; ++round) {
    std::shuffle(samples.begin(), samples.end(), random);
    std::vector<SampleStatistics> parts(1 + random() % 7,
                                        SampleStatistics(layout));
    for (size_t i = 0; i < count;) {
      size_t n = std::min<size_t>(1 + random() % 9, count - i);
      std::vector<float> values =
          join({samples.begin() + i, samples.begin() + i + n});
      parts[random() % parts.size()].observe(values.data(), n * size, n);
      i += n;
    }
    while (parts.size() > 1) {
      SampleStatistics last = std::move(parts.back());
      parts.pop_back();
      ASSERT_TRUE(parts[random() % parts.size()].merge(last));
    }
    ASSERT_EQ(parts[0].serialize(), bytes);
    ASSERT_TRUE(parts[0] == whole);
  }

  EdgeStatistics total(layout);
  total.observe(join(samples).data(), count * size);
  EXPECT_TRUE(whole.getTotal() == total);
  EXPECT_EQ(whole.getChannelMaxima(), total.getChannelMaxima());
  EXPECT_EQ(whole.getCount(), count * size);
  EXPECT_EQ(whole.getErrors(), total.getNaNs() + total.getPositiveInfinities());
}

/// Large samples take another way to the same state.
TEST(SampleStatistics, LargeSamples) {
  for (size_t size : {(1 << 18) - 32, 1 << 18, (1 << 18) + 96}) {
    std::vector<std::vector<float>> samples = makeSamples(5, size, 29);
    const ChannelLayout layout{32, 1};
    SampleStatistics statistics(layout);
    statistics.observe(join(samples).data(), 5 * size, 5);
    std::map<int, EdgeStatistics> expected;
    for (const std::vector<float> &sample : samples)
      expected.try_emplace(expectedOctave(sample), layout)
          .first->second.observe(sample.data(), size);
    EdgeStatistics total(layout);
    for (const auto &[octave, edge] : expected)
      total.merge(edge);
    EXPECT_TRUE(statistics.getTotal() == total);
    Distribution distribution = total.getDistribution();
    WeightedHistogram histogram = statistics.getRelativeHistogram(distribution);
    std::vector<double> positive(kHistogramBins), negative(kHistogramBins);
    int quietest = INT32_MAX;
    for (const auto &[octave, edge] : expected)
      if (octave != kSilentOctave)
        quietest = std::min(quietest, octave);
    for (const auto &[octave, edge] : expected)
      if (octave != kSilentOctave)
        edge.addTo(distribution, std::ldexp(1.0, quietest - octave),
                   positive.data(), negative.data());
    EXPECT_EQ(histogram.positive, positive);
    EXPECT_EQ(histogram.negative, negative);
  }
}

TEST(SampleStatistics, OtherLayoutsDoNotMerge) {
  SampleStatistics a({4, 1}), b({4, 2}), c({2, 1});
  EXPECT_FALSE(a.merge(b));
  EXPECT_FALSE(a.merge(c));
  EXPECT_TRUE(a.merge(SampleStatistics({4, 1})));
}

TEST(SampleStatistics, RelativeHistogram) {
  constexpr size_t size = 512;
  std::vector<std::vector<float>> samples = makeSamples(30, size, 17);
  // Legitimate far values, positive and negative, without a gap below them.
  for (int i = 0; i < 40; ++i) {
    samples[0][i] = std::ldexp(1.5f, i % 17);
    samples[1][i] = -std::ldexp(1.25f, i % 15);
  }
  SampleStatistics statistics;
  statistics.observe(join(samples).data(), 30 * size, 30);
  Distribution total = statistics.getTotal().getDistribution();
  WeightedHistogram histogram = statistics.getRelativeHistogram(total);

  std::vector<double> positive(kHistogramBins), negative(kHistogramBins);
  int quietest = INT32_MAX;
  for (const std::vector<float> &sample : samples)
    if (int octave = expectedOctave(sample); octave != kSilentOctave)
      quietest = std::min(quietest, octave);
  for (const std::vector<float> &sample : samples) {
    double weight = std::ldexp(1.0, quietest - expectedOctave(sample));
    for (float x : sample)
      if (x != 0 && x >= total.min && x <= total.max) {
        size_t bin = size_t(std::fabs(double(x)) / total.getBinWidth());
        (x > 0 ? positive : negative)[bin] += weight;
      }
  }
  // Added in another order; weights span more than the bits of a double.
  for (size_t t = 0; t < kHistogramBins; ++t) {
    EXPECT_NEAR(histogram.positive[t], positive[t], 1e-12 * positive[t]) << t;
    EXPECT_NEAR(histogram.negative[t], negative[t], 1e-12 * negative[t]) << t;
  }
}

TEST(SampleStatistics, Bytes) {
  SampleStatistics statistics({8, 2});
  std::vector<float> values = join(makeSamples(9, 64, 23));
  statistics.observe(values.data(), values.size(), 9);
  for (const SampleStatistics &written :
       {statistics, SampleStatistics(), SampleStatistics({3, 1})}) {
    SampleStatistics read;
    std::string error;
    ASSERT_TRUE(SampleStatistics::deserialize(written.serialize(), read, error))
        << error;
    EXPECT_TRUE(read == written);
    EXPECT_EQ(read.serialize(), written.serialize());
  }
  // Cut anywhere: an error, and the result stays.
  const std::string bytes = statistics.serialize();
  for (size_t size = 0; size < bytes.size(); ++size) {
    SampleStatistics read({5, 1});
    std::string error;
    ASSERT_FALSE(
        SampleStatistics::deserialize(bytes.substr(0, size), read, error));
    ASSERT_FALSE(error.empty());
    ASSERT_TRUE(read == SampleStatistics({5, 1}));
  }
  std::string error;
  SampleStatistics read;
  EXPECT_FALSE(SampleStatistics::deserialize(bytes + "x", read, error));
}

} // namespace

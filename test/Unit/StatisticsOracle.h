//===- StatisticsOracle.h - Statistics by the words of Numerics.md -*- C++ -*-//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The distribution of a list of values, from the list itself: no blocks, no
// octaves, no growth; libm's frexp and ldexp. And values to try it on.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_STATISTICSORACLE_H
#define QUANTOPT_TEST_UNIT_STATISTICSORACLE_H

#include "../../lib/Statistics/ObserveKernels.h"
#include "QuantOpt/Statistics/EdgeStatistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace statisticstest {

using mlir::qopt::ChannelLayout;
using mlir::qopt::Distribution;
using mlir::qopt::EdgeStatistics;
using mlir::qopt::kHistogramBins;

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();

inline float fromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

//===----------------------------------------------------------------------===//
// Oracle
//===----------------------------------------------------------------------===//

/// Cut to 11 significant bits.
inline double cut(double magnitude) {
  int exponent;
  double mantissa = std::frexp(magnitude, &exponent);
  return std::ldexp(std::floor(mantissa * 2048), exponent - 11);
}

/// Numerics.md, "Sentinels", on values of decreasing magnitude: how many of the
/// first are left out.
inline size_t countSentinels(const std::vector<float> &sorted) {
  size_t begin = 0;
  while (true) {
    auto magnitude = [&](size_t i) {
      return i < sorted.size() ? std::fabs(double(sorted[i])) : 0;
    };
    // The cluster goes up to the first gap.
    size_t end = begin + 1;
    while (end < sorted.size() && magnitude(end - 1) < 64 * magnitude(end))
      ++end;
    if (end >= sorted.size())
      return begin;
    double smallest = magnitude(end - 1);
    if (smallest < 4096)
      return begin;
    bool negative = std::all_of(sorted.begin() + begin, sorted.begin() + end,
                                [](float x) { return x < 0; });
    bool sentinel = smallest >= 0x1p100 || (negative && smallest >= 0x1p26);
    if (!sentinel && negative && smallest >= 8192 &&
        smallest >= 128 * magnitude(end) &&
        (end - begin) * 4096 >= sorted.size() - begin) {
      unsigned bands = 0;
      double first = 0;
      bool apart = true;
      for (size_t i = end; i-- > begin;) {
        double x = cut(magnitude(i));
        if (bands > 0 && x <= 1.125 * first)
          continue;
        apart &= x >= 1.25 * first;
        ++bands;
        first = x;
      }
      sentinel = apart && bands <= 4;
    }
    if (!sentinel)
      return begin;
    begin = end;
  }
}

inline Distribution distributionOf(const std::vector<float> &values) {
  std::vector<float> finite;
  for (float x : values)
    if (std::isfinite(x))
      finite.push_back(x);
  std::sort(finite.begin(), finite.end(), [](float a, float b) {
    return std::fabs(a) != std::fabs(b) ? std::fabs(a) > std::fabs(b) : a < b;
  });
  Distribution result;
  result.sentinels = countSentinels(finite);
  if (result.sentinels > 0)
    result.sentinelValue = finite.front();
  finite.erase(finite.begin(), finite.begin() + result.sentinels);

  result.count = finite.size();
  result.positive.assign(kHistogramBins, 0);
  result.negative.assign(kHistogramBins, 0);
  if (finite.empty())
    return result;
  result.min = *std::min_element(finite.begin(), finite.end()) + 0.0;
  result.max = *std::max_element(finite.begin(), finite.end()) + 0.0;
  int exponent = -100;
  if (finite.front() != 0)
    std::frexp(finite.front(), &exponent);
  result.exponent = std::max(-100, exponent);
  for (float x : finite) {
    double scaled = std::ldexp(std::fabs(double(x)), 11 - result.exponent);
    if (x == 0)
      ++result.zeros;
    else
      ++(x > 0 ? result.positive : result.negative)[size_t(std::trunc(scaled))];
  }
  return result;
}

inline std::vector<float> maximaOf(const std::vector<float> &values,
                                   const ChannelLayout &layout) {
  std::vector<float> maxima(layout.channels, 0.0f);
  for (size_t i = 0; i < values.size() && layout.channels > 0; ++i) {
    float &maximum = maxima[i / layout.inner % layout.channels];
    if (std::isfinite(values[i]))
      maximum = std::max(maximum, std::fabs(values[i]));
  }
  return maxima;
}

inline void expectEqual(const Distribution &found, const Distribution &wanted) {
  EXPECT_EQ(found.min, wanted.min);
  EXPECT_EQ(found.max, wanted.max);
  EXPECT_FALSE(std::signbit(found.min) && found.min == 0);
  EXPECT_FALSE(std::signbit(found.max) && found.max == 0);
  EXPECT_EQ(found.count, wanted.count);
  EXPECT_EQ(found.zeros, wanted.zeros);
  EXPECT_EQ(found.exponent, wanted.exponent);
  EXPECT_EQ(found.sentinels, wanted.sentinels);
  EXPECT_EQ(found.sentinelValue, wanted.sentinelValue);
  EXPECT_TRUE(found.positive == wanted.positive);
  EXPECT_TRUE(found.negative == wanted.negative);
}

/// All that statistics say of the values they have seen.
inline void expectStatisticsOf(const EdgeStatistics &statistics,
                               const std::vector<float> &values) {
  auto countIf = [&](bool (*is)(float)) {
    return uint64_t(std::count_if(values.begin(), values.end(), is));
  };
  EXPECT_EQ(statistics.getCount(), values.size());
  EXPECT_EQ(statistics.getNaNs(), countIf([](float x) { return x != x; }));
  EXPECT_EQ(statistics.getInfinities(),
            countIf([](float x) { return bool(std::isinf(x)); }));
  EXPECT_EQ(statistics.getZeros(), countIf([](float x) { return x == 0; }));
  expectEqual(statistics.getDistribution(), distributionOf(values));
  EXPECT_EQ(statistics.getChannelMaxima(),
            maximaOf(values, statistics.getLayout()));

  std::string bytes = statistics.serialize(), error;
  EdgeStatistics copy;
  ASSERT_TRUE(EdgeStatistics::deserialize(bytes, copy, error)) << error;
  EXPECT_TRUE(copy == statistics);
  EXPECT_EQ(copy.serialize(), bytes);
}

inline EdgeStatistics observed(const std::vector<float> &values,
                               ChannelLayout layout = {}) {
  EdgeStatistics statistics(layout);
  statistics.observe(values.data(), values.size());
  return statistics;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

using Random = std::mt19937;

inline std::vector<float> gaussian(size_t count, unsigned seed,
                                   float deviation = 1) {
  Random random(seed);
  std::normal_distribution<float> distribution(0, deviation);
  std::vector<float> values(count);
  for (float &x : values)
    x = distribution(random);
  return values;
}

/// Values that are easy to get wrong.
inline std::vector<float> specials() {
  std::vector<float> values = {0.0f, -0.0f, kInfinity, -kInfinity};
  for (uint32_t bits :
       {0x7FC00000u, 0xFFC00000u, 0x7F800001u, 0xFF800001u, 0x7FFFFFFFu,
        0xFFFFFFFFu, 0x7FA12345u, // NaNs of both kinds.
        1u,          0x80000001u, 0x007FFFFFu, 0x807FFFFFu, 0x00800000u,
        0x80800000u, 0x7F7FFFFFu, 0xFF7FFFFFu, 0x457FFFFFu, 0x45800000u,
        0xC57FFFFFu, 0xC5800000u, 0x45800001u})
    values.push_back(fromBits(bits));
  for (int exponent :
       {-149, -127, -126, -112, -111, -110, -101, -100, -99, -20, -1,
        0,    1,    10,   11,   12,   13,   26,   99,   100, 127})
    for (float sign : {1.0f, -1.0f}) {
      float power = std::ldexp(sign, exponent);
      values.insert(values.end(), {power, std::nextafter(power, 0.0f),
                                   std::nextafter(power, sign * kInfinity)});
    }
  return values;
}

/// Values around edges of bins for ranges [0, 2^exponent).
inline std::vector<float> atBinEdges(int exponent) {
  std::vector<float> values;
  for (int t = 0; t <= 2048; ++t) {
    float edge = std::ldexp(float(t), exponent - 11);
    for (float x :
         {edge, std::nextafter(edge, 0.0f), std::nextafter(edge, kInfinity)})
      if (std::fabs(x) < std::ldexp(1.0f, exponent)) {
        values.push_back(x);
        values.push_back(-x);
      }
  }
  return values;
}

/// A random mixture: any magnitudes, many equal ones, specials.
inline std::vector<float> mixture(Random &random, size_t count) {
  const std::vector<float> special = specials();
  std::vector<float> values(count);
  uint32_t kinds = random();
  int center = int(random() % 60) - 40;
  for (float &x : values)
    switch (random() % 8) {
    case 0:
      x = kinds & 1 ? fromBits(random()) : 0.0f;
      break;
    case 1:
      x = kinds & 2 ? special[random() % special.size()] : -0.0f;
      break;
    case 2:
      x = kinds & 4 ? -1e9f : float(random() % 4);
      break;
    default:
      x = std::ldexp(float(int32_t(random())),
                     center - 31 - (kinds & 8 ? int(random() % 30) : 0));
    }
  return values;
}

/// Runs `test` with the kernels of each level this machine has.
template <typename Test> void forEachLevel(Test test) {
  namespace statistics = mlir::qopt::statistics;
  for (const auto *kernels : statistics::availableKernels()) {
    SCOPED_TRACE(kernels->name);
    statistics::chooseKernels(kernels);
    test();
  }
  statistics::chooseKernels(nullptr);
}

} // namespace statisticstest

#endif // QUANTOPT_TEST_UNIT_STATISTICSORACLE_H

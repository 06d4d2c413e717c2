//===- RangesSamples.h - Distributions for tests of range selection -------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_RANGESSAMPLES_H
#define QUANTOPT_TEST_UNIT_RANGESSAMPLES_H

#include "RangesOracle.h"

#include "QuantOpt/Support/QuantMath.h"

#include <random>

namespace rangessamples {

using rangesoracle::Distribution;
using rangesoracle::distributionOf;
using rangesoracle::kHistogramBins;
using rangesoracle::RangeStorage;
namespace quantmath = mlir::qopt::quantmath;

struct Sample {
  const char *name;
  std::vector<float> data;
  Distribution values;
};

template <typename Draw> std::vector<float> draw(size_t count, Draw draw) {
  std::vector<float> values(count);
  for (float &x : values)
    x = draw();
  return values;
}

inline std::vector<float> gaussian(size_t count, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  return draw(count, [&] { return normal(random); });
}

/// Made once: every kind of shape, and of degeneracy.
inline const std::vector<Sample> &allSamples() {
  static const std::vector<Sample> samples = [] {
    std::vector<Sample> all;
    auto add = [&](const char *name, std::vector<float> data) {
      Distribution values = distributionOf(data);
      all.push_back({name, std::move(data), std::move(values)});
    };
    constexpr size_t kCount = 40000;
    std::mt19937 random(3);
    std::normal_distribution<float> normal;
    std::exponential_distribution<float> exponential;
    std::uniform_real_distribution<float> uniform;
    auto gauss = [&] { return normal(random); };
    auto coin = [&](float share) { return uniform(random) < share; };

    add("gaussian", draw(kCount, gauss));
    add("laplace", draw(kCount, [&] {
          float x = exponential(random);
          return coin(0.5f) ? x : -x;
        }));
    add("log-normal", draw(kCount, [&] { return std::exp(gauss()); }));
    add("two-sided log-normal", draw(kCount, [&] {
          float x = std::exp(1.5f * gauss());
          return coin(0.4f) ? x : -x;
        }));
    add("relu", draw(kCount, [&] { return std::max(0.0f, gauss()); }));
    add("relu6", draw(kCount, [&] {
          return std::min(6.0f, std::max(0.0f, 4 * gauss()));
        }));
    add("uniform", draw(kCount, [&] { return 2 * uniform(random) - 1; }));
    add("gelu", draw(kCount, [&] {
          float x = 2 * gauss();
          return 0.5f * x * (1 + std::erf(x * 0.7071f));
        }));
    add("sparse",
        draw(kCount, [&] { return coin(0.02f) ? 3 + gauss() : 0.0f; }));
    add("bimodal", draw(kCount, [&] {
          return coin(0.5f) ? 5 + 0.3f * gauss() : 0.01f * gauss() - 1;
        }));
    add("outliers",
        draw(kCount, [&] { return coin(3e-4f) ? 60 * gauss() : gauss(); }));
    add("negative", draw(kCount, [&] { return -1 - exponential(random); }));
    add("far from 0", draw(kCount, [&] { return 100 + gauss(); }));
    add("ten values", gaussian(10));
    add("two values", {-1, 3});
    add("one positive value", {0.7f});
    add("one negative value", {-0.7f});
    add("positive constant", std::vector<float>(1000, 5.3f));
    add("negative constant", std::vector<float>(1000, -5.3f));
    add("power of two", std::vector<float>(10, 4.0f));
    add("constant and zeros", {0, 0, 0, 2, 0, 2});
    add("in few bins", {0x1p-111f, 0x1.8p-110f, 0x1p-108f});
    add("in one bin", {0x1p-130f, 0x1p-125f, -0x1p-124f});
    add("subnormal", {0x1p-149f, 0x1p-140f});
    add("huge", {1e38f, -3e38f, 2.5e38f, 1e30f, 7});
    return all;
  }();
  return samples;
}

/// A distribution of given counts, its extremes inside the outer bins.
inline Distribution distributionOfCounts(std::vector<uint64_t> positive,
                                         std::vector<uint64_t> negative,
                                         uint64_t zeros, int exponent) {
  Distribution d;
  d.exponent = exponent;
  d.zeros = d.count = zeros;
  for (size_t t = 0; t < kHistogramBins; ++t) {
    d.count += positive[t] + negative[t];
    double inside = std::ldexp(t + 0.625, exponent - 11);
    d.max = positive[t] ? inside : d.max;
    d.min = negative[t] ? -inside : d.min;
  }
  d.positive = std::move(positive);
  d.negative = std::move(negative);
  return d;
}

/// Decaying counts with gaps, plateaus and far bins; shape after `kind`.
inline Distribution randomHistogram(std::mt19937_64 &random, int kind) {
  std::vector<uint64_t> halves[2];
  for (int side = 0; side < 2; ++side) {
    std::vector<uint64_t> &counts = halves[side];
    counts.resize(kHistogramBins);
    if (side == 1 && kind % 3 == 0)
      continue;
    double scale = std::ldexp(1.0, int(random() % 40));
    double decay = std::ldexp(1.0, -int(random() % 11));
    unsigned gap = 1 + random() % 7;
    for (size_t t = 0; t < kHistogramBins; ++t) {
      if (kind % 2 && random() % gap != 0)
        continue;
      double mass = scale * std::exp(-decay * t);
      counts[t] = kind % 5 == 0 ? uint64_t(std::ceil(mass))
                                : uint64_t(mass * (random() % 1000) / 500);
    }
    counts[side == 0 ? 2047 : 900 + random() % 1100] += 1;
  }
  return distributionOfCounts(halves[0], halves[1], random() % 100, 3);
}

/// Nearly all of almost 2^60 values in a few bins that no level joins with
/// others: divergences are below what sums of n log n resolve.
inline Distribution giantHistogram(std::mt19937_64 &random, bool twoSided) {
  std::vector<uint64_t> halves[2];
  for (int side = 0; side < 2; ++side) {
    std::vector<uint64_t> &counts = halves[side];
    counts.resize(kHistogramBins);
    if (side == 1 && !twoSided)
      continue;
    for (size_t t = 100; t < kHistogramBins; t += 1 + random() % 5)
      counts[t] = 1 + random() % 3;
    for (size_t t = 1; t < 90; t += 40)
      counts[t] = (random() >> 7) | 1;
  }
  return distributionOfCounts(halves[0], halves[1], 0, 3);
}

/// `bins` bins that are not empty, at least one of them of the upper half.
inline Distribution sparseHistogram(std::mt19937_64 &random, int bins) {
  std::vector<uint64_t> halves[2];
  halves[0].resize(kHistogramBins);
  halves[1].resize(kHistogramBins);
  for (int i = 0; i < bins; ++i)
    halves[random() % 2][random() % (i % 2 ? 400 : kHistogramBins)] +=
        1 + random() % 1000 * (random() % 1000);
  halves[0][1024 + random() % 1024] += 1;
  return distributionOfCounts(halves[0], halves[1], 10, -2);
}

/// QuantMath's own Q_mul and D for a range.
class Quantizer {
public:
  Quantizer(RangeStorage storage, const mlir::qopt::Range &limits) {
    range = quantmath::rangeOf(storage == RangeStorage::S8
                                   ? quantmath::Storage::S8
                                   : quantmath::Storage::U8);
    if (storage == RangeStorage::S8)
      choice = quantmath::symmetricScale(limits.high);
    else if (storage == RangeStorage::U8)
      choice = quantmath::oneSidedScale(limits.high);
    else
      choice = quantmath::asymmetricScale(limits.low, limits.high, range);
  }
  double roundTrip(float x) const {
    return quantmath::dequantize(quantize(x, range), choice.scale,
                                 choice.zeroPoint);
  }
  bool clamps(float x) const {
    return quantize(x, range) != quantize(x, {-65536, 65536});
  }

private:
  int32_t quantize(float x, quantmath::IntRange to) const {
    return quantmath::quantizeMul(x, quantmath::reciprocalScale(choice.scale),
                                  choice.zeroPoint, to);
  }

  quantmath::IntRange range;
  quantmath::ScaleChoice choice;
};

} // namespace rangessamples

#endif // QUANTOPT_TEST_UNIT_RANGESSAMPLES_H

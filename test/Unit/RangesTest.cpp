//===- RangesTest.cpp - Calibration methods against brute force -----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "RangesSamples.h"

#include "QuantOpt/Support/QuantMath.h"

#include <gtest/gtest.h>

using namespace mlir::qopt;
using namespace rangesoracle;
using namespace rangessamples;

namespace {

constexpr RangeMethod kMethods[] = {RangeMethod::Max, RangeMethod::Percentile,
                                    RangeMethod::Entropy, RangeMethod::MSE};

/// Those a distribution is stored in: u8 only without negative values.
std::vector<RangeStorage> storagesOf(const Distribution &d) {
  std::vector<RangeStorage> storages = {RangeStorage::S8,
                                        RangeStorage::U8Asymmetric};
  if (d.min >= 0)
    storages.push_back(RangeStorage::U8);
  return storages;
}

std::string where(const char *name, RangeStorage storage) {
  const char *storages[] = {"s8", "u8", "asymmetric"};
  return std::string(name) + ", " + storages[int(storage)];
}

Moments errorOf(const Distribution &d, RangeStorage storage,
                const Range &range) {
  return errorOf(spreadsOf(d), d.count,
                 scaleOf(storage, range.low, range.high));
}

void expectClose(Real expected, Real actual, Real tolerance) {
  EXPECT_LE(std::fabs(expected - actual), tolerance)
      << double(expected) << " and " << double(actual);
}

//===----------------------------------------------------------------------===//
// Evaluation
//===----------------------------------------------------------------------===//

TEST(RangesOracle, PassesOverNoCell) {
  Distribution d = distributionOf(gaussian(5000));
  for (double high : {0.01, 0.9, 2.5, 4.0}) {
    Scale scale = scaleOf(RangeStorage::U8Asymmetric, -1.5, high);
    Moments quick = errorOf(spreadsOf(d), d.count, scale);
    Moments all = errorOf(spreadsOf(d), d.count, scale, true);
    EXPECT_EQ(quick.squared, all.squared);
    EXPECT_EQ(quick.mean, all.mean);
  }
}

TEST(EvaluateRange, IsTheIntegralOverBins) {
  std::mt19937 random(7);
  for (const Sample &sample : allSamples()) {
    const Distribution &d = sample.values;
    RangeSelector selector(d);
    double amax = d.getAmax();
    Real squares = 0;
    for (const Spread &x : spreadsOf(d))
      squares += x.count / d.count *
                 (x.begin * x.begin + x.begin * x.end + x.end * x.end) / 3;
    for (RangeStorage storage : storagesOf(d)) {
      SCOPED_TRACE(where(sample.name, storage));
      for (int i = 0; i < 40; ++i) {
        // From far too narrow to far too wide.
        double scale = std::ldexp(amax, int(random() % 12) - 9);
        double high = scale * (random() % 1000) / 500;
        double low = i % 5 == 0 ? 0 : -scale * (random() % 1000) / 500;
        if (storage == RangeStorage::S8)
          low = -(high = std::max(-low, high));
        if (storage == RangeStorage::U8)
          low = 0;
        Range range = selector.evaluate(storage, low, high);
        EXPECT_EQ(range.low, low);
        EXPECT_EQ(range.high, high);
        Scale s = scaleOf(storage, low, high);
        Moments expected = errorOf(spreadsOf(d), d.count, s);
        expectClose(expected.squared, range.meanSquaredError,
                    1e-12L * expected.squared);
        expectClose(expected.mean, range.meanError,
                    1e-12L * std::sqrt(expected.squared));
        double quick = selector.estimateError(storage, low, high);
        expectClose(expected.squared, quick, 1e-11L * squares);
        Real above = (s.hi - s.zero + 0.5L) * s.scale;
        Real below = (s.lo - s.zero - 0.5L) * s.scale, clipped = 0;
        for (Spread x : spreadsOf(d)) {
          clipped += countAbove({x}, above);
          clipped += countAbove({{-x.end, -x.begin, x.count}}, -below);
        }
        expectClose(clipped / d.count, range.clippedFraction, 1e-12L);
      }
    }
  }
}

/// A midpoint sum over each bin, quantized with QuantMath's own functions.
TEST(EvaluateRange, IsADenseSum) {
  constexpr int kPoints = 256;
  for (const Sample &sample : allSamples()) {
    const Distribution &d = sample.values;
    for (RangeStorage storage : storagesOf(d)) {
      SCOPED_TRACE(where(sample.name, storage));
      Range range = chooseRange(d, RangeMethod::Percentile, storage, {99});
      Quantizer quantizer(storage, range);
      Real squared = 0, mean = 0;
      for (const Spread &x : spreadsOf(d))
        for (int i = 0; i < kPoints; ++i) {
          double value = x.begin + (x.end - x.begin) * (i + 0.5L) / kPoints;
          Real error = value - quantizer.roundTrip(value);
          squared += error * error * x.count / kPoints;
          mean += error * x.count / kPoints;
        }
      squared /= d.count, mean /= d.count;
      // D rounds to f32.
      Real ulp = std::ldexp(d.getAmax(), -23), error = std::sqrt(squared) + ulp;
      expectClose(squared, range.meanSquaredError,
                  1e-4L * squared + ulp * error);
      expectClose(mean, range.meanError, 1e-3L * error + ulp);
    }
  }
}

/// What really happens to the values the histogram was made of. Within bins
/// they are not spread evenly, so the tolerance is statistical.
TEST(EvaluateRange, IsWhatQuantizingValuesDoes) {
  for (const Sample &sample : allSamples()) {
    if (sample.data.size() < 10000)
      continue;
    for (RangeStorage storage : storagesOf(sample.values))
      for (RangeMethod method : kMethods) {
        SCOPED_TRACE(where(sample.name, storage));
        Range range = chooseRange(sample.values, method, storage);
        Quantizer quantizer(storage, range);
        double squared = 0, mean = 0, clipped = 0;
        for (float x : sample.data) {
          double error = x - quantizer.roundTrip(x);
          squared += error * error, mean += error;
          clipped += quantizer.clamps(x);
        }
        double count = sample.data.size();
        double error = std::sqrt(range.meanSquaredError);
        EXPECT_NEAR(squared / count, range.meanSquaredError,
                    0.03 * range.meanSquaredError);
        EXPECT_NEAR(mean / count, range.meanError, 0.1 * error);
        EXPECT_NEAR(clipped / count, range.clippedFraction, 1e-3);
      }
  }
}

TEST(EvaluateRange, MakesLimitsFitTheStorage) {
  Distribution d = distributionOf({-1, 2, 3});
  Range s8 = evaluateRange(d, RangeStorage::S8, -4, 3);
  EXPECT_EQ(s8.low, -4);
  EXPECT_EQ(s8.high, 4);
  Range u8 = evaluateRange(d, RangeStorage::U8, -4, 3);
  EXPECT_EQ(u8.low, 0);
  EXPECT_EQ(u8.high, 3);
  EXPECT_NEAR(u8.meanSquaredError, 1.0 / 3, 1e-6); // -1 becomes 0.
  Range wide = evaluateRange(d, RangeStorage::U8Asymmetric, 1, 2);
  EXPECT_EQ(wide.low, 0);
  EXPECT_EQ(wide.high, 2);
}

//===----------------------------------------------------------------------===//
// Max and percentile
//===----------------------------------------------------------------------===//

TEST(ChooseRange, MaxIsExact) {
  for (const Sample &sample : allSamples()) {
    const Distribution &d = sample.values;
    for (RangeStorage storage : storagesOf(d)) {
      SCOPED_TRACE(where(sample.name, storage));
      Range range = chooseRange(d, RangeMethod::Max, storage);
      bool isSigned = storage == RangeStorage::S8;
      EXPECT_EQ(range.high, isSigned ? d.getAmax() : std::max(d.max, 0.0));
      EXPECT_EQ(range.low, isSigned ? -d.getAmax() : std::min(d.min, 0.0));
      // Scales end at 2^40.
      if (d.getAmax() < 0x1p46) {
        EXPECT_EQ(range.clippedFraction, 0);
      }
    }
  }
}

TEST(ChooseRange, PercentileInvertsTheDistribution) {
  for (const Sample &sample : allSamples()) {
    const Distribution &d = sample.values;
    std::vector<Spread> above, below, magnitudes;
    for (Spread x : spreadsOf(d)) {
      if (x.end > 0)
        above.push_back(x), magnitudes.push_back(x);
      else
        below.push_back({-x.end, -x.begin, x.count});
    }
    magnitudes.insert(magnitudes.end(), below.begin(), below.end());
    Real amax = d.getAmax();
    for (double p : {0.0, 1.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 100.0})
      for (RangeStorage storage : storagesOf(d)) {
        SCOPED_TRACE(where(sample.name, storage) + ", " + std::to_string(p));
        Range range = chooseRange(d, RangeMethod::Percentile, storage, {p});
        Real tail = (100 - Real(p)) / 100 * d.count, low = 0, high = 0;
        if (storage == RangeStorage::U8Asymmetric) {
          low = -quantile(below, amax, tail / 2);
          high = quantile(above, amax, tail / 2);
        } else {
          high = quantile(magnitudes, amax, tail);
          low = storage == RangeStorage::S8 ? -high : 0;
        }
        if (low == 0 && high == 0) {
          Range max = chooseRange(d, RangeMethod::Max, storage);
          low = max.low, high = max.high;
        }
        expectClose(low, range.low, 1e-9L * amax);
        expectClose(high, range.high, 1e-9L * amax);
      }
  }
}

TEST(ChooseRange, PercentileGrowsToMax) {
  for (const Sample &sample : allSamples())
    for (RangeStorage storage : storagesOf(sample.values)) {
      SCOPED_TRACE(where(sample.name, storage));
      Range max = chooseRange(sample.values, RangeMethod::Max, storage);
      Range all =
          chooseRange(sample.values, RangeMethod::Percentile, storage, {100});
      EXPECT_EQ(all.low, max.low);
      EXPECT_EQ(all.high, max.high);
      // Below the share of zeros nothing is left, and that is max again.
      double width = 0;
      for (double p = 99; p < 100; p += 0.03) {
        Range range =
            chooseRange(sample.values, RangeMethod::Percentile, storage, {p});
        EXPECT_LE(range.high, max.high);
        EXPECT_GE(range.low, max.low);
        if (range.low == max.low && range.high == max.high)
          continue;
        EXPECT_GE(range.high - range.low, width);
        width = range.high - range.low;
      }
    }
}

TEST(ChooseRange, PercentileOfFewOrMeaninglessShares) {
  // 1 in 100,000 is not zero: less than the tail, but not dead.
  std::vector<float> values(100000);
  values[5] = 3;
  Distribution d = distributionOf(values);
  for (RangeStorage storage : storagesOf(d))
    EXPECT_EQ(chooseRange(d, RangeMethod::Percentile, storage).high, 3);
  for (double p : {101.0, double(INFINITY), double(NAN)})
    EXPECT_EQ(
        chooseRange(d, RangeMethod::Percentile, RangeStorage::U8, {p}).high, 3);
  Distribution ramp = distributionOf({1, 2, 3, 4});
  EXPECT_EQ(
      chooseRange(ramp, RangeMethod::Percentile, RangeStorage::U8, {-5}).high,
      4);
}

//===----------------------------------------------------------------------===//
// Entropy
//===----------------------------------------------------------------------===//

/// The least divergence of all windows, and that of the window of `range`.
struct Divergences {
  Real least = std::numeric_limits<Real>::infinity(), chosen = least;
  /// The widest window with the least one, in bins.
  size_t widest = 0, width = 0;
};

Divergences entropiesOf(const Distribution &d, RangeStorage storage,
                        const Range &range) {
  // Magnitudes, or from the most negative to the most positive bin.
  bool isAsymmetric = storage == RangeStorage::U8Asymmetric;
  std::vector<uint64_t> counts(kHistogramBins);
  if (isAsymmetric)
    for (size_t t = 0; t < kHistogramBins; ++t)
      counts[kHistogramBins - 1 - t] = d.negative[t];
  size_t zero = isAsymmetric ? kHistogramBins : 0;
  counts.resize(zero + kHistogramBins);
  for (size_t t = 0; t < kHistogramBins; ++t)
    counts[zero + t] +=
        d.positive[t] + (storage == RangeStorage::S8 ? d.negative[t] : 0);

  size_t levels = storage == RangeStorage::S8 ? 128 : 256;
  while (counts.size() > zero && counts.back() == 0)
    counts.pop_back();
  Divergences result;
  for (size_t t = 1; t <= kHistogramBins; ++t) {
    size_t begin = zero, end = std::min(zero + t, counts.size());
    if (isAsymmetric) {
      begin = zero - t;
      while (begin < zero && counts[begin] == 0)
        ++begin;
      while (end > zero && counts[end - 1] == 0)
        --end;
      if ((begin == zero && d.min < 0) || (end == zero && d.max > 0))
        continue;
    }
    if (end - begin < levels)
      continue;
    Real divergence = divergenceOf(counts, begin, end, levels);
    auto edge = [&](size_t bin) {
      return double((Real(bin) - Real(zero)) * binWidth(d));
    };
    bool isChosen =
        range.high == std::min(edge(end), storage == RangeStorage::S8
                                              ? d.getAmax()
                                              : std::max(d.max, 0.0)) &&
        (!isAsymmetric ||
         range.low == std::max(edge(begin), std::min(d.min, 0.0)));
    if (isChosen) {
      result.chosen = std::min(result.chosen, divergence);
      result.width = end - begin;
    }
    if (divergence <= result.least) {
      result.least = divergence;
      result.widest = end - begin;
    }
  }
  return result;
}

TEST(ChooseRange, EntropyIsTheLeastDivergence) {
  for (const Sample &sample : allSamples())
    for (RangeStorage storage : storagesOf(sample.values)) {
      SCOPED_TRACE(where(sample.name, storage));
      Range range = chooseRange(sample.values, RangeMethod::Entropy, storage);
      Divergences found = entropiesOf(sample.values, storage, range);
      if (found.least == std::numeric_limits<Real>::infinity()) {
        Range max = chooseRange(sample.values, RangeMethod::Max, storage);
        EXPECT_EQ(range.high, max.high);
        EXPECT_EQ(range.low, max.low);
        continue;
      }
      expectClose(found.least, found.chosen, 1e-9L * found.least);
    }
}

/// Counts drawn bin by bin, with gaps, plateaus and ties.
TEST(ChooseRange, EntropyOfRandomHistograms) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 16; ++i) {
    Distribution d =
        i < 12 ? randomHistogram(random, i) : giantHistogram(random, i % 2);
    for (RangeStorage storage : storagesOf(d)) {
      SCOPED_TRACE(where("random", storage) + std::to_string(i));
      Range range = chooseRange(d, RangeMethod::Entropy, storage);
      Divergences found = entropiesOf(d, storage, range);
      expectClose(found.least, found.chosen, 1e-9L * found.least);
      // Divergences that differ by less than f64 resolves may be equal there.
      if (found.least == found.chosen && found.least == 0) {
        EXPECT_EQ(found.widest, found.width);
      }
    }
  }
}

//===----------------------------------------------------------------------===//
// Mean squared error
//===----------------------------------------------------------------------===//

TEST(ChooseRange, MseBeatsEveryEdge) {
  for (const Sample &sample : allSamples()) {
    const Distribution &d = sample.values;
    std::vector<Spread> spreads = spreadsOf(d);
    for (RangeStorage storage : storagesOf(d)) {
      if (storage == RangeStorage::U8Asymmetric)
        continue;
      SCOPED_TRACE(where(sample.name, storage));
      Range range = chooseRange(d, RangeMethod::MSE, storage);
      Real least = errorOf(d, storage, {-d.getAmax(), d.getAmax()}).squared;
      double amax = storage == RangeStorage::S8 ? d.getAmax() : d.max;
      for (size_t t = 1; t <= kHistogramBins; ++t) {
        double edge = std::min(double(t * binWidth(d)), amax);
        least = std::min(
            least,
            errorOf(spreads, d.count, scaleOf(storage, -edge, edge)).squared);
      }
      EXPECT_LE(errorOf(d, storage, range).squared, least * (1 + 1e-9L));
      EXPECT_LE(range.meanSquaredError, double(least * (1 + 1e-9L)));
    }
  }
}

/// All widths of an even number of bins with all zero points, from sums by
/// cell.
Real leastAsymmetricError(const Distribution &d) {
  std::vector<Spread> spreads = spreadsOf(d);
  Range max = {d.min, d.max};
  Real least = errorOf(d, RangeStorage::U8Asymmetric, max).squared;
  double width = std::max(d.max, 0.0) - std::min(d.min, 0.0);
  for (double bins = 2;; bins += 2) {
    double limit = std::min(bins * double(binWidth(d)), width);
    Real s = scaleOf(RangeStorage::U8Asymmetric, 0, limit).scale;
    // Error of all values of an integer's cell, and of all that lie beyond its
    // value and belong to it where it is the last one.
    std::vector<Real> cell(513), below(513), above(513);
    for (const Spread &x : spreads)
      for (int q = -256; q <= 256; ++q) {
        auto add = [&](Real begin, Real end, Real &sum) {
          begin = std::max(begin, x.begin), end = std::min(end, x.end);
          Real a = begin - q * s, b = end - q * s;
          if (begin < end)
            sum += x.count / (x.end - x.begin) * (b - a) *
                   (a * a + a * b + b * b) / 3;
        };
        if ((q - 1) * s > x.end && q > 0)
          break;
        add((q - 0.5L) * s, (q + 0.5L) * s, cell[q + 256]);
        add(-4 * d.getAmax(), (q + 0.5L) * s, below[q + 256]);
        add((q - 0.5L) * s, 4 * d.getAmax(), above[q + 256]);
      }
    for (int zero = 0; zero <= 255; ++zero) {
      int first = 256 - zero, last = 256 + 255 - zero;
      Real sum = below[first] + above[last];
      for (int q = first + 1; q < last; ++q)
        sum += cell[q];
      least = std::min(least, sum / d.count);
    }
    if (limit == width)
      return least;
  }
}

TEST(ChooseRange, MseAsymmetricBeatsAllWidthsAndZeroPoints) {
  std::mt19937_64 random(13);
  for (int i = 0; i < 6; ++i) {
    // Few bins, so that trying everything ends.
    Distribution d = sparseHistogram(random, 12);
    Range range = chooseRange(d, RangeMethod::MSE, RangeStorage::U8Asymmetric);
    Real error = errorOf(d, RangeStorage::U8Asymmetric, range).squared;
    EXPECT_LE(error, leastAsymmetricError(d) * (1 + 1e-9L)) << i;
  }
}

TEST(ChooseRange, MseAsymmetricBeatsNeighboursAndDraws) {
  std::mt19937_64 random(17);
  for (const Sample &sample : allSamples()) {
    const Distribution &d = sample.values;
    std::vector<Spread> spreads = spreadsOf(d);
    Range range = chooseRange(d, RangeMethod::MSE, RangeStorage::U8Asymmetric);
    SCOPED_TRACE(sample.name);
    Real chosen = errorOf(d, RangeStorage::U8Asymmetric, range).squared;
    EXPECT_LE(chosen,
              errorOf(d, RangeStorage::U8Asymmetric, {d.min, d.max}).squared *
                  (1 + 1e-9L));
    Real width = std::max(d.max, 0.0) - std::min(d.min, 0.0);
    int size = int(std::ceil(width / (2 * binWidth(d))));
    Scale best = scaleOf(RangeStorage::U8Asymmetric, range.low, range.high);
    auto check = [&](int pairs, int zero) {
      double candidate = std::min(2 * pairs * binWidth(d), width);
      Scale scale = scaleOf(RangeStorage::U8Asymmetric, 0, candidate);
      scale.zero = std::clamp(zero, 0, 255);
      EXPECT_LE(chosen, errorOf(spreads, d.count, scale).squared * (1 + 1e-9L))
          << pairs << " bins twice, zero point " << zero;
    };
    int nearest = int((range.high - range.low) / double(2 * binWidth(d)));
    for (int pairs = std::max(1, nearest - 20); pairs < nearest + 20; ++pairs)
      for (int zero = best.zero - 2; zero <= best.zero + 2; ++zero)
        check(pairs, zero);
    for (int i = 0; i < 300; ++i)
      check(1 + int(random() % size), best.zero + int(random() % 41) - 20);
  }
}

TEST(ChooseRange, MseLimitsGiveTheScaleThatWasEvaluated) {
  for (const Sample &sample : allSamples()) {
    const Distribution &d = sample.values;
    Range range = chooseRange(d, RangeMethod::MSE, RangeStorage::U8Asymmetric);
    if (d.min >= 0 || range.low == d.min)
      continue;
    auto choice = quantmath::asymmetricScale(range.low, range.high, {0, 255});
    EXPECT_EQ(range.low, -choice.zeroPoint * double(choice.scale));
    EXPECT_EQ(range.high, (255 - choice.zeroPoint) * double(choice.scale));
  }
}

} // namespace

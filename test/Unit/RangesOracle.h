//===- RangesOracle.h - Calibration methods by brute force ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/Numerics.md, "Calibration statistics", word by word: long double, loops
// over all bins for every candidate, libm. Shares nothing with the library but
// the struct of counts.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_RANGESORACLE_H
#define QUANTOPT_TEST_UNIT_RANGESORACLE_H

#include "QuantOpt/Statistics/Ranges.h"

#include <algorithm>
#include <cmath>

namespace rangesoracle {

using mlir::qopt::Distribution;
using mlir::qopt::kHistogramBins;
using mlir::qopt::kMinHistogramExponent;
using mlir::qopt::RangeStorage;
using Real = long double;

/// The state of finite values, none of which is a sentinel.
inline Distribution distributionOf(const std::vector<float> &values) {
  Distribution d;
  float amax = 0;
  for (float x : values)
    amax = std::max(amax, std::fabs(x));
  d.min = values.empty() ? 0 : *std::min_element(values.begin(), values.end());
  d.max = values.empty() ? 0 : *std::max_element(values.begin(), values.end());
  d.count = values.size();
  if (amax > 0)
    std::frexp(amax, &d.exponent);
  d.exponent = std::max(kMinHistogramExponent, d.exponent);
  d.positive.resize(kHistogramBins);
  d.negative.resize(kHistogramBins);
  for (float x : values) {
    if (x == 0)
      ++d.zeros;
    else
      ++(x > 0 ? d.positive : d.negative)[size_t(
          std::ldexp(std::fabs(double(x)), 11 - d.exponent))];
  }
  return d;
}

inline Real binWidth(const Distribution &d) {
  return std::ldexp(Real(1), d.exponent - 11);
}

/// `count` values spread evenly from `begin` to `end`.
struct Spread {
  Real begin, end, count;
};

/// All values but zeros, in any order.
inline std::vector<Spread> spreadsOf(const Distribution &d) {
  std::vector<Spread> spreads;
  for (size_t t = 0; t < d.positive.size(); ++t) {
    Real begin = t * binWidth(d), end = (t + 1) * binWidth(d);
    if (d.positive[t])
      spreads.push_back({std::max(begin, Real(d.min)),
                         std::min(end, Real(d.max)), Real(d.positive[t])});
    if (d.negative[t])
      spreads.push_back({std::max(-end, Real(d.min)),
                         std::min(-begin, Real(d.max)), Real(d.negative[t])});
  }
  return spreads;
}

//===----------------------------------------------------------------------===//
// Quantization
//===----------------------------------------------------------------------===//

struct Scale {
  Real scale;
  int zero, lo, hi;
};

inline Scale scaleOf(RangeStorage storage, double low, double high) {
  int levels = storage == RangeStorage::S8 ? 127 : 255;
  low = std::min(low, 0.0), high = std::max(high, 0.0);
  double width = storage == RangeStorage::S8   ? std::max(-low, high)
                 : storage == RangeStorage::U8 ? high
                                               : high - low;
  float s = width > 0 ? float(std::clamp(width / levels, std::ldexp(1.0, -40),
                                         std::ldexp(1.0, 40)))
                      : 1.0f;
  if (storage == RangeStorage::S8)
    return {s, 0, -128, 127};
  if (storage == RangeStorage::U8)
    return {s, 0, 0, 255};
  return {s, int(std::clamp(std::nearbyint(-low / double(s)), 0.0, 255.0)), 0,
          255};
}

struct Moments {
  Real squared = 0, mean = 0;
};

/// Means of (x - D(Q(x)))^2 and x - D(Q(x)): the integral over each integer's
/// cell. Cells that a bin does not meet are passed over, unless `exhaustive`.
inline Moments errorOf(const std::vector<Spread> &spreads, Real count,
                       const Scale &s, bool exhaustive = false) {
  Moments sum;
  Real infinity = std::numeric_limits<Real>::infinity();
  for (const Spread &x : spreads) {
    int first = s.lo, last = s.hi;
    if (!exhaustive) {
      auto near = [&](Real place) {
        Real q = std::floor(place / s.scale) + s.zero;
        return q < s.lo ? s.lo : q > s.hi ? s.hi : int(q);
      };
      first = std::max(s.lo, near(x.begin) - 1);
      last = std::min(s.hi, near(x.end) + 2);
    }
    if (x.begin == x.end) {
      Real q = std::clamp(std::nearbyint(x.begin / s.scale) + s.zero,
                          Real(s.lo), Real(s.hi));
      Real error = x.begin - (q - s.zero) * s.scale;
      sum.squared += x.count * error * error;
      sum.mean += x.count * error;
      continue;
    }
    for (int q = first; q <= last; ++q) {
      Real begin = q == s.lo ? -infinity : (q - Real(0.5) - s.zero) * s.scale;
      Real end = q == s.hi ? infinity : (q + Real(0.5) - s.zero) * s.scale;
      begin = std::max(begin, x.begin);
      end = std::min(end, x.end);
      if (!(begin < end))
        continue;
      Real value = (q - s.zero) * s.scale,
           density = x.count / (x.end - x.begin);
      Real a = begin - value, b = end - value;
      sum.squared += density * (b - a) * (a * a + a * b + b * b) / 3;
      sum.mean += density * (b - a) * (a + b) / 2;
    }
  }
  return {sum.squared / count, sum.mean / count};
}

//===----------------------------------------------------------------------===//
// Percentile
//===----------------------------------------------------------------------===//

/// Values greater than `limit` among those spread.
inline Real countAbove(const std::vector<Spread> &spreads, Real limit) {
  Real sum = 0;
  for (const Spread &x : spreads)
    if (limit < x.begin)
      sum += x.count;
    else if (limit < x.end)
      sum += x.count * ((x.end - limit) / (x.end - x.begin));
  return sum;
}

/// The smallest limit in [0, high] that at most `tail` values exceed.
inline Real quantile(const std::vector<Spread> &spreads, Real high, Real tail) {
  if (countAbove(spreads, 0) <= tail)
    return 0;
  Real low = 0;
  for (int i = 0; i < 200; ++i) {
    Real middle = (low + high) / 2;
    (countAbove(spreads, middle) <= tail ? high : low) = middle;
  }
  return high;
}

//===----------------------------------------------------------------------===//
// Entropy
//===----------------------------------------------------------------------===//

/// KL(P || Q) of bins [begin, end) of `counts` on `levels` levels; infinite
/// where Q is 0 and P is not.
inline Real divergenceOf(const std::vector<uint64_t> &counts, size_t begin,
                         size_t end, size_t levels) {
  size_t width = end - begin;
  std::vector<Real> p(counts.begin() + begin, counts.begin() + end), q(width);
  Real low = 0, high = 0, sumP = 0, sumQ = 0;
  for (size_t i = 0; i < counts.size(); ++i)
    (i < begin ? low : i >= end ? high : sumQ) += counts[i];
  for (size_t level = 0; level < levels; ++level) {
    // Bin i is of level floor(i * levels / width).
    Real mass = 0, nonEmpty = 0;
    for (size_t i = level * width / levels;
         i < width && i * levels / width <= level; ++i)
      if (i * levels / width == level && p[i] != 0)
        mass += p[i], nonEmpty += 1;
    for (size_t i = level * width / levels;
         i < width && i * levels / width <= level; ++i)
      if (i * levels / width == level && p[i] != 0)
        q[i] = mass / nonEmpty;
  }
  p.front() += low;
  p.back() += high;
  sumP = sumQ + low + high;
  Real sum = 0;
  for (size_t i = 0; i < width; ++i) {
    if (p[i] == 0)
      continue;
    if (q[i] == 0)
      return std::numeric_limits<Real>::infinity();
    // p log(p / q) - p + q: the additions cancel in the sum, and no term is
    // negative.
    Real a = p[i] / sumP, b = q[i] / sumQ, d = (a - b) / b;
    sum += b * ((1 + d) * std::log1p(d) - d);
  }
  return sum;
}

} // namespace rangesoracle

#endif // QUANTOPT_TEST_UNIT_RANGESORACLE_H

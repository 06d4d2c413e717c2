//===- Sketch.cpp - A distribution in 64 bins, for people -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Sketch.h"

#include <algorithm>
#include <array>
#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// Bins between two limits that counts are shared out to.
class Bins {
public:
  Bins(double low, double high)
      : low(low), width((high - low) / Report::Histogram::kBins) {}

  /// `count` values spread evenly from `from` to `to`.
  void add(double from, double to, double count) {
    from = std::max(from, low);
    to = std::min(to, low + width * counts.size());
    if (!(from < to))
      return add(std::min(from, to), count);
    double density = count / (to - from);
    for (size_t bin = find(from); bin <= find(to); ++bin)
      counts[bin] +=
          density * std::max(0.0, std::min(to, low + width * (bin + 1)) -
                                      std::max(from, low + width * bin));
  }
  void add(double at, double count) { counts[find(at)] += count; }

  std::array<double, Report::Histogram::kBins> counts = {};

private:
  size_t find(double at) const {
    // One value: all of it is in the first bin.
    double bin = width > 0 ? std::floor((at - low) / width) : 0;
    return std::clamp<double>(bin, 0, counts.size() - 1);
  }

  const double low, width;
};
} // namespace

Report::Histogram mlir::qopt::sketch(const Distribution &values) {
  Report::Histogram histogram;
  histogram.low = values.min;
  histogram.high = values.max;
  Bins bins(values.min, values.max);
  double width = values.getBinWidth();
  for (size_t t = 0; t < values.positive.size(); ++t)
    if (values.positive[t])
      bins.add(width * t, width * (t + 1), values.positive[t]);
  for (size_t t = 0; t < values.negative.size(); ++t)
    if (values.negative[t])
      bins.add(-width * (t + 1), -width * t, values.negative[t]);
  if (values.zeros)
    bins.add(0, values.zeros);
  for (double count : bins.counts)
    histogram.levels.push_back(static_cast<int32_t>(std::lround(
        Report::Histogram::kLevelsPerOctave * std::log2(1 + count))));
  return histogram;
}

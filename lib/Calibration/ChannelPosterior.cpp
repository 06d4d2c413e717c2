//===- ChannelPosterior.cpp - Which channel a value may be of -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ChannelPosterior.h"

#include "QuantOpt/Support/FloatingPoint.h"
#include "QuantOpt/Support/QuantMathFunctions.h"

#include <cmath>
#include <map>

using namespace mlir;
using namespace mlir::qopt;

/// Mean of u^2 under exp(-k u) on [0, 1].
static double getMeanSquare(double k) {
  // exp(-k u) by its series up to k^4, where the closed form would cancel.
  if (std::fabs(k) < 1e-2) {
    double mass = 1 - k / 2 + k * k / 6 - k * k * k / 24;
    double moment = 1.0 / 3 - k / 4 + k * k / 10 - k * k * k / 36;
    return moment / mass;
  }
  // Multiplied by exp(k) where that is small, so that nothing overflows.
  double e = quantmath::exp(-std::fabs(k));
  if (k > 0)
    return (2 - e * (2 + 2 * k + k * k)) / (k * k * (1 - e));
  return (2 * e - (2 + 2 * k + k * k)) / (k * k * (e - 1));
}

double mlir::qopt::solveDecay(double meanSquare) {
  // Decreasing in k.
  double low = -1e4, high = 1e8;
  for (int i = 0; i < 100; ++i) {
    double middle = (low + high) / 2;
    (getMeanSquare(middle) > meanSquare ? low : high) = middle;
  }
  return low;
}

namespace {
/// Channels of about the same largest magnitude.
struct Group {
  double maxima = 0, importance = 0;
  double channels = 0;
};
} // namespace

/// By the exponent and the upper four mantissa bits of the largest magnitude.
static std::map<uint32_t, Group> groupChannels(ArrayRef<float> channelMaxima,
                                               ArrayRef<double> importance) {
  constexpr unsigned kShift = 23 - 4;
  std::map<uint32_t, Group> groups;
  for (auto [maximum, weight] : llvm::zip(channelMaxima, importance)) {
    if (maximum <= 0)
      continue; // such a channel has zeros only
    Group &group = groups[llvm::bit_cast<uint32_t>(maximum) >> kShift];
    group.maxima += maximum;
    group.importance += weight;
    group.channels += 1;
  }
  return groups;
}

std::vector<double>
mlir::qopt::getExpectedImportance(const Distribution &values,
                                  ArrayRef<float> channelMaxima,
                                  ArrayRef<double> importance) {
  quantmath::FloatEnvironment environment;
  std::vector<double> result(kHistogramBins, 1.0);
  std::map<uint32_t, Group> groups = groupChannels(channelMaxima, importance);
  if (groups.empty())
    return result;
  double width = values.getBinWidth();

  double squares = 0, count = 0;
  for (unsigned t = 0; t < kHistogramBins; ++t) {
    double n = double(values.positive[t]) + double(values.negative[t]);
    double x = (t + 0.5) * width;
    squares += n * (x * x);
    count += n;
  }
  double maximaSquares = 0, channels = 0;
  for (const auto &[key, group] : groups) {
    double mean = group.maxima / group.channels;
    maximaSquares += group.channels * (mean * mean);
    channels += group.channels;
  }
  if (count == 0 || squares == 0)
    return result;
  double meanSquare = (squares / count) / (maximaSquares / channels);
  double k = solveDecay(std::min(0.95, meanSquare));

  std::vector<double> weighted(kHistogramBins, 0.0), total(kHistogramBins, 0.0);
  for (const auto &[key, group] : groups) {
    double largest = group.maxima / group.channels;
    // exp(-k x / a) / (a Z) but for Z, which all share, from bin to bin.
    double density = quantmath::exp(-k * (0.5 * width) / largest) / largest;
    double ratio = quantmath::exp(-k * width / largest);
    // A bin more than the largest magnitude: it lies in it.
    double reach = largest / width + 1.0;
    for (unsigned t = 0; t < kHistogramBins && t <= reach; ++t) {
      weighted[t] += density * group.importance;
      total[t] += density * group.channels;
      density *= ratio;
    }
  }
  const Group &loudest = groups.rbegin()->second;
  for (unsigned t = 0; t < kHistogramBins; ++t)
    result[t] = total[t] > 0 && std::isfinite(weighted[t] / total[t])
                    ? weighted[t] / total[t]
                    : loudest.importance / loudest.channels;
  return result;
}

Distribution mlir::qopt::makeWeighted(const Distribution &values,
                                      const WeightedHistogram &weights) {
  constexpr double kTotal = 0x1p50;
  Distribution result = values;
  double total = 0;
  for (const std::vector<double> *half : {&weights.positive, &weights.negative})
    for (double weight : *half)
      total += weight;
  if (!(total > 0) || !std::isfinite(total))
    return result;
  double scale = kTotal / total;
  result.count = 0;
  auto fill = [&](const std::vector<double> &from,
                  std::vector<uint64_t> &half) {
    for (unsigned t = 0; t < kHistogramBins; ++t) {
      half[t] = from[t] > 0 || half[t]
                    ? std::max<uint64_t>(1, uint64_t(from[t] * scale))
                    : 0;
      result.count += half[t];
    }
  };
  fill(weights.positive, result.positive);
  fill(weights.negative, result.negative);
  result.zeros = 0;
  return result;
}

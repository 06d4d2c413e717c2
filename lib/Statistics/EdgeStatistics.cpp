//===- EdgeStatistics.cpp - What calibration keeps of an edge -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Growing, merging and comparing states. Observe.cpp adds values,
// Distribution.cpp tells sentinels apart, ReadStatistics.cpp and
// WriteStatistics.cpp save.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Statistics/EdgeStatistics.h"
#include "QuantOpt/Support/FloatingPoint.h"

#include <algorithm>
#include <limits>
#include <numeric>

using namespace mlir::qopt;

static constexpr int kBinBits = 11;
static_assert(kHistogramBins == 1u << kBinBits, "bins have so many bits");

EdgeStatistics::EdgeStatistics(ChannelLayout layout)
    : layout(layout), nearMin(std::numeric_limits<float>::infinity()),
      nearMax(-std::numeric_limits<float>::infinity()),
      channelMaxima(layout.channels, 0.0f) {
  // Without channels, and for runs of nothing, this says nothing.
  if (layout.channels == 0 || layout.inner == 0)
    this->layout.inner = 1;
}

void EdgeStatistics::growTo(int newExponent) {
  int growth = std::min(newExponent - exponent, kBinBits);
  exponent = newExponent;
  if (!hasNear())
    return;
  for (unsigned half : {0u, kNegativeRow}) {
    uint64_t *counts = bins.data() + half;
    size_t size = kHistogramBins;
    for (int doubling = 0; doubling < growth; ++doubling) {
      size /= 2;
      for (size_t t = 0; t < size; ++t)
        counts[t] = counts[2 * t] + counts[2 * t + 1];
    }
    std::fill(counts + size, counts + kHistogramBins, 0);
  }
}

uint64_t EdgeStatistics::FarOctave::getCount() const {
  return std::accumulate(bins.begin(), bins.end(), uint64_t(0));
}

void EdgeStatistics::FarOctave::add(const FarOctave &other) {
  bool isNew = largest == 0;
  for (unsigned t = 0; t < kBins; ++t)
    bins[t] += other.bins[t];
  smallest = isNew ? other.smallest : std::min(smallest, other.smallest);
  largest = std::max(largest, other.largest);
}

bool EdgeStatistics::FarOctave::operator==(const FarOctave &other) const {
  return bins == other.bins && smallest == other.smallest &&
         largest == other.largest;
}

bool EdgeStatistics::merge(const EdgeStatistics &other) {
  if (layout.channels != other.layout.channels ||
      layout.inner != other.layout.inner ||
      other.count > kMaxCount - std::min(count, kMaxCount))
    return false;
  quantmath::FloatEnvironment environment; // Subnormal extremes count.
  count += other.count;
  nans += other.nans;
  positiveInfs += other.positiveInfs;
  negativeInfs += other.negativeInfs;

  if (other.exponent > exponent)
    growTo(other.exponent);
  int growth = std::min(exponent - other.exponent, kBinBits);
  if (!other.bins.empty()) {
    bins.resize(kRows);
    for (unsigned half : {0u, kNegativeRow})
      for (unsigned t = 0; t < kHistogramBins; ++t)
        bins[half + (t >> growth)] += other.bins[half + t];
    bins[kZeroRow] += other.bins[kZeroRow];
  }
  nearMin = std::min(nearMin, other.nearMin);
  nearMax = std::max(nearMax, other.nearMax);

  for (const auto &[octave, values] : other.farPositive)
    farPositive[octave].add(values);
  for (const auto &[octave, values] : other.farNegative)
    farNegative[octave].add(values);
  for (size_t c = 0; c < channelMaxima.size(); ++c)
    channelMaxima[c] = std::max(channelMaxima[c], other.channelMaxima[c]);
  return true;
}

bool EdgeStatistics::operator==(const EdgeStatistics &other) const {
  quantmath::FloatEnvironment environment;
  // No bins are the same as empty ones, which go with equal numbers of values.
  bool sameBins = bins == other.bins || (!hasNear() && !other.hasNear());
  return sameBins && layout.channels == other.layout.channels &&
         layout.inner == other.layout.inner && count == other.count &&
         nans == other.nans && positiveInfs == other.positiveInfs &&
         negativeInfs == other.negativeInfs && nearMin == other.nearMin &&
         nearMax == other.nearMax && exponent == other.exponent &&
         farPositive == other.farPositive && farNegative == other.farNegative &&
         channelMaxima == other.channelMaxima;
}

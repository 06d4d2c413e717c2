//===- Distribution.cpp - Histograms without sentinels --------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/Numerics.md, "Sentinels": decides which far values are left out and
// folds the others into the histogram of the near ones. A bin of a far octave
// is never wider than one of the result, and the result's edges are among its
// edges, so folding is exact.
//
// Far values, in order of magnitude and whatever their signs, are divided into
// clusters where a magnitude is at least kGap times the one below. Gaps span
// whole octaves, so clusters consist of octaves.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Statistics/EdgeStatistics.h"
#include "QuantOpt/Support/FloatingPoint.h"

#include <algorithm>
#include <numeric>

namespace mlir::qopt {

using quantmath::detail::powerOfTwo;

static constexpr double kGap = 0x1p6;

// Clusters of either sign: FLT_MAX and its like.
static constexpr double kExtreme = 0x1p100;
// Negative clusters: no activation, whatever else there is.
static constexpr double kHuge = 0x1p26;

// Other negative clusters are masks, such as half precision can hold, where
// the gap is wider still, they are no rare outliers, and they lie in narrow
// bands: one for each sum of masks.
static constexpr double kMask = 0x1p13, kMaskGap = 0x1p7;
static constexpr uint64_t kMaskShare = 4096;
static constexpr double kBandWidth = 1.125, kBandDistance = 1.25;
static constexpr unsigned kMaxBands = 4;

double Distribution::getBinWidth() const { return powerOfTwo(exponent - 11); }

/// Builds the distribution of one state.
class DistributionBuilder {
public:
  explicit DistributionBuilder(const EdgeStatistics &state);
  Distribution build();

private:
  using FarOctave = EdgeStatistics::FarOctave;
  static constexpr int kFirstOctave = EdgeStatistics::kFirstOctave;
  static constexpr int kLastOctave = EdgeStatistics::kLastOctave;

  /// Both signs of an octave; null where there are no values.
  struct Octave {
    const FarOctave *positive = nullptr, *negative = nullptr;

    bool isEmpty() const { return !positive && !negative; }
    uint64_t getCount() const {
      return (positive ? positive->getCount() : 0) +
             (negative ? negative->getCount() : 0);
    }
    double getSmallest() const {
      return !positive   ? negative->smallest
             : !negative ? positive->smallest
                         : std::min(positive->smallest, negative->smallest);
    }
    double getLargest() const {
      return !positive   ? negative->largest
             : !negative ? positive->largest
                         : std::max(positive->largest, negative->largest);
    }
  };

  double getLargestBelow(int octave) const;
  bool leaveOutTopCluster();
  bool isSentinel(int first, uint64_t values) const;
  bool isInBands(int first) const;
  void fold(bool isNegative, std::vector<uint64_t> &half) const;
  double getMaximum(bool isNegative) const;

  const EdgeStatistics &state;
  std::array<Octave, kLastOctave + 1> octaves;
  /// Octaves beyond are left out.
  int last = kLastOctave;
  Distribution result;
};

DistributionBuilder::DistributionBuilder(const EdgeStatistics &state)
    : state(state) {
  for (const auto &[octave, values] : state.farPositive)
    octaves[octave].positive = &values;
  for (const auto &[octave, values] : state.farNegative)
    octaves[octave].negative = &values;
  result.count =
      std::accumulate(state.bins.begin(), state.bins.end(), uint64_t(0));
  for (const Octave &octave : octaves)
    result.count += octave.getCount();
}

//===----------------------------------------------------------------------===//
// Sentinels
//===----------------------------------------------------------------------===//

/// The largest magnitude among near values and octaves below this one.
double DistributionBuilder::getLargestBelow(int octave) const {
  for (--octave; octave >= kFirstOctave; --octave)
    if (!octaves[octave].isEmpty())
      return octaves[octave].getLargest();
  return state.hasNear()
             ? std::max(-double(state.nearMin), double(state.nearMax))
             : 0;
}

/// Leaves out the cluster of largest magnitude if it consists of sentinels.
bool DistributionBuilder::leaveOutTopCluster() {
  while (last >= kFirstOctave && octaves[last].isEmpty())
    --last;
  uint64_t values = 0;
  for (int first = last; first >= kFirstOctave; --first) {
    const Octave &octave = octaves[first];
    values += octave.getCount();
    if (octave.isEmpty() ||
        octave.getSmallest() < kGap * getLargestBelow(first))
      continue;
    if (values == result.count || !isSentinel(first, values))
      return false;
    if (result.sentinels == 0) {
      const Octave &top = octaves[last];
      double largest = top.getLargest();
      result.sentinelValue =
          top.negative && top.negative->largest == largest ? -largest : largest;
    }
    result.sentinels += values;
    result.count -= values;
    last = first - 1;
    return true;
  }
  return false;
}

/// Whether the octaves from `first` to `last`, with so many values, are
/// sentinels beside the others, of which there are some.
bool DistributionBuilder::isSentinel(int first, uint64_t values) const {
  double smallest = octaves[first].getSmallest();
  if (smallest >= kExtreme)
    return true;
  for (int octave = first; octave <= last; ++octave)
    if (octaves[octave].positive)
      return false;
  if (smallest >= kHuge)
    return true;
  return smallest >= kMask && smallest >= kMaskGap * getLargestBelow(first) &&
         values >= (result.count - 1) / kMaskShare + 1 && isInBands(first);
}

/// Whether the magnitudes of the negative values from octave `first` to `last`,
/// cut to 11 significant bits, lie in few narrow bands far from each other.
bool DistributionBuilder::isInBands(int first) const {
  unsigned bands = 0;
  double begin = 0; // Of the present band.
  for (int octave = first; octave <= last; ++octave) {
    if (octaves[octave].isEmpty())
      continue;
    const FarOctave &values = *octaves[octave].negative;
    for (unsigned t = 0; t < FarOctave::kBins; ++t) {
      double magnitude = (FarOctave::kBins + t) * powerOfTwo(octave - 11);
      if (values.bins[t] == 0 || (bands && magnitude <= kBandWidth * begin))
        continue;
      if (bands == kMaxBands || magnitude < kBandDistance * begin)
        return false;
      ++bands;
      begin = magnitude;
    }
  }
  return true;
}

//===----------------------------------------------------------------------===//
// What remains
//===----------------------------------------------------------------------===//

/// Adds the near and far values of one sign.
void DistributionBuilder::fold(bool isNegative,
                               std::vector<uint64_t> &half) const {
  half.assign(kHistogramBins, 0);
  if (!state.bins.empty()) {
    const uint64_t *bins = state.bins.data();
    if (isNegative)
      bins += EdgeStatistics::kNegativeRow;
    int growth = std::min(result.exponent - state.exponent, 11);
    for (unsigned t = 0; t < kHistogramBins; ++t)
      half[t >> growth] += bins[t];
  }
  for (int octave = kFirstOctave; octave <= last; ++octave)
    if (const FarOctave *values =
            isNegative ? octaves[octave].negative : octaves[octave].positive) {
      // An octave is the upper half of the histogram that it would end.
      int growth = std::min(result.exponent - octave, 11);
      for (unsigned t = 0; t < FarOctave::kBins; ++t)
        half[(FarOctave::kBins + t) >> growth] += values->bins[t];
    }
}

/// The largest value, or for `isNegative` the largest of the negated values.
double DistributionBuilder::getMaximum(bool isNegative) const {
  auto side = [&](int octave, bool negative) {
    return negative ? octaves[octave].negative : octaves[octave].positive;
  };
  for (int octave = last; octave >= kFirstOctave; --octave)
    if (const FarOctave *values = side(octave, isNegative))
      return values->largest;
  if (state.hasNear())
    return isNegative ? -double(state.nearMin) : double(state.nearMax);
  // All values are far and of the other sign.
  for (int octave = kFirstOctave; octave <= last; ++octave)
    if (const FarOctave *values = side(octave, !isNegative))
      return -double(values->smallest);
  return 0;
}

Distribution DistributionBuilder::build() {
  while (leaveOutTopCluster())
    continue;
  result.zeros = state.getZeros();
  result.max = getMaximum(false);
  result.min = 0.0 - getMaximum(true); // Never -0.
  result.exponent = state.exponent;
  for (int octave = kFirstOctave; octave <= last; ++octave)
    if (!octaves[octave].isEmpty())
      result.exponent = octave;
  fold(false, result.positive);
  fold(true, result.negative);
  return std::move(result);
}

Distribution EdgeStatistics::getDistribution() const {
  quantmath::FloatEnvironment environment;
  return DistributionBuilder(*this).build();
}

void EdgeStatistics::addTo(const Distribution &frame, double weight,
                           double *positive, double *negative) const {
  auto add = [&](const uint64_t *counts, unsigned first, unsigned size,
                 int growth, double *half) {
    for (unsigned t = 0; t < size; ++t)
      if (counts[t])
        half[(first + t) >> std::min(growth, 11)] += weight * double(counts[t]);
  };
  if (!bins.empty()) {
    // The frame's near values include these.
    int growth = frame.exponent - exponent;
    add(bins.data(), 0, kHistogramBins, growth, positive);
    add(bins.data() + kNegativeRow, 0, kHistogramBins, growth, negative);
  }
  for (const auto &[octave, values] : farPositive)
    if (values.smallest <= frame.max)
      add(values.bins.data(), FarOctave::kBins, FarOctave::kBins,
          frame.exponent - octave, positive);
  for (const auto &[octave, values] : farNegative)
    if (values.smallest <= -frame.min)
      add(values.bins.data(), FarOctave::kBins, FarOctave::kBins,
          frame.exponent - octave, negative);
}

} // namespace mlir::qopt

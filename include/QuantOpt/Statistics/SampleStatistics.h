//===- SampleStatistics.h - Statistics of an edge, by samples ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What calibration keeps of one edge: an EdgeStatistics for each octave of the
// energy that samples have there. An error that drowns in a loud sample can
// ruin a quiet one; with samples told apart by their energy, errors can be
// weighed against the sample they occur in, however many samples there are.
//
// The octave of a sample is a function of its own values alone, so that this
// state, too, depends on the multiset of samples only, not on their order or on
// how they were split and merged. Needs neither LLVM nor exceptions.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_STATISTICS_SAMPLESTATISTICS_H
#define QUANTOPT_STATISTICS_SAMPLESTATISTICS_H

#include "QuantOpt/Statistics/EdgeStatistics.h"

namespace mlir::qopt {

/// The octave of a sample that is zero throughout.
inline constexpr int kSilentOctave = -1000;

/// The octave of the mean square of `count` values: its frexp exponent.
/// Computed in binary64 in a fixed order. Values that cannot but be marks of a
/// mask or errors (x <= -2^12, x >= 2^100, NaN) count as 0.
int getEnergyOctave(const float *data, size_t count);

/// Weights of the bins of a distribution.
struct WeightedHistogram {
  /// kHistogramBins each.
  std::vector<double> positive, negative;
};

class SampleStatistics {
public:
  explicit SampleStatistics(ChannelLayout layout = {}) : layout(layout) {}

  /// Adds `samples` > 0 samples of equal size that lie one after the other;
  /// `count` is a multiple of their number, and the size of a sample one of
  /// channels * inner. Not thread-safe.
  void observe(const float *data, size_t count, size_t samples);

  /// As EdgeStatistics::merge.
  bool merge(const SampleStatistics &other);

  ChannelLayout getChannelLayout() const { return layout; }
  /// Statistics of all values, whatever their sample.
  EdgeStatistics getTotal() const;
  /// As EdgeStatistics::getChannelMaxima.
  std::vector<float> getChannelMaxima() const;
  /// All values.
  uint64_t getCount() const;
  /// NaNs and +infinities (-infinity is how masks are written).
  uint64_t getErrors() const;

  /// Bytes that the state takes.
  size_t getMemoryBytes() const;

  /// The values in the bins of `total`, the distribution of getTotal(), each
  /// weighted by 1 / (its sample's mean square), rounded to a power of two and
  /// relative to the quietest sample.
  WeightedHistogram getRelativeHistogram(const Distribution &total) const;

  bool operator==(const SampleStatistics &other) const;

  /// As of EdgeStatistics.
  std::string serialize() const;
  static bool deserialize(const std::string &bytes, SampleStatistics &result,
                          std::string &error);

private:
  ChannelLayout layout;
  std::map<int, EdgeStatistics> byOctave;
};

} // namespace mlir::qopt

#endif // QUANTOPT_STATISTICS_SAMPLESTATISTICS_H

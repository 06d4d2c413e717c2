//===- EdgeStatistics.h - All that calibration keeps of one edge -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The state of docs/Numerics.md, "Calibration statistics". It is a function of
// the multiset of observed values alone: any order, any split over threads,
// processes and machines, and any tree of merges give identical bytes.
//
// Values of magnitude 2^12 and more are kept apart, in one exact sub-histogram
// per octave: a sentinel such as the -1e9 of an attention mask must not blow up
// the range of the histogram, and whether far values are sentinels can only be
// told when all of them were seen. Where they are not, they join the histogram
// without loss.
//
// Needs neither LLVM nor exceptions.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_STATISTICS_EDGESTATISTICS_H
#define QUANTOPT_STATISTICS_EDGESTATISTICS_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace mlir::qopt {

/// Bins of each half of a histogram.
inline constexpr unsigned kHistogramBins = 2048;
/// Smallest exponent of a histogram's range.
inline constexpr int kMinHistogramExponent = -100;

/// How the channels of an observed tensor lie in memory: row-major
/// [any, channels, inner]. `channels` 0: not kept.
struct ChannelLayout {
  uint64_t channels = 0;
  uint64_t inner = 1;
};

/// What range selection works on: the observed values without NaNs, infinities
/// and sentinels.
struct Distribution {
  /// Exact; 0 where no value is left.
  double min = 0, max = 0;
  /// Values, zeros among them.
  uint64_t count = 0;
  uint64_t zeros = 0;
  /// Bin t of a half counts values with |x| in [t, t + 1) * 2^(exponent - 11).
  /// `exponent` is max(-100, frexp exponent of the largest magnitude).
  int exponent = kMinHistogramExponent;
  /// kHistogramBins counts each, of x > 0 and of x < 0.
  std::vector<uint64_t> positive, negative;
  /// Finite values left out as sentinels, and the largest of their (negative or
  /// positive) values in magnitude.
  uint64_t sentinels = 0;
  double sentinelValue = 0;

  double getBinWidth() const;
  /// Largest magnitude.
  double getAmax() const { return -min > max ? -min : max; }
};

class EdgeStatistics {
public:
  explicit EdgeStatistics(ChannelLayout layout = {});

  /// Adds `count` values; a multiple of channels * inner where channels are
  /// kept. Values are read once, in place. Not thread-safe: each thread has
  /// statistics of its own.
  void observe(const float *data, size_t count);

  /// Adds all that `other` has seen. False where the numbers of channels
  /// differ; then nothing changes.
  bool merge(const EdgeStatistics &other);

  uint64_t getCount() const { return count; }
  uint64_t getNaNs() const { return nans; }
  uint64_t getPositiveInfinities() const { return positiveInfs; }
  uint64_t getNegativeInfinities() const { return negativeInfs; }
  ChannelLayout getChannelLayout() const { return layout; }
  /// Largest finite magnitude per channel, sentinels included; empty where
  /// channels are not kept.
  const std::vector<float> &getChannelMaxima() const { return channelMaxima; }

  /// The distribution with sentinels told apart: docs/Numerics.md,
  /// "Sentinels".
  Distribution getDistribution() const;

  bool operator==(const EdgeStatistics &other) const;

  /// A canonical form, a few KB: equal states give equal bytes, on every
  /// machine.
  std::string serialize() const;
  /// Reads untrusted bytes. False with `error` where they are no state that
  /// `serialize` gives; memory stays within a small multiple of the input and
  /// the fixed size of the state.
  static bool deserialize(const std::string &bytes, EdgeStatistics &result,
                          std::string &error);

private:
  /// Values of magnitude in [2^(octave - 1), 2^octave), by their upper 10
  /// mantissa bits.
  struct FarOctave {
    std::array<uint64_t, 1024> bins = {};
    float smallest = 0, largest = 0; ///< magnitudes
  };

  ChannelLayout layout;
  uint64_t count = 0, zeros = 0, nans = 0, positiveInfs = 0, negativeInfs = 0;
  /// Of the near values; min > max where there are none.
  float nearMin, nearMax;
  int exponent = kMinHistogramExponent;
  std::vector<uint64_t> positive, negative;
  std::map<int, FarOctave> farPositive, farNegative;
  std::vector<float> channelMaxima;
};

} // namespace mlir::qopt

#endif // QUANTOPT_STATISTICS_EDGESTATISTICS_H

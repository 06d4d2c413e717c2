//===- EdgeStatistics.h - What calibration keeps of an edge -----*- C++ -*-===//
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
// The largest far values are left out of an edge's distribution as sentinels
// where all other magnitudes (there are some, be they zeros) lie at least a
// factor 2^6 below theirs, and they are
// - at least 2^100, of either sign (FLT_MAX and the like), or
// - negative and at least 2^26 (masks such as -1e9), or
// - negative and at least 2^13, a factor 2^7 above the others, no rarer than
//   one value in 4096, and in bands as narrow as masks of -10000 or -65504 make
//   of the scores that they swamp.
// Positive values below 2^100 are never left out, nor are negative ones to
// which others lead up without such a gap. docs/Numerics.md, "Sentinels", has
// the whole rule.
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

/// Values that one state can hold; no machine observes so many.
inline constexpr uint64_t kMaxCount = uint64_t(1) << 56;

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
  /// kept. Values are read once, in place, whatever the floating-point
  /// environment. Not thread-safe: each thread has statistics of its own.
  void observe(const float *data, size_t count);

  /// Adds all that `other` has seen. False where the layouts of channels differ
  /// or more than 2^56 values would come together; then nothing changes.
  bool merge(const EdgeStatistics &other);

  const ChannelLayout &getLayout() const { return layout; }
  /// Bytes that the state takes in memory.
  size_t getMemoryBytes() const {
    return sizeof(*this) + bins.size() * sizeof(uint64_t) +
           (farPositive.size() + farNegative.size()) * sizeof(FarOctave) +
           channelMaxima.size() * sizeof(float);
  }
  /// All values, NaNs and infinities among them.
  uint64_t getCount() const { return count; }
  uint64_t getZeros() const { return bins.empty() ? 0 : bins[kZeroRow]; }
  uint64_t getNaNs() const { return nans; }
  uint64_t getInfinities() const { return positiveInfs + negativeInfs; }
  uint64_t getPositiveInfinities() const { return positiveInfs; }
  uint64_t getNegativeInfinities() const { return negativeInfs; }
  /// Largest finite magnitude per channel, sentinels included; empty where
  /// channels are not kept.
  const std::vector<float> &getChannelMaxima() const { return channelMaxima; }

  /// The distribution with sentinels told apart: docs/Numerics.md,
  /// "Sentinels".
  Distribution getDistribution() const;

  /// Adds `weight` for each value within the limits of `frame` to the bin of
  /// `frame` that it falls into; kHistogramBins bins of x > 0 and of x < 0.
  /// `frame` is of this state or of one it was merged into.
  void addTo(const Distribution &frame, double weight, double *positive,
             double *negative) const;

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
  friend class SampleStatistics;
  friend class StatisticsObserver;
  friend class StatisticsReader;
  friend class DistributionBuilder;

  /// Of what `serialize` writes.
  static constexpr unsigned kVersion = 1;

  /// Values are far in these octaves, which go up to the largest finite ones.
  static constexpr int kFirstOctave = 13, kLastOctave = 128;

  /// Values of magnitude in [2^(octave - 1), 2^octave), by their upper 10
  /// mantissa bits.
  struct FarOctave {
    static constexpr unsigned kBins = 1024;
    std::array<uint64_t, kBins> bins = {};
    float smallest = 0, largest = 0; ///< Magnitudes, exact.

    uint64_t getCount() const;
    void add(const FarOctave &other);
    bool operator==(const FarOctave &other) const;
  };
  /// By octave; never empty ones.
  using FarOctaves = std::map<int, FarOctave>;

  /// Where a histogram's negative half begins, and the zeros.
  static constexpr unsigned kNegativeRow = kHistogramBins;
  static constexpr unsigned kZeroRow = 2 * kHistogramBins;
  static constexpr unsigned kRows = kZeroRow + 1;

  /// Also adds the squares of the values to `energy`, 16 partial sums.
  void observe(const float *data, size_t count, double *energy);
  bool hasNear() const { return nearMin <= nearMax; }
  /// Widens the range of the near histogram to [0, 2^newExponent).
  void growTo(int newExponent);

  ChannelLayout layout;
  uint64_t count = 0, nans = 0, positiveInfs = 0, negativeInfs = 0;
  /// Of the near values (|x| < 2^12), zeros as +0; min > max where there are
  /// none.
  float nearMin, nearMax;
  /// max(-100, frexp exponent of the largest near magnitude).
  int exponent = kMinHistogramExponent;
  /// Of the near values: positive bins, negative bins, zeros. Empty until a
  /// value comes.
  std::vector<uint64_t> bins;
  FarOctaves farPositive, farNegative;
  std::vector<float> channelMaxima;
};

} // namespace mlir::qopt

#endif // QUANTOPT_STATISTICS_EDGESTATISTICS_H

//===- ObserveKernels.h - Vector loops of the observer ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What EdgeStatistics::observe does to a block of values, for each level of
// vector instructions. All levels give identical results: they look at bits,
// and the one floating-point operation among them, a product with a power of
// two, is exact wherever its result matters. They assume that the caller has
// put the floating-point environment in order (FloatEnvironment).
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_STATISTICS_OBSERVEKERNELS_H
#define QUANTOPT_LIB_STATISTICS_OBSERVEKERNELS_H

#include <cstddef>
#include <cstdint>
#include <vector>

namespace mlir::qopt::statistics {

inline constexpr uint32_t kSignBit = 0x80000000u;
inline constexpr uint32_t kMagnitudeBits = 0x7FFFFFFFu;
inline constexpr uint32_t kInfinityBits = 0x7F800000u;
/// Magnitudes from here on, 2^12, are kept apart.
inline constexpr uint32_t kFarBits = 0x45800000u;

/// Rows of an index: bins of positive values, bins of negative ones, zeros.
inline constexpr uint32_t kNegativeRows = 2048;
inline constexpr uint32_t kZerosRow = 4096;

/// Values of one call of a kernel, at most.
inline constexpr size_t kBlock = 1024;
/// A kernel may write so many elements beyond those asked for.
inline constexpr size_t kSlack = 16;

/// The extremes of the bits of a block's values, from which its smallest and
/// largest value follow, and whether there is anything special in it.
struct BitRange {
  int32_t signedMax;
  uint32_t unsignedMax, unsignedMin;

  /// Bits of the largest magnitude, NaN and infinities included.
  uint32_t getMagnitude() const {
    uint32_t positive = signedMax >= 0 ? uint32_t(signedMax) : 0;
    uint32_t negative =
        unsignedMax >= kSignBit ? unsignedMax & kMagnitudeBits : 0;
    return positive > negative ? positive : negative;
  }
  /// Bits of the smallest and of the largest value, NaN aside. Negative values
  /// are ordered the other way round by their bits.
  uint32_t getMin() const {
    return unsignedMax >= kSignBit ? unsignedMax : unsignedMin;
  }
  uint32_t getMax() const {
    return signedMax >= 0 ? uint32_t(signedMax) : unsignedMin;
  }
};

/// Rows to count, and where.
struct RowCounter {
  static constexpr size_t kTables = 4;
  /// Rows are counted so many at a time.
  static constexpr size_t kStep = 16;

  const uint16_t *rows;
  size_t size;
  /// kTables counters for each row, side by side. Neighbouring rows count in
  /// different ones, so that equal rows do not wait for each other's store;
  /// tables at a distance of a multiple of 4096 bytes would seem to overlap.
  uint16_t *tables;

  /// Counts rows[i], ..., rows[i + kStep - 1] if there are so many.
  void countAt(size_t i) const {
    if (i + kStep > size)
      return;
    for (size_t k = i; k < i + kStep; k += kTables) {
      ++tables[rows[k] * kTables];
      ++tables[rows[k + 1] * kTables + 1];
      ++tables[rows[k + 2] * kTables + 2];
      ++tables[rows[k + 3] * kTables + 3];
    }
  }
};

struct ObserveKernels {
  const char *name;

  /// rows[i] is the row of values[i] in a histogram with 1 / `scale` as the
  /// width of its bins, in any order; meaningless where a magnitude is not in
  /// the range of that histogram. 0 < count <= kBlock; `rows` has kSlack more.
  /// Meanwhile counts those rows of `counter` (rows of another block) that are
  /// before multiples of its kStep up to `count`: counting keeps load and store
  /// units busy, indexing the vector units.
  BitRange (*index)(const float *values, size_t count, float scale,
                    uint16_t *rows, const RowCounter &counter);

  /// Copies the values of magnitude below 2^12 to `near`, the others (NaN and
  /// infinities among them) to `far`, and returns the number of the former.
  /// count <= kBlock; `near` and `far` have room for count + kSlack.
  size_t (*separate)(const float *values, size_t count, float *near,
                     float *far);

  /// Bits of the largest finite magnitude, 0 if there is none.
  uint32_t (*maximum)(const float *values, size_t count);

  /// maxima[c] = the largest finite magnitude of channel c and of its value
  /// before, for values of channels position, position + 1, ..., channels - 1,
  /// 0, ...
  void (*channelMaxima)(const float *values, size_t count, size_t channels,
                        size_t position, float *maxima);
};

/// Those this machine can run, the fastest first.
const std::vector<const ObserveKernels *> &availableKernels();

/// What `observe` uses: the fastest, unless a test or a benchmark has chosen.
const ObserveKernels &currentKernels();
/// Null: the fastest again. Affects later calls in all threads.
void chooseKernels(const ObserveKernels *kernels);

} // namespace mlir::qopt::statistics

#endif // QUANTOPT_LIB_STATISTICS_OBSERVEKERNELS_H

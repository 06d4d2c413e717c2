//===- ObserveLoops.h - What the loops of all levels share ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The row of a value is trunc(|x| * 2^(11 - e)), plus kNegativeRows if it is
// negative, or kZerosRow. Where |x| < 2^e the product is exact but for
// subnormal results, which truncate to 0 however they are rounded.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_STATISTICS_OBSERVELOOPS_H
#define QUANTOPT_LIB_STATISTICS_OBSERVELOOPS_H

#include "ObserveKernels.h"

#include <algorithm>
#include <cstring>

namespace mlir::qopt::statistics {

/// Bits shift by this to bring the sign to kNegativeRows.
constexpr int kSignShift = 20;
static_assert(kSignBit >> kSignShift == kNegativeRows, "sign is a row offset");

/// Loops work on so many values at a time; the last ones are padded with the
/// last value, which changes no extreme.
constexpr size_t kStep = RowCounter::kStep;
static_assert(kBlock % kStep == 0 && kStep <= kSlack, "rows have room");

/// How far ahead values are fetched: the loops are too slow for the hardware to
/// run ahead of them far enough (twice the speed on tensors in memory).
/// Fetching beyond the end of a tensor has no effect.
constexpr size_t kFetchAhead = 1024;

/// The last values of a block, padded.
struct Tail {
  float values[kStep];
  Tail(const float *rest, size_t count) {
    std::fill_n(std::copy_n(rest, count, values), kStep - count,
                rest[count - 1]);
  }
};

inline uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

/// The magnitude as a number to maximize: 0 for NaN and infinities.
inline uint32_t finiteMagnitude(float value) {
  uint32_t magnitude = bitsOf(value) & kMagnitudeBits;
  return magnitude < kInfinityBits ? magnitude : 0;
}

/// maxima[i] = the larger of itself and of |values[i]|, one after the other.
inline void maximizeEach(const float *values, size_t count, float *maxima) {
  for (size_t i = 0; i < count; ++i) {
    uint32_t magnitude = finiteMagnitude(values[i]);
    if (magnitude > bitsOf(maxima[i]))
      std::memcpy(&maxima[i], &magnitude, sizeof(magnitude));
  }
}

/// ObserveKernels::separate one value after the other.
size_t separateEach(const float *values, size_t count, float *near, float *far);

/// For every machine. The others are there on x86-64.
extern const ObserveKernels kPortableKernels, kAvx2Kernels, kAvx512Kernels;

} // namespace mlir::qopt::statistics

#endif // QUANTOPT_LIB_STATISTICS_OBSERVELOOPS_H

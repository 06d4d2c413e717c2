//===- Ranges.h - Ranges of values from their distribution -------*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The calibration methods of docs/Numerics.md: which part of a distribution
// 8-bit integers should cover. Deterministic on every machine: no libm, f64
// operations in a fixed order.
//
// Needs neither LLVM nor exceptions.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_STATISTICS_RANGES_H
#define QUANTOPT_STATISTICS_RANGES_H

#include "QuantOpt/Statistics/EdgeStatistics.h"

namespace mlir::qopt {

enum class RangeMethod { Max, Percentile, Entropy, MSE };

/// Storage kinds of activations: symmetric s8 (zero point 0), one-sided u8
/// (zero point 0), asymmetric u8.
enum class RangeStorage { S8, U8, U8Asymmetric };

struct RangeOptions {
  /// Of method `percentile`, in percent of all values.
  double percentile = 99.99;
};

/// Limits and what they do to the values of a distribution: moments of
/// x - D(Q(x)), values spread evenly over each bin, zeros exact.
struct Range {
  /// low <= 0 <= high. s8: low = -high; u8: low = 0.
  double low = 0, high = 0;
  double meanSquaredError = 0;
  double meanError = 0;
  /// Share of the values outside the limits.
  double clippedFraction = 0;
};

/// The error of given limits. The scale and zero point are those
/// QuantMath.h chooses for them.
Range evaluateRange(const Distribution &values, RangeStorage storage,
                    double low, double high);

/// The limits `method` chooses, with their error. For u8 the distribution must
/// have no negative values. A distribution of zeros only has the range [0, 0].
Range chooseRange(const Distribution &values, RangeMethod method,
                  RangeStorage storage, const RangeOptions &options = {});

} // namespace mlir::qopt

#endif // QUANTOPT_STATISTICS_RANGES_H

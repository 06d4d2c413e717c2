//===- Ranges.h - Ranges of values from their distribution ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The calibration methods of docs/Numerics.md, "Methods": which part of a
// distribution 8-bit integers should cover. Deterministic on every machine: no
// libm, f64 operations in a fixed order.
//
// Values of a bin count as spread evenly over it, over no more than [min, max];
// zeros are exact. Errors are those of D(Q(x)) in real arithmetic, with the
// scale and zero point that QuantMath.h chooses for the limits.
//
// Needs neither LLVM nor exceptions.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_STATISTICS_RANGES_H
#define QUANTOPT_STATISTICS_RANGES_H

#include "QuantOpt/Statistics/EdgeStatistics.h"

#include <memory>

namespace mlir::qopt {

enum class RangeMethod { Max, Percentile, Entropy, MSE };

/// Storage kinds of activations: symmetric s8 (zero point 0), one-sided u8
/// (zero point 0), asymmetric u8.
enum class RangeStorage { S8, U8, U8Asymmetric };

struct RangeOptions {
  /// Of method `percentile`, in percent of all values; within [0, 100].
  double percentile = 99.99;
};

/// Limits and what they do to the values of a distribution: moments of
/// x - D(Q(x)).
struct Range {
  /// low <= 0 <= high. s8: low = -high; u8: low = 0. QuantMath's scale for them
  /// is the one that was evaluated.
  double low = 0, high = 0;
  double meanSquaredError = 0;
  double meanError = 0;
  /// Share of the values that Q clamps: more than half a step outside of what
  /// the integers represent.
  double clippedFraction = 0;
};

/// Ranges of one distribution. Keeps what the methods have in common, so that
/// all methods and storages together cost little more than the dearest. One
/// thread at a time; any number of selectors side by side.
class RangeSelector {
public:
  explicit RangeSelector(const Distribution &values, RangeOptions options = {});
  ~RangeSelector();
  RangeSelector(RangeSelector &&);
  RangeSelector &operator=(RangeSelector &&);

  /// The limits `method` chooses, with their error. For u8 negative values are
  /// clipped: choose it only where there are none. A distribution of zeros only
  /// (or of nothing) has the range [0, 0].
  Range choose(RangeMethod method, RangeStorage storage);

  /// The error of given limits. Low and high are first made to fit the storage:
  /// s8 takes the larger magnitude, u8 ignores `low`, asymmetric u8 widens them
  /// to contain 0.
  Range evaluate(RangeStorage storage, double low, double high) const;

  /// The mean squared error of given limits alone, but ten times as fast and
  /// off by up to 1e-11 of the mean of x^2: for searches over many limits.
  double estimateError(RangeStorage storage, double low, double high) const;

private:
  struct Impl;
  std::unique_ptr<Impl> impl;
};

/// The same for a single use.
Range chooseRange(const Distribution &values, RangeMethod method,
                  RangeStorage storage, const RangeOptions &options = {});
Range evaluateRange(const Distribution &values, RangeStorage storage,
                    double low, double high);

} // namespace mlir::qopt

#endif // QUANTOPT_STATISTICS_RANGES_H

//===- Statistics.h - What calibration knows of one edge ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The state of docs/Numerics.md, "Calibration statistics", as far as exact
// ranges need it: counts and the exact minimum and maximum of finite values.
// Merging is associative and commutative, so that any split of the samples over
// threads gives identical results. Histograms join this state later; candidates
// are already made per method and storage kind.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_CALIBRATION_STATISTICS_H
#define QUANTOPT_CALIBRATION_STATISTICS_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"

#include <limits>

namespace mlir::qopt {

class EdgeStatistics {
public:
  /// Adds `count` values.
  void observe(const float *data, int64_t count);
  void merge(const EdgeStatistics &other);

  int64_t getCount() const { return count; }
  int64_t getNonFinite() const { return nonFinite; }
  /// 0 where no finite value was seen.
  double getMin() const { return hasFinite() ? min : 0.0; }
  double getMax() const { return hasFinite() ? max : 0.0; }

  /// The attribute an observer gets, with the candidates of method `max`.
  StatsAttr getAttr(MLIRContext *context) const;

private:
  bool hasFinite() const { return min <= max; }

  float min = std::numeric_limits<float>::infinity();
  float max = -std::numeric_limits<float>::infinity();
  int64_t count = 0;
  int64_t nonFinite = 0;
};

/// The candidates of method `max` for the range [min, max]: s8, u8 where it is
/// one-sided, asymmetric u8; with the mean squared error step²/12 of rounding
/// values spread evenly over a step.
SmallVector<CandidateAttr> getMaxCandidates(MLIRContext *context, double min,
                                            double max);

} // namespace mlir::qopt

#endif // QUANTOPT_CALIBRATION_STATISTICS_H

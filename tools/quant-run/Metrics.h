//===- Metrics.h - How outputs are compared and scored ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Accumulators in f64 that see each element once, so that memory does not grow
// with the number of samples (but for AUC, which ranks all scores). Ratios
// without a value are NaN.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_QUANT_RUN_METRICS_H
#define QUANTOPT_TOOLS_QUANT_RUN_METRICS_H

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace mlir::qopt::run {

/// Range and mean of an output.
class ValueStatistics {
public:
  void add(const double *values, size_t count);

  /// Of the values that are not NaN; NaN if there are none.
  double min() const;
  double max() const;
  double mean() const;
  uint64_t nanCount() const { return nans; }

private:
  double least = std::numeric_limits<double>::infinity();
  double greatest = -std::numeric_limits<double>::infinity();
  double sum = 0;
  uint64_t count = 0, nans = 0;
};

/// The error of an output against a reference. Where both hold a NaN or the
/// same infinity, they agree; these elements count for nothing else. Where just
/// one is not finite, or infinities differ, the error is infinite.
class ErrorStatistics {
public:
  void add(const double *reference, const double *values, size_t count);

  /// max |reference - value|.
  double maxAbs() const;
  /// sqrt(mean((reference - value)^2)).
  double rms() const;
  /// 10 log10(sum reference^2 / sum (reference - value)^2): infinite if there
  /// is no error, also where the reference is zero throughout.
  double sqnrDb() const;
  /// Cosine of the angle between reference and values as vectors.
  double cosine() const;
  /// Elements where just one side is not finite, or infinities differ.
  uint64_t nonFiniteMismatches() const { return mismatches; }

private:
  double largest = 0;
  double errorEnergy = 0, referenceEnergy = 0, valueEnergy = 0, product = 0;
  uint64_t count = 0, mismatches = 0;
};

/// Index of the largest of `count` >= 1 values: the first one, or the first
/// NaN if there is any, as numpy.argmax says.
size_t argmax(const double *values, size_t count);

/// The share of rows whose largest element is in the same place.
class ArgmaxAgreement {
public:
  explicit ArgmaxAgreement(size_t width) : width(width) {}
  void add(const double *reference, const double *values, size_t rows);
  /// NaN without rows.
  double percent() const;

private:
  size_t width;
  uint64_t rows = 0, agreeing = 0;
};

/// The share of rows whose label is among the best scores. Of equal scores the
/// first counts as better; a row with a NaN counts as wrong.
class TopK {
public:
  explicit TopK(size_t classes) : classes(classes) {}
  /// `label` is less than the number of classes.
  void add(const double *scores, size_t label);
  double top1Percent() const;
  /// NaN with fewer than six classes, where it says little.
  double top5Percent() const;

private:
  size_t classes;
  uint64_t rows = 0, first = 0, firstFive = 0;
};

/// Area under the ROC curve: the probability that a positive sample scores
/// higher than a negative one, equal scores counting one half. NaN if either
/// kind is missing or a score is NaN. The two vectors have the same size.
double areaUnderCurve(const std::vector<double> &scores,
                      const std::vector<bool> &positive);

} // namespace mlir::qopt::run

#endif // QUANTOPT_TOOLS_QUANT_RUN_METRICS_H

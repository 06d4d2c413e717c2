//===- RangeHistogram.h - A distribution as range selection sees it -------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Magnitudes are in units of bins throughout, so that bin t is [t, t + 1);
// bins are powers of two, hence nothing rounds. Also what the methods implement
// for Ranges.cpp.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_STATISTICS_RANGEHISTOGRAM_H
#define QUANTOPT_LIB_STATISTICS_RANGEHISTOGRAM_H

#include "QuantOpt/Statistics/Ranges.h"

namespace mlir::qopt::ranges {

/// `count` values spread evenly over [begin, end]; all at one place if equal.
struct Piece {
  double begin, end, count;

  double getCenter() const { return 0.5 * (begin + end); }
};

/// Sums of x - D(Q(x)) and its square, of magnitudes.
struct Errors {
  double squared = 0, sum = 0;
};

/// The values of one sign, by magnitude.
class Half {
public:
  Half() : above(1) {}
  /// `smallest` is a lower bound of the magnitudes, `largest` the exact one.
  Half(const std::vector<uint64_t> &counts, double smallest, double largest);

  /// Bins [first, end) hold all values; the outer two are not empty.
  unsigned getFirst() const { return first; }
  unsigned getEnd() const { return end; }
  uint64_t getTotal() const { return above[0]; }
  uint64_t getCount(unsigned bin) const {
    return bin < end ? above[bin] - above[bin + 1] : 0;
  }
  /// Values in this bin and those above it.
  uint64_t getCountFrom(unsigned bin) const {
    return bin < end ? above[bin] : 0;
  }
  double getLargest() const { return largest; }

  /// Where the values of a bin lie.
  Piece getPiece(unsigned bin) const;
  /// Bins cut by the extremes, at most two. All others are even over the whole
  /// bin: `getRegular`.
  const std::vector<Piece> &getCutPieces() const { return cut; }
  /// Values per bin of [0, end), 0 for those cut.
  const std::vector<double> &getRegular() const { return regular; }

  /// Number of values greater than `limit`.
  double countAbove(double limit) const;
  /// Error on the integers 0 to `levels` times `step`.
  Errors quantize(double step, int levels) const;

private:
  unsigned first = 0, end = 0;
  double smallest = 0, largest = 0;
  /// Of [0, end]; the last is 0.
  std::vector<uint64_t> above;
  std::vector<double> regular;
  std::vector<Piece> cut;
};

struct Histogram {
  explicit Histogram(const Distribution &values);

  /// Width of a bin, and bins per unit.
  double width, perUnit;
  double min, max; ///< in bins
  uint64_t count;
  Half positive, negative;

  double getAmax() const { return -min > max ? -min : max; }
  bool isDead() const { return !(getAmax() > 0); }
};

/// Limits in bins.
struct Limits {
  double low = 0, high = 0;
};

/// Limits as QuantMath's functions make a scale of them.
Limits fitToStorage(Limits limits, RangeStorage storage);

/// A scale in bins and how many integers lie on either side of the zero point.
struct Lattice {
  double step;
  int positive, negative;

  bool operator==(const Lattice &other) const {
    return step == other.step && positive == other.positive &&
           negative == other.negative;
  }
};

Lattice getLattice(const Histogram &values, Limits limits,
                   RangeStorage storage);
/// Sum of squared errors in bins.
double getSquaredError(const Histogram &values, const Lattice &lattice);

//===----------------------------------------------------------------------===//
// Methods. None is called for a dead histogram; U8Asymmetric of mse and entropy
// only where there are negative values.
//===----------------------------------------------------------------------===//

Limits getMaxLimits(const Histogram &values, RangeStorage storage);
Limits choosePercentile(const Histogram &values, RangeStorage storage,
                        double percentile);
Limits chooseEntropy(const Histogram &values, RangeStorage storage);
class ErrorTables;
/// `tables` are made by the first call.
Limits chooseMeanSquaredError(const Histogram &values, RangeStorage storage,
                              std::shared_ptr<const ErrorTables> &tables);

} // namespace mlir::qopt::ranges

#endif // QUANTOPT_LIB_STATISTICS_RANGEHISTOGRAM_H

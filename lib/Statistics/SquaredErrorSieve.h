//===- SquaredErrorSieve.h - Fast squared errors of quantizers ------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// With integers 0 to L times the step s, summation by parts over the cells of
// the quantizer gives for magnitudes x
//
//   sum (x - D(Q(x)))^2 = sum x^2 - 2 s sum_{j=1}^{L} G((j - 1/2) s),
//   G(b) = sum max(x - b, 0),
//
// where G is a quadratic in each bin: one look-up per integer. That subtracts
// large numbers, so it only sieves candidates: see `kSieveError`.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_STATISTICS_SQUAREDERRORSIEVE_H
#define QUANTOPT_LIB_STATISTICS_SQUAREDERRORSIEVE_H

#include "RangeHistogram.h"

#include <limits>

namespace mlir::qopt::ranges {

/// A bound of the rounding errors, relative to the sum of x^2. Tables are sums
/// of at most 2048 terms of one sign, which is 2^-42 of them, and altogether
/// count x^2 at most six times; all else is below 2^-43.
inline constexpr double kSieveError = 2e-12;

/// G and other sums over the values above or below a place.
class Tails {
public:
  Tails() : table(kHistogramBins + 2), clipping(kHistogramBins + 2) {}
  void add(const Half &half);

  /// Sum of x^2.
  double getSquares() const { return squares; }
  /// G((level - 1/2) step).
  double getExcess(double step, int level) const;
  /// The sum of (x - limit)^2 over x > limit or less; `limit` in whole bins.
  double getClippingError(unsigned limit) const {
    return limit < clipping.size() ? clipping[limit] : 0;
  }

private:
  friend class Sieve;

  /// Of the values in whole bins; those in cut bins are `pieces`.
  struct Tail {
    /// G(b) = constant - b (linear - b quadratic) within the bin.
    double constant = 0, linear = 0, quadratic = 0;
    /// Sum of x^2 below the bin.
    double squaresBelow = 0;
  };
  double lookUp(double place) const {
    const Tail &tail = table[unsigned(place)];
    return tail.constant - place * (tail.linear - place * tail.quadratic);
  }

  std::vector<Tail> table;
  std::vector<double> clipping;
  std::vector<Piece> pieces;
  double end = 0, squares = 0;
};

/// The squared error of one side on 0 to `levels` times `step`, summed up by
/// and by from the cell of 0.
class Sieve {
public:
  Sieve(const Tails &tails, double step, int levels)
      : tails(tails), step(step), levels(levels) {
    double places = tails.end / step + 0.5;
    count = places < levels ? int(places) : levels;
  }

  bool isDone() const { return level == count; }
  /// Goes on to the cell of `end`.
  void advance(int end);
  /// The error of the values in the cells before the last check, none of which
  /// is clipped.
  double getInside() const { return inside; }
  /// The error of all values, once done; before that `getInside`.
  double getKnown() const { return isDone() ? total : inside; }

private:
  const Tails &tails;
  const double step;
  const int levels;
  /// Above these G has only that of cut bins.
  int count;
  int level = 0;
  double excess = 0, inside = 0, total = 0;
};

/// What the searches of one histogram share.
class ErrorTables {
public:
  explicit ErrorTables(const Histogram &values);

  /// Sum of x^2.
  double getSquares() const {
    return positive.getSquares() + negative.getSquares();
  }
  /// Sum of (x - D(Q(x)))^2. Gives up as soon as it is certain to exceed
  /// `limit`, though at least `clipped` of it is clipped, and returns anything
  /// above that.
  double sieve(const Lattice &lattice,
               double limit = std::numeric_limits<double>::infinity(),
               double clipped = 0) const;

  Tails positive, negative;

private:
  double sieveBothSigns(const Lattice &lattice, double limit,
                        double clipped) const;

  /// Of the magnitudes; only made where both signs have values.
  Tails both;
};

} // namespace mlir::qopt::ranges

#endif // QUANTOPT_LIB_STATISTICS_SQUAREDERRORSIEVE_H

//===- MeanSquaredError.cpp - Limits of the least squared error -----------===//
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
// large numbers, so it only sieves: every candidate that may be the best within
// a bound of the rounding error is evaluated again without cancellation.
//
// Most candidates are not even sieved. What is clipped at the limits grows as
// the limits shrink, what falls into the cell of zero grows with the step, and
// their sum bounds the error from below.
//
// Asymmetric limits are a width and a zero point. For one width the best zero
// point follows from the marginal gains G of one more integer on either side,
// which decrease: the search over all widths and all zero points is complete.
//
//===----------------------------------------------------------------------===//
#include "RangeHistogram.h"

#include "QuantOpt/Support/QuantMath.h"

#include <algorithm>
#include <cmath>

using namespace mlir::qopt;
using namespace mlir::qopt::ranges;

/// Relative to the sum of x^2: more than the rounding errors of the sieve, in
/// which at most 2048 + 256 terms of one sign are added one after the other.
static constexpr double kSieveError = 1e-12;
/// Every so many candidates are tried first, to have a good one to prune with.
static constexpr int kCoarseStep = 32;
/// Golden-section steps: the bracket of two bins shrinks to 1e-4 of a bin, less
/// than what a scale in f32 resolves.
static constexpr int kRefinements = 20;

namespace {

/// G and what else sums up the values above (or below) a place.
class Tails {
public:
  Tails() : table(kHistogramBins + 2) {}
  void add(const Half &half);

  /// The squared error on 0 to `levels` times `step`. Gives up as soon as it is
  /// certain to exceed `limit`, though at least `clipped` of it is clipped, and
  /// returns anything above that.
  double getError(double step, int levels, double limit, double clipped) const;
  /// G((level - 1/2) step).
  double getExcess(double step, int level) const;
  /// At most the sum of (x - limit)^2 over x > limit; `limit` in whole bins.
  double getClippingError(unsigned limit) const {
    return limit < clipping.size() ? clipping[limit] : 0;
  }
  /// Sum of x^2 over x < limit, without the pieces.
  double getSquaresBelow(double limit) const;
  double getSquares() const { return squares; }

private:
  /// At the lower edge of a bin; cut bins are apart.
  struct Tail {
    double excess = 0, count = 0, halfBin = 0, squaresBelow = 0;
  };
  /// G of the whole bins, up to `end`.
  double lookUp(double place) const {
    unsigned bin = unsigned(place);
    double offset = place - bin;
    const Tail &tail = table[bin];
    return (offset * tail.halfBin - tail.count) * offset + tail.excess;
  }

  std::vector<Tail> table;
  std::vector<double> clipping = std::vector<double>(kHistogramBins + 2);
  std::vector<Piece> pieces;
  double end = 0, squares = 0;
};

} // namespace

static double cube(double x) { return x * x * x; }

void Tails::add(const Half &half) {
  const std::vector<double> &counts = half.getRegular();
  Tail tail;
  double error = 0;
  for (unsigned bin = counts.size(); bin-- > 0;) {
    double n = counts[bin];
    // (x - bin)^2 = (x - bin - 1)^2 + 2 (x - bin - 1) + 1.
    error += 2 * tail.excess + tail.count + n / 3;
    tail.excess += tail.count + 0.5 * n;
    tail.count += n;
    table[bin].excess += tail.excess;
    table[bin].count += tail.count;
    table[bin].halfBin += 0.5 * n;
    clipping[bin] += error;
  }
  double below = 0;
  for (unsigned bin = 0; bin < kHistogramBins + 2; ++bin) {
    table[bin].squaresBelow += below;
    if (bin < counts.size())
      below += counts[bin] * (bin * (bin + 1.0) + 1.0 / 3);
  }
  squares += below;
  end = std::max(end, double(counts.size()));
  for (const Piece &piece : half.getCutPieces()) {
    double length = piece.end - piece.begin, center = piece.getCenter();
    pieces.push_back(piece);
    squares += piece.count * (center * center + length * length / 12);
    for (unsigned bin = 0; bin <= piece.begin; ++bin)
      clipping[bin] += piece.count *
                       ((center - bin) * (center - bin) + length * length / 12);
  }
}

/// sum over j = 1 .. levels of count * E[max(x - (j - 1/2) step, 0)].
static double sumPieceExcess(const Piece &piece, double step, int levels) {
  double places = piece.begin / step + 0.5;
  int below = places < levels ? int(places) : levels;
  double sum = piece.count * below * (piece.getCenter() - 0.5 * (step * below));
  for (int level = below + 1; level <= levels; ++level) {
    double rest = piece.end - (level - 0.5) * step;
    if (!(rest > 0))
      break;
    sum += piece.count * rest * rest / (2 * (piece.end - piece.begin));
  }
  return sum;
}

double Tails::getError(double step, int levels, double limit,
                       double clipped) const {
  constexpr int kBlock = 16;
  double places = end / step + 0.5;
  int count = places < levels ? int(places) : levels;
  double excess = 0;
  for (int level = 0; level < count;) {
    int stop = std::min(level + kBlock, count);
    double sums[2] = {0, 0};
    for (; level < stop; ++level)
      sums[level & 1] += lookUp((level + 0.5) * step);
    excess += sums[0] + sums[1];
    if (level == count)
      break;
    // The error of the values up to the end of the cell of `level` alone: G of
    // these is G(b) - G(cell) - (cell - b) n, n values being beyond.
    double cell = (level + 0.5) * step;
    const Tail &tail = table[unsigned(cell)];
    double beyond = tail.count - 2 * tail.halfBin * (cell - unsigned(cell));
    double inside = excess - level * (lookUp(cell) +
                                      beyond * (cell - 0.5 * (step * level)));
    double error = getSquaresBelow(cell) - 2 * step * inside;
    if (error + clipped > limit)
      return error + clipped;
  }
  for (const Piece &piece : pieces)
    excess += sumPieceExcess(piece, step, levels);
  return squares - 2 * step * excess;
}

double Tails::getExcess(double step, int level) const {
  double place = (level - 0.5) * step;
  double excess = place < end ? lookUp(place) : 0;
  for (const Piece &piece : pieces) {
    if (place <= piece.begin)
      excess += piece.count * (piece.getCenter() - place);
    else if (place < piece.end)
      excess += piece.count * (piece.end - place) * (piece.end - place) /
                (2 * (piece.end - piece.begin));
  }
  return excess;
}

double Tails::getSquaresBelow(double limit) const {
  if (limit >= end)
    return table[kHistogramBins].squaresBelow;
  unsigned bin = unsigned(limit);
  const Tail &tail = table[bin];
  return tail.squaresBelow +
         2 * tail.halfBin * (cube(limit) - cube(double(bin))) / 3;
}

//===----------------------------------------------------------------------===//
// Search over widths
//===----------------------------------------------------------------------===//

namespace {

/// Candidate k of [1, size] is k bins wide, the last one as wide as the values.
class Search {
public:
  Search(const Histogram &values, double largest, int levels)
      : values(values), largest(largest), size(int(std::ceil(largest))),
        levels(levels) {
    positive.add(values.positive);
    negative.add(values.negative);
    squares = positive.getSquares() + negative.getSquares();
    // Where QuantMath limits scales, steps do not follow widths.
    double unit = values.width / levels;
    prunable = unit > 2 * quantmath::kMinScale &&
               largest * unit < 0.5 * quantmath::kMaxScale;
  }
  virtual ~Search() = default;

  /// The best limits; `known` unless others are better.
  Limits run(Limits known, RangeStorage storage);

protected:
  struct Point {
    double width;
    Lattice lattice;
    double squared;
  };
  /// Sieves a width in bins of which `clipped` or more is known to be clipped.
  /// An error above `limit` may be any other.
  virtual Point sieve(double width, double limit, double clipped) = 0;
  /// At most the error of what a candidate clips.
  virtual double getClippingError(int candidate) const = 0;
  virtual Limits getLimits(const Point &point) const = 0;

  double getWidth(int candidate) const {
    return candidate < size ? candidate : largest;
  }

  const Histogram &values;
  const double largest;
  const int size;
  /// Steps of the width.
  const int levels;
  Tails positive, negative;
  double squares;

private:
  std::vector<Point> collect(double known, double slack);
  Point refine(double low, double high);

  bool prunable;
};

} // namespace

/// The candidates that may be the best, in decreasing width.
std::vector<Search::Point> Search::collect(double known, double slack) {
  std::vector<Point> points;
  double best = known;
  auto visit = [&](int candidate) {
    double clipped = prunable ? getClippingError(candidate) : 0;
    double limit = best + 2 * slack;
    if (clipped > limit)
      return;
    points.push_back(sieve(getWidth(candidate), limit, clipped));
    best = std::min(best, points.back().squared);
  };
  for (int k = size; k > 0; k -= kCoarseStep)
    visit(k);
  for (int k = size; k > 0; --k)
    if ((size - k) % kCoarseStep != 0)
      visit(k);
  points.erase(std::remove_if(points.begin(), points.end(),
                              [&](const Point &point) {
                                return point.squared > best + 2 * slack;
                              }),
               points.end());
  std::sort(points.begin(), points.end(),
            [](const Point &a, const Point &b) { return a.width > b.width; });
  return points;
}

/// Golden-section search for the width within (low, high).
Search::Point Search::refine(double low, double high) {
  constexpr double kGolden = 0.6180339887498949;
  auto sieve = [&](double width) {
    return this->sieve(width, quantmath::detail::kInfinity, 0);
  };
  Point left = sieve(high - kGolden * (high - low));
  Point right = sieve(low + kGolden * (high - low));
  for (int i = 0; i < kRefinements; ++i) {
    if (left.squared < right.squared) {
      high = right.width;
      right = left;
      left = sieve(high - kGolden * (high - low));
    } else {
      low = left.width;
      left = right;
      right = sieve(low + kGolden * (high - low));
    }
  }
  return left.squared < right.squared ? left : right;
}

Limits Search::run(Limits known, RangeStorage storage) {
  Limits best = known;
  Lattice last = getLattice(values, known, storage);
  double squared = getSquaredError(values, last), width = largest;
  auto improve = [&](const Point &point) {
    // Neighbours may have the same scale.
    if (point.lattice == last)
      return;
    last = point.lattice;
    double exact = getSquaredError(values, last);
    if (!(exact < squared))
      return;
    squared = exact;
    width = point.width;
    best = getLimits(point);
  };
  for (const Point &point : collect(squared, kSieveError * squares))
    improve(point);
  improve(refine(std::max(width - 1, 0.5 * std::min(width, 1.0)),
                 std::min(width + 1, largest)));
  return best;
}

//===----------------------------------------------------------------------===//
// Zero point 0
//===----------------------------------------------------------------------===//

namespace {

class SymmetricSearch : public Search {
public:
  SymmetricSearch(const Histogram &values, RangeStorage storage)
      : Search(values,
               storage == RangeStorage::S8 ? values.getAmax() : values.max,
               storage == RangeStorage::S8 ? quantmath::kInt8Max
                                           : quantmath::kUInt8Max),
        storage(storage) {
    both.add(values.positive);
    both.add(values.negative);
  }

private:
  Point sieve(double width, double limit, double clipped) override {
    Lattice lattice = getLattice(values, {-width, width}, storage);
    double step = lattice.step, error;
    if (storage == RangeStorage::U8) {
      double rest = negative.getSquares();
      error = positive.getError(step, lattice.positive, limit - rest, clipped) +
              rest;
    } else {
      // One look-up for both signs; there is one negative integer more.
      double gain = 2 * step * negative.getExcess(step, lattice.negative);
      error =
          both.getError(step, lattice.positive, limit + gain, clipped + gain) -
          gain;
    }
    return {width, lattice, error};
  }

  double getClippingError(int candidate) const override {
    // One bin for rounding up, one for rounding the scale.
    double clipped = positive.getClippingError(candidate + 1);
    if (storage == RangeStorage::S8)
      clipped += negative.getClippingError(
          candidate * -quantmath::kInt8Min / quantmath::kInt8Max + 2);
    return clipped;
  }

  Limits getLimits(const Point &point) const override {
    return fitToStorage({-point.width, point.width}, storage);
  }

  RangeStorage storage;
  Tails both;
};

//===----------------------------------------------------------------------===//
// Any zero point
//===----------------------------------------------------------------------===//

class AsymmetricSearch : public Search {
public:
  explicit AsymmetricSearch(const Histogram &values)
      : Search(values, std::max(values.max, 0.0) - std::min(values.min, 0.0),
               quantmath::kUInt8Max),
        zeroPoint(getLattice(values, {values.min, values.max},
                             RangeStorage::U8Asymmetric)
                      .negative) {
    // The least that limits of `i` whole bins clip, whatever their zero point:
    // both sides are convex, so the cheaper bin goes first.
    unsigned low = kHistogramBins + 1, high = kHistogramBins + 1;
    clipping.resize(low + high + 1);
    double sum = 0;
    for (unsigned i = low + high; i > 0; --i) {
      auto getCost = [](const Tails &tails, unsigned bins) {
        return tails.getClippingError(bins - 1) - tails.getClippingError(bins);
      };
      bool fromLow = high == 0 || (low != 0 && getCost(negative, low) <
                                                   getCost(positive, high));
      unsigned &bins = fromLow ? low : high;
      sum += getCost(fromLow ? negative : positive, bins--);
      clipping[i - 1] = sum;
    }
  }

private:
  Point sieve(double width, double limit, double clipped) override {
    double scale = quantmath::scaleForWidth(width * values.width, levels).scale;
    double step = scale * values.perUnit;
    // Gains of one more integer on a side decrease: walk to where they meet.
    while (zeroPoint < levels &&
           negative.getExcess(step, zeroPoint + 1) >
               positive.getExcess(step, levels - zeroPoint))
      ++zeroPoint;
    while (zeroPoint > 0 && positive.getExcess(step, levels - zeroPoint + 1) >=
                                negative.getExcess(step, zeroPoint))
      --zeroPoint;
    auto getError = [&](bool ofNegative, double limit, double clipped) {
      return ofNegative
                 ? negative.getError(step, zeroPoint, limit, clipped)
                 : positive.getError(step, levels - zeroPoint, limit, clipped);
    };
    bool negativeFirst = 2 * zeroPoint > levels;
    double error = getError(negativeFirst, limit, clipped);
    if (error <= limit)
      error += getError(!negativeFirst, limit - error, 0);
    return {width, {step, levels - zeroPoint, zeroPoint}, error};
  }

  double getClippingError(int candidate) const override {
    // A bin for rounding up on each side; the scale's rounding is within them.
    return clipping[candidate + 2];
  }

  /// Products of an integer and a scale are exact, so that QuantMath finds
  /// this scale and zero point again.
  Limits getLimits(const Point &point) const override {
    const Lattice &lattice = point.lattice;
    return {-lattice.negative * lattice.step, lattice.positive * lattice.step};
  }

  /// The last one chosen.
  int zeroPoint;
  std::vector<double> clipping;
};

} // namespace

Limits ranges::chooseMeanSquaredError(const Histogram &values,
                                      RangeStorage storage) {
  Limits known = getMaxLimits(values, storage);
  if (known.low == known.high)
    return known;
  if (storage == RangeStorage::U8Asymmetric)
    return AsymmetricSearch(values).run(known, storage);
  return SymmetricSearch(values, storage).run(known, storage);
}

//===- MeanSquaredError.cpp - Limits of the least squared error -----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sieves all candidates quickly, then evaluates those again without
// cancellation that may be the best within a bound of the rounding errors.
//
// Most candidates are not even sieved to the end: what is clipped at the limits
// grows as the limits shrink, and with the error of the inner values, which is
// summed up first, bounds the whole from below.
//
// Asymmetric limits are a width and a zero point. For one width the best zero
// point follows from the marginal gains of one more integer on either side,
// which decrease: the search over all widths and all zero points is complete.
//
//===----------------------------------------------------------------------===//
#include "SquaredErrorSieve.h"

#include "QuantOpt/Support/QuantMath.h"

#include <algorithm>
#include <cmath>
#include <limits>

using namespace mlir::qopt;
using namespace mlir::qopt::ranges;

/// Every so many candidates are tried first, to have a good one to prune with.
static constexpr int kCoarseStep = 32;
/// Golden-section steps: the bracket shrinks to 1e-4 of a bin, about what a
/// scale in f32 resolves.
static constexpr int kRefinements = 20;

namespace {

/// Candidate k of [1, size] is `stride` k bins wide, the last one as wide as
/// the values.
class Search {
public:
  Search(const Histogram &values, const ErrorTables &tables,
         RangeStorage storage, double largest, int stride, int levels)
      : values(values), tables(tables), storage(storage), largest(largest),
        stride(stride), size(int(std::ceil(largest / stride))), levels(levels) {
    // Where QuantMath limits scales, steps do not follow widths.
    double unit = values.width / levels;
    prunable = unit > 2 * quantmath::kMinScale &&
               largest * unit < 0.5 * quantmath::kMaxScale;
  }
  virtual ~Search() = default;

  Limits run();

protected:
  struct Point {
    double width;
    Limits limits;
    Lattice lattice;
    double squared;
  };
  /// Sieves a width in bins of which `clipped` or more is known to be clipped.
  /// An error above `limit` may be any other.
  virtual Point sieve(double width, double limit, double clipped) = 0;
  /// At most the error of what a candidate clips.
  virtual double getClippingError(int candidate) const = 0;

  const Histogram &values;
  const ErrorTables &tables;
  const RangeStorage storage;
  const double largest;
  const int stride, size;
  /// Steps of the width.
  const int levels;

private:
  std::vector<Point> collect();
  Point refine(double low, double high);

  bool prunable;
};

} // namespace

/// The limits of max and the candidates that may be better, in decreasing
/// width.
std::vector<Search::Point> Search::collect() {
  std::vector<Point> points;
  Limits limits = getMaxLimits(values, storage);
  Lattice lattice = getLattice(values, limits, storage);
  double best = tables.sieve(lattice);
  points.push_back({largest, limits, lattice, best});

  double slack = 2 * kSieveError * tables.getSquares();
  auto visit = [&](int candidate) {
    double clipped = prunable ? getClippingError(candidate) : 0;
    double limit = best + slack;
    if (clipped > limit)
      return;
    Point point =
        sieve(candidate < size ? stride * candidate : largest, limit, clipped);
    if (point.squared > limit)
      return;
    points.push_back(point);
    best = std::min(best, point.squared);
  };
  for (int k = size; k > 0; k -= kCoarseStep)
    visit(k);
  for (int k = size; k > 0; --k)
    if ((size - k) % kCoarseStep != 0)
      visit(k);
  points.erase(std::remove_if(points.begin(), points.end(),
                              [&](const Point &point) {
                                return point.squared > best + slack;
                              }),
               points.end());
  std::stable_sort(
      points.begin(), points.end(),
      [](const Point &a, const Point &b) { return a.width > b.width; });
  return points;
}

/// Golden-section search for the width within (low, high).
Search::Point Search::refine(double low, double high) {
  constexpr double kGolden = 0.6180339887498949;
  auto sieve = [&](double width) {
    return this->sieve(width, std::numeric_limits<double>::infinity(), 0);
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

Limits Search::run() {
  double squared = std::numeric_limits<double>::infinity();
  Point best = {};
  Lattice last = {0, 0, 0};
  auto improve = [&](const Point &point) {
    // Neighbours may have the same scale.
    if (point.lattice == last)
      return;
    last = point.lattice;
    double exact = getSquaredError(values, last);
    if (!(exact < squared))
      return;
    squared = exact;
    best = point;
  };
  for (const Point &point : collect())
    improve(point);
  double width = best.width;
  improve(refine(width > stride ? width - stride : 0.5 * width,
                 std::min(width + stride, largest)));
  return best.limits;
}

namespace {

/// Zero point 0.
class SymmetricSearch : public Search {
public:
  SymmetricSearch(const Histogram &values, const ErrorTables &tables,
                  RangeStorage storage)
      : Search(values, tables, storage,
               storage == RangeStorage::S8 ? values.getAmax() : values.max, 1,
               storage == RangeStorage::S8 ? quantmath::kInt8Max
                                           : quantmath::kUInt8Max) {}

private:
  Point sieve(double width, double limit, double clipped) override {
    Limits limits = fitToStorage({-width, width}, storage);
    Lattice lattice = getLattice(values, limits, storage);
    return {width, limits, lattice, tables.sieve(lattice, limit, clipped)};
  }

  double getClippingError(int candidate) const override {
    // One bin for rounding up, one for rounding the scale.
    double clipped = tables.positive.getClippingError(candidate + 1);
    if (storage == RangeStorage::S8)
      clipped += tables.negative.getClippingError(
          candidate * -quantmath::kInt8Min / quantmath::kInt8Max + 2);
    return clipped;
  }
};

/// Any zero point.
class AsymmetricSearch : public Search {
public:
  AsymmetricSearch(const Histogram &values, const ErrorTables &tables);

private:
  Point sieve(double width, double limit, double clipped) override;

  double getClippingError(int candidate) const override {
    // A bin for rounding up on each side; the scale's rounding is within them.
    return clipping[stride * candidate + 2];
  }

  /// The last one chosen.
  int zeroPoint;
  /// The least that limits of so many whole bins clip, whatever the zero point.
  std::vector<double> clipping;
};

} // namespace

AsymmetricSearch::AsymmetricSearch(const Histogram &values,
                                   const ErrorTables &tables)
    : Search(values, tables, RangeStorage::U8Asymmetric,
             std::max(values.max, 0.0) - std::min(values.min, 0.0), 2,
             quantmath::kUInt8Max),
      zeroPoint(levels / 2) {
  // Both sides are convex: the bin that costs less goes first.
  unsigned low = kHistogramBins + 1, high = kHistogramBins + 1;
  clipping.resize(low + high + 1);
  auto getCost = [](const Tails &tails, unsigned bins) {
    return bins == 0 ? std::numeric_limits<double>::infinity()
                     : tails.getClippingError(bins - 1) -
                           tails.getClippingError(bins);
  };
  double sum = 0, costLow = getCost(tables.negative, low),
         costHigh = getCost(tables.positive, high);
  for (unsigned bins = low + high; bins > 0; --bins) {
    if (costLow < costHigh) {
      sum += costLow;
      costLow = getCost(tables.negative, --low);
    } else {
      sum += costHigh;
      costHigh = getCost(tables.positive, --high);
    }
    clipping[bins - 1] = sum;
  }
}

Search::Point AsymmetricSearch::sieve(double width, double limit,
                                      double clipped) {
  double scale = quantmath::scaleForWidth(width * values.width, levels).scale;
  double step = scale * values.perUnit;
  // Gains of one more integer on a side decrease: walk to where they meet.
  while (zeroPoint < levels &&
         tables.negative.getExcess(step, zeroPoint + 1) >
             tables.positive.getExcess(step, levels - zeroPoint))
    ++zeroPoint;
  while (zeroPoint > 0 &&
         tables.positive.getExcess(step, levels - zeroPoint + 1) >=
             tables.negative.getExcess(step, zeroPoint))
    --zeroPoint;
  Lattice lattice = {step, levels - zeroPoint, zeroPoint};
  // Products of an integer and a scale are exact, so that QuantMath finds this
  // scale and zero point again.
  Limits limits = {-lattice.negative * step, lattice.positive * step};
  return {width, limits, lattice, tables.sieve(lattice, limit, clipped)};
}

Limits
ranges::chooseMeanSquaredError(const Histogram &values, RangeStorage storage,
                               std::shared_ptr<const ErrorTables> &tables) {
  Limits known = getMaxLimits(values, storage);
  if (known.low == known.high)
    return known;
  if (!tables)
    tables = std::make_shared<ErrorTables>(values);
  if (storage == RangeStorage::U8Asymmetric)
    return AsymmetricSearch(values, *tables).run();
  return SymmetricSearch(values, *tables, storage).run();
}

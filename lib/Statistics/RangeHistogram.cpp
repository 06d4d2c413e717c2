//===- RangeHistogram.cpp - Counts and errors of a distribution -----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "RangeHistogram.h"

#include "QuantOpt/Support/QuantMath.h"

#include <cassert>
#include <limits>

using namespace mlir::qopt;
using namespace mlir::qopt::ranges;

//===----------------------------------------------------------------------===//
// Half
//===----------------------------------------------------------------------===//

Half::Half(const std::vector<uint64_t> &counts, double smallest, double largest)
    : smallest(smallest), largest(largest) {
  end = counts.size();
  while (end > 0 && counts[end - 1] == 0)
    --end;
  while (first < end && counts[first] == 0)
    ++first;
  above.resize(end + 1);
  regular.resize(end);
  for (unsigned bin = end; bin-- > first;) {
    above[bin] = above[bin + 1] + counts[bin];
    regular[bin] = double(counts[bin]);
  }
  for (unsigned bin = first; bin-- > 0;)
    above[bin] = above[bin + 1];
  auto cutBin = [&](unsigned bin) {
    Piece piece = getPiece(bin);
    if (piece.begin == bin && piece.end == bin + 1.0)
      return;
    cut.push_back(piece);
    regular[bin] = 0;
  };
  if (first == end)
    return;
  cutBin(first);
  if (end - 1 != first)
    cutBin(end - 1);
}

Piece Half::getPiece(unsigned bin) const {
  double begin = bin, finish = bin + 1.0;
  if (bin == first && smallest > begin)
    begin = smallest;
  if (bin + 1 == end && largest < finish)
    finish = largest;
  return {begin, finish, double(getCount(bin))};
}

double Half::countAbove(double limit) const {
  if (!(limit < largest) || end == 0)
    return 0;
  if (limit < first)
    return double(above[0]);
  unsigned bin = unsigned(limit);
  if (bin >= end)
    return 0;
  Piece piece = getPiece(bin);
  double inside = 0;
  if (limit < piece.begin)
    inside = piece.count;
  else if (limit < piece.end)
    inside = piece.count * ((piece.end - limit) / (piece.end - piece.begin));
  return double(above[bin + 1]) + inside;
}

namespace {

/// Walks up the cells of the integers 0 to `levels` and sums up errors.
class Quantizer {
public:
  Quantizer(double step, int levels) : step(step), levels(levels) { enter(0); }

  /// Adds values spread over [begin, end], which is not below those before.
  void add(double begin, double end, double count) {
    while (cellEnd <= begin)
      enter(level + 1);
    if (end <= cellEnd) {
      addInside(begin, end, count);
      return;
    }
    double density = count / (end - begin);
    while (begin < end) {
      double finish = end < cellEnd ? end : cellEnd;
      addInside(begin, finish, density * (finish - begin));
      begin = finish;
      if (finish == cellEnd)
        enter(level + 1);
    }
  }
  /// Adds values at one place.
  void addPoint(double place, double count) {
    double nearest = quantmath::roundHalfEven(place / step);
    double error = place - (nearest < levels ? nearest : levels) * step;
    errors.squared += count * (error * error);
    errors.sum += count * error;
  }

  Errors errors;

private:
  void enter(int next) {
    level = next;
    value = level * step;
    cellEnd = level < levels ? (level + 0.5) * step
                             : std::numeric_limits<double>::infinity();
  }
  void addInside(double begin, double end, double count) {
    double center = 0.5 * (begin + end) - value, length = end - begin;
    errors.squared += count * (center * center + length * length * (1.0 / 12));
    errors.sum += count * center;
  }

  const double step;
  const int levels;
  int level;
  double value, cellEnd;
};

} // namespace

Errors Half::quantize(double step, int levels) const {
  Quantizer quantizer(step, levels);
  for (unsigned bin = first; bin < end; ++bin)
    if (regular[bin] != 0)
      quantizer.add(bin, bin + 1.0, regular[bin]);
  Errors errors = quantizer.errors;
  for (const Piece &piece : cut) {
    Quantizer apart(step, levels);
    if (piece.begin < piece.end)
      apart.add(piece.begin, piece.end, piece.count);
    else
      apart.addPoint(piece.begin, piece.count);
    errors.squared += apart.errors.squared;
    errors.sum += apart.errors.sum;
  }
  return errors;
}

//===----------------------------------------------------------------------===//
// Histogram
//===----------------------------------------------------------------------===//

Histogram::Histogram(const Distribution &values)
    : width(quantmath::detail::powerOfTwo(values.exponent - 11)),
      perUnit(quantmath::detail::powerOfTwo(11 - values.exponent)),
      min(values.min * perUnit), max(values.max * perUnit), count(values.count),
      positive(values.positive, min > 0 ? min : 0, max > 0 ? max : 0),
      negative(values.negative, max < 0 ? -max : 0, min < 0 ? -min : 0) {
  static_assert(kHistogramBins == 1u << 11, "bins are 2^(exponent - 11) wide");
  assert(positive.getEnd() <= kHistogramBins &&
         negative.getEnd() <= kHistogramBins);
}

Limits ranges::fitToStorage(Limits limits, RangeStorage storage) {
  double low = limits.low < 0 ? limits.low : 0;
  double high = limits.high > 0 ? limits.high : 0;
  switch (storage) {
  case RangeStorage::S8:
    high = -low > high ? -low : high;
    return {-high, high};
  case RangeStorage::U8:
    return {0, high};
  case RangeStorage::U8Asymmetric:
    break;
  }
  return {low, high};
}

Lattice ranges::getLattice(const Histogram &values, Limits limits,
                           RangeStorage storage) {
  using namespace quantmath;
  double low = limits.low * values.width, high = limits.high * values.width;
  switch (storage) {
  case RangeStorage::S8:
    return {double(symmetricScale(high).scale) * values.perUnit, kInt8Max,
            -kInt8Min};
  case RangeStorage::U8:
    return {double(oneSidedScale(high).scale) * values.perUnit, kUInt8Max, 0};
  case RangeStorage::U8Asymmetric:
    break;
  }
  ScaleChoice choice = asymmetricScale(low, high, rangeOf(Storage::U8));
  return {double(choice.scale) * values.perUnit, kUInt8Max - choice.zeroPoint,
          choice.zeroPoint};
}

double ranges::getSquaredError(const Histogram &values,
                               const Lattice &lattice) {
  return values.positive.quantize(lattice.step, lattice.positive).squared +
         values.negative.quantize(lattice.step, lattice.negative).squared;
}

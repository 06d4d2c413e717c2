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

/// Adds the error of the values of `piece`.
static void quantizePiece(const Piece &piece, double step, int levels,
                          Errors &errors) {
  double nearest = piece.begin / step + 0.5;
  int level = nearest < levels ? int(nearest) : levels;
  if (!(piece.begin < piece.end)) {
    double rounded = quantmath::roundHalfEven(piece.begin / step);
    double error =
        piece.begin - (rounded < levels ? rounded : double(levels)) * step;
    errors.squared += piece.count * error * error;
    errors.sum += piece.count * error;
    return;
  }
  double density = piece.count / (piece.end - piece.begin);
  for (double begin = piece.begin; begin < piece.end; ++level) {
    double finish = level < levels ? (level + 0.5) * step : piece.end;
    finish = finish < piece.end ? finish : piece.end;
    double length = finish - begin;
    if (!(length > 0))
      continue;
    double center = 0.5 * (begin + finish) - level * step;
    double mass = density * length;
    errors.squared += mass * (center * center + length * length / 12);
    errors.sum += mass * center;
    begin = finish;
  }
}

Errors Half::quantize(double step, int levels) const {
  Errors errors;
  int level = 0;
  double value = 0;
  double cellEnd = levels > 0 ? 0.5 * step : double(kHistogramBins);
  for (unsigned bin = first; bin < end; ++bin) {
    double mass = regular[bin];
    if (mass == 0)
      continue;
    while (cellEnd <= bin) {
      ++level;
      value = level * step;
      cellEnd = level < levels ? (level + 0.5) * step : double(kHistogramBins);
    }
    if (bin + 1.0 <= cellEnd) {
      double center = bin + 0.5 - value;
      errors.squared += mass * (center * center + 1.0 / 12);
      errors.sum += mass * center;
    } else {
      quantizePiece({double(bin), bin + 1.0, mass}, step, levels, errors);
    }
  }
  for (const Piece &piece : cut)
    quantizePiece(piece, step, levels, errors);
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

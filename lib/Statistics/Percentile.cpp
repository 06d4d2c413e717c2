//===- Percentile.cpp - Limits from the distribution function -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "RangeHistogram.h"

#include <algorithm>

using namespace mlir::qopt;
using namespace mlir::qopt::ranges;

/// The smallest limit >= 0 that at most `tail` values of the halves exceed. The
/// distribution function is linear between the ends of the pieces of a bin.
static double findLimit(std::initializer_list<const Half *> halves,
                        double tail) {
  auto countFrom = [&](unsigned bin) {
    double count = 0;
    for (const Half *half : halves)
      count += double(half->getCountFrom(bin));
    return count;
  };
  if (countFrom(0) <= tail)
    return 0;
  unsigned bin = kHistogramBins - 1;
  while (countFrom(bin) <= tail)
    --bin;

  std::vector<Piece> pieces;
  std::vector<double> ends;
  for (const Half *half : halves)
    if (half->getCount(bin) != 0) {
      pieces.push_back(half->getPiece(bin));
      ends.push_back(pieces.back().begin);
      ends.push_back(pieces.back().end);
    }
  std::sort(ends.begin(), ends.end(), std::greater<double>());
  ends.erase(std::unique(ends.begin(), ends.end()), ends.end());

  // Walks down from the top of the bin; `above` counts what is greater.
  double above = countFrom(bin + 1);
  for (size_t i = 0; i < ends.size(); ++i) {
    double top = ends[i], next = i + 1 < ends.size() ? ends[i + 1] : top;
    double density = 0;
    for (const Piece &piece : pieces) {
      if (piece.begin == piece.end)
        above += piece.end == top ? piece.count : 0;
      else if (piece.begin <= next && top <= piece.end)
        density += piece.count / (piece.end - piece.begin);
    }
    if (above > tail)
      return top;
    double reached = above + density * (top - next);
    if (reached > tail)
      return std::max(next, top - (tail - above) / density);
    above = reached;
  }
  return ends.back(); // Only by rounding: the next lower value would exceed.
}

Limits ranges::getMaxLimits(const Histogram &values, RangeStorage storage) {
  return fitToStorage({values.min, values.max}, storage);
}

Limits ranges::choosePercentile(const Histogram &values, RangeStorage storage,
                                double percentile) {
  // The tail is subtracted before it is multiplied: no digits are lost.
  double share = percentile < 100 ? 100 - std::max(percentile, 0.0) : 0;
  double tail = share / 100 * double(values.count);
  Limits limits;
  switch (storage) {
  case RangeStorage::S8:
    limits.high = findLimit({&values.positive, &values.negative}, tail);
    limits.low = -limits.high;
    break;
  case RangeStorage::U8:
    limits.high = findLimit({&values.positive}, tail);
    break;
  case RangeStorage::U8Asymmetric:
    limits.low = -findLimit({&values.negative}, tail / 2);
    limits.high = findLimit({&values.positive}, tail / 2);
    break;
  }
  // Where fewer values than the tail differ from 0, nothing would be left.
  if (limits.low == 0 && limits.high == 0)
    return getMaxLimits(values, storage);
  return limits;
}

//===- Entropy.cpp - Limits of the least divergence -----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EntropySearch.h"
#include "RangeHistogram.h"

#include <algorithm>

using namespace mlir::qopt;
using namespace mlir::qopt::ranges;

/// log2 of the levels: as many as an s8 magnitude (0 to 127) and a u8 (0 to
/// 255) have values.
static constexpr unsigned kSignedLevelBits = 7, kUnsignedLevelBits = 8;

/// Magnitudes, from 0 to a threshold.
static Limits chooseThreshold(const Histogram &values, RangeStorage storage) {
  bool isSigned = storage == RangeStorage::S8;
  unsigned end = values.positive.getEnd();
  if (isSigned)
    end = std::max(end, values.negative.getEnd());
  std::vector<uint64_t> counts(end);
  for (unsigned bin = 0; bin < end; ++bin)
    counts[bin] = values.positive.getCount(bin) +
                  (isSigned ? values.negative.getCount(bin) : 0);
  EntropySearch search(std::move(counts),
                       isSigned ? kSignedLevelBits : kUnsignedLevelBits);
  for (unsigned bin = 0; bin < end; ++bin)
    search.addCandidate(0, bin + 1);
  Limits limits = getMaxLimits(values, storage);
  if (const Candidate *best = search.run())
    limits.high = std::min(limits.high, double(best->end));
  return fitToStorage({-limits.high, limits.high}, storage);
}

/// Windows [-T, T], each end at the last bin that is not empty.
static Limits chooseWindow(const Histogram &values) {
  unsigned below = values.negative.getEnd(), above = values.positive.getEnd();
  std::vector<uint64_t> counts(below + above);
  for (unsigned bin = 0; bin < below; ++bin)
    counts[below - 1 - bin] = values.negative.getCount(bin);
  for (unsigned bin = 0; bin < above; ++bin)
    counts[below + bin] = values.positive.getCount(bin);
  EntropySearch search(std::move(counts), kUnsignedLevelBits);
  unsigned low = 0, high = 0;
  for (unsigned bin = 0; bin < std::max(below, above); ++bin) {
    unsigned oldLow = low, oldHigh = high;
    if (values.negative.getCount(bin) != 0)
      low = bin + 1;
    if (values.positive.getCount(bin) != 0)
      high = bin + 1;
    // The clipped values of one sign do not go to a bin of the other.
    if ((low == 0 && below != 0) || (high == 0 && above != 0))
      continue;
    if (low != oldLow || high != oldHigh)
      search.addCandidate(below - low, below + high);
  }
  Limits limits = getMaxLimits(values, RangeStorage::U8Asymmetric);
  if (const Candidate *best = search.run()) {
    limits.low = std::max(limits.low, double(best->begin) - double(below));
    limits.high = std::min(limits.high, double(best->end) - double(below));
  }
  return limits;
}

Limits ranges::chooseEntropy(const Histogram &values, RangeStorage storage) {
  return storage == RangeStorage::U8Asymmetric
             ? chooseWindow(values)
             : chooseThreshold(values, storage);
}

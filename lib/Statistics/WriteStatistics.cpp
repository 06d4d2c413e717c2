//===- WriteStatistics.cpp - Saving the statistics of an edge -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The bytes of a state, all that follows from other parts left out:
//
//   version       byte, 1
//   channels      number; where not 0 also
//   inner         number
//   NaNs, +infinities, -infinities, zeros: numbers
//   near          byte, 1 where there are near values, else 0; where 1 also
//     min, max    f32
//     positive    bins, where max > 0
//     negative    bins, where min < 0
//   far octaves   of positive values, then of negative ones: their number, and
//                 for each, in increasing order,
//     octave      byte
//     smallest, largest magnitude: f32
//     values      bins
//   maxima        an f32 per channel
//
// A number is in groups of 7 bits, the lowest first, the high bit set in all
// but the last, as few as possible; an f32 has its lowest byte first. Bins are
// the number of runs of bins that are not empty and, for each, how many empty
// bins come before it, its length, and its counts: the first as it is, others
// as the difference d to the one before, 2d or -2d - 1.
//
// There is one way to write a state.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Statistics/EdgeStatistics.h"
#include "QuantOpt/Support/FloatingPoint.h"

using namespace mlir::qopt;
using quantmath::detail::bitCast;

namespace {
class Writer {
public:
  void byte(unsigned value) { bytes += char(value); }
  void number(uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      byte(unsigned(value & 0x7F) | 0x80);
    byte(unsigned(value));
  }
  void real(float value) {
    uint32_t bits = bitCast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8)
      byte(bits >> shift & 0xFF);
  }
  void bins(const uint64_t *counts, size_t size);

  std::string bytes;
};
} // namespace

void Writer::bins(const uint64_t *counts, size_t size) {
  auto endOfRun = [&](size_t i) {
    while (i < size && counts[i] != 0)
      ++i;
    return i;
  };
  auto endOfGap = [&](size_t i) {
    while (i < size && counts[i] == 0)
      ++i;
    return i;
  };
  uint64_t runs = 0;
  for (size_t i = endOfGap(0); i < size; i = endOfGap(endOfRun(i)))
    ++runs;
  number(runs);
  for (size_t end = 0, begin; (begin = endOfGap(end)) < size;) {
    number(begin - end);
    end = endOfRun(begin);
    number(end - begin);
    number(counts[begin]);
    for (size_t i = begin + 1; i < end; ++i) {
      uint64_t up = counts[i] - counts[i - 1];
      number(counts[i] >= counts[i - 1] ? 2 * up : 2 * (0 - up) - 1);
    }
  }
}

std::string EdgeStatistics::serialize() const {
  Writer writer;
  writer.byte(kVersion);
  writer.number(layout.channels);
  if (layout.channels > 0)
    writer.number(layout.inner);
  for (uint64_t number : {nans, positiveInfs, negativeInfs, getZeros()})
    writer.number(number);
  writer.byte(hasNear());
  if (hasNear()) {
    writer.real(nearMin);
    writer.real(nearMax);
    if (bitCast<int32_t>(nearMax) > 0)
      writer.bins(bins.data(), kHistogramBins);
    if (bitCast<int32_t>(nearMin) < 0)
      writer.bins(bins.data() + kNegativeRow, kHistogramBins);
  }
  for (const FarOctaves *octaves : {&farPositive, &farNegative}) {
    writer.number(octaves->size());
    for (const auto &[octave, values] : *octaves) {
      writer.byte(unsigned(octave));
      writer.real(values.smallest);
      writer.real(values.largest);
      writer.bins(values.bins.data(), values.bins.size());
    }
  }
  for (float maximum : channelMaxima)
    writer.real(maximum);
  return std::move(writer.bytes);
}

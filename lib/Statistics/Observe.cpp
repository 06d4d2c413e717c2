//===- Observe.cpp - Adding the values of a tensor ------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The tensor is read once, in blocks that stay in the first-level cache. Of
// each, a vector loop finds the extremes and, for the histogram's present
// range, the row of every value; where the extremes do not fit that range, it
// is widened first and the block done again. Rows are then counted:
// - few values straight in the histogram's 64-bit bins;
// - many in four interleaved tables of 16-bit counters, which stay in the
//   first-level cache with the block. Neighbours count in different tables, so
//   that equal values do not wait for each other's store, and tables that lie
//   within each other do not disturb each other's loads, as they would at
//   distances of 4096 bytes. They are emptied into the bins before a counter
//   can overflow.
//
//===----------------------------------------------------------------------===//
#include "ObserveKernels.h"
#include "QuantOpt/Statistics/EdgeStatistics.h"
#include "QuantOpt/Support/FloatingPoint.h"

#include <algorithm>
#include <cstring>

namespace mlir::qopt {

using namespace statistics;
using quantmath::detail::bitCast;

static_assert(kNegativeRows == kHistogramBins &&
                  kZerosRow == 2 * kHistogramBins,
              "kernels and state agree on the rows");

/// Adds values to one state.
class StatisticsObserver {
public:
  StatisticsObserver(EdgeStatistics &state, size_t count);

  /// Not inline, so that none of its arithmetic leaves the scope of a
  /// FloatEnvironment.
  [[gnu::noinline]] void run(const float *data, size_t count);

private:
  void addBlock(const float *values, size_t count, const float *next);
  void addNear(const float *values, size_t count, BitRange range,
               const float *next);
  void addEqual(uint32_t bits, uint64_t times);
  /// Infinities, NaN and far values.
  void addFar(const float *values, size_t count);
  void addFar(uint32_t bits, uint64_t times);
  void extend(BitRange range);
  void countRows(size_t count, const float *next);
  void emptyTables();

  void addChannels(const float *values, size_t count);
  void finishChannels();

  BitRange index(const float *values, size_t count) {
    return kernels.index(values, count, scaleOf(state.exponent), rows);
  }
  /// 2^(11 - exponent): one over the width of bins.
  static float scaleOf(int exponent) {
    return bitCast<float>(uint32_t(127 + 11 - exponent) << 23);
  }
  static float valueOf(uint32_t bits) {
    // Zeros of both signs are one value.
    return bitCast<float>(bits == kSignBit ? 0 : bits);
  }

  static constexpr unsigned kTables = 4;
  /// Fewer values than this are not worth clearing and emptying tables for.
  static constexpr size_t kDirectCount = 8192;
  /// Channels up to this are observed as if they were more, so that vectors
  /// are filled.
  static constexpr size_t kFewChannels = 64;
  static constexpr size_t kVector = 16;

  EdgeStatistics &state;
  const ObserveKernels &kernels;
  const bool direct;
  /// Values in any one table, at most.
  uint32_t tableCount = 0;
  /// Of the next value, in memory order: its place in its run of `inner`
  /// values, and its channel.
  uint64_t innerPosition = 0, channel = 0;
  /// Channels as `kernels` see them, and their maxima.
  size_t channels = 0;
  float *maxima = nullptr;

  uint16_t rows[kBlock + kSlack];
  alignas(64) uint16_t tables[EdgeStatistics::kRows * kTables];
  float fewMaxima[kFewChannels * kVector];
};

StatisticsObserver::StatisticsObserver(EdgeStatistics &state, size_t count)
    : state(state), kernels(currentKernels()), direct(count < kDirectCount) {
  if (state.bins.empty())
    state.bins.resize(EdgeStatistics::kRows);
  if (!direct)
    std::memset(tables, 0, sizeof(tables));
  channels = size_t(state.layout.channels);
  maxima = state.channelMaxima.data();
  // A period of 16 times as many channels holds whole vectors only.
  if (channels > 0 && channels < kFewChannels && state.layout.inner == 1 &&
      !direct) {
    for (size_t i = 0; i < kVector; ++i)
      std::copy_n(maxima, channels, fewMaxima + i * channels);
    channels *= kVector;
    maxima = fewMaxima;
  }
}

void StatisticsObserver::run(const float *data, size_t count) {
  state.count += count;
  for (size_t i = 0; i < count; i += kBlock) {
    size_t size = std::min(kBlock, count - i);
    // Only an address for prefetching, at the end of the data the last block.
    const float *next = data + std::min(i + kBlock, count - size);
    addBlock(data + i, size, next);
    if (channels > 0)
      addChannels(data + i, size);
  }
  emptyTables();
  finishChannels();
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

void StatisticsObserver::addBlock(const float *values, size_t count,
                                  const float *next) {
  BitRange range = index(values, count);
  if (range.unsignedMin == range.unsignedMax)
    return addEqual(range.unsignedMin, count);
  if (range.getMagnitude() < kFarBits)
    return addNear(values, count, range, next);
  float near[kBlock + kSlack], far[kBlock + kSlack];
  size_t nears = kernels.separate(values, count, near, far);
  addFar(far, count - nears);
  if (nears > 0)
    addNear(near, nears, index(near, nears), next);
}

/// Adds values in [-4096, 4096] exclusively; `range` and `rows` are theirs.
void StatisticsObserver::addNear(const float *values, size_t count,
                                 BitRange range, const float *next) {
  int before = state.exponent;
  extend(range);
  if (state.exponent != before)
    index(values, count);
  countRows(count, next);
}

/// Makes room for near values with these extremes.
void StatisticsObserver::extend(BitRange range) {
  int exponent =
      std::max(kMinHistogramExponent, int(range.getMagnitude() >> 23) - 126);
  if (exponent > state.exponent) {
    emptyTables();
    state.growTo(exponent);
  }
  state.nearMin = std::min(state.nearMin, valueOf(range.getMin()));
  state.nearMax = std::max(state.nearMax, valueOf(range.getMax()));
}

void StatisticsObserver::addEqual(uint32_t bits, uint64_t times) {
  if ((bits & kMagnitudeBits) >= kFarBits)
    return addFar(bits, times);
  extend({int32_t(bits), bits, bits});
  float value = bitCast<float>(bits);
  index(&value, 1);
  state.bins[rows[0]] += times;
}

void StatisticsObserver::countRows(size_t count, const float *next) {
  if (direct) {
    for (size_t i = 0; i < count; ++i)
      ++state.bins[rows[i]];
    return;
  }
  static_assert(kBlock / kTables < UINT16_MAX, "a block fits the counters");
  tableCount += (count + kTables - 1) / kTables;
  if (tableCount > UINT16_MAX) {
    emptyTables();
    tableCount = (count + kTables - 1) / kTables;
  }
  size_t i = 0;
  constexpr size_t kLine = 16;
  for (; i + kLine <= count; i += kLine) {
    // The vector loop over the next block would wait for memory alone.
    __builtin_prefetch(next + i);
    for (size_t k = i; k < i + kLine; k += kTables) {
      ++tables[rows[k] * kTables];
      ++tables[rows[k + 1] * kTables + 1];
      ++tables[rows[k + 2] * kTables + 2];
      ++tables[rows[k + 3] * kTables + 3];
    }
  }
  for (; i < count; ++i)
    ++tables[rows[i] * kTables + i % kTables];
}

void StatisticsObserver::emptyTables() {
  if (tableCount == 0)
    return;
  uint64_t *bins = state.bins.data();
  for (size_t row = 0; row < EdgeStatistics::kRows; ++row) {
    const uint16_t *counters = tables + row * kTables;
    bins[row] +=
        uint32_t(counters[0]) + counters[1] + counters[2] + counters[3];
  }
  std::memset(tables, 0, sizeof(tables));
  tableCount = 0;
}

//===----------------------------------------------------------------------===//
// Far values
//===----------------------------------------------------------------------===//

void StatisticsObserver::addFar(const float *values, size_t count) {
  // Masks make runs of one value.
  for (size_t i = 0, end; i < count; i = end) {
    uint32_t bits = bitCast<uint32_t>(values[i]);
    for (end = i + 1; end < count && bitCast<uint32_t>(values[end]) == bits;)
      ++end;
    addFar(bits, end - i);
  }
}

void StatisticsObserver::addFar(uint32_t bits, uint64_t times) {
  uint32_t magnitude = bits & kMagnitudeBits;
  bool negative = bits & kSignBit;
  if (magnitude > kInfinityBits) {
    state.nans += times;
  } else if (magnitude == kInfinityBits) {
    (negative ? state.negativeInfs : state.positiveInfs) += times;
  } else {
    auto &octaves = negative ? state.farNegative : state.farPositive;
    float value = bitCast<float>(magnitude);
    auto [place, isNew] = octaves.try_emplace(int(magnitude >> 23) - 126);
    EdgeStatistics::FarOctave &octave = place->second;
    octave.bins[magnitude >> 13 & (EdgeStatistics::FarOctave::kBins - 1)] +=
        times;
    octave.smallest = isNew ? value : std::min(octave.smallest, value);
    octave.largest = isNew ? value : std::max(octave.largest, value);
  }
}

//===----------------------------------------------------------------------===//
// Channels
//===----------------------------------------------------------------------===//

void StatisticsObserver::addChannels(const float *values, size_t count) {
  const uint64_t inner = state.layout.inner;
  if (inner == 1) {
    kernels.channelMaxima(values, count, channels, channel, maxima);
    channel = (channel + count) % channels;
    return;
  }
  while (count > 0) {
    size_t run = size_t(std::min<uint64_t>(count, inner - innerPosition));
    float largest = bitCast<float>(kernels.maximum(values, run));
    maxima[channel] = std::max(maxima[channel], largest);
    values += run;
    count -= run;
    innerPosition += run;
    if (innerPosition == inner) {
      innerPosition = 0;
      channel = channel + 1 == channels ? 0 : channel + 1;
    }
  }
}

void StatisticsObserver::finishChannels() {
  if (maxima != fewMaxima)
    return;
  std::vector<float> &result = state.channelMaxima;
  for (size_t i = 0; i < channels; ++i)
    result[i % result.size()] =
        std::max(result[i % result.size()], fewMaxima[i]);
}

void EdgeStatistics::observe(const float *data, size_t size) {
  if (size == 0)
    return;
  quantmath::FloatEnvironment environment;
  StatisticsObserver(*this, size).run(data, size);
}

} // namespace mlir::qopt

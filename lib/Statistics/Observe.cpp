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
// - where values are few, or the range has grown lately, straight in the
//   histogram's 64-bit bins;
// - else, while the next block is indexed, in four tables of 16-bit counters
//   (RowCounter), which stay in the first-level cache. They are emptied into
//   the bins before a counter can overflow and before the range grows.
//
//===----------------------------------------------------------------------===//
#include "ObserveKernels.h"
#include "SampleEnergy.h"

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
  /// Adds squares to `energy` where it is not null (addSquares).
  [[gnu::noinline]] void run(const float *data, size_t count, double *energy);

private:
  using FarOctave = EdgeStatistics::FarOctave;

  void addBlock(const float *values, size_t count);
  void addNear(const float *values, size_t count, BitRange range);
  void addEqual(uint32_t bits, uint64_t times);
  void addFar(const float *values, size_t count);
  void addFar(uint32_t bits, uint64_t times);
  void extend(BitRange range);

  BitRange index(const float *values, size_t count);
  void makeRoom();
  void countPending(size_t from);
  void emptyTables();

  void addChannels(const float *values, size_t count);
  void finishChannels();

  /// 2^(11 - exponent): one over the width of bins.
  static float scaleOf(int exponent) {
    return bitCast<float>(uint32_t(127 + 11 - exponent) << 23);
  }
  static float valueOf(uint32_t bits) {
    // Zeros of both signs are one value.
    return bitCast<float>(bits == kSignBit ? 0 : bits);
  }

  static_assert(kFarBits >> 23 == 126 + EdgeStatistics::kFirstOctave,
                "kernels and state agree on what is far");
  static constexpr size_t kTables = RowCounter::kTables;
  /// Fewer values than this are not worth clearing and emptying tables for.
  static constexpr size_t kDirectCount = 8192;
  /// Nor are the first blocks after the range has grown: it may do so again.
  static constexpr unsigned kSettledBlocks = 4;
  /// Fewer channels than this are observed as if they were more, so that
  /// vectors are filled.
  static constexpr size_t kFewChannels = 64;
  static constexpr size_t kVector = 16;

  EdgeStatistics &state;
  const ObserveKernels &kernels;
  const bool direct;
  unsigned blocksSinceGrowth = kSettledBlocks;

  /// Rows of the last block, to be counted with the next one, and rows of the
  /// block that is indexed.
  uint16_t *pending = rows[0], *indexed = rows[1];
  size_t pendingCount = 0;
  /// Values in any one table, at most.
  uint32_t tableCount = 0;

  /// Where far values go, by their sign and exponent; cleared where needed.
  std::array<FarOctave *, 512> farOctaves;
  bool hasFarOctaves = false;

  /// Of the next value, in memory order: its place in its run of `inner`
  /// values, and its channel.
  uint64_t innerPosition = 0, channel = 0;
  /// Channels as `kernels` see them, and their maxima.
  size_t channels = 0;
  float *maxima = nullptr;

  uint16_t rows[2][kBlock + kSlack];
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
  size_t period = channels * kVector;
  if (channels > 0 && channels < kFewChannels && state.layout.inner == 1 &&
      count >= 2 * period) {
    for (size_t i = 0; i < kVector; ++i)
      std::copy_n(maxima, channels, fewMaxima + i * channels);
    channels = period;
    maxima = fewMaxima;
  }
}

void StatisticsObserver::run(const float *data, size_t count, double *energy) {
  static_assert(kBlock % kEnergyPartials == 0, "squares keep their partials");
  state.count += count;
  for (size_t i = 0; i < count; i += kBlock) {
    size_t size = std::min(kBlock, count - i);
    addBlock(data + i, size);
    if (energy)
      addSquares(data + i, size, energy);
    if (channels > 0)
      addChannels(data + i, size);
  }
  makeRoom();
  countPending(0);
  emptyTables();
  finishChannels();
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

void StatisticsObserver::addBlock(const float *values, size_t count) {
  BitRange range = index(values, count);
  if (range.unsignedMin == range.unsignedMax)
    return addEqual(range.unsignedMin, count);
  if (range.getMagnitude() < kFarBits)
    return addNear(values, count, range);
  float near[kBlock + kSlack], far[kBlock + kSlack];
  size_t nears = kernels.separate(values, count, near, far);
  addFar(far, count - nears);
  if (nears > 0)
    addNear(near, nears, index(near, nears));
}

/// Adds values of magnitude below 2^12 that have just been indexed.
void StatisticsObserver::addNear(const float *values, size_t count,
                                 BitRange range) {
  int before = state.exponent;
  extend(range);
  if (state.exponent != before) {
    index(values, count);
    blocksSinceGrowth = 0;
  }
  if (direct || blocksSinceGrowth++ < kSettledBlocks) {
    for (size_t i = 0; i < count; ++i)
      ++state.bins[indexed[i]];
    return;
  }
  std::swap(pending, indexed);
  pendingCount = count;
}

void StatisticsObserver::addEqual(uint32_t bits, uint64_t times) {
  if ((bits & kMagnitudeBits) >= kFarBits)
    return addFar(bits, times);
  extend({int32_t(bits), bits, bits});
  float value = bitCast<float>(bits);
  index(&value, 1);
  state.bins[indexed[0]] += times;
}

/// Makes room for near values with these extremes. There are no pending rows.
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

//===----------------------------------------------------------------------===//
// Rows
//===----------------------------------------------------------------------===//

/// Fills `indexed`; afterwards there are no pending rows.
BitRange StatisticsObserver::index(const float *values, size_t count) {
  makeRoom();
  BitRange range = kernels.index(values, count, scaleOf(state.exponent),
                                 indexed, {pending, pendingCount, tables});
  countPending(std::min(pendingCount, count) / RowCounter::kStep *
               RowCounter::kStep);
  return range;
}

/// Makes sure that pending rows can be counted.
void StatisticsObserver::makeRoom() {
  static_assert(kBlock / kTables < UINT16_MAX, "a block fits the counters");
  uint32_t most = uint32_t((pendingCount + kTables - 1) / kTables);
  if (tableCount + most > UINT16_MAX)
    emptyTables();
  tableCount += most;
}

/// Counts pending rows but for the first ones, which have been counted.
void StatisticsObserver::countPending(size_t from) {
  RowCounter counter = {pending, pendingCount, tables};
  for (; from + RowCounter::kStep <= pendingCount; from += RowCounter::kStep)
    counter.countAt(from);
  for (; from < pendingCount; ++from)
    ++tables[pending[from] * kTables + from % kTables];
  pendingCount = 0;
}

void StatisticsObserver::emptyTables() {
  if (tableCount == 0)
    return;
  tableCount = 0;
  static_assert(kTables == 4, "the counters of a row are one 64-bit number");
  uint64_t *bins = state.bins.data();
  for (size_t row = 0; row < EdgeStatistics::kRows; ++row) {
    uint64_t counters;
    std::memcpy(&counters, tables + row * kTables, sizeof(counters));
    constexpr uint64_t kEven = 0x0000FFFF0000FFFF;
    uint64_t pairs = (counters & kEven) + (counters >> 16 & kEven);
    bins[row] += (pairs & UINT32_MAX) + (pairs >> 32);
  }
  std::memset(tables, 0, sizeof(tables));
}

//===----------------------------------------------------------------------===//
// Far values
//===----------------------------------------------------------------------===//

/// Adds infinities, NaN and far values.
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
    return;
  }
  if (magnitude == kInfinityBits) {
    (negative ? state.negativeInfs : state.positiveInfs) += times;
    return;
  }
  float value = bitCast<float>(magnitude);
  if (!hasFarOctaves)
    farOctaves.fill(nullptr);
  hasFarOctaves = true;
  FarOctave *&octave = farOctaves[bits >> 23];
  if (!octave) {
    auto &octaves = negative ? state.farNegative : state.farPositive;
    auto [place, isNew] = octaves.try_emplace(int(magnitude >> 23) - 126);
    octave = &place->second;
    if (isNew)
      octave->smallest = octave->largest = value;
  }
  octave->bins[magnitude >> 13 & (FarOctave::kBins - 1)] += times;
  // Seldom, so that values do not wait for each other's store.
  if (value < octave->smallest)
    octave->smallest = value;
  if (value > octave->largest)
    octave->largest = value;
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
  observe(data, size, nullptr);
}

void EdgeStatistics::observe(const float *data, size_t size, double *energy) {
  if (size == 0)
    return;
  quantmath::FloatEnvironment environment;
  StatisticsObserver(*this, size).run(data, size, energy);
}

} // namespace mlir::qopt

//===- ReadStatistics.cpp - Reading the statistics of an edge -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format is described in WriteStatistics.cpp. Nothing is accepted but what
// is written there, nor, as far as one can tell, what no values lead to.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Statistics/EdgeStatistics.h"
#include "QuantOpt/Support/FloatingPoint.h"

#include <algorithm>

namespace mlir::qopt {

using quantmath::detail::bitCast;

static constexpr float kFar = 0x1p12f;

/// max(-100, frexp exponent) of a finite magnitude.
static int exponentOf(float magnitude) {
  return std::max(kMinHistogramExponent,
                  int(bitCast<uint32_t>(magnitude) >> 23) - 126);
}

/// The bin of a near magnitude.
static unsigned nearBin(float magnitude, int exponent) {
  float scale = bitCast<float>(uint32_t(127 + 11 - exponent) << 23);
  return unsigned(magnitude * scale);
}

/// The bin of a magnitude within its octave.
static unsigned farBin(float magnitude) {
  return bitCast<uint32_t>(magnitude) >> 13 & 1023;
}

/// Reads one state. The first failure stays; numbers read after it are 0.
class StatisticsReader {
public:
  StatisticsReader(const std::string &bytes, EdgeStatistics &state)
      : bytes(bytes), state(state) {}

  /// Sets `error` unless the bytes are a state.
  void read();

  std::string error;

private:
  using FarOctave = EdgeStatistics::FarOctave;
  static constexpr unsigned kVersion = EdgeStatistics::kVersion;
  static constexpr int kFirstOctave = EdgeStatistics::kFirstOctave;
  static constexpr int kLastOctave = EdgeStatistics::kLastOctave;
  static_assert(kFar == 1 << (kFirstOctave - 1), "where far values begin");

  void fail(const std::string &message) {
    if (error.empty())
      error = message;
  }
  bool failed() const { return !error.empty(); }
  void require(bool condition, const std::string &message) {
    if (!condition)
      fail(message);
  }
  /// The same for what is checked often: the text is made when it is needed.
  void require(bool condition, const std::string &what, const char *problem) {
    if (!condition)
      fail(what + problem);
  }

  uint8_t byte(const std::string &what);
  uint64_t number(const std::string &what) {
    // Most counts are so small.
    if (position < bytes.size() && uint8_t(bytes[position]) < 0x80 && !failed())
      return uint8_t(bytes[position++]);
    return longNumber(what);
  }
  uint64_t longNumber(const std::string &what);
  float real(const std::string &what);
  /// Adds to the number of values. Returns `values`, or 0 on failure.
  uint64_t add(uint64_t values, const std::string &what);

  void readBins(const std::string &what, uint64_t *counts, size_t size);
  void checkEnds(const std::string &what, const uint64_t *counts, size_t size,
                 size_t first, size_t last, bool differ);
  void readLayout();
  void readNear();
  void readFar(EdgeStatistics::FarOctaves &octaves, const std::string &sign);
  void readMaxima();
  bool hasMagnitude(float magnitude) const;
  float getLargest() const;

  const std::string &bytes;
  size_t position = 0;
  EdgeStatistics &state;
};

uint8_t StatisticsReader::byte(const std::string &what) {
  if (failed())
    return 0;
  if (position == bytes.size()) {
    fail("the bytes end within " + what);
    return 0;
  }
  return uint8_t(bytes[position++]);
}

uint64_t StatisticsReader::longNumber(const std::string &what) {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    uint64_t group = byte(what);
    value |= (group & 0x7F) << shift;
    if (shift == 63 && group > 1)
      break;
    if (group < 0x80) {
      require(group != 0 || shift == 0, what, " has more bytes than it needs");
      return failed() ? 0 : value;
    }
  }
  fail(what + " does not fit 64 bits");
  return 0;
}

float StatisticsReader::real(const std::string &what) {
  uint32_t bits = 0;
  for (int shift = 0; shift < 32; shift += 8)
    bits |= uint32_t(byte(what)) << shift;
  require((bits & 0x7F800000) != 0x7F800000, what, " is not finite");
  require(bits != 0x80000000, what, " is -0");
  return failed() ? 0 : bitCast<float>(bits);
}

uint64_t StatisticsReader::add(uint64_t values, const std::string &what) {
  require(values <= kMaxCount - state.count, what,
          " make more than 2^56 values");
  if (failed())
    return 0;
  state.count += values;
  return values;
}

void StatisticsReader::readBins(const std::string &what, uint64_t *counts,
                                size_t size) {
  uint64_t runs = number(what);
  size_t end = 0;
  for (uint64_t run = 0; run < runs && !failed(); ++run) {
    uint64_t gap = number(what), length = number(what);
    require(run == 0 || gap > 0, what, " have two runs without a gap");
    require(length > 0, what, " have a run of no bins");
    require(gap <= size - end && length <= size - end - gap, what,
            " go beyond the histogram");
    if (failed())
      return;
    size_t begin = end + gap;
    end = begin + length;
    uint64_t count = 0;
    for (size_t i = begin; i < end && !failed(); ++i) {
      uint64_t next = number(what);
      if (i > begin) {
        uint64_t half = next >> 1;
        bool isLess = next & 1;
        require(isLess ? half < count : half <= kMaxCount, what,
                " have a difference that is too large");
        next = isLess ? count - half - 1 : count + half;
      }
      require(next > 0, what, " have an empty bin within a run");
      count = counts[i] = add(next, what);
    }
  }
}

/// The values counted must have these bins as their first and last; in one bin
/// that has values which differ, there are two at least.
void StatisticsReader::checkEnds(const std::string &what,
                                 const uint64_t *counts, size_t size,
                                 size_t first, size_t last, bool differ) {
  if (failed())
    return;
  auto isUsed = [](uint64_t count) { return count != 0; };
  const uint64_t *end = counts + size;
  const uint64_t *begin = std::find_if(counts, end, isUsed);
  while (end != counts && end[-1] == 0)
    --end;
  require(begin == counts + first && end == counts + last + 1 &&
              (counts[first] > 1 || first != last || !differ),
          what + " do not go with the smallest and the largest value");
}

void StatisticsReader::readLayout() {
  const std::string what = "the channels";
  uint64_t channels = number(what);
  if (channels == 0)
    return;
  uint64_t inner = number(what);
  require(inner > 0 && inner <= kMaxCount && channels <= kMaxCount / inner,
          what + " have an impossible layout");
  // Later their maxima come.
  require(channels <= (bytes.size() - position) / sizeof(float),
          "the bytes end before the maxima of " + std::to_string(channels) +
              " channels");
  if (!failed())
    state = EdgeStatistics({channels, inner});
}

void StatisticsReader::readNear() {
  uint64_t zeros = add(number("the zeros"), "the zeros");
  uint8_t hasNear = byte("the near values");
  require(hasNear <= 1, "the mark of near values is " +
                            std::to_string(hasNear) + "; expected 0 or 1");
  require(hasNear || zeros == 0, "there are zeros, but no near values");
  if (failed() || !hasNear)
    return;
  const std::string extremes = "the extremes of near values";
  float min = real(extremes), max = real(extremes);
  require(min <= max && min > -kFar && max < kFar,
          extremes + " are not in order, or not near");
  require(zeros == 0 ? min != 0 && max != 0 : min <= 0 && max >= 0,
          extremes + " do not go with the number of zeros");
  if (failed())
    return;
  state.nearMin = min;
  state.nearMax = max;
  state.exponent = exponentOf(std::max(max, 0.0f - min));
  state.bins.resize(EdgeStatistics::kRows);
  uint64_t *bins = state.bins.data();
  bins[EdgeStatistics::kZeroRow] = zeros;
  auto readHalf = [&](const std::string &what, uint64_t *half, float smallest,
                      float largest) {
    readBins(what, half, kHistogramBins);
    auto used = [](uint64_t count) { return count != 0; };
    // Where the other end is of the other sign, any bin may be the first.
    size_t first = smallest > 0
                       ? nearBin(smallest, state.exponent)
                       : std::find_if(half, half + kHistogramBins, used) - half;
    checkEnds(what, half, kHistogramBins, first,
              nearBin(largest, state.exponent),
              smallest > 0 && smallest != largest);
  };
  if (max > 0)
    readHalf("the bins of positive values", bins, min, max);
  if (min < 0)
    readHalf("the bins of negative values", bins + EdgeStatistics::kNegativeRow,
             -max, -min);
}

void StatisticsReader::readFar(EdgeStatistics::FarOctaves &octaves,
                               const std::string &sign) {
  const std::string what = "the far " + sign + " values";
  uint64_t count = number(what);
  int before = kFirstOctave - 1;
  for (uint64_t i = 0; i < count && !failed(); ++i) {
    int octave = byte(what);
    require(octave > before && octave <= kLastOctave,
            what + " have octave " + std::to_string(octave) +
                "; expected one from " + std::to_string(before + 1) + " to " +
                std::to_string(kLastOctave));
    float smallest = real(what), largest = real(what);
    require(smallest <= largest && exponentOf(smallest) == octave &&
                exponentOf(largest) == octave,
            what + " have extremes that are not in order, or not in octave " +
                std::to_string(octave));
    if (failed())
      return;
    FarOctave &values = octaves[octave];
    values.smallest = smallest;
    values.largest = largest;
    readBins(what, values.bins.data(), FarOctave::kBins);
    checkEnds(what, values.bins.data(), FarOctave::kBins, farBin(smallest),
              farBin(largest), smallest != largest);
    before = octave;
  }
}

/// Whether some value has such a magnitude, as far as bins tell.
bool StatisticsReader::hasMagnitude(float magnitude) const {
  if (magnitude < kFar) {
    if (!state.hasNear() || exponentOf(magnitude) > state.exponent)
      return false;
    const uint64_t *bin =
        state.bins.data() + nearBin(magnitude, state.exponent);
    return bin[0] > 0 || bin[EdgeStatistics::kNegativeRow] > 0;
  }
  for (const auto *octaves : {&state.farPositive, &state.farNegative}) {
    auto octave = octaves->find(exponentOf(magnitude));
    if (octave != octaves->end() && octave->second.bins[farBin(magnitude)] > 0)
      return true;
  }
  return false;
}

/// The largest magnitude, 0 without finite values.
float StatisticsReader::getLargest() const {
  float largest =
      state.hasNear() ? std::max(state.nearMax, 0.0f - state.nearMin) : 0;
  for (const auto *octaves : {&state.farPositive, &state.farNegative})
    if (!octaves->empty())
      largest = std::max(largest, octaves->rbegin()->second.largest);
  return largest;
}

void StatisticsReader::readMaxima() {
  const std::string what = "the maxima of channels";
  float largest = 0;
  uint64_t zeros = 0;
  for (float &maximum : state.channelMaxima) {
    maximum = real(what);
    if (failed())
      return;
    if (maximum < 0 || (maximum > 0 && !hasMagnitude(maximum)))
      fail(what + " have " + std::to_string(maximum) +
           ", which was not observed");
    largest = std::max(largest, maximum);
    zeros += maximum == 0;
  }
  uint64_t channels = state.layout.channels;
  if (failed() || channels == 0)
    return;
  require(state.count % (channels * state.layout.inner) == 0,
          std::to_string(state.count) + " values are no multiple of " +
              std::to_string(channels) + " channels by " +
              std::to_string(state.layout.inner));
  require(largest == getLargest(), what + " are not those of the values");
  // All values of a channel whose maximum is 0 are 0 or not finite.
  uint64_t others =
      state.getZeros() + state.nans + state.positiveInfs + state.negativeInfs;
  require(zeros * (state.count / channels) <= others,
          what + " are 0 for more values than are 0");
}

void StatisticsReader::read() {
  uint8_t version = byte("the version");
  require(version == kVersion, "the version is " + std::to_string(version) +
                                   "; expected " + std::to_string(kVersion));
  readLayout();
  const std::string what = "the values that are not finite";
  state.nans = add(number(what), what);
  state.positiveInfs = add(number(what), what);
  state.negativeInfs = add(number(what), what);
  readNear();
  readFar(state.farPositive, "positive");
  readFar(state.farNegative, "negative");
  readMaxima();
  require(position == bytes.size(),
          std::to_string(bytes.size() - position) + " bytes follow the end");
}

bool EdgeStatistics::deserialize(const std::string &bytes,
                                 EdgeStatistics &result, std::string &error) {
  quantmath::FloatEnvironment environment;
  EdgeStatistics state;
  StatisticsReader reader(bytes, state);
  reader.read();
  error = reader.error;
  if (!error.empty())
    return false;
  result = std::move(state);
  return true;
}

} // namespace mlir::qopt

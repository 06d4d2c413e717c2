//===- SampleStatistics.cpp - Statistics of an edge, by samples -----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where a sample's values go is known only after its last one. Small samples
// are read twice, for their energy and for their bins; of large ones, which may
// not fit a cache, the bins are filled apart and merged.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Statistics/SampleStatistics.h"

#include "SampleEnergy.h"

#include <algorithm>

using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// State
//===----------------------------------------------------------------------===//

/// From so many values on, bins apart cost less than reading twice.
static constexpr size_t kLargeSample = 1 << 18;

void SampleStatistics::observe(const float *data, size_t count,
                               size_t samples) {
  size_t size = count / samples;
  if (size == 0)
    return;
  for (size_t i = 0; i < count; i += size) {
    if (size < kLargeSample) {
      int octave = getEnergyOctave(data + i, size);
      auto place = byOctave.try_emplace(octave, layout).first;
      place->second.observe(data + i, size);
      continue;
    }
    EdgeStatistics sample(layout);
    double energy[statistics::kEnergyPartials] = {};
    sample.observe(data + i, size, energy);
    int octave = statistics::getOctave(energy, size);
    byOctave.try_emplace(octave, layout).first->second.merge(sample);
  }
}

bool SampleStatistics::merge(const SampleStatistics &other) {
  if (layout.channels != other.layout.channels ||
      layout.inner != other.layout.inner)
    return false;
  constexpr uint64_t maxCount = uint64_t(1) << 56;
  if (other.getCount() > maxCount - std::min(getCount(), maxCount))
    return false;
  for (const auto &[octave, statistics] : other.byOctave)
    byOctave.try_emplace(octave, layout).first->second.merge(statistics);
  return true;
}

EdgeStatistics SampleStatistics::getTotal() const {
  EdgeStatistics total(layout);
  for (const auto &[octave, statistics] : byOctave)
    total.merge(statistics);
  return total;
}

std::vector<float> SampleStatistics::getChannelMaxima() const {
  std::vector<float> maxima(layout.channels, 0.0f);
  for (const auto &[octave, statistics] : byOctave)
    for (size_t c = 0; c < maxima.size(); ++c)
      maxima[c] = std::max(maxima[c], statistics.getChannelMaxima()[c]);
  return maxima;
}

uint64_t SampleStatistics::getCount() const {
  uint64_t count = 0;
  for (const auto &[octave, statistics] : byOctave)
    count += statistics.getCount();
  return count;
}

size_t SampleStatistics::getMemoryBytes() const {
  size_t bytes = sizeof(*this);
  for (const auto &[octave, statistics] : byOctave)
    bytes += statistics.getMemoryBytes();
  return bytes;
}

uint64_t SampleStatistics::getErrors() const {
  uint64_t errors = 0;
  for (const auto &[octave, statistics] : byOctave)
    errors += statistics.getNaNs() + statistics.getPositiveInfinities();
  return errors;
}

WeightedHistogram
SampleStatistics::getRelativeHistogram(const Distribution &total) const {
  WeightedHistogram result;
  result.positive.assign(kHistogramBins, 0.0);
  result.negative.assign(kHistogramBins, 0.0);
  int quietest = kSilentOctave;
  for (const auto &[octave, statistics] : byOctave) {
    if (octave == kSilentOctave)
      continue; // zeros have no error
    if (quietest == kSilentOctave)
      quietest = octave;
    double weight = 1.0;
    for (int i = quietest; i < octave; ++i)
      weight *= 0.5;
    statistics.addTo(total, weight, result.positive.data(),
                     result.negative.data());
  }
  return result;
}

bool SampleStatistics::operator==(const SampleStatistics &other) const {
  return layout.channels == other.layout.channels &&
         layout.inner == other.layout.inner && byOctave == other.byOctave;
}

//===----------------------------------------------------------------------===//
// Bytes
//===----------------------------------------------------------------------===//
// version, channels, inner, number of octaves, and for each, ascending: octave,
// size, statistics. Numbers are little endian.

static constexpr uint64_t kVersion = 1;
static constexpr size_t kNumberBytes = 8;

static void writeNumber(std::string &bytes, uint64_t number) {
  for (size_t i = 0; i < kNumberBytes; ++i)
    bytes.push_back(char(number >> (8 * i)));
}

std::string SampleStatistics::serialize() const {
  std::string bytes;
  for (uint64_t number :
       {kVersion, layout.channels, layout.inner, uint64_t(byOctave.size())})
    writeNumber(bytes, number);
  for (const auto &[octave, statistics] : byOctave) {
    std::string state = statistics.serialize();
    writeNumber(bytes, uint64_t(int64_t(octave)));
    writeNumber(bytes, state.size());
    bytes += state;
  }
  return bytes;
}

bool SampleStatistics::deserialize(const std::string &bytes,
                                   SampleStatistics &result,
                                   std::string &error) {
  size_t position = 0;
  auto fail = [&](const std::string &message) {
    error = message;
    return false;
  };
  auto read = [&](uint64_t &number) {
    if (bytes.size() - position < kNumberBytes)
      return false;
    number = 0;
    for (size_t i = 0; i < kNumberBytes; ++i)
      number |= uint64_t(uint8_t(bytes[position + i])) << (8 * i);
    position += kNumberBytes;
    return true;
  };
  uint64_t version, octaves;
  ChannelLayout layout;
  if (!read(version) || !read(layout.channels) || !read(layout.inner) ||
      !read(octaves))
    return fail("the bytes end within the layout");
  if (version != kVersion)
    return fail("the version is " + std::to_string(version) + "; expected " +
                std::to_string(kVersion));
  if (layout.channels > bytes.size() || layout.inner == 0 ||
      (layout.channels == 0 && layout.inner != 1))
    return fail("the layout of channels is impossible");
  SampleStatistics statistics(layout);
  // Squares of finite values lie in these octaves.
  constexpr int lowest = -400, highest = 202;
  // What a short text can make of this: states with values of every magnitude.
  constexpr size_t maxMemory = size_t(1) << 28;
  size_t memory = 0;
  int before = INT32_MIN;
  for (uint64_t i = 0; i < octaves; ++i) {
    uint64_t number, size;
    if (!read(number) || !read(size) || size > bytes.size() - position)
      return fail("the bytes end within octave " + std::to_string(i + 1) +
                  " of " + std::to_string(octaves));
    int64_t octave = int64_t(number);
    if ((octave < lowest || octave > highest) && octave != kSilentOctave)
      return fail("there is no energy of octave " + std::to_string(octave));
    if (octave <= before)
      return fail("the octaves are not ascending");
    before = int(octave);
    EdgeStatistics state;
    if (!EdgeStatistics::deserialize(bytes.substr(position, size), state,
                                     error)) {
      error = "octave " + std::to_string(octave) + ": " + error;
      return false;
    }
    if (state.getLayout().channels != layout.channels ||
        state.getLayout().inner != layout.inner)
      return fail("the octaves differ in their channels");
    if (state.getCount() == 0)
      return fail("octave " + std::to_string(octave) + " has no values");
    memory += state.getMemoryBytes();
    if (memory > maxMemory)
      return fail("the statistics take more than " + std::to_string(maxMemory) +
                  " bytes of memory");
    position += size;
    statistics.byOctave.try_emplace(int(octave), std::move(state));
  }
  if (position != bytes.size())
    return fail(std::to_string(bytes.size() - position) +
                " bytes follow the end");
  constexpr uint64_t maxCount = uint64_t(1) << 56;
  if (statistics.getCount() > maxCount)
    return fail("there are more than 2^56 values");
  result = std::move(statistics);
  return true;
}

//===- EdgeStatisticsBytesTest.cpp - Saved statistics, good and bad -------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The bytes of states made by hand, what is wrong with malformed ones, and the
// fuzzer's entry point on truncated, flipped and mutated ones. That states are
// read as they were written is also tested with all other tests.
//
//===----------------------------------------------------------------------===//
#include "Mutations.h"
#include "StatisticsOracle.h"

#include <cfloat>

using namespace statisticstest;

extern "C" int LLVMFuzzerTestOneState(const uint8_t *data, size_t size);

namespace {

/// Bytes put together piece by piece.
struct Bytes {
  std::string text;

  Bytes &byte(int value) {
    text += char(value);
    return *this;
  }
  Bytes &number(uint64_t value) {
    for (; value >= 128; value >>= 7)
      byte(int(value % 128 + 128));
    return byte(int(value));
  }
  Bytes &numbers(const std::vector<uint64_t> &values) {
    for (uint64_t value : values)
      number(value);
    return *this;
  }
  Bytes &real(float value) {
    text.append(reinterpret_cast<const char *>(&value), sizeof(value));
    return *this;
  }
};

/// The parts of a state without channels, good until changed: 3 x -1.5, a zero
/// and 2 x 1.75.
struct Parts {
  int version = 1;
  Bytes channels = Bytes().number(0);
  Bytes counts = Bytes().numbers({0, 0, 0, 1}); // NaN, +inf, -inf, zeros
  Bytes near = Bytes().byte(1).real(-1.5f).real(1.75f);
  Bytes positive = Bytes().numbers({1, 1792, 1, 2});
  Bytes negative = Bytes().numbers({1, 1536, 1, 3});
  Bytes far = Bytes().numbers({0, 0});
  Bytes maxima;

  std::string bytes() const {
    return Bytes().byte(version).text + channels.text + counts.text +
           near.text + positive.text + negative.text + far.text + maxima.text;
  }
};

std::string errorOf(const std::string &bytes) {
  EdgeStatistics statistics;
  std::string error;
  bool good = EdgeStatistics::deserialize(bytes, statistics, error);
  EXPECT_EQ(good, error.empty());
  EXPECT_TRUE(good || statistics == EdgeStatistics());
  LLVMFuzzerTestOneState(reinterpret_cast<const uint8_t *>(bytes.data()),
                         bytes.size());
  return error;
}

#define EXPECT_ERROR(parts, wanted)                                            \
  EXPECT_NE(errorOf((parts).bytes()).find(wanted), std::string::npos)          \
      << errorOf((parts).bytes())

TEST(EdgeStatisticsBytes, MadeByHand) {
  EdgeStatistics statistics;
  EXPECT_EQ(statistics.serialize(),
            Bytes().byte(1).numbers({0, 0, 0, 0, 0, 0, 0, 0}).text);
  Parts parts;
  EXPECT_EQ(observed({-1.5f, 1.75f, 0.0f, 1.75f, -1.5f, -1.5f}).serialize(),
            parts.bytes());
  EXPECT_EQ(errorOf(parts.bytes()), "");

  // NaN, infinities, runs, differences, far values and channels.
  std::vector<float> values = {
      NAN,    kInfinity, -kInfinity, -kInfinity, // Another channel each,
      1.0f,   1.0f,      1.0f,       0.5f,       // bins of 2^-10:
      1.001f, 0.0f,      1.002f,     1.002f,     // 1024: 3, 1025: 1, 1026: 2
      -5000,  -5001.5f,  -5000,      20000};
  Parts mixed;
  mixed.channels = Bytes().numbers({4, 1});
  mixed.counts = Bytes().numbers({1, 1, 2, 1});
  mixed.near = Bytes().byte(1).real(0.0f).real(1.002f);
  mixed.positive = Bytes().numbers({2, 512, 1, 1, 511, 3, 3, 3, 2});
  mixed.negative = Bytes();
  // 20000 = 2^14 * 1.2207 and 5000 = 2^12 * 1.2207; 5001.5 shares its bin.
  mixed.far = Bytes().number(1).byte(15).real(20000).real(20000);
  mixed.far.numbers({1, 226, 1, 1}).number(1).byte(13).real(5000);
  mixed.far.real(5001.5f).numbers({1, 226, 1, 3});
  mixed.maxima = Bytes().real(5000).real(5001.5f).real(5000).real(20000);
  EXPECT_EQ(observed(values, {4, 1}).serialize(), mixed.bytes());
  EXPECT_EQ(errorOf(mixed.bytes()), "");
}

TEST(EdgeStatisticsBytes, Malformed) {
  Parts parts;
  parts.version = 2;
  EXPECT_ERROR(parts, "the version is 2; expected 1");
  parts = {};
  parts.far.byte(0);
  EXPECT_ERROR(parts, "1 bytes follow the end");

  // Numbers.
  parts = {};
  parts.counts = Bytes().byte(0x80).byte(0).numbers({0, 0, 1});
  EXPECT_ERROR(parts, "has more bytes than it needs");
  parts.counts = Bytes().number(~uint64_t(0)).numbers({0, 0, 1});
  EXPECT_ERROR(parts, "more than 2^56 values");
  parts.counts = Bytes();
  for (int i = 0; i < 10; ++i)
    parts.counts.byte(0xFF);
  EXPECT_ERROR(parts, "does not fit 64 bits");
  parts.counts = Bytes().numbers({uint64_t(1) << 55, 0, uint64_t(1) << 55, 1});
  EXPECT_ERROR(parts, "more than 2^56 values");

  // Extremes.
  parts = {};
  parts.near = Bytes().byte(2).real(-1.5f).real(1.75f);
  EXPECT_ERROR(parts, "the mark of near values is 2");
  parts.near = Bytes().byte(0);
  EXPECT_ERROR(parts, "there are zeros, but no near values");
  const float nan = fromBits(0x7FC00000);
  for (auto [min, max] : {std::pair<float, float>{nan, 1.75f},
                          {-1.5f, nan},
                          {-kInfinity, 1.75f},
                          {-1.5f, kInfinity}}) {
    parts.near = Bytes().byte(1).real(min).real(max);
    EXPECT_ERROR(parts, "is not finite");
  }
  parts.near = Bytes().byte(1).real(-1.5f).real(-0.0f);
  EXPECT_ERROR(parts, "is -0");
  parts.near = Bytes().byte(1).real(1.75f).real(-1.5f);
  EXPECT_ERROR(parts, "are not in order, or not near");
  parts.near = Bytes().byte(1).real(-1.5f).real(4096);
  EXPECT_ERROR(parts, "are not in order, or not near");
  parts.near = Bytes().byte(1).real(1.5f).real(1.75f);
  EXPECT_ERROR(parts, "do not go with the number of zeros");
  parts = {};
  parts.counts = Bytes().numbers({0, 0, 0, 0});
  parts.near = Bytes().byte(1).real(0.0f).real(1.75f);
  EXPECT_ERROR(parts, "do not go with the number of zeros");

  // Bins.
  const char *ends = "do not go with the smallest and the largest value";
  parts = {};
  parts.positive = Bytes().numbers({0});
  EXPECT_ERROR(parts, ends);
  for (uint64_t bin : {0, 1791, 1793, 2047}) {
    parts.positive = Bytes().numbers({1, bin, 1, 2});
    EXPECT_ERROR(parts, ends);
  }
  parts.positive = Bytes().numbers({1, 2048, 1, 2});
  EXPECT_ERROR(parts, "go beyond the histogram");
  parts.positive = Bytes().numbers({1, 1792, 257, 2});
  EXPECT_ERROR(parts, "go beyond the histogram");
  parts.positive = Bytes().numbers({1, 1792, ~uint64_t(0) >> 1, 2});
  EXPECT_ERROR(parts, "go beyond the histogram");
  parts.positive = Bytes().numbers({2, 1791, 1, 2, 0, 1, 2});
  EXPECT_ERROR(parts, "two runs without a gap");
  parts.positive = Bytes().numbers({1, 1792, 0});
  EXPECT_ERROR(parts, "a run of no bins");
  parts.positive = Bytes().numbers({1, 1792, 1, 0});
  EXPECT_ERROR(parts, "an empty bin within a run");
  parts.positive = Bytes().numbers({1, 1791, 2, 2, 3});
  EXPECT_ERROR(parts, "an empty bin within a run");
  parts.positive = Bytes().numbers({1, 1791, 2, 2, 5});
  EXPECT_ERROR(parts, "a difference that is too large");
  parts.positive = Bytes().numbers({1, 1791, 2, 2, ~uint64_t(0) - 1});
  EXPECT_ERROR(parts, "a difference that is too large");
  parts.positive = Bytes().numbers({1, 1791, 2, 2, 1});
  EXPECT_EQ(errorOf(parts.bytes()), "");

  // One sign only: the smallest value is in the first bin.
  parts = {};
  parts.counts = Bytes().numbers({0, 0, 0, 0});
  parts.near = Bytes().byte(1).real(1.5f).real(1.75f);
  parts.negative = Bytes();
  parts.positive = Bytes().numbers({2, 1536, 1, 1, 255, 1, 1});
  EXPECT_EQ(errorOf(parts.bytes()), "");
  parts.positive = Bytes().numbers({1, 1792, 1, 2});
  EXPECT_ERROR(parts, ends);
  // Two values that differ in one bin are two.
  parts.near = Bytes().byte(1).real(1.75f).real(1.7501f);
  EXPECT_EQ(errorOf(parts.bytes()), "");
  parts.positive = Bytes().numbers({1, 1792, 1, 1});
  EXPECT_ERROR(parts, ends);
}

TEST(EdgeStatisticsBytes, MalformedFarValues) {
  auto far = [](int octave, float smallest, float largest,
                const std::vector<uint64_t> &bins) {
    Parts parts;
    parts.far = Bytes().number(1).byte(octave).real(smallest).real(largest);
    parts.far.numbers(bins).number(0);
    return parts;
  };
  EXPECT_EQ(errorOf(far(13, 5000, 5000, {1, 226, 1, 2}).bytes()), "");
  EXPECT_EQ(errorOf(far(128, FLT_MAX, FLT_MAX, {1, 1023, 1, 2}).bytes()), "");
  EXPECT_ERROR(far(12, 3000, 3000, {1, 0, 1, 1}),
               "expected one from 13 to 128");
  EXPECT_ERROR(far(129, FLT_MAX, FLT_MAX, {}), "expected one from 13 to 128");
  for (auto [smallest, largest] : {std::pair<float, float>{5001, 5000},
                                   {5000, 8192},
                                   {4095, 5000},
                                   {-5000, 5000},
                                   {-5000, -5000}})
    EXPECT_ERROR(far(13, smallest, largest, {1, 226, 1, 2}),
                 "not in octave 13");
  EXPECT_ERROR(far(13, 5000, kInfinity, {}), "is not finite");
  EXPECT_ERROR(far(13, 5000, 5000, {0}), "do not go with");
  EXPECT_ERROR(far(13, 5000, 5000, {1, 225, 1, 2}), "do not go with");
  EXPECT_ERROR(far(13, 5000, 5000, {1, 226, 2, 2, 0}), "do not go with");
  EXPECT_ERROR(far(13, 5000, 5001, {1, 226, 1, 1}), "do not go with");
  EXPECT_ERROR(far(13, 5000, 5000, {1, 1024, 1, 1}), "beyond the histogram");
  Parts twice;
  twice.far = Bytes().number(2);
  for (int i = 0; i < 2; ++i)
    twice.far.byte(13).real(5000).real(5000).numbers({1, 226, 1, 2});
  twice.far.number(0);
  EXPECT_ERROR(twice, "octave 13; expected one from 14 to 128");
}

TEST(EdgeStatisticsBytes, MalformedChannels) {
  Parts parts;
  auto set = [&](uint64_t channels, uint64_t inner, std::vector<float> maxima) {
    parts.channels = Bytes().numbers({channels, inner});
    parts.maxima = Bytes();
    for (float maximum : maxima)
      parts.maxima.real(maximum);
    return parts;
  };
  // Six values: 3 x -1.5, 0, 2 x 1.75.
  EXPECT_EQ(errorOf(set(2, 3, {1.5f, 1.75f}).bytes()), "");
  EXPECT_EQ(errorOf(set(6, 1, {1.5f, 1.5f, 1.5f, 0, 1.75f, 1.75f}).bytes()),
            "");
  EXPECT_ERROR(set(2, 0, {1.5f, 1.75f}), "impossible layout");
  EXPECT_ERROR(set(uint64_t(1) << 40, uint64_t(1) << 40, {}),
               "impossible layout");
  EXPECT_ERROR(set(uint64_t(1) << 50, 1, {}),
               "end before the maxima of 1125899906842624 channels");
  EXPECT_ERROR(set(4, 1, {1.5f, 1.5f, 1.5f, 1.75f}),
               "6 values are no multiple of 4 channels by 1");
  EXPECT_ERROR(set(2, 1, {1.5f, 1.5f}), "are not those of the values");
  EXPECT_ERROR(set(2, 1, {1.75f, 1.6f}), "which was not observed");
  EXPECT_ERROR(set(2, 1, {1.75f, 3}), "which was not observed");
  EXPECT_ERROR(set(2, 1, {1.75f, 5000}), "which was not observed");
  EXPECT_ERROR(set(2, 1, {1.75f, -1.5f}), "which was not observed");
  EXPECT_ERROR(set(2, 1, {1.75f, kInfinity}), "is not finite");
  EXPECT_ERROR(set(2, 1, {1.75f, fromBits(0x7FC00000)}), "is not finite");
  EXPECT_ERROR(set(2, 1, {1.75f, -0.0f}), "is -0");
  EXPECT_ERROR(set(2, 1, {1.75f, 0}), "are 0 for more values than are 0");
  EXPECT_ERROR(set(2, 1, {1.75f}), "the bytes end within the maxima");
}

//===----------------------------------------------------------------------===//
// Truncation, flipped bits, mutants
//===----------------------------------------------------------------------===//

std::vector<std::string> samples() {
  std::vector<float> masked = gaussian(120, 21);
  for (size_t i = 0; i < masked.size(); i += 5)
    masked[i] -= 10000;
  std::vector<float> special = specials();
  special.resize(special.size() / 3 * 3);
  return {EdgeStatistics().serialize(),
          Parts().bytes(),
          observed(gaussian(300, 20)).serialize(),
          observed(masked, {3, 2}).serialize(),
          observed(special, {3, 1}).serialize(),
          observed(std::vector<float>(7, 0.25f), {1, 1}).serialize()};
}

TEST(EdgeStatisticsBytes, TruncationAtEveryByte) {
  for (const std::string &bytes : samples()) {
    ASSERT_EQ(errorOf(bytes), "");
    for (size_t size = 0; size < bytes.size(); ++size)
      ASSERT_NE(errorOf(bytes.substr(0, size)), "") << size;
    EXPECT_EQ(errorOf(bytes + '\0'), "1 bytes follow the end");
  }
}

TEST(EdgeStatisticsBytes, EverySingleBitFlipped) {
  for (std::string bytes : samples())
    for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      bytes[bit / 8] ^= char(1 << bit % 8);
      LLVMFuzzerTestOneState(reinterpret_cast<const uint8_t *>(bytes.data()),
                             bytes.size());
      bytes[bit / 8] ^= char(1 << bit % 8);
    }
}

TEST(EdgeStatisticsBytes, RandomMutants) {
  constexpr int kMutants = 20000;
  Random random(20260821);
  const std::vector<std::string> files = samples();
  int accepted = 0;
  for (int i = 0; i < kMutants; ++i) {
    std::string bytes = files[random() % files.size()];
    for (int count = 1 + random() % 4; count > 0 && !bytes.empty(); --count) {
      size_t at = random() % bytes.size();
      switch (random() % 5) {
      case 0:
        bytes[at] = char(random());
        break;
      case 1:
        bytes[at] = char(uint8_t(bytes[at]) + (random() % 2 ? 1 : 255));
        break;
      case 2:
        bytes.erase(at, random() % 4);
        break;
      case 3:
        bytes.insert(at, std::string(random() % 4, char(random())));
        break;
      default: {
        const std::string &other = files[random() % files.size()];
        size_t size = std::min({size_t(8), other.size(), bytes.size() - at});
        bytes.replace(at, size, other, random() % (other.size() - size + 1),
                      size);
      }
      }
    }
    accepted += errorOf(bytes).empty();
  }
  // Otherwise only the first checks would be tested.
  EXPECT_GT(accepted, kMutants / 200);
}

TEST(EdgeStatisticsBytes, Corpus) {
  auto files = mutations::readCorpus("EdgeStatistics");
  EXPECT_FALSE(files.empty());
  for (const auto &[name, bytes] : files) {
    SCOPED_TRACE(name);
    LLVMFuzzerTestOneState(mutations::bytes(bytes), bytes.size());
    if (name.rfind("seed-", 0) == 0) {
      EXPECT_EQ(errorOf(bytes), "");
    }
  }
}

} // namespace

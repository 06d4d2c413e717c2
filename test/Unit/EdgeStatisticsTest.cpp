//===- EdgeStatisticsTest.cpp - Statistics against brute force ------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is observed is what Numerics.md says, whatever the instruction set, the
// floating-point environment, the block structure and the number of values;
// and its bytes depend on the values alone, in whatever order and parts they
// come.
//
//===----------------------------------------------------------------------===//
#include "StatisticsOracle.h"

#include <atomic>
#include <cfloat>
#include <cstdlib>
#include <new>
#include <thread>

#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

using namespace statisticstest;

static std::atomic<uint64_t> allocations{0};

// Not inline: g++ would warn that one of them goes with malloc or free.
[[gnu::noinline]] void *operator new(size_t size) {
  ++allocations;
  if (void *memory = std::malloc(size ? size : 1))
    return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void *memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void *memory, size_t) noexcept {
  std::free(memory);
}

namespace {

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

TEST(EdgeStatistics, NothingObserved) {
  EdgeStatistics statistics;
  expectStatisticsOf(statistics, {});
  statistics.observe(nullptr, 0);
  expectStatisticsOf(statistics, {});
  EXPECT_TRUE(statistics == EdgeStatistics());
  Distribution distribution = statistics.getDistribution();
  EXPECT_EQ(distribution.exponent, -100);
  EXPECT_EQ(distribution.positive.size(), kHistogramBins);
}

TEST(EdgeStatistics, SpecialValuesOneByOne) {
  forEachLevel([] {
    for (float x : specials()) {
      SCOPED_TRACE(x);
      expectStatisticsOf(observed({x}), {x});
      expectStatisticsOf(observed({x, -x, x}), {x, -x, x});
      expectStatisticsOf(observed({1.0f, x}), {1.0f, x});
    }
  });
}

TEST(EdgeStatistics, SpecialValuesTogether) {
  forEachLevel([] {
    expectStatisticsOf(observed(specials()), specials());
    // Only those that a histogram of normal width holds, and 50 % zeros.
    std::vector<float> near;
    for (float x : specials())
      if (std::fabs(x) < 4096)
        near.insert(near.end(), {x, 0.0f});
    expectStatisticsOf(observed(near), near);
  });
}

TEST(EdgeStatistics, EdgesOfBins) {
  forEachLevel([] {
    for (int exponent : {-100, -99, -3, 0, 1, 11, 12, 13, 20, 128}) {
      SCOPED_TRACE(exponent);
      std::vector<float> values = atBinEdges(exponent);
      expectStatisticsOf(observed(values), values);
    }
  });
}

/// Block boundaries, tails of vectors, and the limits between the ways of
/// counting.
TEST(EdgeStatistics, AnySize) {
  Random random(20260810);
  forEachLevel([&] {
    for (size_t size :
         {1,    2,    3,    4,    5,    7,    8,    15,    16,    17,
          31,   32,   33,   63,   64,   65,   2047, 2048,  2049,  2063,
          4095, 4096, 4097, 6145, 8191, 8192, 8193, 10239, 10240, 12345})
      for (int repeat = 0; repeat < 3; ++repeat) {
        SCOPED_TRACE(size);
        std::vector<float> values = mixture(random, size);
        expectStatisticsOf(observed(values), values);
        for (float &x : values)
          x = std::isfinite(x) ? std::remainder(x, 3.0f) : 0.5f;
        expectStatisticsOf(observed(values), values);
      }
  });
}

/// Counters of 16 bits must not overflow, whatever the values.
TEST(EdgeStatistics, ManyEqualValues) {
  forEachLevel([] {
    std::vector<float> constant(1100000, 2.5f);
    expectStatisticsOf(observed(constant), constant);
    // Equal but for one per block, so that rows are counted one by one.
    for (size_t i = 0; i < constant.size(); i += 1000)
      constant[i] = i % 3000 ? -1.0f : 0.0f;
    expectStatisticsOf(observed(constant), constant);
  });
}

TEST(EdgeStatistics, RangeThatGrows) {
  forEachLevel([] {
    std::vector<float> values;
    for (int exponent = -149; exponent < 128; ++exponent)
      for (float x : {1.0f, -1.7f, 1.999f, 0.0f})
        values.insert(values.end(), 97, std::ldexp(x, exponent));
    EdgeStatistics parts;
    for (size_t i = 0; i < values.size(); i += 97)
      parts.observe(&values[i], 97);
    expectStatisticsOf(parts, values);
    EXPECT_TRUE(observed(values) == parts);
    std::reverse(values.begin(), values.end());
    EXPECT_EQ(observed(values).serialize(), parts.serialize());
  });
}

TEST(EdgeStatistics, UnalignedData) {
  std::vector<float> values = gaussian(9000, 1);
  for (size_t shift = 0; shift < 16; ++shift) {
    EdgeStatistics statistics;
    statistics.observe(values.data() + shift, values.size() - shift);
    expectStatisticsOf(statistics, {values.begin() + shift, values.end()});
  }
}

#if defined(__SSE2__)
TEST(EdgeStatistics, AnyFloatingPointEnvironment) {
  std::vector<float> values = specials(), gauss = gaussian(9000, 2, 0x1p-120f);
  values.insert(values.end(), gauss.begin(), gauss.end());
  const std::string expected = observed(values, {1}).serialize();
  const unsigned original = _mm_getcsr();
  // Flush to zero, denormals are zero; then each rounding mode.
  for (unsigned mxcsr : {0x9FC0u, 0x3F80u, 0x5F80u, 0x7FC0u})
    forEachLevel([&] {
      _mm_setcsr(mxcsr);
      EdgeStatistics first = observed(values, {1});
      EdgeStatistics tiny = observed({fromBits(3)}), tinier = observed({-0.0f});
      tiny.merge(tinier);
      std::string bytes = first.serialize(), error;
      EdgeStatistics copy;
      bool accepted = EdgeStatistics::deserialize(bytes, copy, error);
      bool equal = copy == first;
      Distribution distribution = tiny.getDistribution();
      unsigned after = _mm_getcsr() & ~0x3Fu; // But for its flags.
      _mm_setcsr(original);
      EXPECT_EQ(after, mxcsr & ~0x3Fu);
      EXPECT_EQ(bytes, expected);
      EXPECT_TRUE(accepted && equal) << error;
      expectEqual(distribution, distributionOf({fromBits(3), 0.0f}));
    });
}
#endif

//===----------------------------------------------------------------------===//
// Channels
//===----------------------------------------------------------------------===//

TEST(EdgeStatistics, ChannelMaxima) {
  Random random(20260811);
  forEachLevel([&] {
    for (uint64_t channels :
         {1, 2, 3, 5, 8, 15, 16, 17, 24, 63, 64, 65, 100, 768, 3072})
      for (uint64_t inner : {1, 2, 3, 16, 49, 3136})
        for (size_t outer : {1, 2, 40}) {
          size_t size = channels * inner * outer;
          if (size > 200000)
            continue;
          SCOPED_TRACE(::testing::Message()
                       << outer << "x" << channels << "x" << inner);
          std::vector<float> values = mixture(random, size);
          EdgeStatistics statistics = observed(values, {channels, inner});
          EXPECT_EQ(statistics.getChannelMaxima(),
                    maximaOf(values, {channels, inner}));
          if (size < 20000)
            expectStatisticsOf(statistics, values);
        }
  });
}

TEST(EdgeStatistics, ChannelsAreKeptAcrossCalls) {
  forEachLevel([] {
    std::vector<float> values = gaussian(3 * 700 * 20, 3), all;
    EdgeStatistics statistics({3, 7});
    for (size_t begin = 0, rows = 1; begin < values.size(); ++rows) {
      size_t size = std::min(rows * 21, values.size() - begin);
      statistics.observe(&values[begin], size);
      begin += size;
    }
    expectStatisticsOf(statistics, values);
  });
}

//===----------------------------------------------------------------------===//
// Order and parts
//===----------------------------------------------------------------------===//

/// Parts of random sizes, many of them empty or small, in whole `period`s.
std::vector<std::vector<float>> split(const std::vector<float> &values,
                                      Random &random, size_t period) {
  std::vector<std::vector<float>> parts;
  for (size_t i = 0; i < values.size();) {
    size_t limit = random() % 3 ? 50 : 6000;
    size_t size = std::min(random() % limit * period, values.size() - i);
    parts.emplace_back(values.begin() + i, values.begin() + i + size);
    i += size;
  }
  return parts;
}

/// Merges states in a random tree.
EdgeStatistics mergeAll(std::vector<EdgeStatistics> states, Random &random) {
  while (states.size() > 1) {
    size_t from = random() % states.size();
    EdgeStatistics taken = std::move(states[from]);
    states.erase(states.begin() + from);
    EXPECT_TRUE(states[random() % states.size()].merge(taken));
  }
  return std::move(states.front());
}

TEST(EdgeStatistics, PermutationsSplitsAndMergeTrees) {
  Random random(20260812);
  for (int repeat = 0; repeat < 60; ++repeat) {
    size_t channels = repeat % 3 == 0 ? 1 + random() % 40 : 1;
    ChannelLayout layout = {repeat % 3 == 0 ? channels : 0, 1};
    std::vector<float> values =
        mixture(random, channels * (1 + random() % (30000 / channels)));
    EdgeStatistics whole = observed(values, layout);
    expectStatisticsOf(whole, values);
    const std::string bytes = whole.serialize();

    if (channels == 1)
      std::shuffle(values.begin(), values.end(), random);
    EXPECT_EQ(observed(values, layout).serialize(), bytes);

    std::vector<std::vector<float>> parts = split(values, random, channels);
    std::shuffle(parts.begin(), parts.end(), random);
    EdgeStatistics resumed(layout);
    std::vector<EdgeStatistics> states;
    for (const std::vector<float> &part : parts) {
      resumed.observe(part.data(), part.size());
      states.push_back(observed(part, layout));
      // Saved and read again in between.
      if (random() % 4 == 0) {
        std::string saved = resumed.serialize(), error;
        resumed = EdgeStatistics();
        ASSERT_TRUE(EdgeStatistics::deserialize(saved, resumed, error))
            << error;
      }
    }
    EXPECT_EQ(resumed.serialize(), bytes);
    EXPECT_TRUE(resumed == whole);
    EdgeStatistics merged = mergeAll(std::move(states), random);
    EXPECT_EQ(merged.serialize(), bytes);
    EXPECT_TRUE(merged == whole);
  }
}

TEST(EdgeStatistics, Threads) {
  Random random(20260813);
  std::vector<float> values = mixture(random, 400000);
  const std::string bytes = observed(values, {8, 1}).serialize();
  for (size_t threads : {1, 2, 3, 8}) {
    std::vector<EdgeStatistics> states(threads, EdgeStatistics({8, 1}));
    std::vector<std::thread> workers;
    std::atomic<size_t> next{0};
    for (size_t thread = 0; thread < threads; ++thread)
      workers.emplace_back([&, thread] {
        constexpr size_t kPart = 10000;
        for (size_t i; (i = next.fetch_add(kPart)) < values.size();)
          states[thread].observe(&values[i], kPart);
      });
    for (std::thread &worker : workers)
      worker.join();
    EXPECT_EQ(mergeAll(std::move(states), random).serialize(), bytes);
  }
}

TEST(EdgeStatistics, LevelsAgree) {
  Random random(20260814);
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::vector<float> values = mixture(random, 10 * (1 + random() % 2000));
    ChannelLayout layout = {10, repeat % 2 ? 1u : 2u};
    values.resize(values.size() / 20 * 20);
    std::string first;
    forEachLevel([&] {
      std::string bytes = observed(values, layout).serialize();
      if (first.empty())
        first = bytes;
      EXPECT_EQ(bytes, first);
    });
  }
}

TEST(EdgeStatistics, MergeWithItself) {
  std::vector<float> values = specials(), twice = values;
  twice.insert(twice.end(), values.begin(), values.end());
  EdgeStatistics statistics = observed(values);
  EXPECT_TRUE(statistics.merge(statistics));
  expectStatisticsOf(statistics, twice);
}

TEST(EdgeStatistics, MergeRefusesOtherLayouts) {
  EdgeStatistics statistics = observed({1, 2, 3, 4}, {2, 1});
  const std::string bytes = statistics.serialize();
  for (ChannelLayout layout : {ChannelLayout{}, {4, 1}, {2, 2}, {1, 2}})
    EXPECT_FALSE(statistics.merge(EdgeStatistics(layout)));
  EXPECT_EQ(statistics.serialize(), bytes);
  EXPECT_TRUE(statistics.merge(EdgeStatistics({2, 1})));
  // Runs of nothing, and runs without channels, are as good as runs of one.
  EXPECT_TRUE(statistics.merge(EdgeStatistics({2, 0})));
  EXPECT_TRUE(EdgeStatistics().merge(EdgeStatistics({0, 7})));
  EXPECT_EQ(statistics.serialize(), bytes);
}

TEST(EdgeStatistics, MergeRefusesTooManyValues) {
  EdgeStatistics statistics = observed({1.5f});
  while (statistics.getCount() < mlir::qopt::kMaxCount)
    ASSERT_TRUE(statistics.merge(statistics));
  const std::string bytes = statistics.serialize();
  EXPECT_FALSE(statistics.merge(observed({2.5f})));
  EXPECT_EQ(statistics.serialize(), bytes);
  EXPECT_TRUE(statistics.merge(EdgeStatistics()));
  EdgeStatistics copy;
  std::string error;
  EXPECT_TRUE(EdgeStatistics::deserialize(bytes, copy, error)) << error;
}

/// Different values give different states.
TEST(EdgeStatistics, Inequality) {
  const std::vector<std::vector<float>> lists = {
      {},           {0.0f},          {1.0f},
      {-1.0f},      {1.0f, 1.0f},    {1.00001f},
      {NAN},        {kInfinity},     {-kInfinity},
      {5000.0f},    {-5000.0f},      {5000.1f},
      {0.0f, 1.0f}, {5000.0f, 1.0f}, {5e30f},
      {5e29f},      {1.0f, 1.0001f}, {5000.0f, 5000.1f}};
  for (const std::vector<float> &a : lists)
    for (const std::vector<float> &b : lists) {
      EXPECT_EQ(observed(a) == observed(b), &a == &b);
      EXPECT_EQ(observed(a).serialize() == observed(b).serialize(), &a == &b);
    }
  EXPECT_FALSE(EdgeStatistics({2, 1}) == EdgeStatistics({1, 1}));
  EXPECT_FALSE(EdgeStatistics({2, 1}) == EdgeStatistics({2, 2}));
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

TEST(EdgeStatistics, MemoryDoesNotGrowWithValues) {
  Random random(20260815);
  for (size_t size : {100, 20000}) {
    std::vector<float> values = mixture(random, size);
    EdgeStatistics statistics({10, 1});
    statistics.observe(values.data(), size);
    uint64_t before = allocations;
    for (int repeat = 0; repeat < 100; ++repeat)
      statistics.observe(values.data(), size);
    EXPECT_EQ(allocations, before);
  }
  // Of all bit patterns alike: the worst that a state can be.
  EdgeStatistics statistics;
  for (int repeat = 0; repeat < 300; ++repeat) {
    std::vector<float> values(10000);
    for (float &x : values)
      x = fromBits(random());
    statistics.observe(values.data(), values.size());
  }
  EXPECT_LT(statistics.serialize().size(), 300000u);
}

TEST(EdgeStatistics, BytesAreFew) {
  EXPECT_LT(observed(gaussian(1000000, 4)).serialize().size(), 6000u);
  EXPECT_LT(observed(std::vector<float>(1000000, 1.0f)).serialize().size(),
            40u);
}

} // namespace

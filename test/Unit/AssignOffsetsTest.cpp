//===- AssignOffsetsTest.cpp - Places for buffers in one arena -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Execution/AssignOffsets.h"

#include <gtest/gtest.h>

#include <random>

using namespace mlir;
using namespace mlir::qopt;

/// Places `buffers` and checks that no two that live at once overlap.
static int64_t expectPlaced(const std::vector<BufferLifetime> &buffers,
                            int64_t alignment = 1) {
  int64_t size = -1;
  SmallVector<int64_t> offsets = assignOffsets(buffers, size);
  EXPECT_EQ(offsets.size(), buffers.size());
  EXPECT_GE(size, getArenaLowerBound(buffers));
  int64_t end = 0;
  for (size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_GE(offsets[i], 0);
    EXPECT_EQ(offsets[i] % alignment, 0);
    end = std::max(end, offsets[i] + buffers[i].size);
    for (size_t j = 0; j < i; ++j) {
      bool together = buffers[i].begin <= buffers[j].end &&
                      buffers[j].begin <= buffers[i].end;
      bool apart = offsets[i] + buffers[i].size <= offsets[j] ||
                   offsets[j] + buffers[j].size <= offsets[i];
      EXPECT_TRUE(!together || apart) << i << " and " << j;
    }
  }
  EXPECT_EQ(end, size);
  return size;
}

TEST(AssignOffsets, NothingTakesNothing) {
  EXPECT_EQ(expectPlaced({}), 0);
  EXPECT_EQ(getArenaLowerBound({}), 0);
}

TEST(AssignOffsets, ChainTakesTwoBuffers) {
  // Each is read by the op that writes the next.
  EXPECT_EQ(expectPlaced({{64, 0, 1}, {32, 1, 2}, {64, 2, 3}, {32, 3, 4}}), 96);
}

TEST(AssignOffsets, BothEndsCount) {
  EXPECT_EQ(getArenaLowerBound({{8, 0, 1}, {8, 1, 2}}), 16);
  EXPECT_EQ(getArenaLowerBound({{8, 0, 0}, {8, 1, 2}}), 8);
  EXPECT_EQ(expectPlaced({{8, 0, 1}, {8, 1, 2}}), 16);
}

/// In order of time the small buffer lies in the way of the large one; by size
/// it does not.
TEST(AssignOffsets, OrderOfTimeIsNotEnough) {
  EXPECT_EQ(expectPlaced({{10, 0, 1}, {10, 0, 3}, {30, 2, 4}, {10, 4, 5}}), 40);
}

TEST(AssignOffsets, RandomLifetimes) {
  std::mt19937 random(7);
  auto pick = [&](unsigned n) -> unsigned { return random() % n; };
  int64_t total = 0, bounds = 0;
  for (unsigned round = 0; round < 200; ++round) {
    std::vector<BufferLifetime> buffers;
    for (unsigned i = 0, n = pick(60); i < n; ++i) {
      unsigned begin = pick(40);
      buffers.push_back({int64_t(256 * pick(20)), begin, begin + pick(12)});
    }
    total += expectPlaced(buffers, 256);
    bounds += getArenaLowerBound(buffers);
  }
  // Greedy orders are within a few percent where lifetimes have no structure.
  EXPECT_LE(total, bounds * 1.05);
}

TEST(AssignOffsets, SameInputSamePlaces) {
  std::vector<BufferLifetime> buffers = {
      {512, 0, 4}, {256, 1, 2}, {512, 2, 6}, {256, 3, 9}, {768, 5, 7}};
  int64_t first, second;
  EXPECT_EQ(assignOffsets(buffers, first), assignOffsets(buffers, second));
  EXPECT_EQ(first, second);
}

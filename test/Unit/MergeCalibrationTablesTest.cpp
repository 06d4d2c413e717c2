//===- MergeCalibrationTablesTest.cpp - Tables of many machines -----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TableSamples.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

using namespace mlir::qopt;
using namespace tabletest;

namespace {

CalibrationTable shard(int begin, int end) {
  CalibrationTable table = emptyTable();
  calibrate(table, begin, end);
  return table;
}

CalibrationTable merged(CalibrationTable table, const CalibrationTable &other) {
  std::string error;
  EXPECT_TRUE(mergeCalibrationTables(table, other, "b.json", error)) << error;
  EXPECT_EQ(error, "");
  return table;
}

TEST(MergeCalibrationTables, ShardsGiveWhatOneRunGives) {
  CalibrationTable whole = emptyTable();
  for (int run = 0; run < 12; run += 3)
    calibrate(whole, run, run + 3);
  CalibrationTable table = shard(9, 12);
  for (int run : {0, 6, 3})
    table = merged(table, shard(run, run + 3));
  EXPECT_EQ(table.runs, 12u);
  EXPECT_EQ(table.samples, 24u);
  EXPECT_EQ(printCalibrationTable(table), printCalibrationTable(whole));
}

/// Merges tables from `begin` to `end` as a random binary tree.
CalibrationTable mergeTree(const std::vector<CalibrationTable> &tables,
                           size_t begin, size_t end, std::mt19937 &random) {
  if (end - begin == 1)
    return tables[begin];
  size_t middle = begin + 1 + random() % (end - begin - 1);
  CalibrationTable left = mergeTree(tables, begin, middle, random);
  CalibrationTable right = mergeTree(tables, middle, end, random);
  return random() % 2 ? merged(left, right) : merged(right, left);
}

TEST(MergeCalibrationTables, AnyTreeAndOrderGivesTheSameBytes) {
  std::mt19937 random(20261101);
  const char *const tools[] = {"quant-opt 0.1.0", "quant-opt 0.2.0", "other"};
  for (int round = 0; round < 20; ++round) {
    std::vector<CalibrationTable> shards;
    size_t count = 2 + random() % 7;
    for (int run = 0; shards.size() < count;) {
      int end = run + 1 + random() % 3;
      shards.push_back(shard(run, end));
      CalibrationTable &table = shards.back();
      run = end;
      table.tool = tools[random() % 3];
      if (random() % 2)
        table.instructionSets = {"avx2"};
      // A second file of the same name, and one of which nothing was used.
      if (random() % 2) {
        calibrate(table, run, run + 1);
        table.data.back().name = table.data[0].name;
        ++run;
      }
      if (random() % 2)
        table.data.push_back({"unused", "00", 0});
    }
    std::string expected;
    for (int tree = 0; tree < 10; ++tree) {
      std::shuffle(shards.begin(), shards.end(), random);
      std::string text =
          printCalibrationTable(mergeTree(shards, 0, count, random));
      if (tree == 0)
        expected = text;
      ASSERT_EQ(text, expected) << "round " << round << ", tree " << tree;
      CalibrationTable copy;
      std::string error;
      ASSERT_TRUE(parseCalibrationTable(text, "t.json", copy, error)) << error;
    }
  }
}

TEST(MergeCalibrationTables, ToolsAndInstructionSetsAreUnited) {
  CalibrationTable a = shard(0, 1), b = shard(1, 2), c = shard(2, 3);
  a.tool = "quant-opt 0.2.0";
  b.instructionSets = {"amx_int8"};
  CalibrationTable table = merged(merged(a, b), c);
  EXPECT_EQ(table.tool, "quant-opt 0.1.0, quant-opt 0.2.0");
  EXPECT_EQ(table.instructionSets,
            (std::vector<std::string>{"amx_int8", "avx512_vnni"}));
  EXPECT_EQ(table.data.size(), 3u);
}

/// The error of merging two shards after a change to both; nothing must happen
/// to the first.
std::string mergeError(
    const std::function<void(CalibrationTable &, CalibrationTable &)> &change) {
  CalibrationTable table = shard(0, 2), other = shard(2, 4);
  change(table, other);
  std::string before = printCalibrationTable(table), error;
  EXPECT_FALSE(mergeCalibrationTables(table, other, "b.json", error));
  EXPECT_EQ(printCalibrationTable(table), before);
  const std::string prefix = "'b.json': ";
  EXPECT_EQ(error.substr(0, prefix.size()), prefix);
  return error.substr(std::min(error.size(), prefix.size()));
}

TEST(MergeCalibrationTables, OtherModels) {
  EXPECT_EQ(mergeError([](auto &, auto &other) { other.modelDigest = "12"; }),
            "is of another model: digest 12; expected 0123456789abcdef, that "
            "of the tables before it");
  EXPECT_EQ(mergeError([](auto &table, auto &other) {
              other.modelDigest = "12";
              other.tool = "quant-opt 0.3.0";
            }),
            "is of another model: digest 12; expected 0123456789abcdef, that "
            "of the tables before it (it was written by 'quant-opt 0.3.0', "
            "they by 'quant-opt 0.1.0': use one version for all)");
  EXPECT_EQ(mergeError([](auto &, auto &other) { other.weightsDigest = "12"; }),
            "is of a model with other weights: digest 12; expected "
            "fedcba9876543210, that of the tables before it");
}

TEST(MergeCalibrationTables, OtherEdges) {
  const std::string other = "does not have the edges of the tables before it: "
                            "it ",
                    advice = "; calibrate all shards with the same options";
  EXPECT_EQ(mergeError([](auto &, auto &b) { b.edges.pop_back(); }),
            other + "lacks 'fc'" + advice);
  EXPECT_EQ(mergeError([](auto &a, auto &) { a.edges.pop_back(); }),
            other + "alone has 'fc'" + advice);
  EXPECT_EQ(
      mergeError([](auto &a, auto &b) {
        a.edges[1].name = "fc7";
        for (int i = 0; i < 5; ++i)
          b.edges.push_back({"e" + std::to_string(i), b.edges[0].statistics});
      }),
      other + "lacks 'fc7' and alone has 'fc', 'e0', 'e1' and 3 more" + advice);
  EXPECT_EQ(
      mergeError([](auto &, auto &b) { std::swap(b.edges[0], b.edges[1]); }),
      "has its edges in another order: edge 0 is 'fc'; expected "
      "'conv \"1\": \xc3\xa4'");
}

TEST(MergeCalibrationTables, OtherChannels) {
  EXPECT_EQ(mergeError([](auto &, auto &b) {
              b.edges[1].statistics = SampleStatistics({5, 2});
            }),
            "has 5 channels by 2 of edge 'fc'; the tables before it have 3 "
            "channels by 1");
  EXPECT_EQ(mergeError([](auto &, auto &b) {
              b.edges[1].statistics = SampleStatistics();
            }),
            "has 0 channels by 1 of edge 'fc'; the tables before it have 3 "
            "channels by 1");
}

TEST(MergeCalibrationTables, DataCountedTwice) {
  EXPECT_EQ(mergeError([](auto &, auto &b) { calibrate(b, 0, 2); }),
            "was made from 'shard0-2.npz', and so was one of the tables before "
            "it: its 2 runs would be counted twice");
  EXPECT_EQ(mergeError([](auto &a, auto &b) {
              calibrate(b, 0, 2);
              b.data.back().name = "copy.npz";
              --b.data.back().runs;
            }),
            "was made from 'copy.npz', and so was, under the name "
            "'shard0-2.npz', one of the tables before it: its 1 runs would be "
            "counted twice");
  // Nothing was used of it.
  CalibrationTable a = shard(0, 2), b = shard(2, 4);
  b.data.push_back(a.data[0]);
  b.data.back().runs = 0;
  EXPECT_EQ(merged(a, b).runs, 4u);
}

TEST(MergeCalibrationTables, InterruptedCalibrations) {
  const std::string advice = " was saved by a calibration that was interrupted "
                             "after 2 runs; finish it first: repeat its "
                             "command with --calibration-table=THAT_FILE";
  EXPECT_EQ(mergeError([](auto &, auto &b) { b.complete = false; }),
            "it" + advice);
  EXPECT_EQ(mergeError([](auto &a, auto &) { a.complete = false; }),
            "one of the tables before it" + advice);
}

TEST(MergeCalibrationTables, CountsThatOverflow) {
  EXPECT_EQ(mergeError([](auto &a, auto &b) {
              a.samples = b.samples = uint64_t(1) << 62;
            }),
            "the number of samples does not fit 63 bits");
  EXPECT_EQ(mergeError([](auto &a, auto &b) { a.runs = INT64_MAX; }),
            "the number of runs does not fit 63 bits");
}

} // namespace

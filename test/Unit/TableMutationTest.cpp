//===- TableMutationTest.cpp - Mutants of calibration tables --------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The fuzzers' entry points on mutated tables, states and caches.
//
//===----------------------------------------------------------------------===//
#include "Mutations.h"
#include "TableSamples.h"

#include <gtest/gtest.h>

using namespace mlir::qopt;
using namespace mutations;
using namespace tabletest;

extern "C" int LLVMFuzzerTestOneTable(const uint8_t *data, size_t size);
extern "C" int LLVMFuzzerTestOneState(const uint8_t *data, size_t size);
extern "C" int LLVMFuzzerTestOneCache(const uint8_t *data, size_t size);

namespace {

/// A short table: what is mutated should not all be histograms.
CalibrationTable shortTable() {
  CalibrationTable table = sampleTable();
  for (CalibrationTable::Edge &edge : table.edges) {
    const float values[] = {0.0f, -1.5f, 3.0f};
    edge.statistics = SampleStatistics(edge.statistics.getChannelLayout());
    edge.statistics.observe(values, std::size(values), 1);
  }
  return table;
}

bool isTable(const std::string &text) {
  CalibrationTable table;
  std::string error;
  return parseCalibrationTable(text, "t.json", table, error);
}

TEST(TableMutants, Tables) {
  constexpr int kMutants = 20000;
  std::mt19937 random(20261102);
  const std::vector<std::string> tokens = {"0",
                                           "-1",
                                           "1e9",
                                           "18446744073709551616",
                                           "9223372036854775807",
                                           "null",
                                           "false",
                                           "\"x\"",
                                           "[]",
                                           "{}",
                                           "[",
                                           "]",
                                           "{",
                                           "}",
                                           ",",
                                           ":",
                                           "\"",
                                           "\\u0000",
                                           "\xc3\xa4",
                                           "\"runs\"",
                                           "\"edges\"",
                                           "\"sha256\": \""};
  std::string text = printCalibrationTable(shortTable());
  ASSERT_TRUE(isTable(text));
  int accepted = 0;
  for (int i = 0; i < kMutants; ++i) {
    std::string mutant = text;
    for (int count = 1 + random() % 3; count > 0; --count)
      mutate(mutant, random, tokens);
    LLVMFuzzerTestOneTable(bytes(mutant), mutant.size());
    accepted += isTable(withHash(mutant));
  }
  // Otherwise the mutants would test the parser of JSON only.
  EXPECT_GT(accepted, kMutants / 200);
}

TEST(TableMutants, States) {
  constexpr int kMutants = 50000;
  std::mt19937 random(20261103);
  const std::vector<std::string> tokens = {std::string(4, '\0'),
                                           "\xff\xff\xff\xff",
                                           "\x80\x80\x80\x80\x80\x01",
                                           "\x80\x3f",
                                           "\x7f",
                                           "\x01"};
  std::vector<std::string> states;
  for (const CalibrationTable &table :
       {emptyTable(), shortTable(), sampleTable()})
    for (const CalibrationTable::Edge &edge : table.edges)
      states.push_back(edge.statistics.serialize());
  for (const std::string &state : states)
    for (size_t size = 0; size <= state.size(); ++size)
      LLVMFuzzerTestOneState(bytes(state), size);
  int accepted = 0;
  for (int i = 0; i < kMutants; ++i) {
    std::string mutant = states[random() % states.size()];
    for (int count = 1 + random() % 3; count > 0; --count)
      mutate(mutant, random, tokens);
    LLVMFuzzerTestOneState(bytes(mutant), mutant.size());
    SampleStatistics statistics;
    std::string error;
    accepted += SampleStatistics::deserialize(mutant, statistics, error);
  }
  EXPECT_GT(accepted, kMutants / 200);
}

TEST(TableMutants, Caches) {
  constexpr int kMutants = 50000;
  std::mt19937 random(20261104);
  const std::vector<std::string> tokens = {"\n",       "\r\n",     ": ",
                                           "TRT-",     "7f800000", "00000000",
                                           "80000000", "\xc3\xa4", "input"};
  const std::string text = "TRT-8203-EntropyCalibration2\n"
                           "input: 3c010a14\nmodel/a: b: 42fe0000\n";
  for (size_t size = 0; size <= text.size(); ++size)
    LLVMFuzzerTestOneCache(bytes(text), size);
  for (int i = 0; i < kMutants; ++i) {
    std::string mutant = text;
    for (int count = 1 + random() % 4; count > 0; --count)
      mutate(mutant, random, tokens);
    LLVMFuzzerTestOneCache(bytes(mutant), mutant.size());
  }
}

/// The bytes of a state with a value in every octave there is, which takes
/// most memory for its length.
std::string largestState() {
  SampleStatistics statistics;
  std::vector<float> values;
  for (float magnitude = 4096; magnitude < INFINITY; magnitude *= 2)
    values.insert(values.end(), {magnitude, -magnitude});
  statistics.observe(values.data(), values.size(), 1);
  return statistics.serialize();
}

/// A table with this many edges of one state.
std::string tableOf(uint64_t numEdges, const SampleStatistics &statistics) {
  CalibrationTable table = emptyTable();
  table.edges = {{"#", statistics}};
  std::string text = printCalibrationTable(table);
  size_t begin = text.find("    {\"name\""), end = text.find("\n  ]", begin);
  std::string line = text.substr(begin, end - begin), edges;
  size_t name = line.find('#');
  for (uint64_t i = 0; i < numEdges; ++i)
    edges += (i ? ",\n" : "") + line.substr(0, name) + std::to_string(i) +
             line.substr(name + 1);
  return withHash(text.replace(begin, end - begin, edges));
}

TEST(TableMutants, MemoryIsBounded) {
  std::string error;
  CalibrationTable table;
  EXPECT_FALSE(parseCalibrationTable(tableOf(16385, SampleStatistics()),
                                     "t.json", table, error));
  EXPECT_EQ(error, "'t.json': edges: has 16385 items; expected at most 16384");
  SampleStatistics statistics;
  ASSERT_TRUE(SampleStatistics::deserialize(largestState(), statistics, error));
  ASSERT_GT(statistics.getMemoryBytes(), 1u << 20);
  EXPECT_FALSE(
      parseCalibrationTable(tableOf(2000, statistics), "t.json", table, error));
  EXPECT_EQ(error, "'t.json': has edges that take more than 1073741824 bytes "
                   "of memory");
}

TEST(TableMutants, Corpora) {
  const std::pair<const char *, int (*)(const uint8_t *, size_t)> fuzzers[] = {
      {"CalibrationTable", LLVMFuzzerTestOneTable},
      {"SampleStatistics", LLVMFuzzerTestOneState},
      {"TensorRTCache", LLVMFuzzerTestOneCache}};
  for (auto [name, fuzzer] : fuzzers) {
    auto files = readCorpus(name);
    EXPECT_FALSE(files.empty()) << name;
    for (const auto &[file, content] : files) {
      SCOPED_TRACE(file);
      fuzzer(bytes(content), content.size());
    }
  }
}

} // namespace

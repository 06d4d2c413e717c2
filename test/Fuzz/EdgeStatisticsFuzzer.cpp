//===- EdgeStatisticsFuzzer.cpp - Arbitrary bytes as states of edges ------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An entry point for libFuzzer (clang++ -fsanitize=fuzzer,address,undefined),
// also called by the unit tests with mutated states: a state that is read is
// one that `serialize` gives, and so is its merge with others.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Statistics/EdgeStatistics.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>

using namespace mlir::qopt;

namespace {
void require(bool condition, const char *what) {
  if (condition)
    return;
  fprintf(stderr, "promise broken: %s\n", what);
  abort();
}

void checkDistribution(const EdgeStatistics &statistics) {
  Distribution values = statistics.getDistribution();
  require(std::isfinite(values.min) && std::isfinite(values.max) &&
              values.min <= values.max,
          "limits are in order");
  require(values.positive.size() == kHistogramBins &&
              values.negative.size() == kHistogramBins,
          "histograms are whole");
  uint64_t sum = values.zeros;
  for (uint64_t bin : values.positive)
    sum += bin;
  for (uint64_t bin : values.negative)
    sum += bin;
  require(sum == values.count, "every value is in a bin");
  require(statistics.getCount() == values.count + values.sentinels +
                                       statistics.getNaNs() +
                                       statistics.getInfinities(),
          "every value is counted");
  require(values.count == 0 ||
              values.getAmax() <= std::ldexp(1.0, values.exponent),
          "the histogram covers the values");
}

void checkSerialized(const EdgeStatistics &statistics) {
  EdgeStatistics copy;
  std::string error, bytes = statistics.serialize();
  require(EdgeStatistics::deserialize(bytes, copy, error),
          "what is written is read");
  require(copy == statistics && copy.serialize() == bytes,
          "writing loses nothing");
}

void checkMerges(const EdgeStatistics &statistics) {
  if (statistics.getCount() > kMaxCount / 4)
    return;
  EdgeStatistics twice = statistics;
  require(twice.merge(statistics), "equal layouts merge");
  require(twice.getCount() == 2 * statistics.getCount(), "counts add up");
  checkDistribution(twice);
  checkSerialized(twice);

  // With what was observed here, in both orders.
  if (!statistics.getChannelMaxima().empty())
    return;
  EdgeStatistics seen, left = statistics;
  const float values[] = {0.0f, -1.5f, 3e-20f, 70000.0f, -1e9f, INFINITY, NAN};
  seen.observe(values, sizeof(values) / sizeof(*values));
  require(left.merge(seen) && seen.merge(statistics), "equal layouts merge");
  require(left.serialize() == seen.serialize(), "order does not matter");
  checkDistribution(left);
  checkSerialized(left);
}
} // namespace

extern "C" int LLVMFuzzerTestOneState(const uint8_t *data, size_t size) {
  std::string bytes(reinterpret_cast<const char *>(data), size), error;
  EdgeStatistics statistics;
  bool ok = EdgeStatistics::deserialize(bytes, statistics, error);
  require(ok || !error.empty(), "a failure has a message");
  require(error.find('\n') == std::string::npos, "messages are one line");
  if (!ok)
    return 0;
  require(statistics.serialize() == bytes, "the form is canonical");
  checkDistribution(statistics);
  checkMerges(statistics);
  return 0;
}

#ifdef QUANTOPT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return LLVMFuzzerTestOneState(data, size);
}
#endif

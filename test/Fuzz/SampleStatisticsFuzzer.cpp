//===- SampleStatisticsFuzzer.cpp - Arbitrary bytes as states of edges ----===//
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
#include "QuantOpt/Statistics/SampleStatistics.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

using namespace mlir::qopt;

namespace {
void require(bool condition, const char *what) {
  if (condition)
    return;
  fprintf(stderr, "promise broken: %s\n", what);
  abort();
}

void use(const SampleStatistics &statistics) {
  EdgeStatistics total = statistics.getTotal();
  require(total.getCount() == statistics.getCount(), "totals are whole");
  require(total.getChannelMaxima() == statistics.getChannelMaxima(),
          "totals know channels");
  require(statistics.getErrors() <= statistics.getCount(),
          "errors are among the values");
  Distribution values = total.getDistribution();
  WeightedHistogram weighted = statistics.getRelativeHistogram(values);
  require(weighted.positive.size() == kHistogramBins &&
              weighted.negative.size() == kHistogramBins,
          "histograms have all bins");
  double sum = 0;
  for (const auto *half : {&weighted.positive, &weighted.negative})
    for (double weight : *half) {
      require(weight >= 0, "weights are not negative");
      sum += weight;
    }
  require(sum <= double(values.count), "weights are at most 1");
}

void checkSerialized(const SampleStatistics &statistics) {
  SampleStatistics copy;
  std::string error, bytes = statistics.serialize();
  require(SampleStatistics::deserialize(bytes, copy, error),
          "what is written is read");
  require(copy == statistics && copy.serialize() == bytes,
          "writing loses nothing");
}

void checkMerges(const SampleStatistics &statistics) {
  if (statistics.getCount() > kMaxCount / 4)
    return;
  SampleStatistics twice = statistics;
  require(twice.merge(statistics), "equal layouts merge");
  require(twice.getCount() == 2 * statistics.getCount(), "counts add up");
  use(twice);
  checkSerialized(twice);

  // With what was observed here, in both orders.
  if (statistics.getChannelLayout().channels != 0)
    return;
  SampleStatistics seen, left = statistics;
  const float values[] = {0.0f,  -1.5f,    3e-20f, 70000.0f,
                          -1e9f, INFINITY, NAN,    0.0f};
  seen.observe(values, sizeof(values) / sizeof(*values), 4);
  require(left.merge(seen) && seen.merge(statistics), "equal layouts merge");
  require(left.serialize() == seen.serialize(), "order does not matter");
  use(left);
  checkSerialized(left);
}
} // namespace

extern "C" int LLVMFuzzerTestOneState(const uint8_t *data, size_t size) {
  std::string bytes(reinterpret_cast<const char *>(data), size), error;
  SampleStatistics statistics;
  bool ok = SampleStatistics::deserialize(bytes, statistics, error);
  require(ok || !error.empty(), "a failure has a message");
  require(error.find('\n') == std::string::npos, "messages are one line");
  if (!ok)
    return 0;
  require(statistics.serialize() == bytes, "the form is canonical");
  use(statistics);
  checkMerges(statistics);
  return 0;
}

#ifdef QUANTOPT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return LLVMFuzzerTestOneState(data, size);
}
#endif

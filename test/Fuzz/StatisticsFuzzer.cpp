//===- StatisticsFuzzer.cpp - Arbitrary bytes as statistics ---------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An entry point for libFuzzer (clang++ -fsanitize=fuzzer,address,undefined),
// also called by the unit tests with mutated bytes: what is read as the
// statistics of an edge is written as the same bytes and can be worked with.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Statistics/EdgeStatistics.h"

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
  uint64_t counted = values.zeros;
  for (const auto *half : {&values.positive, &values.negative}) {
    require(half->size() == kHistogramBins, "histograms have all bins");
    counted = std::accumulate(half->begin(), half->end(), counted);
  }
  require(counted == values.count, "histograms hold all values");
  require(values.min <= values.max, "extremes are in order");
  uint64_t all = values.count + values.sentinels + statistics.getNaNs() +
                 statistics.getInfinities();
  require(all == statistics.getCount(), "each value counts once");
}
} // namespace

extern "C" int LLVMFuzzerTestOneStatistics(const uint8_t *data, size_t size) {
  std::string bytes(reinterpret_cast<const char *>(data), size), error;
  EdgeStatistics statistics;
  if (!EdgeStatistics::deserialize(bytes, statistics, error)) {
    require(!error.empty() && error.find('\n') == std::string::npos,
            "a failure has a message of one line");
    require(statistics == EdgeStatistics(), "a failure changes nothing");
    return 0;
  }
  require(error.empty(), "success has no message");
  require(statistics.serialize() == bytes, "there is one way to write a state");
  checkDistribution(statistics);

  // States that no values lead to must not be reached from here, either.
  EdgeStatistics doubled = statistics, copy;
  if (!doubled.merge(statistics))
    return 0;
  require(doubled.getCount() == 2 * statistics.getCount(), "merging adds");
  require(EdgeStatistics::deserialize(doubled.serialize(), copy, error) &&
              copy == doubled,
          "merged states are states");
  EdgeStatistics joined(statistics.getLayout());
  require(joined.merge(statistics) && joined == statistics &&
              joined.serialize() == bytes,
          "merging with nothing changes nothing");
  return 0;
}

#ifdef QUANTOPT_LIBFUZZER
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return LLVMFuzzerTestOneStatistics(data, size);
}
#endif

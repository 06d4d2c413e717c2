//===- Benchmark.h - Latency and throughput of a model ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Times runs of one batch whose inputs are in memory, after warming up. On a
// GPU inputs and outputs stay in its memory and its own clock gives the
// latency.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_QUANT_RUN_BENCHMARK_H
#define QUANTOPT_TOOLS_QUANT_RUN_BENCHMARK_H

#include "Model.h"

namespace mlir::qopt::run {

struct BenchmarkResult {
  /// Timed runs of one thread, and their seconds each.
  uint64_t iterations = 0;
  double minSeconds = 0, medianSeconds = 0, p95Seconds = 0;
  /// By the device's clock, without copies.
  bool onDevice = false;
  /// Runs of all threads together.
  unsigned threads = 1;
  double runsPerSecond = 0;
};

/// Measures latency on one thread, then throughput: on cpu on `threads`, else
/// on one that does not wait between runs. `iterations` is per thread; 0 for as
/// many as take about two seconds, and at least ten.
bool benchmark(const Model &model, const TensorBuffers &inputs,
               unsigned threads, uint64_t iterations, BenchmarkResult &result,
               std::string &error);

} // namespace mlir::qopt::run

#endif // QUANTOPT_TOOLS_QUANT_RUN_BENCHMARK_H

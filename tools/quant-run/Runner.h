//===- Runner.h - Running all samples on several threads --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs are spread over threads; their results are taken in order, so that what
// is computed from them does not depend on the number of threads. In memory are
// only the runs under way.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_QUANT_RUN_RUNNER_H
#define QUANTOPT_TOOLS_QUANT_RUN_RUNNER_H

#include "RunData.h"

#include <functional>

namespace mlir::qopt::run {

/// The outputs of one run.
struct RunResult {
  uint64_t run;
  /// First sample, and how many of the batch are not padding.
  uint64_t firstSample, samples;
  /// Of each model, in the order given to runAll.
  std::vector<const TensorBuffers *> outputs;
};

/// Takes the result of one run; called for run 0, 1, ... and by one thread at a
/// time. False ends everything with `error`.
using ResultConsumer =
    std::function<bool(const RunResult &result, std::string &error)>;

/// Feeds every run to all models, which have the same signature.
bool runAll(const std::vector<const Model *> &models, InputFeed &feed,
            unsigned threads, const ResultConsumer &consumer,
            std::string &error);

/// Processors that this process may use.
unsigned availableProcessors();

} // namespace mlir::qopt::run

#endif // QUANTOPT_TOOLS_QUANT_RUN_RUNNER_H

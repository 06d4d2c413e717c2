//===- Workers.h - Experiments in processes of their own -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A compiler that dies is a finding, not the end: every experiment runs in a
// child process, which reports through a pipe.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_DIFFERENTIAL_WORKERS_H
#define QUANTOPT_TEST_DIFFERENTIAL_WORKERS_H

#include "Experiment.h"

namespace mlir::qopt::differential {

/// Runs one recipe in a child; a signal becomes Stage::Crash.
Outcome runInChild(const Recipe &recipe, const ExperimentOptions &options = {});

/// Runs the seeds [first, last) in `workers` processes and hands over each
/// outcome, in no particular order, until `stop` says so.
void runSeeds(uint64_t first, uint64_t last, unsigned workers,
              const std::function<bool()> &stop,
              const std::function<void(uint64_t, const Outcome &)> &report);

} // namespace mlir::qopt::differential

#endif // QUANTOPT_TEST_DIFFERENTIAL_WORKERS_H

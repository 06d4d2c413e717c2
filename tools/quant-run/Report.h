//===- Report.h - What quant-run prints -------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Collects the results of a job and prints them as tables or as one JSON
// object. The JSON's keys are stable: scripts rely on them.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_QUANT_RUN_REPORT_H
#define QUANTOPT_TOOLS_QUANT_RUN_REPORT_H

#include "Benchmark.h"
#include "Evaluation.h"

namespace mlir::qopt::run {

/// Null or empty is what was not asked for.
struct Report {
  std::string file;
  /// The runtime's description of an artifact, as JSON; empty for MLIR text.
  std::string artifact;
  /// Null where the artifact's description is all that is asked for.
  const Model *model = nullptr;
  /// --info, or JSON, which always holds the signature.
  bool showSignature = false;

  /// Set if samples were run.
  bool hasRun = false;
  BatchPlan batch;
  unsigned threads = 1;
  double seconds = 0;
  /// Made up rather than read.
  bool generated = false;

  const Summary *summary = nullptr;
  const ReferenceCheck *reference = nullptr;
  std::optional<double> minSqnrDb;
  const LabelCheck *labels = nullptr;
  const BitCheck *bits = nullptr;
  /// The second model of --verify.
  const Model *other = nullptr;
  std::optional<BenchmarkResult> benchmark;

  /// Why a check failed, one line each.
  std::vector<std::string> failures;
};

/// Fills `failures` from the checks.
void judge(Report &report);

/// Prints to stdout. False if that fails.
bool printText(const Report &report);
bool printJson(const Report &report);

} // namespace mlir::qopt::run

#endif // QUANTOPT_TOOLS_QUANT_RUN_REPORT_H

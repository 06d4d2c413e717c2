//===- PlanJob.cpp - What a job's options ask for --------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Kernels/ChipInfo.h"
#include "QuantOpt/Pipelines/Pipelines.h"

using namespace mlir;
using namespace mlir::qopt;

static StringRef stringifyEmit(EmitKind kind) {
  switch (kind) {
  case EmitKind::MLIR:
    return "mlir";
  case EmitKind::PTX:
    return "ptx";
  case EmitKind::Cubin:
    return "cubin";
  case EmitKind::QOpt:
    return "qopt";
  }
  llvm_unreachable("all kinds are handled");
}

/// Fills in the chips.
static LogicalResult readTargets(const JobOptions &options, JobPlan &plan,
                                 JobErrorHandler errorHandler) {
  for (const std::string &target : options.target) {
    if (target == "cpu")
      continue;
    if (!findChip(target)) {
      std::string known = "cpu";
      for (const ChipInfo &chip : getChips())
        known += (", " + chip.name).str();
      return errorHandler("unknown target '" + Twine(target) +
                          "'; this version knows " + known);
    }
    if (llvm::is_contained(plan.chips, target))
      return errorHandler("target '" + Twine(target) + "' is given twice");
    plan.chips.push_back(target);
  }
  return success();
}

/// Resolves the last phase from --to, --emit and the targets.
static LogicalResult resolveLastPhase(const JobOptions &options, JobPlan &plan,
                                      JobErrorHandler errorHandler) {
  std::string emit = ("--emit=" + stringifyEmit(plan.emit)).str();
  bool isText = plan.emit == EmitKind::MLIR;
  if (options.to.hasValue())
    plan.last = options.to;
  else if (isText)
    plan.last = plan.chips.empty() ? Phase::Lower : Phase::Emit;
  else
    plan.last = Phase::Emit;
  if (options.from > plan.last)
    return errorHandler("--from=" + stringifyPhase(options.from) +
                        " comes after --to=" + stringifyPhase(plan.last));
  if (!isText && plan.last != Phase::Emit)
    return errorHandler(emit +
                        " needs phase 'emit', but the job ends with "
                        "--to=" +
                        stringifyPhase(plan.last));
  if (plan.last < Phase::Kernels)
    return success();

  if (plan.emit == EmitKind::QOpt) {
    if (options.target.empty())
      return errorHandler("--emit=qopt needs --target: the chips to compile "
                          "for, or cpu");
    if (options.from == Phase::Emit)
      return errorHandler("--emit=qopt needs the integer form, which a module "
                          "at --from=emit no longer has");
    return success();
  }
  std::string what = options.to.hasValue() && isText
                         ? ("--to=" + stringifyPhase(plan.last)).str()
                         : emit;
  if (plan.chips.size() != 1)
    return errorHandler(what + " takes exactly one GPU target, but has " +
                        Twine(plan.chips.size()) +
                        " (--target=sm_80, for example)");
  return success();
}

/// Refuses what no phase of the job would look at.
static LogicalResult checkPolicy(const JobOptions &options, const JobPlan &plan,
                                 JobErrorHandler errorHandler) {
  auto check = [&](StringRef flag, bool isGiven, Phase phase) {
    if (!isGiven || (options.from <= phase && phase <= plan.last))
      return success();
    return errorHandler(
        "--" + flag + " acts in phase '" + stringifyPhase(phase) +
        "', which is not part of --from=" + stringifyPhase(options.from) +
        " --to=" + stringifyPhase(plan.last));
  };
  if (failed(check("policy", options.policy.hasValue(), Phase::Annotate)) ||
      failed(check("rules", !options.rules.empty(), Phase::Annotate)) ||
      failed(
          check("keep-float", !options.keepFloat.empty(), Phase::Annotate)) ||
      failed(check("require-int8", options.requireInt8.hasValue(),
                   Phase::Quantize)))
    return failure();
  return success();
}

FailureOr<JobPlan> mlir::qopt::planJob(const JobOptions &options,
                                       JobErrorHandler errorHandler) {
  JobPlan plan;
  plan.emit = options.emit;
  if (failed(readTargets(options, plan, errorHandler)) ||
      failed(resolveLastPhase(options, plan, errorHandler)) ||
      failed(checkPolicy(options, plan, errorHandler)))
    return failure();
  if (!(options.percentile > 50.0 && options.percentile <= 100.0))
    return errorHandler("--percentile must be above 50 and at most 100, not " +
                        Twine(std::to_string(options.percentile)));
  if (options.dynamic &&
      (!options.calibrationData.empty() || !options.calibrationTable.empty()))
    return errorHandler(
        "--dynamic uses no calibration data or table: give one of them");
  if (!options.saveCalibration.empty() && options.calibrationData.empty())
    return errorHandler("--save-calibration saves what --calibration-data "
                        "shows: give both");
  if (!options.saveCalibration.empty() &&
      (options.from > Phase::Calibrate || plan.last < Phase::Calibrate))
    return errorHandler("--save-calibration is written in phase 'calibrate', "
                        "which is not part of --from=" +
                        stringifyPhase(options.from) +
                        " --to=" + stringifyPhase(plan.last));
  if (!options.saveTensorRTCache.empty() && options.calibrationData.empty() &&
      options.calibrationTable.empty() && options.from <= Phase::Calibrate)
    return errorHandler("--save-tensorrt-cache needs ranges: give "
                        "--calibration-data or --calibration-table");
  if (!options.report.empty() && plan.last < Phase::Lower)
    return errorHandler("--report is written after phase 'lower', but the job "
                        "ends with --to=" +
                        stringifyPhase(plan.last));
  if (!options.report.empty() && options.from > Phase::Lower)
    return errorHandler("--report tells of the phases up to 'lower', but the "
                        "job begins with --from=" +
                        stringifyPhase(options.from));
  return plan;
}

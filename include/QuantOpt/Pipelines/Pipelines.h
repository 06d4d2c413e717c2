//===- Pipelines.h - One builder per phase, and the whole job ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_PIPELINES_PIPELINES_H
#define QUANTOPT_PIPELINES_PIPELINES_H

#include "QuantOpt/Pipelines/Options.h"
#include "mlir/Pass/PassManager.h"

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::qopt {

/// TOSA through upstream's lowering to linalg, and what that leaves behind:
/// rescales as `tosa.apply_scale` and stray constants.
void buildTosaLowering(OpPassManager &pm);

void buildImportPhase(OpPassManager &pm, const JobOptions &options);
void buildAnnotatePhase(OpPassManager &pm, const JobOptions &options);
void buildCalibratePhase(OpPassManager &pm, const JobOptions &options);
void buildPropagatePhase(OpPassManager &pm, const JobOptions &options);
void buildQuantizePhase(OpPassManager &pm, const JobOptions &options);
/// Writes no report.
void buildLowerPhase(OpPassManager &pm, const JobOptions &options);

/// What a job's options ask for, after defaults and checks.
struct JobPlan {
  /// Last phase to run; `Kernels` and `Emit` only with chips.
  Phase last = Phase::Lower;
  /// GPU targets in the order given.
  SmallVector<std::string> chips;
  EmitKind emit = EmitKind::MLIR;
};

using JobErrorHandler = function_ref<LogicalResult(const Twine &)>;

/// Resolves defaults. What this version does not support, and options that
/// contradict each other, go to `errorHandler` as one sentence each.
FailureOr<JobPlan> planJob(const JobOptions &options,
                           JobErrorHandler errorHandler);

/// Appends the phases from `options.from` up to `lower` or `plan.last`. The
/// report is written at the end, unless kernels follow.
void buildTensorPhases(OpPassManager &pm, const JobOptions &options,
                       const JobPlan &plan);

/// Integer form to kernels form, for one chip.
void buildKernelsPhase(OpPassManager &pm, StringRef chip, StringRef entry);

/// The pipeline `quantize-int8`: phases `options.from` to `options.to`, which
/// may be `kernels` or `emit` with one chip.
LogicalResult buildQuantizePipeline(OpPassManager &pm,
                                    const JobOptions &options,
                                    JobErrorHandler errorHandler);

/// All passes and the pipeline `quantize-int8`, for command lines. Safe to call
/// more than once.
void registerPassesAndPipelines();

/// The dialects, extensions and translations that any of our passes needs.
void registerQuantOpt(DialectRegistry &registry);

} // namespace mlir::qopt

#endif // QUANTOPT_PIPELINES_PIPELINES_H

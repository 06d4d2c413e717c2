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
void buildLowerPhase(OpPassManager &pm, const JobOptions &options);

/// From integer form to the kernels form (QuantOpt/Kernels/KernelsForm.h) for
/// `chip` ("sm_80").
void buildKernelsPhase(OpPassManager &pm, const JobOptions &options,
                       StringRef chip);

/// Appends the phases `options.from` to `options.to` to `pm`. What this version
/// does not support, and options that contradict each other, go to
/// `errorHandler` as one sentence each.
LogicalResult
buildQuantizePipeline(OpPassManager &pm, const JobOptions &options,
                      function_ref<LogicalResult(const Twine &)> errorHandler);

/// All passes and the pipeline `quantize-int8`, for command lines. Safe to call
/// more than once.
void registerPassesAndPipelines();

/// The dialects, extensions and translations that any of our passes needs.
void registerQuantOpt(DialectRegistry &registry);

} // namespace mlir::qopt

#endif // QUANTOPT_PIPELINES_PIPELINES_H

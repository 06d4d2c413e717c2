//===- Pipelines.cpp - One builder per phase, and the whole job ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Pipelines/Pipelines.h"

#include "mlir/Conversion/TosaToArith/TosaToArith.h"
#include "mlir/Conversion/TosaToLinalg/TosaToLinalg.h"
#include "mlir/Conversion/TosaToSCF/TosaToSCF.h"
#include "mlir/Conversion/TosaToTensor/TosaToTensor.h"
#include "mlir/Dialect/Tosa/Transforms/Passes.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::qopt;

llvm::StringRef mlir::qopt::stringifyPhase(Phase phase) {
  static constexpr llvm::StringLiteral names[] = {
      "import",   "annotate", "calibrate", "propagate",
      "quantize", "lower",    "kernels",   "emit"};
  return names[static_cast<int>(phase)];
}

template <typename OptionsT>
static SmallVector<std::string> toVector(const OptionsT &list) {
  return SmallVector<std::string>(list.begin(), list.end());
}

void mlir::qopt::buildTosaLowering(OpPassManager &pm) {
  tosa::addTosaToLinalgPasses(pm, TosaToLinalgOptions(),
                              TosaToLinalgNamedOptions(), std::nullopt);
  OpPassManager &func = pm.nest<func::FuncOp>();
  func.addPass(createTosaToSCFPass());
  func.addPass(createTosaToTensorPass());
  TosaToArithPassOptions arithOptions;
  arithOptions.includeApplyRescale = true;
  func.addPass(createTosaToArithPass(arithOptions));
}

void mlir::qopt::buildImportPhase(OpPassManager &pm,
                                  const JobOptions &options) {
  pm.addPass(createSpecializeShapes({options.entry, toVector(options.shapes)}));
  pm.addPass(createVerifyInput({options.entry}));
  buildTosaLowering(pm);
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createNormalizeContractions());
  pm.addPass(createPropagateLayout());
  pm.addPass(createFoldChannelAffine());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createVerifyNormalForm());
}

void mlir::qopt::buildAnnotatePhase(OpPassManager &pm,
                                    const JobOptions &options) {
  pm.addPass(createVerifyNormalForm());
  pm.addPass(createAnnotate({toVector(options.keepFloat), options.entry}));
}

void mlir::qopt::buildCalibratePhase(OpPassManager &pm,
                                     const JobOptions &options) {
  if (options.calibrationData.empty() || options.dynamic)
    return;
  pm.addPass(createCalibrate(
      {toVector(options.calibrationData), options.threads, options.entry}));
}

void mlir::qopt::buildPropagatePhase(OpPassManager &pm,
                                     const JobOptions &options) {
  pm.addPass(createPropagateScales(
      {options.activations, options.storage == StorageMode::S8}));
}

void mlir::qopt::buildQuantizePhase(OpPassManager &pm,
                                    const JobOptions &options) {
  pm.addPass(createQuantize(
      {options.weights == WeightMode::PerTensor, options.requireInt8}));
  pm.addPass(createVerifyQDQForm());
}

void mlir::qopt::buildLowerPhase(OpPassManager &pm, const JobOptions &options) {
  pm.addPass(createVerifyQDQForm());
  pm.addPass(createFuseQDQ());
  pm.addPass(createLowerToInteger());
  pm.addPass(createCSEPass());
  pm.addPass(createVerifyIntegerForm());
  pm.addPass(createWriteReport({options.report, options.entry}));
}

void mlir::qopt::buildKernelsPhase(OpPassManager &pm, const JobOptions &options,
                                   StringRef chip) {
  pm.addPass(createVerifyIntegerForm());
  pm.addPass(createFormKernels());
  pm.addPass(createPrepareKernels({options.entry}));
  pm.addPass(createBufferizeKernels());
  pm.addPass(createPlanMemory({options.entry}));
  pm.addPass(createBuildKernels({chip.str(), options.entry}));
}

/// Says what this version does not do, naming the option.
static LogicalResult
checkOptions(const JobOptions &options,
             function_ref<LogicalResult(const Twine &)> errorHandler) {
  if (options.from > options.to)
    return errorHandler("--from=" + stringifyPhase(options.from) +
                        " comes after --to=" + stringifyPhase(options.to));
  if (options.to > Phase::Lower || options.emit != EmitKind::MLIR)
    return errorHandler("this version ends after phase 'lower' and emits MLIR "
                        "only: GPU kernels are not part of it");
  for (const std::string &target : options.target)
    if (target != "cpu")
      return errorHandler("target '" + Twine(target) +
                          "' needs the kernels phase, which this version does "
                          "not have; 'cpu' is the only target");
  if (options.calibrationMethod != CalibrationMethod::Auto &&
      options.calibrationMethod != CalibrationMethod::Max)
    return errorHandler("this version has exact ranges only: "
                        "--calibration-method must be auto or max");
  if (options.precision != PrecisionMode::F32)
    return errorHandler("this version keeps what stays float in f32: "
                        "--precision must be f32");
  if (options.dynamic && !options.calibrationData.empty())
    return errorHandler("--dynamic uses no calibration data: give one of them");
  if (!options.report.empty() && options.to < Phase::Lower)
    return errorHandler("--report is written after phase 'lower', but the job "
                        "ends with --to=" +
                        stringifyPhase(options.to));
  return success();
}

LogicalResult mlir::qopt::buildQuantizePipeline(
    OpPassManager &pm, const JobOptions &options,
    function_ref<LogicalResult(const Twine &)> errorHandler) {
  if (failed(checkOptions(options, errorHandler)))
    return failure();
  auto runs = [&](Phase phase) {
    return options.from <= phase && phase <= options.to;
  };
  if (runs(Phase::Import))
    buildImportPhase(pm, options);
  if (runs(Phase::Annotate))
    buildAnnotatePhase(pm, options);
  if (runs(Phase::Calibrate))
    buildCalibratePhase(pm, options);
  if (runs(Phase::Propagate))
    buildPropagatePhase(pm, options);
  if (runs(Phase::Quantize))
    buildQuantizePhase(pm, options);
  if (runs(Phase::Lower))
    buildLowerPhase(pm, options);
  return success();
}

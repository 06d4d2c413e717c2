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
#include "mlir/Dialect/Arith/Transforms/Passes.h"
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

/// Once where observers know ranges, once in integer form.
static void addConvertPrecision(OpPassManager &pm, PrecisionMode mode,
                                bool observed) {
  static constexpr const char *names[] = {"f32", "f16", "bf16"};
  pm.addPass(createConvertPrecision({names[static_cast<int>(mode)], observed}));
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
  pm.addPass(createStripLeftovers());
  pm.addPass(createSpecializeShapes({options.entry, toVector(options.shapes)}));
  pm.addPass(createVerifyInput({options.entry}));
  buildTosaLowering(pm);
  pm.addPass(createRaiseQDQ());
  pm.addPass(createLowerQuantizedOps());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createFoldConstants());
  // Loops: what does not change leaves them, positions in range need no checks.
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(arith::createArithIntRangeOpts());
  pm.addPass(createNormalizeContractions());
  pm.addPass(createPropagateLayout());
  pm.addPass(createFoldChannelAffine());
  pm.addPass(createRaiseIdioms());
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createVerifyNormalForm());
}

void mlir::qopt::buildAnnotatePhase(OpPassManager &pm,
                                    const JobOptions &options) {
  pm.addPass(createVerifyNormalForm());
  AnnotateOptions annotate;
  annotate.policy = options.policy;
  annotate.rules = toVector(options.rules);
  annotate.keepFloat = toVector(options.keepFloat);
  annotate.entry = options.entry;
  pm.addPass(createAnnotate(annotate));
}

void mlir::qopt::buildCalibratePhase(OpPassManager &pm,
                                     const JobOptions &options) {
  if (options.dynamic)
    return;
  CalibrateOptions calibrate;
  calibrate.data = toVector(options.calibrationData);
  calibrate.table = options.calibrationTable;
  calibrate.saveTable = options.saveCalibration;
  calibrate.interrupted = options.saveInterrupted;
  calibrate.percentile = options.percentile;
  calibrate.threads = options.threads;
  calibrate.entry = options.entry;
  pm.addPass(createCalibrate(calibrate));
}

void mlir::qopt::buildPropagatePhase(OpPassManager &pm,
                                     const JobOptions &options) {
  PropagateScalesOptions propagate;
  propagate.activations = options.activations;
  propagate.method = options.calibrationMethod;
  propagate.tensorrtCache = options.saveTensorRTCache;
  propagate.activationBits = options.activationBits;
  propagate.storageS8 = options.storage == StorageMode::S8;
  pm.addPass(createPropagateScales(propagate));
}

void mlir::qopt::buildQuantizePhase(OpPassManager &pm,
                                    const JobOptions &options) {
  QuantizeOptions quantize;
  quantize.perTensorWeights = options.weights == WeightMode::PerTensor;
  quantize.weightMethod = options.weightMethod;
  quantize.requireInt8 = toVector(options.requireInt8);
  // Without a value: all.
  if (options.requireInt8.hasValue() && options.requireInt8.empty())
    quantize.requireInt8.push_back("*");
  addConvertPrecision(pm, options.precision, /*observed=*/true);
  pm.addPass(createQuantize(quantize));
  pm.addPass(createInlineComposites());
  pm.addPass(createVerifyQDQForm());
}

void mlir::qopt::buildLowerPhase(OpPassManager &pm, const JobOptions &options) {
  pm.addPass(createVerifyQDQForm());
  pm.addPass(createFuseQDQ());
  pm.addPass(createLowerToInteger());
  pm.addPass(createFuseEpilogues());
  addConvertPrecision(pm, options.precision, /*observed=*/false);
  pm.addPass(createCSEPass());
  if (options.storage == StorageMode::S8)
    pm.addPass(createSpecializeInteger());
  pm.addPass(createVerifyIntegerForm());
}

void mlir::qopt::buildKernelsPhase(OpPassManager &pm, StringRef chip,
                                   StringRef entry) {
  // What lowering made of constants: a bias that an import dequantizes.
  pm.addPass(createFoldConstants());
  pm.addPass(createFormKernels());
  pm.addPass(createMergeGemms());
  pm.addPass(createFormLoops());
  pm.addPass(
      createSelectConfigs({chip.str(), /*gemmConfig=*/"", /*loopsConfig=*/""}));
  pm.addPass(createPrepareKernels({entry.str()}));
  pm.addPass(createBufferizeKernels());
  pm.addPass(createPlanMemory({entry.str()}));
  pm.addPass(createBuildKernels({chip.str(), entry.str()}));
}

void mlir::qopt::buildTensorPhases(OpPassManager &pm, const JobOptions &options,
                                   const JobPlan &plan) {
  auto runs = [&](Phase phase) {
    return options.from <= phase && phase <= plan.last;
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
  if (plan.last == Phase::Lower)
    pm.addPass(createWriteReport({toVector(options.report), options.entry}));
}

LogicalResult mlir::qopt::buildQuantizePipeline(OpPassManager &pm,
                                                const JobOptions &options,
                                                JobErrorHandler errorHandler) {
  FailureOr<JobPlan> plan = planJob(options, errorHandler);
  if (failed(plan))
    return failure();
  if (plan->emit != EmitKind::MLIR)
    return errorHandler("a pipeline ends with IR: --emit needs the driver "
                        "quant-opt");
  buildTensorPhases(pm, options, *plan);
  if (plan->last < Phase::Kernels)
    return success();
  if (options.from <= Phase::Lower)
    pm.addPass(createWriteReport({toVector(options.report), options.entry}));
  if (options.from <= Phase::Kernels)
    buildKernelsPhase(pm, plan->chips.front(), options.entry);
  if (plan->last == Phase::Emit)
    pm.addPass(createExportKernels({options.entry}));
  return success();
}

//===- Emit.cpp - The last phases of a job ---------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Emit.h"

#include "Output.h"

#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Target/CompileArtifact.h"
#include "QuantOpt/Target/Ptx.h"
#include "QuantOpt/Target/Ptxas.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// What the last phases make, before any of it is written.
struct Product {
  OwningOpRef<ModuleOp> kernelsForm;
  /// PTX or a cubin.
  std::string image;
  artifact::Artifact artifact;
};
} // namespace

/// Kernels form to upstream's dialects, in place.
static LogicalResult exportKernels(ModuleOp kernelsForm,
                                   const JobOptions &options) {
  PassManager pm(kernelsForm.getContext());
  pm.addPass(createExportKernels({options.entry}));
  return pm.run(kernelsForm);
}

/// Kernels form, with or without our dialect, PTX or cubin of one chip.
static LogicalResult makeForChip(ModuleOp module, const JobPlan &plan,
                                 const JobOptions &options, Report &report,
                                 Product &product) {
  StringRef chip = plan.chips.front();
  if (options.from == Phase::Emit) {
    product.kernelsForm = module.clone();
  } else {
    FailureOr<OwningOpRef<ModuleOp>> form =
        buildKernelsForm(module, chip, options.entry);
    if (failed(form))
      return failure();
    product.kernelsForm = std::move(*form);
    recordKernels(report, *product.kernelsForm, chip, options.entry);
  }
  if (plan.emit == EmitKind::MLIR)
    return plan.last == Phase::Emit
               ? exportKernels(*product.kernelsForm, options)
               : success();

  FailureOr<gpu::GPUModuleOp> kernels = findKernels(*product.kernelsForm);
  if (failed(kernels))
    return failure();
  FailureOr<std::string> ptx = translateToPtx(*kernels, chip);
  if (failed(ptx))
    return failure();
  product.image = std::move(*ptx);
  if (plan.emit == EmitKind::PTX)
    return success();
  FailureOr<Cubin> cubin = assemble(
      product.image, chip, [&] { return emitError(kernels->getLoc()); });
  if (failed(cubin))
    return failure();
  product.image = std::move(cubin->image);
  return success();
}

static LogicalResult makeArtifact(ModuleOp module, const JobPlan &plan,
                                  const JobOptions &options,
                                  const Destination &destination,
                                  Report &report, Product &product) {
  TargetOptions targetOptions;
  targetOptions.entry = options.entry;
  targetOptions.report = &report;
  if (!module.getName())
    targetOptions.modelName = destination.modelName;
  FailureOr<artifact::Artifact> artifact =
      compileArtifact(module, plan.chips, targetOptions);
  if (failed(artifact))
    return failure();
  product.artifact = std::move(*artifact);
  return success();
}

static LogicalResult writeReport(ModuleOp module, const Report &report,
                                 const JobOptions &options) {
  report.save(module);
  PassManager pm(module.getContext());
  WriteReportOptions write;
  write.files.assign(options.report.begin(), options.report.end());
  write.entry = options.entry;
  pm.addPass(createWriteReport(write));
  return pm.run(module);
}

/// Small constants stay readable, weights are complete.
static LogicalResult writeModule(ModuleOp module,
                                 const Destination &destination) {
  OpPrintingFlags flags;
  if (destination.elide) {
    flags.elideLargeElementsAttrs(16);
    flags.elideLargeResourceString(64);
  }
  return writeOutput(destination.path, [&](raw_ostream &os) {
    module.print(os, flags);
    os << "\n";
  });
}

static LogicalResult write(const Product &product, const JobPlan &plan,
                           const Destination &destination) {
  switch (plan.emit) {
  case EmitKind::MLIR:
    return writeModule(*product.kernelsForm, destination);
  case EmitKind::PTX:
  case EmitKind::Cubin:
    return writeOutput(destination.path,
                       [&](raw_ostream &os) { os << product.image; });
  case EmitKind::QOpt:
    std::string problem = artifact::write(product.artifact, destination.path);
    return problem.empty() ? success() : fail(problem);
  }
  llvm_unreachable("all kinds are handled");
}

LogicalResult mlir::qopt::emitModule(ModuleOp module, const JobPlan &plan,
                                     const JobOptions &options,
                                     const Destination &destination) {
  if (plan.last < Phase::Kernels)
    return writeModule(module, destination);
  Report report = Report::load(module);
  Report::strip(module);
  Product product;
  LogicalResult made =
      plan.emit == EmitKind::QOpt
          ? makeArtifact(module, plan, options, destination, report, product)
          : makeForChip(module, plan, options, report, product);
  bool isAsked =
      !options.report.empty() || module.getContext()->getRemarkEngine();
  if (failed(made) || (isAsked && failed(writeReport(module, report, options))))
    return failure();
  return write(product, plan, destination);
}

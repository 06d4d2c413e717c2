//===- CompileArtifact.cpp - From integer form to GPU code -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Chips are compiled one after the other up to PTX; ptxas, a process of its
// own, works on one chip while the next one is on its way.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Target/CompileArtifact.h"

#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Frontend/Entry.h"
#include "QuantOpt/Kernels/KernelsForm.h"
#include "QuantOpt/Pipelines/Pipelines.h"
#include "QuantOpt/Target/EmitPlan.h"
#include "QuantOpt/Target/Ptx.h"
#include "QuantOpt/Target/Ptxas.h"
#include "llvm/Config/llvm-config.h"

#include <thread>

using namespace mlir;
using namespace mlir::qopt;

FailureOr<OwningOpRef<ModuleOp>>
mlir::qopt::buildKernelsForm(ModuleOp integerForm, StringRef chip,
                             StringRef entry) {
  OwningOpRef<ModuleOp> copy = integerForm.clone();
  Report::strip(*copy);
  PassManager manager(integerForm.getContext());
  buildKernelsPhase(manager, chip, entry);
  if (failed(manager.run(*copy)))
    return failure();
  return copy;
}

FailureOr<gpu::GPUModuleOp> mlir::qopt::findKernels(ModuleOp kernelsForm) {
  auto kernels = kernelsForm.getOps<gpu::GPUModuleOp>();
  if (!llvm::hasSingleElement(kernels)) {
    kernelsForm.emitError("has ")
        << llvm::range_size(kernels)
        << " GPU modules; a kernels form has one (see --to=kernels)";
    return failure();
  }
  return *kernels.begin();
}

//===----------------------------------------------------------------------===//
// One chip
//===----------------------------------------------------------------------===//

namespace {
/// ptxas at work on a plan.
class Assembly {
public:
  explicit Assembly(artifact::Plan plan) : plan(std::move(plan)) {}
  Assembly(Assembly &&) = delete;
  ~Assembly() {
    if (thread.joinable())
      thread.join();
  }

  void start() {
    thread = std::thread([this] {
      llvm::Expected<Cubin> cubin = assemble(plan.ptx, plan.chip);
      if (cubin)
        result = std::move(*cubin);
      else
        error = llvm::toString(cubin.takeError());
    });
  }

  /// Waits for ptxas. The plan has its cubin then, where one was started.
  LogicalResult finish(Operation *op) {
    if (!thread.joinable())
      return success();
    thread.join();
    if (!error.empty())
      return op->emitError(error);
    for (const std::string &warning : result.log.warnings)
      op->emitWarning() << "for " << plan.chip << ": " << warning;
    for (const ResourceUsage &usage : result.log.kernels)
      if (usage.spillStores + usage.spillLoads > 0)
        op->emitWarning() << "for " << plan.chip << ": kernel '" << usage.kernel
                          << "' keeps " << usage.spillStores
                          << " bytes of registers in memory";
    plan.cubin = std::move(result.image);
    return success();
  }

  artifact::Plan plan;

private:
  std::thread thread;
  Cubin result;
  std::string error;
};
} // namespace

/// Batches that the plan for one chip may run: all chips' plans must.
static void readBatch(ModuleOp kernelsForm, artifact::Artifact &artifact) {
  if (auto batch = kernelsForm->getAttrOfType<IntegerAttr>(kBatchAttr))
    artifact.batch = batch.getInt();
  auto reason = kernelsForm->getAttrOfType<StringAttr>(kFixedBatchAttr);
  if (!reason || !artifact.anyBatch)
    return;
  artifact.anyBatch = false;
  artifact.fixedBatchReason = reason.str();
}

/// The plan for `chip`, with PTX, and what it says about the batch.
static FailureOr<artifact::Plan>
compilePlan(ModuleOp integerForm, StringRef chip, const TargetOptions &options,
            ConstantPool &constants, artifact::Artifact &artifact) {
  FailureOr<OwningOpRef<ModuleOp>> form =
      buildKernelsForm(integerForm, chip, options.entry);
  if (failed(form))
    return failure();
  FailureOr<KernelsEntry> entry = findKernelsEntry(**form, options.entry);
  FailureOr<gpu::GPUModuleOp> kernels = findKernels(**form);
  if (failed(entry) || failed(kernels))
    return failure();
  if (entry->numInputs != artifact.inputs.size() ||
      entry->numOutputs != artifact.outputs.size())
    return entry->function.emitOpError("has ")
           << entry->numInputs << " inputs and " << entry->numOutputs
           << " outputs, but the model has " << artifact.inputs.size()
           << " and " << artifact.outputs.size();
  FailureOr<artifact::Plan> plan = emitPlan(*entry, constants);
  if (failed(plan))
    return failure();
  FailureOr<std::string> ptx = translateToPtx(*kernels, chip);
  if (failed(ptx))
    return failure();
  readBatch(**form, artifact);
  if (options.report)
    recordKernels(*options.report, **form, chip, options.entry);
  plan->chip = chip.str();
  plan->ptx = std::move(*ptx);
  return plan;
}

//===----------------------------------------------------------------------===//
// The artifact
//===----------------------------------------------------------------------===//

static FailureOr<artifact::TensorSpec> makeSpec(func::FuncOp entry, Type type,
                                                std::string name) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  std::optional<qopt_dtype> dtype;
  if (tensor && tensor.hasStaticShape())
    dtype = getRuntimeType(tensor.getElementType());
  if (!dtype) {
    entry.emitOpError("cannot be compiled: ")
        << name << " has type " << type
        << "; expected a tensor of static shape of floats or integers";
    return failure();
  }
  return artifact::TensorSpec{
      std::move(name), *dtype,
      std::vector<int64_t>(tensor.getShape().begin(), tensor.getShape().end())};
}

static LogicalResult describe(func::FuncOp entry,
                              artifact::Artifact &artifact) {
  for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes())) {
    FailureOr<artifact::TensorSpec> spec =
        makeSpec(entry, type, getArgumentName(entry, i));
    if (failed(spec))
      return failure();
    artifact.inputs.push_back(std::move(*spec));
  }
  for (auto [i, type] : llvm::enumerate(entry.getResultTypes())) {
    auto name = entry.getResultAttrOfType<StringAttr>(i, kNameAttr);
    FailureOr<artifact::TensorSpec> spec =
        makeSpec(entry, type, name ? name.str() : "out" + std::to_string(i));
    if (failed(spec))
      return failure();
    artifact.outputs.push_back(std::move(*spec));
  }
  return success();
}

/// The module as text, without the report, with `entry` as its only public
/// function: the CPU and the emulator find it without being told.
static std::string printModel(ModuleOp module, StringRef entry) {
  OwningOpRef<ModuleOp> copy = module.clone();
  Report::strip(*copy);
  for (auto function : copy->getOps<func::FuncOp>())
    if (function.getName() != entry)
      function.setPrivate();
  std::string text;
  llvm::raw_string_ostream stream(text);
  copy->print(stream);
  stream << "\n";
  return text;
}

FailureOr<artifact::Artifact>
mlir::qopt::compileArtifact(ModuleOp integerForm, ArrayRef<std::string> chips,
                            const TargetOptions &options) {
  FailureOr<func::FuncOp> entry = findEntry(integerForm, options.entry);
  if (failed(entry))
    return failure();
  artifact::Artifact artifact;
  artifact.producer =
      "quant-opt " QUANTOPT_VERSION " (LLVM " LLVM_VERSION_STRING ")";
  artifact.modelName = !options.modelName.empty() ? options.modelName
                       : integerForm.getName()    ? integerForm.getName()->str()
                                                  : entry->getName().str();
  artifact.anyBatch = !chips.empty();
  if (failed(describe(*entry, artifact)))
    return failure();

  bool hasPtxas = findPtxas().has_value();
  if (!hasPtxas && !chips.empty())
    integerForm.emitRemark("there is no ptxas: the artifact has PTX only, "
                           "which the GPU's driver compiles at load; ")
        << getPtxasHint();
  ConstantPool constants;
  std::vector<std::unique_ptr<Assembly>> assemblies;
  for (const std::string &chip : chips) {
    FailureOr<artifact::Plan> plan =
        compilePlan(integerForm, chip, options, constants, artifact);
    if (failed(plan))
      return failure();
    assemblies.push_back(std::make_unique<Assembly>(std::move(*plan)));
    if (hasPtxas)
      assemblies.back()->start();
  }
  artifact.modelText = printModel(integerForm, entry->getName());
  for (std::unique_ptr<Assembly> &assembly : assemblies) {
    if (failed(assembly->finish(*entry)))
      return failure();
    artifact.plans.push_back(std::move(assembly->plan));
  }
  constants.finish(artifact);
  if (std::string problem = artifact::validate(artifact); !problem.empty())
    return entry->emitOpError("cannot become an artifact: it ") << problem;
  return artifact;
}

//===- PlanKernelMemory.cpp - From tensors to one arena --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The passes around the shared steps: bufferization of the prepared entry, and
// the arena of its buffers.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/KernelReport.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Execution/Lowering.h"
#include "QuantOpt/Frontend/Entry.h"
#include "QuantOpt/Kernels/Dialects.h"
#include "QuantOpt/Kernels/KernelsForm.h"
#include "QuantOpt/Target/Ptx.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_BUFFERIZEKERNELS
#define GEN_PASS_DEF_PLANMEMORY
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

void mlir::qopt::registerKernelDialects(DialectRegistry &registry) {
  registry.insert<QOptDialect>();
  registerLoweringDialects(registry);
  registerKernelTranslations(registry);
}

namespace {
struct BufferizeKernels
    : public qopt::impl::BufferizeKernelsBase<BufferizeKernels> {
  void getDependentDialects(DialectRegistry &registry) const override {
    registerKernelDialects(registry);
  }

  void runOnOperation() override {
    separateInitialTensors(getOperation());
    OpPassManager manager(ModuleOp::getOperationName());
    addBufferizationPasses(manager);
    if (failed(runPipeline(manager, getOperation())))
      signalPassFailure();
  }
};

struct PlanMemory : public qopt::impl::PlanMemoryBase<PlanMemory> {
  using PlanMemoryBase::PlanMemoryBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    registerKernelDialects(registry);
  }

  void runOnOperation() override {
    FailureOr<func::FuncOp> entry = findEntry(getOperation(), this->entry);
    if (failed(entry) || failed(plan(*entry)))
      signalPassFailure();
  }

private:
  LogicalResult plan(func::FuncOp entry) {
    for (Operation &op : entry.getBody().front())
      if (op.getNumRegions() != 0 &&
          !isa<linalg::LinalgOp, GemmOp, LoopsOp>(op))
        return op.emitOpError() << kNoKernel << ": control flow";
    FailureOr<MemoryPlan> plan = planMemory(entry, kArenaAlignment, kNoKernel);
    if (failed(plan))
      return failure();
    MemoryFigures figures;
    figures.arena = plan->arenaBytes;
    figures.lowerBound = plan->lowerBound;
    figures.buffers = plan->buffers;
    entry->setAttr(kMemoryAttr, figures.toAttribute(&getContext()));
    entry.setArgAttr(entry.getNumArguments() - 1, kArgumentKindAttr,
                     StringAttr::get(&getContext(), "arena"));
    return success();
  }
};
} // namespace

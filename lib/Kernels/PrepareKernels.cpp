//===- PrepareKernels.cpp - Tensors ready to become buffers ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Around the gemms that `qopt-form-kernels` made, a model is linalg in many
// spellings. Here it becomes one straight-line function of few, larger linalg
// ops, each of which will be one kernel, and its results become arguments.
//
//===----------------------------------------------------------------------===//
#include "ExpandSums.h"
#include "SimplifyMovement.h"

#include "QuantOpt/Analysis/OrderedSum.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Execution/Lowering.h"
#include "QuantOpt/Frontend/Entry.h"
#include "QuantOpt/Kernels/Dialects.h"
#include "QuantOpt/Kernels/KernelsForm.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Utils/Utils.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_PREPAREKERNELS
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// One function
//===----------------------------------------------------------------------===//

/// Other functions than the entry have been inlined; what is left of them goes.
static LogicalResult eraseOtherFunctions(ModuleOp module, func::FuncOp entry) {
  WalkResult result = entry.walk([](CallOpInterface call) {
    call->emitOpError() << kNoKernel << ": it could not be inlined";
    return WalkResult::interrupt();
  });
  if (result.wasInterrupted())
    return failure();
  for (func::FuncOp function :
       llvm::make_early_inc_range(module.getOps<func::FuncOp>()))
    if (function != entry)
      function.erase();
  return success();
}

static LogicalResult verifySignature(func::FuncOp entry) {
  auto verify = [&](TypeRange types, StringRef what) -> LogicalResult {
    for (auto [i, type] : llvm::enumerate(types)) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      if (!tensor || !tensor.hasStaticShape())
        return entry.emitOpError()
               << "cannot run on a GPU: " << what << " #" << i << " is " << type
               << ", but must be a tensor of static shape";
    }
    return success();
  };
  return success(succeeded(verify(entry.getArgumentTypes(), "argument")) &&
                 succeeded(verify(entry.getResultTypes(), "result")));
}

/// Loops of few iterations become straight-line code.
static void unrollLoops(func::FuncOp entry) {
  SmallVector<scf::ForOp> loops; // Inner ones first.
  entry.walk([&](scf::ForOp loop) { loops.push_back(loop); });
  constexpr int64_t kMaxUnrolled = 256;
  for (scf::ForOp loop : loops) {
    std::optional<APInt> count = loop.getStaticTripCount();
    if (count && count->sle(kMaxUnrolled))
      (void)loopUnrollFull(loop);
  }
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

/// A splat that an op would overwrite becomes a fill, which kernels start from
/// instead of reading it; a constant would have to be copied.
static void fillInitialTensors(func::FuncOp entry) {
  SmallVector<OpOperand *> inits;
  auto isSplat = [](Value value) {
    auto constant = value.getDefiningOp<arith::ConstantOp>();
    auto attr =
        constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : nullptr;
    return attr && attr.isSplat();
  };
  entry.walk([&](DestinationStyleOpInterface op) {
    for (OpOperand &init : op.getDpsInitsMutable())
      if (isSplat(init.get()))
        inits.push_back(&init);
  });
  for (OpOperand *init : inits) {
    OpBuilder builder(init->getOwner());
    auto constant = init->get().getDefiningOp<arith::ConstantOp>();
    init->set(createFill(builder, constant.getLoc(),
                         cast<DenseElementsAttr>(constant.getValue())));
  }
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
struct PrepareKernels : public qopt::impl::PrepareKernelsBase<PrepareKernels> {
  using PrepareKernelsBase::PrepareKernelsBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    registerKernelDialects(registry);
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<func::FuncOp> entry = findEntry(module, this->entry);
    if (failed(entry) || failed(prepare(module, *entry)))
      signalPassFailure();
  }

private:
  LogicalResult prepare(ModuleOp module, func::FuncOp entry);
  LogicalResult inlineCalls(ModuleOp module) {
    OpPassManager manager(ModuleOp::getOperationName());
    manager.addPass(createInlinerPass());
    return runPipeline(manager, module);
  }
  LogicalResult simplify(ModuleOp module) {
    OpPassManager manager(ModuleOp::getOperationName());
    OpPassManager &functions = manager.nest<func::FuncOp>();
    functions.addPass(createCanonicalizerPass());
    functions.addPass(createCSEPass());
    return runPipeline(manager, module);
  }
};
} // namespace

/// ceildiv and floordiv into operations that have instructions.
static LogicalResult expandDivisions(func::FuncOp entry) {
  RewritePatternSet patterns(entry.getContext());
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  return applyPatternsGreedily(entry, std::move(patterns));
}

LogicalResult PrepareKernels::prepare(ModuleOp module, func::FuncOp entry) {
  if (failed(inlineCalls(module)) ||
      failed(eraseOtherFunctions(module, entry)) ||
      failed(verifySignature(entry)))
    return failure();
  dropFastMath(entry);
  unrollLoops(entry);
  if (failed(generalizeOps(entry, kNoKernel)))
    return failure();
  markOrderedSums(entry);
  if (failed(simplify(module)) || failed(verifyStaticShapes(entry, kNoKernel)))
    return failure();
  expandOrderedSums(entry);
  entry.walk([](linalg::GenericOp op) {
    if (op.getNumReductionLoops() != 0)
      foldMovements(op);
  });
  if (failed(fuseElementwise(entry, /*recomputeIndices=*/true)) ||
      failed(lowerTensorOps(entry)) || failed(simplifyMovement(entry)))
    return failure();
  fillInitialTensors(entry);
  expandMath(entry);
  if (failed(expandDivisions(entry)) || failed(simplify(module)) ||
      failed(verifyStaticShapes(entry, kNoKernel)))
    return failure();

  unsigned numInputs = entry.getNumArguments();
  if (failed(returnThroughArguments(entry)))
    return failure();
  Builder builder(&getContext());
  for (unsigned i = 0; i < entry.getNumArguments(); ++i) {
    bool isInput = i < numInputs;
    entry.setArgAttr(i, kArgumentKindAttr,
                     builder.getStringAttr(isInput ? "input" : "output"));
    if (isInput)
      entry.setArgAttr(i, "bufferization.writable", builder.getBoolAttr(false));
  }
  return success();
}

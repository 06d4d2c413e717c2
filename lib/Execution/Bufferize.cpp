//===- Bufferize.cpp - From tensors to buffers -----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Upstream's one-shot bufferization, set up for functions whose results are
// buffers given by the caller, and a rewrite of loop-carried buffers so that
// memory can be planned statically.
//
//===----------------------------------------------------------------------===//
#include "CpuCompiler.h"

#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

/// A copy of its own for each use of `op`.
static void cloneForUses(Operation *op) {
  for (OpOperand &use : llvm::make_early_inc_range(op->getUses())) {
    OpBuilder builder(use.getOwner());
    use.set(builder.clone(*op)->getResult(0));
  }
  op->erase();
}

/// Copies a computed tensor that an op overwrites if others read it, too.
/// Eliminating the empty tensor behind it for a result of the function would
/// otherwise make that result's memory hold both, one after the other.
static void copySharedDestinations(ModuleOp module) {
  SmallVector<OpOperand *> shared;
  module.walk([&](DestinationStyleOpInterface op) {
    for (OpOperand &destination : op.getDpsInitsMutable()) {
      Operation *producer = destination.get().getDefiningOp();
      if (isa_and_nonnull<DestinationStyleOpInterface>(producer) &&
          isa<RankedTensorType>(destination.get().getType()) &&
          !destination.get().hasOneUse())
        shared.push_back(&destination);
    }
  });
  for (OpOperand *destination : shared) {
    OpBuilder builder(destination->getOwner());
    Value tensor = destination->get();
    destination->set(bufferization::AllocTensorOp::create(
        builder, tensor.getLoc(), cast<RankedTensorType>(tensor.getType()),
        /*dynamicSizes=*/ValueRange(), /*copy=*/tensor));
  }
}

void mlir::qopt::separateInitialTensors(ModuleOp module) {
  SmallVector<Operation *> fills, empties;
  module.walk([&](linalg::FillOp op) { fills.push_back(op); });
  llvm::for_each(fills, cloneForUses);
  module.walk([&](tensor::EmptyOp op) { empties.push_back(op); });
  llvm::for_each(empties, cloneForUses);
  copySharedDestinations(module);
}

void mlir::qopt::addBufferizationPasses(OpPassManager &manager) {
  manager.addPass(bufferization::createEmptyTensorEliminationPass());
  bufferization::OneShotBufferizePassOptions options;
  options.allowReturnAllocsFromLoops = true;
  options.bufferizeFunctionBoundaries = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  manager.addPass(bufferization::createOneShotBufferizePass(options));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createCanonicalizerPass()); // Copies of a view to itself.
}

LogicalResult cpu::bufferize(ModuleOp module) {
  separateInitialTensors(module);
  PassManager manager(module.getContext());
  manager.enableVerifier(false);
  addBufferizationPasses(manager);
  return manager.run(module);
}

//===----------------------------------------------------------------------===//
// Loop-carried buffers
//===----------------------------------------------------------------------===//

/// for iter(%b = %init) { ...; yield %new } →
///   %buf = alloc; copy %init, %buf
///   for { ...; copy %new, %buf }    with %buf for %b and for the result.
/// Values carried by other buffers of the loop go through temporaries, since
/// all carried values change at once.
static void localizeLoop(scf::ForOp loop) {
  OpBuilder builder(loop);
  Location loc = loop.getLoc();
  auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());

  auto makeBuffer = [&](MemRefType type) -> Value {
    return memref::AllocOp::create(
        builder, loc, MemRefType::get(type.getShape(), type.getElementType()));
  };
  struct Carried {
    unsigned index;
    Value buffer;
    Value yielded;
  };
  SmallVector<Carried> carried;
  for (auto [i, arg] : llvm::enumerate(loop.getRegionIterArgs())) {
    auto type = dyn_cast<MemRefType>(arg.getType());
    if (!type || yield.getOperand(i) == arg)
      continue;
    builder.setInsertionPoint(loop);
    Value buffer = makeBuffer(type);
    memref::CopyOp::create(builder, loc, loop.getInitArgs()[i], buffer);
    Value view = buffer;
    if (buffer.getType() != type)
      view = memref::CastOp::create(builder, loc, type, buffer);
    arg.replaceAllUsesWith(view);
    loop.getResult(i).replaceAllUsesWith(view);
    loop.getInitArgsMutable()[i].assign(view);
    carried.push_back({static_cast<unsigned>(i), buffer, Value()});
  }
  builder.setInsertionPoint(yield);
  for (Carried &c : carried) {
    c.yielded = yield.getOperand(c.index);
    if (carried.size() > 1) {
      Value copy = makeBuffer(cast<MemRefType>(c.yielded.getType()));
      memref::CopyOp::create(builder, loc, c.yielded, copy);
      c.yielded = copy;
    }
  }
  for (Carried &c : carried) {
    memref::CopyOp::create(builder, loc, c.yielded, c.buffer);
    yield.setOperand(c.index, loop.getRegionIterArg(c.index));
  }
}

void cpu::localizeLoopBuffers(func::FuncOp entry) {
  SmallVector<scf::ForOp> loops;
  entry.walk([&](scf::ForOp loop) { loops.push_back(loop); });
  for (scf::ForOp loop : loops)
    localizeLoop(loop);
}

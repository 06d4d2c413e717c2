//===- OrderedSum.cpp - Sums of floats in a fixed order --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/OrderedSum.h"

#include "QuantOpt/Analysis/MulAdd.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace mlir::qopt;

/// The addition that makes result `index`, which is `out + e`; null if it is
/// made in another way.
static arith::AddFOp getAddition(linalg::LinalgOp op, unsigned index) {
  Block *body = op.getBlock();
  auto add =
      body->getTerminator()->getOperand(index).getDefiningOp<arith::AddFOp>();
  BlockArgument out = op.getRegionOutputArgs()[index];
  if (!add || add->getBlock() != body || !add.getType().isF32() ||
      !out.hasOneUse() || *out.user_begin() != add || !add->hasOneUse())
    return nullptr;
  return add;
}

/// `value` depends on an output's running value.
static bool dependsOnOutputs(linalg::LinalgOp op, Value value) {
  SmallVector<Value> worklist = {value};
  DenseSet<Value> seen;
  while (!worklist.empty()) {
    Value next = worklist.pop_back_val();
    if (!seen.insert(next).second)
      continue;
    if (llvm::is_contained(op.getRegionOutputArgs(), next))
      return true;
    Operation *definition = next.getDefiningOp();
    if (!definition || !op->isAncestor(definition))
      continue;
    definition->walk([&](Operation *inner) {
      llvm::append_range(worklist, inner->getOperands());
    });
  }
  return false;
}

bool mlir::qopt::isOrderedSum(linalg::LinalgOp op, unsigned index) {
  if (op.getNumReductionLoops() == 0 || matchMulAdd(op))
    return false;
  arith::AddFOp add = getAddition(op, index);
  if (!add)
    return false;
  BlockArgument out = op.getRegionOutputArgs()[index];
  Value element = add.getLhs() == out ? add.getRhs() : add.getLhs();
  return !dependsOnOutputs(op, element);
}

/// Result `index` of `op` as an op of its own.
static linalg::GenericOp extractResult(linalg::GenericOp op, unsigned index) {
  OpBuilder builder(op);
  SmallVector<AffineMap> maps;
  for (OpOperand *input : op.getDpsInputOperands())
    maps.push_back(op.getMatchingIndexingMap(input));
  OpOperand &init = op.getDpsInitsMutable()[index];
  maps.push_back(op.getMatchingIndexingMap(&init));
  return linalg::GenericOp::create(
      builder, op.getLoc(), op.getResult(index).getType(), op.getInputs(),
      init.get(), maps, op.getIteratorTypesArray(),
      [&](OpBuilder &b, Location loc, ValueRange args) {
        IRMapping mapping;
        unsigned numInputs = op.getNumDpsInputs();
        for (unsigned i = 0; i < numInputs; ++i)
          mapping.map(op.getBody()->getArgument(i), args[i]);
        mapping.map(op.getBody()->getArgument(numInputs + index), args.back());
        // Only what the result needs: others may use other running values.
        llvm::SetVector<Operation *> slice;
        BackwardSliceOptions options;
        options.inclusive = true;
        options.omitBlockArguments = true;
        options.filter = [&](Operation *inner) {
          return inner->getBlock() == op.getBody();
        };
        Value yielded = op.getBody()->getTerminator()->getOperand(index);
        (void)getBackwardSlice(yielded, &slice, options);
        for (Operation &inner : op.getBody()->without_terminator())
          if (slice.contains(&inner))
            b.clone(inner, mapping);
        linalg::YieldOp::create(b, loc, mapping.lookupOrDefault(yielded));
      });
}

/// Makes each sum among several results an op of its own.
static void splitSums(linalg::GenericOp op) {
  SmallVector<unsigned> sums;
  for (unsigned i = 0; i < op->getNumResults(); ++i)
    if (isOrderedSum(op, i))
      sums.push_back(i);
  for (unsigned index : sums)
    op.getResult(index).replaceAllUsesWith(
        extractResult(op, index).getResult(0));
}

void mlir::qopt::markOrderedSums(func::FuncOp entry) {
  SmallVector<linalg::GenericOp> several;
  entry.walk([&](linalg::GenericOp op) {
    if (op->getNumResults() > 1)
      several.push_back(op);
  });
  // What remains of these is cleaned up with other unused results.
  llvm::for_each(several, splitSums);
  entry.walk([](linalg::LinalgOp op) {
    if (op->getNumResults() == 1 && isOrderedSum(op, 0))
      getAddition(op, 0)->setAttr(kOrderedSumAttr,
                                  UnitAttr::get(op.getContext()));
  });
}

bool mlir::qopt::isMarkedSum(linalg::LinalgOp op) {
  if (op.getNumReductionLoops() == 0 || op.getNumDpsInits() != 1)
    return false;
  auto add = op.getBlock()
                 ->getTerminator()
                 ->getOperand(0)
                 .getDefiningOp<arith::AddFOp>();
  return add && add->hasAttr(kOrderedSumAttr);
}

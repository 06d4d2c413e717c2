//===- SameScale.cpp - Ops that pass integers on as they are --------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Movement of one tensor is Quantizable.h's business; here are the ops that put
// elements of several tensors into one, which works on integers only where all
// have one type.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/ScaleAnalysis.h"

#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Analysis/Quantizable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

/// The operands that `generic` copies elements of: its body yields one of them,
/// or chooses among those of one index by `select`, `maximumf` or `minimumf`.
/// None where it computes, or clamps to constants.
static SmallVector<OpOperand *> getCopiedOperands(linalg::GenericOp generic) {
  if (!isElementwise(generic) || matchClamp(generic))
    return {};
  SmallVector<Value> pending = {
      generic.getBody()->getTerminator()->getOperand(0)};
  SmallVector<OpOperand *> copied;
  for (size_t i = 0; i < pending.size(); ++i) {
    if (auto arg = dyn_cast<BlockArgument>(pending[i])) {
      if (arg.getOwner() != generic.getBody())
        return {};
      copied.push_back(generic.getMatchingOpOperand(arg));
      continue;
    }
    Operation *op = pending[i].getDefiningOp();
    if (!op || op->getBlock() != generic.getBody())
      return {};
    if (auto select = dyn_cast<arith::SelectOp>(op))
      pending.append({select.getTrueValue(), select.getFalseValue()});
    else if (isa<arith::MaximumFOp, arith::MaxNumFOp, arith::MinimumFOp,
                 arith::MinNumFOp>(op))
      pending.append({op->getOperand(0), op->getOperand(1)});
    else
      return {};
  }
  bool oneIndex = llvm::all_of(copied, [&](OpOperand *operand) {
    return generic.getMatchingIndexingMap(operand).isIdentity();
  });
  if (copied.size() > 1 && !oneIndex)
    return {};
  return copied;
}

/// Around a loop, the initial value, the argument of the body, the yielded
/// value and the result are one tensor.
static void addLoop(scf::ForOp loop, SmallVectorImpl<SameScaleOp> &result) {
  auto yield = cast<scf::YieldOp>(loop.getBody()->getTerminator());
  for (unsigned i = 0, e = loop.getNumRegionIterArgs(); i < e; ++i) {
    SmallVector<OpOperand *> sources = {&loop.getInitArgsMutable()[i],
                                        &yield->getOpOperand(i)};
    result.push_back({loop, sources, loop.getRegionIterArg(i)});
    result.push_back({loop, sources, loop.getResult(i)});
  }
}

SmallVector<SameScaleOp> mlir::qopt::getSameScale(Operation *op) {
  SmallVector<SameScaleOp> result;
  auto add = [&](SmallVector<OpOperand *> operands) {
    if (!operands.empty())
      result.push_back({op, std::move(operands), op->getResult(0)});
  };
  if (OpOperand *moved = getMovedOperand(op)) {
    add({moved});
  } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op)) {
    add({&slice.getSourceMutable()});
  } else if (auto slice = dyn_cast<tensor::InsertSliceOp>(op)) {
    add({&slice.getSourceMutable(), &slice.getDestMutable()});
  } else if (isa<tensor::ConcatOp>(op)) {
    add(llvm::map_to_vector(op->getOpOperands(),
                            [](OpOperand &operand) { return &operand; }));
  } else if (isa<linalg::MaxOp, linalg::MinOp>(op)) {
    add({&op->getOpOperand(0), &op->getOpOperand(1)});
  } else if (isa<linalg::BroadcastOp>(op)) {
    add({&op->getOpOperand(0)});
  } else if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    add(getCopiedOperands(generic));
  } else if (auto loop = dyn_cast<scf::ForOp>(op)) {
    addLoop(loop, result);
  } else if (auto branch = dyn_cast<scf::IfOp>(op);
             branch && branch.elseBlock()) {
    for (OpResult value : branch.getResults()) {
      unsigned i = value.getResultNumber();
      result.push_back({op,
                        {&branch.thenYield()->getOpOperand(i),
                         &branch.elseYield()->getOpOperand(i)},
                        value});
    }
  }
  return result;
}

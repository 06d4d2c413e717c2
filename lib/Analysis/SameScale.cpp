//===- SameScale.cpp - Ops that pass integers on as they are --------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Movement of one tensor is Movement.h's business; here are the ops that put
// elements of several tensors into one, which works on integers only where all
// have one type.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/ScaleAnalysis.h"

#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Analysis/Movement.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

/// The operands that `generic` takes elements of: its body chooses among those
/// of one index by `select`, `maximumf` or `minimumf`. None where it computes,
/// or clamps to constants.
static SmallVector<OpOperand *> getSelectedOperands(linalg::GenericOp generic) {
  if (!isElementwise(generic) || matchClamp(generic))
    return {};
  SmallVector<Value> pending = {
      generic.getBody()->getTerminator()->getOperand(0)};
  SmallVector<OpOperand *> selected;
  for (size_t i = 0; i < pending.size(); ++i) {
    if (auto arg = dyn_cast<BlockArgument>(pending[i])) {
      if (arg.getOwner() != generic.getBody())
        return {};
      selected.push_back(generic.getMatchingOpOperand(arg));
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
  bool oneIndex = llvm::all_of(selected, [&](OpOperand *operand) {
    return generic.getMatchingIndexingMap(operand).isIdentity();
  });
  return oneIndex ? selected : SmallVector<OpOperand *>();
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
  OpOperand *moved = op->getNumResults() == 1 ? getMovedOperand(op) : nullptr;
  if (moved) {
    add({moved});
  } else if (SmallVector<OpOperand *> joined = getJoinedOperands(op);
             !joined.empty()) {
    add(std::move(joined));
  } else if (isa<linalg::MaxOp, linalg::MinOp>(op)) {
    add({&op->getOpOperand(0), &op->getOpOperand(1)});
  } else if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    add(getSelectedOperands(generic));
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

//===- ValueRelations.cpp - What a scalar is made of ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ValueRelations.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

/// The tensor whose elements `value` only moves or repeats.
static Value skipMovement(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp>(
            op)) {
      value = op->getOperand(0);
      continue;
    }
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    if (!linalgOp || linalgOp.getNumReductionLoops() != 0)
      break;
    auto argument = dyn_cast<BlockArgument>(
        linalgOp.getBlock()->getTerminator()->getOperand(0));
    if (!argument || argument.getOwner() != linalgOp.getBlock() ||
        argument.getArgNumber() >= linalgOp.getNumDpsInputs())
      break;
    value = linalgOp.getDpsInputs()[argument.getArgNumber()];
  }
  return value;
}

Value mlir::qopt::getTensor(Value value, linalg::LinalgOp owner) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!owner || !argument || argument.getOwner() != owner.getBlock())
    return nullptr;
  return owner->getOperand(argument.getArgNumber());
}

std::pair<Operation *, Value> mlir::qopt::matchCombiner(linalg::LinalgOp op,
                                                        unsigned result) {
  Block *body = op.getBlock();
  Value accumulator = body->getArgument(op.getNumDpsInputs() + result);
  Operation *combiner =
      body->getTerminator()->getOperand(result).getDefiningOp();
  if (!combiner || combiner->getNumOperands() != 2)
    return {};
  for (unsigned i : {0, 1})
    if (combiner->getOperand(i) == accumulator)
      return {combiner, combiner->getOperand(1 - i)};
  return {};
}

namespace {
/// A tensor that a reduction made, seen through movement.
struct Reduction {
  linalg::LinalgOp op;
  Operation *combiner = nullptr;
  Value element;
};
} // namespace

static Reduction matchReduction(Value value) {
  auto result = dyn_cast_or_null<OpResult>(value ? skipMovement(value) : value);
  auto op = result ? dyn_cast<linalg::LinalgOp>(result.getOwner())
                   : linalg::LinalgOp();
  if (!op || op.getNumReductionLoops() == 0)
    return {};
  auto [combiner, element] = matchCombiner(op, result.getResultNumber());
  return {op, combiner, element};
}

bool mlir::qopt::isMaximum(Operation *op) {
  return isa_and_nonnull<arith::MaximumFOp, arith::MaxNumFOp>(op);
}

bool mlir::qopt::subtractsMaximum(Operation *op, linalg::LinalgOp owner) {
  Reduction maxima = matchReduction(getTensor(op->getOperand(1), owner));
  if (!isMaximum(maxima.combiner))
    return false;
  for (Value source : maxima.op.getDpsInputs())
    for (Value input : owner.getDpsInputs())
      if (skipMovement(source) == skipMovement(input))
        return true;
  return false;
}

bool mlir::qopt::dividesBySum(Operation *op, linalg::LinalgOp owner) {
  Value numerator = getTensor(op->getOperand(0), owner);
  Reduction sums = matchReduction(getTensor(op->getOperand(1), owner));
  if (!numerator || !isa_and_nonnull<arith::AddFOp>(sums.combiner))
    return false;
  Value summed = getTensor(sums.element, sums.op);
  return summed && skipMovement(summed) == skipMovement(numerator);
}

bool mlir::qopt::isSquare(Operation *op, linalg::LinalgOp owner) {
  Value lhs = op->getOperand(0), rhs = op->getOperand(1);
  if (lhs == rhs)
    return true;
  Value tensor = getTensor(lhs, owner);
  return tensor && tensor == getTensor(rhs, owner) &&
         owner.getMatchingIndexingMap(
             &owner->getOpOperand(cast<BlockArgument>(lhs).getArgNumber())) ==
             owner.getMatchingIndexingMap(
                 &owner->getOpOperand(cast<BlockArgument>(rhs).getArgNumber()));
}

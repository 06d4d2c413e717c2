//===- Movement.cpp - Ops that move elements without computing ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Movement.h"

#include "QuantOpt/Analysis/Elementwise.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <cfloat>
#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

bool mlir::qopt::isCopy(linalg::GenericOp op) {
  if (!isElementwise(op) || op.getNumDpsInputs() != 1)
    return false;
  Block *body = op.getBody();
  return body->getTerminator()->getOperand(0) == body->getArgument(0);
}

tensor::ExtractOp mlir::qopt::getGatherExtract(linalg::GenericOp op) {
  if (!isElementwise(op))
    return nullptr;
  auto extract = op.getBody()
                     ->getTerminator()
                     ->getOperand(0)
                     .getDefiningOp<tensor::ExtractOp>();
  if (!extract || extract->getBlock() != op.getBody() ||
      op->isAncestor(extract.getTensor().getParentBlock()->getParentOp()))
    return nullptr;
  // One reader: the same tensor may serve to compute indices.
  for (Operation &inner : op.getBody()->without_terminator())
    if (&inner != extract &&
        llvm::is_contained(inner.getOperands(), extract.getTensor()))
      return nullptr;
  return extract;
}

static bool isZero(Value value) {
  std::optional<double> c = value ? getConstantScalar(value) : std::nullopt;
  return c && *c == 0.0;
}

/// A tensor of zeros.
static bool isZeroTensor(Value value) {
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    return isZero(fill.getInputs()[0]);
  return isZero(value);
}

/// True if `value` is a fill with -inf or the lowest finite value: what a max
/// pool starts from.
static bool isLowest(Value value) {
  std::optional<double> c = value ? getConstantScalar(value) : std::nullopt;
  return c && (*c == -INFINITY || *c == -FLT_MAX);
}

/// True if no window of a pool lies in padding alone.
static bool isPaddedLessThanWindow(tensor::PadOp pad,
                                   ArrayRef<int64_t> window) {
  if (!pad.getLow().empty() || !pad.getHigh().empty())
    return false;
  for (auto [i, size] : llvm::enumerate(window))
    if (pad.getStaticLow()[i + 1] >= size || pad.getStaticHigh()[i + 1] >= size)
      return false;
  return true;
}

/// A max pool picks among values of one scale, so it works on integers as it
/// is. Padding with -inf in front of it belongs to it: no window sees only
/// padding, and the lowest integer never wins over a value.
static OpOperand *getPooledOperand(linalg::LinalgOp pool) {
  if (!pool.hasPureTensorSemantics())
    return nullptr;
  auto fill = pool.getDpsInitOperand(0)->get().getDefiningOp<linalg::FillOp>();
  if (!fill || !isLowest(fill.getInputs()[0]))
    return nullptr;
  OpOperand *input = pool.getDpsInputOperand(0);
  auto pad = input->get().getDefiningOp<tensor::PadOp>();
  if (!pad || !isLowest(pad.getConstantPaddingValue()))
    return input;
  ArrayRef<int64_t> window =
      cast<RankedTensorType>(pool.getDpsInputOperand(1)->get().getType())
          .getShape();
  return isPaddedLessThanWindow(pad, window) ? &pad.getSourceMutable()
                                             : nullptr;
}

OpOperand *mlir::qopt::getMovedOperand(Operation *op) {
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
          tensor::ExtractSliceOp, linalg::TransposeOp, linalg::BroadcastOp>(op))
    return &op->getOpOperand(0);
  if (isa<linalg::PoolingNhwcMaxOp, linalg::PoolingNwcMaxOp>(op))
    return getPooledOperand(cast<linalg::LinalgOp>(op));
  if (auto generic = dyn_cast<linalg::GenericOp>(op)) {
    if (isCopy(generic))
      return generic.getDpsInputOperand(0);
    if (tensor::ExtractOp extract = getGatherExtract(generic))
      return &extract.getTensorMutable();
    return nullptr;
  }
  // A slice put into zeros: what a transposed convolution starts with.
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return isZeroTensor(insert.getDest()) ? &insert.getSourceMutable()
                                          : nullptr;
  // Zero is exact in every storage kind, so padding with it commutes.
  if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    if (isZero(pad.getConstantPaddingValue()) &&
        pad.getResult().getType().hasStaticShape())
      return &op->getOpOperand(0);
  }
  return nullptr;
}

Operation *mlir::qopt::getMover(OpOperand &use) {
  Operation *op = use.getOwner();
  if (isa<tensor::ExtractOp>(op))
    op = op->getParentOp();
  return getMovedOperand(op) == &use ? op : nullptr;
}

Value mlir::qopt::getMovementSource(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    OpOperand *moved = op->getNumResults() == 1 ? getMovedOperand(op) : nullptr;
    if (!moved)
      break;
    value = moved->get();
  }
  return value;
}

SmallVector<OpOperand *> mlir::qopt::getReadersBehindMovement(Value value) {
  SmallVector<OpOperand *> readers;
  SmallVector<Value> values = {value};
  for (size_t i = 0; i < values.size(); ++i)
    for (OpOperand &use : values[i].getUses()) {
      if (Operation *mover = getMover(use))
        values.push_back(mover->getResult(0));
      else
        readers.push_back(&use);
    }
  return readers;
}

SmallVector<OpOperand *> mlir::qopt::getJoinedOperands(Operation *op) {
  SmallVector<OpOperand *> operands;
  if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
    for (OpOperand &operand : concat->getOpOperands())
      operands.push_back(&operand);
  } else if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
    operands = {&insert.getSourceMutable(), &insert.getDestMutable()};
  }
  return operands;
}

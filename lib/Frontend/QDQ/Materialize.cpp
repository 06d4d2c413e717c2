//===- Materialize.cpp - Values inside of bodies as tensors -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Materialize.h"

#include "MatchQDQ.h"
#include "QuantOpt/Analysis/Elementwise.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

/// Erases what nothing reads in a body, readers first.
static void eraseDeadOps(Block *body) {
  SmallVector<Operation *> ops;
  for (Operation &inner : body->without_terminator())
    ops.push_back(&inner);
  for (Operation *inner : llvm::reverse(ops))
    if (isOpTriviallyDead(inner))
      inner->erase();
}

Value mlir::qopt::materialize(Scalar scalar) {
  linalg::GenericOp op = scalar.op;
  if (scalar.value == getYielded(op).value)
    return op.getResult(0);
  if (auto arg = dyn_cast<BlockArgument>(scalar.value)) {
    OpOperand &operand = op->getOpOperand(arg.getArgNumber());
    if (op.getMatchingIndexingMap(&operand).isIdentity())
      return operand.get();
  }
  OpBuilder builder(op);
  auto type = cast<RankedTensorType>(op.getResult(0).getType())
                  .clone(scalar.value.getType());
  Value empty = tensor::EmptyOp::create(builder, op.getLoc(), type.getShape(),
                                        type.getElementType());
  auto part = linalg::GenericOp::create(
      builder, op.getLoc(), TypeRange{type}, op.getInputs(), ValueRange{empty},
      op.getIndexingMapsArray(), op.getIteratorTypesArray());
  IRMapping mapping;
  op.getRegion().cloneInto(&part.getRegion(), mapping);
  Block *body = part.getBody();
  // Nothing reads the init of an elementwise op.
  body->getArguments().back().setType(type.getElementType());
  body->getTerminator()->setOperand(0, mapping.lookup(scalar.value));
  eraseDeadOps(body);
  return part.getResult(0);
}

/// `op` reads the value of its body as the result of another generic.
static void split(linalg::GenericOp op, Value value) {
  Value tensor = materialize({op, value});
  unsigned position = op.getNumDpsInputs();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  maps.insert(maps.begin() + position, AffineMap::getMultiDimIdentityMap(
                                           op.getNumLoops(), op.getContext()));
  op.getInputsMutable().append(tensor);
  op.setIndexingMapsAttr(Builder(op.getContext()).getAffineMapArrayAttr(maps));
  BlockArgument arg =
      op.getBody()->insertArgument(position, value.getType(), value.getLoc());
  value.replaceAllUsesWith(arg);
  eraseDeadOps(op.getBody());
}

/// True if `value` is the end of a quantize or dequantize of 8 or 16 bits. (32
/// bits are accumulators, or on their way to 8.)
static bool isEnd(linalg::GenericOp op, Value value) {
  constexpr unsigned kMaxBits = 16;
  if (value.getType().isInteger())
    return value.getType().getIntOrFloatBitWidth() <= kMaxBits &&
           matchQuantize({op, value});
  std::optional<DequantizeMatch> match = matchDequantize({op, value});
  if (!match)
    return false;
  if (match->isFake)
    return matchQuantize(match->input, /*fake=*/true).has_value();
  return match->input.value.getType().getIntOrFloatBitWidth() <= kMaxBits;
}

void mlir::qopt::isolateQDQ(Operation *root) {
  SmallVector<linalg::GenericOp> fused;
  root->walk([&](linalg::GenericOp op) {
    if (isElementwise(op) && !llvm::hasSingleElement(*op.getBody()))
      fused.push_back(op);
  });
  for (linalg::GenericOp op : fused) {
    // What the split leaves behind is looked at again.
    bool changed = true;
    while (changed) {
      changed = false;
      for (Operation &inner : op.getBody()->without_terminator()) {
        Value value = inner.getNumResults() == 1 ? inner.getResult(0) : Value();
        if (!value || value == getYielded(op).value || !isEnd(op, value))
          continue;
        split(op, value);
        changed = true;
        break;
      }
    }
  }
}

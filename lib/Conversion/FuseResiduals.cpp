//===- FuseResiduals.cpp - Residual additions by fma ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/ElementwiseGroups.h"
#include "QuantOpt/Conversion/Epilogue.h"
#include "QuantOpt/Conversion/IntegerLowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// Which float values come from an i32 accumulator through elementwise ops.
class Accumulated {
public:
  /// Of a tensor.
  bool contains(Value tensor) {
    auto [it, isNew] = known.try_emplace(tensor, false);
    if (!isNew)
      return it->second;
    auto op = tensor.getDefiningOp<linalg::GenericOp>();
    bool result = op && isGroupable(op) &&
                  getElementTypeOrSelf(tensor.getType()).isF32() &&
                  containsScalar(op.getBody()->getTerminator()->getOperand(0));
    known[tensor] = result;
    return result;
  }

  /// Of a value in the body of a groupable generic.
  bool containsScalar(Value scalar) {
    if (auto arg = dyn_cast<BlockArgument>(scalar)) {
      // Captured scalars of functions and loops are none.
      auto op = dyn_cast<linalg::GenericOp>(arg.getOwner()->getParentOp());
      return op && contains(op->getOperand(arg.getArgNumber()));
    }
    Operation *op = scalar.getDefiningOp();
    if (!op->getParentOfType<linalg::GenericOp>())
      return false;
    // What ends every accumulator in real units.
    if (auto fma = dyn_cast<math::FmaOp>(op)) {
      auto acc = fma.getA().getDefiningOp<arith::SIToFPOp>();
      if (acc && acc.getIn().getType().isInteger(32) &&
          !acc.getIn().getDefiningOp<arith::ExtSIOp>() &&
          !acc.getIn().getDefiningOp<arith::ExtUIOp>())
        return true;
    }
    return llvm::any_of(op->getOperands(), [&](Value operand) {
      return operand.getType().isF32() && containsScalar(operand);
    });
  }

private:
  DenseMap<Value, bool> known;
};
} // namespace

/// The additions of argument `arg` of a body and an accumulated value.
static SmallVector<arith::AddFOp> findAdditions(BlockArgument arg,
                                                Accumulated &accumulated) {
  SmallVector<arith::AddFOp> additions;
  for (Operation *user : arg.getUsers()) {
    auto add = dyn_cast<arith::AddFOp>(user);
    if (!add || add.getLhs() == add.getRhs())
      continue;
    Value other = add.getLhs() == arg ? add.getRhs() : add.getLhs();
    if (accumulated.containsScalar(other))
      additions.push_back(add);
  }
  return additions;
}

static void fuse(linalg::GenericOp op, OpOperand &operand,
                 quant::DequantizeCastOp dequantize, Accumulated &accumulated) {
  BlockArgument arg = op.getBody()->getArgument(operand.getOperandNumber());
  SmallVector<arith::AddFOp> additions = findAdditions(arg, accumulated);
  if (additions.empty())
    return;
  FailureOr<QuantizedParameters> type =
      QuantizedParameters::get(getUniformType(dequantize));
  OpBuilder builder(op);
  Location loc = op.getLoc();
  operand.set(
      buildDistance(builder, loc, getStorage(builder, dequantize), *type));
  builder.setInsertionPointToStart(op.getBody());
  Value scale = arith::ConstantOp::create(
      builder, loc, builder.getF32FloatAttr(type->scales.front()));
  for (arith::AddFOp add : additions) {
    builder.setInsertionPoint(add);
    Value other = add.getLhs() == arg ? add.getRhs() : add.getLhs();
    add.replaceAllUsesWith(
        math::FmaOp::create(builder, add.getLoc(), arg, scale, other)
            .getResult());
    add.erase();
  }
  // Other readers want the real value.
  SmallVector<OpOperand *> others;
  for (OpOperand &use : arg.getUses())
    if (!isa<math::FmaOp>(use.getOwner()))
      others.push_back(&use);
  if (others.empty())
    return;
  builder.setInsertionPointAfterValue(scale);
  Value real = arith::MulFOp::create(builder, loc, arg, scale);
  for (OpOperand *use : others)
    use->set(real);
}

void mlir::qopt::fuseResiduals(ModuleOp module) {
  Accumulated accumulated;
  SmallVector<quant::DequantizeCastOp> casts;
  module.walk([&](quant::DequantizeCastOp op) {
    if (getUniformType(op))
      casts.push_back(op);
  });
  for (quant::DequantizeCastOp cast : casts) {
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : cast->getUses())
      uses.push_back(&use);
    for (OpOperand *use : uses) {
      auto op = dyn_cast<linalg::GenericOp>(use->getOwner());
      if (op && isGroupable(op) && use != op.getDpsInitOperand(0))
        fuse(op, *use, cast, accumulated);
    }
  }
}

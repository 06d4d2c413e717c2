//===- NarrowOps.cpp - Ops on 16-bit floats --------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What ops do with elements, and the same ops on elements of another type.
//
//===----------------------------------------------------------------------===//
#include "NarrowTensors.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::qopt;

bool mlir::qopt::isF32Tensor(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getElementType().isF32() && type.hasStaticShape();
}

Value mlir::qopt::convertScalar(OpBuilder &builder, Location loc, Value value,
                                Type type) {
  if (value.getType() == type)
    return value;
  if (value.getType().isF32())
    return arith::TruncFOp::create(builder, loc, type, value);
  return arith::ExtFOp::create(builder, loc, type, value);
}

Value mlir::qopt::convertTensor(OpBuilder &builder, Location loc, Value tensor,
                                FloatType type) {
  auto shape = cast<RankedTensorType>(tensor.getType());
  Value empty = tensor::EmptyOp::create(builder, loc, shape.getShape(), type);
  SmallVector<AffineMap> maps(2,
                              builder.getMultiDimIdentityMap(shape.getRank()));
  SmallVector<utils::IteratorType> parallel(shape.getRank(),
                                            utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, empty.getType(), tensor, empty, maps, parallel,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               linalg::YieldOp::create(b, loc,
                                       convertScalar(b, loc, args[0], type));
             })
      .getResult(0);
}

/// Ops that only place elements of tensors of one type, and which operands
/// those are; empty for others.
SmallVector<Value> mlir::qopt::getMoved(Operation *op) {
  if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp,
          tensor::ExtractSliceOp>(op))
    return {op->getOperand(0)};
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    if (Value padding = pad.getConstantPaddingValue();
        padding && matchPattern(padding, m_Constant()))
      return {pad.getSource()};
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    return llvm::to_vector(concat.getInputs());
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return {insert.getSource(), insert.getDest()};
  return {};
}

Value mlir::qopt::getCopied(linalg::LinalgOp op) {
  Block *body = op.getBlock();
  auto argument = dyn_cast<BlockArgument>(body->getTerminator()->getOperand(0));
  if (op.getNumReductionLoops() || op->getNumResults() != 1 || !argument ||
      argument.getOwner() != body ||
      argument.getArgNumber() >= op.getNumDpsInputs())
    return nullptr;
  return op.getDpsInputs()[argument.getArgNumber()];
}

bool mlir::qopt::isExtension(linalg::GenericOp op, FloatType type) {
  if (op.getNumDpsInputs() != 1 || op->getNumResults() != 1 ||
      !isF32Tensor(op.getResult(0)) ||
      !llvm::all_of(op.getIndexingMapsArray(),
                    [](AffineMap map) { return map.isIdentity(); }))
    return false;
  auto extension = op.getBody()
                       ->getTerminator()
                       ->getOperand(0)
                       .getDefiningOp<arith::ExtFOp>();
  return extension && extension.getIn() == op.getBody()->getArgument(0) &&
         extension.getIn().getType() == type;
}

linalg::GenericOp mlir::qopt::rebuildNarrow(linalg::LinalgOp op,
                                            ArrayRef<Value> inputs,
                                            ArrayRef<bool> isNarrow,
                                            FloatType type) {
  OpBuilder builder(op);
  Location loc = op.getLoc();
  SmallVector<Value> inits(op.getDpsInits());
  for (auto [init, narrow] : llvm::zip(inits, isNarrow))
    if (narrow)
      init = tensor::EmptyOp::create(
          builder, loc, cast<RankedTensorType>(init.getType()).getShape(),
          type);
  auto result = linalg::GenericOp::create(
      builder, loc, TypeRange(ValueRange(inits)), inputs, inits,
      op.getIndexingMapsArray(), op.getIteratorTypesArray());
  result->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  IRMapping mapping;
  op->getRegion(0).cloneInto(&result.getRegion(), mapping);

  Block *body = result.getBody();
  builder.setInsertionPointToStart(body);
  for (auto [argument, operand] :
       llvm::zip(body->getArguments(), result->getOperands())) {
    Type element = getElementTypeOrSelf(operand.getType());
    if (argument.getType() == element)
      continue;
    argument.setType(element);
    if (argument.use_empty())
      continue;
    auto wide =
        arith::ExtFOp::create(builder, loc, builder.getF32Type(), argument);
    argument.replaceAllUsesExcept(wide, wide);
  }
  Operation *yield = body->getTerminator();
  builder.setInsertionPoint(yield);
  for (auto [operand, narrow] : llvm::zip(yield->getOpOperands(), isNarrow)) {
    if (!narrow)
      continue;
    auto extension = operand.get().getDefiningOp<arith::ExtFOp>();
    bool isCopy = extension && extension.getIn().getType() == type;
    operand.set(isCopy ? extension.getIn()
                       : convertScalar(builder, operand.get().getLoc(),
                                       operand.get(), type));
    if (isCopy && extension->use_empty())
      extension.erase();
  }
  return result;
}

//===- MoveIntegers.cpp - Data movement of stored integers ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Conversion/MoveIntegers.h"

#include "QuantOpt/Analysis/Movement.h"
#include "QuantOpt/Analysis/Report.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::qopt;

/// Storage is signless, so 200 of u8 is i8 -56.
static Value makeStored(OpBuilder &builder, Location loc, Type storage,
                        int64_t value) {
  return arith::ConstantOp::create(
      builder, loc,
      IntegerAttr::get(storage, APInt(storage.getIntOrFloatBitWidth(),
                                      static_cast<uint64_t>(value), true,
                                      /*implicitTrunc=*/true)));
}

static Value makeFilled(OpBuilder &builder, Location loc, RankedTensorType type,
                        int64_t value) {
  Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                        type.getElementType());
  Value stored = makeStored(builder, loc, type.getElementType(), value);
  return linalg::FillOp::create(builder, loc, ValueRange{stored},
                                ValueRange{empty})
      .getResult(0);
}

/// A max pool on integers, with its padding if it has one. `UnsignedPool` is
/// the op for unsigned storage; signed storage keeps the op.
template <typename UnsignedPool, typename Pool>
static Value poolIntegers(OpBuilder &builder, Pool pool, Value integers,
                          RankedTensorType resultType,
                          quant::UniformQuantizedType type) {
  Location loc = pool.getLoc();
  Type storage = resultType.getElementType();
  int64_t lowest = type.getStorageTypeMin();
  if (auto pad = pool.getInputs()[0].template getDefiningOp<tensor::PadOp>();
      pad && getMovedOperand(pool)->getOwner() == pad)
    integers = tensor::PadOp::create(
        builder, loc, pad.getResultType().clone(storage), integers,
        pad.getMixedLowPad(), pad.getMixedHighPad(),
        makeStored(builder, loc, storage, lowest), pad.getNofold());
  auto windowType = cast<RankedTensorType>(pool.getInputs()[1].getType());
  Value window =
      tensor::EmptyOp::create(builder, loc, windowType.getShape(), storage);
  Value init = makeFilled(builder, loc, resultType, lowest);
  auto create = [&](auto tag) -> Value {
    using Op = decltype(tag);
    auto op = Op::create(builder, loc, TypeRange{resultType},
                         ValueRange{integers, window}, ValueRange{init},
                         pool.getStridesAttr(), pool.getDilationsAttr());
    if (Attribute name = pool->getAttr(kNameAttr))
      op->setAttr(kNameAttr, name);
    return op->getResult(0);
  };
  return type.isSigned() ? create(Pool()) : create(UnsignedPool());
}

/// A copy or gather: the same body on another element type.
static Value moveByGeneric(OpBuilder &builder, linalg::GenericOp op,
                           Value integers, RankedTensorType resultType) {
  Value empty = tensor::EmptyOp::create(
      builder, op.getLoc(), resultType.getShape(), resultType.getElementType());
  SmallVector<Value> inputs(op.getDpsInputs());
  tensor::ExtractOp extract = getGatherExtract(op);
  if (!extract)
    inputs = {integers};
  auto moved = linalg::GenericOp::create(
      builder, op.getLoc(), TypeRange{resultType}, inputs, ValueRange{empty},
      op.getIndexingMapsArray(), op.getIteratorTypesArray());
  IRMapping mapping;
  op.getRegion().cloneInto(&moved.getRegion(), mapping);
  Block *body = moved.getBody();
  body->getArguments().back().setType(resultType.getElementType());
  if (!extract) {
    body->getArgument(0).setType(resultType.getElementType());
  } else {
    auto inner =
        cast<tensor::ExtractOp>(mapping.lookup(extract.getOperation()));
    OpBuilder inside(inner);
    Value element = tensor::ExtractOp::create(inside, inner.getLoc(), integers,
                                              inner.getIndices());
    inner.replaceAllUsesWith(element);
    inner.erase();
  }
  if (Attribute name = op->getAttr(kNameAttr))
    moved->setAttr(kNameAttr, name);
  return moved.getResult(0);
}

Value mlir::qopt::moveIntegers(OpBuilder &builder, Operation *op,
                               Value integers,
                               quant::UniformQuantizedType type) {
  Location loc = op->getLoc();
  Type storage = getElementTypeOrSelf(integers.getType());
  auto resultType =
      cast<RankedTensorType>(op->getResult(0).getType()).clone(storage);
  auto makeEmpty = [&]() -> Value {
    return tensor::EmptyOp::create(builder, loc, resultType.getShape(),
                                   storage);
  };
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return tensor::ExpandShapeOp::create(builder, loc, resultType, integers,
                                         expand.getReassociationIndices());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return tensor::CollapseShapeOp::create(builder, loc, resultType, integers,
                                           collapse.getReassociationIndices());
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return tensor::ExtractSliceOp::create(
        builder, loc, resultType, integers, slice.getMixedOffsets(),
        slice.getMixedSizes(), slice.getMixedStrides());
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return tensor::InsertSliceOp::create(
        builder, loc, integers,
        makeFilled(builder, loc, resultType, type.getZeroPoint()),
        insert.getMixedOffsets(), insert.getMixedSizes(),
        insert.getMixedStrides());
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return linalg::TransposeOp::create(builder, loc, integers, makeEmpty(),
                                       transpose.getPermutation())
        .getResult()[0];
  if (auto broadcast = dyn_cast<linalg::BroadcastOp>(op))
    return linalg::BroadcastOp::create(builder, loc, integers, makeEmpty(),
                                       broadcast.getDimensions())
        .getResult()[0];
  if (auto pool = dyn_cast<linalg::PoolingNhwcMaxOp>(op))
    return poolIntegers<linalg::PoolingNhwcMaxUnsignedOp>(
        builder, pool, integers, resultType, type);
  if (auto pool = dyn_cast<linalg::PoolingNwcMaxOp>(op))
    return poolIntegers<linalg::PoolingNwcMaxUnsignedOp>(
        builder, pool, integers, resultType, type);
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return moveByGeneric(builder, generic, integers, resultType);
  auto pad = cast<tensor::PadOp>(op);
  return tensor::PadOp::create(
      builder, loc, resultType, integers, pad.getMixedLowPad(),
      pad.getMixedHighPad(),
      makeStored(builder, loc, storage, type.getZeroPoint()), pad.getNofold());
}

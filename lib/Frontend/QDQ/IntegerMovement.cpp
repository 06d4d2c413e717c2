//===- IntegerMovement.cpp - Data movement between Q and DQ -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dequantize is monotonic and works on each element alone, so it commutes with
// everything that moves elements or picks the largest.
//
//===----------------------------------------------------------------------===//
#include "IntegerMovement.h"

#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Support/QuantMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

static bool isMaxPool(Operation *op) {
  return isa<linalg::PoolingNchwMaxOp, linalg::PoolingNhwcMaxOp,
             linalg::PoolingNcwMaxOp, linalg::PoolingNwcMaxOp,
             linalg::PoolingNdhwcMaxOp, linalg::PoolingNhwcMaxUnsignedOp,
             linalg::PoolingNwcMaxUnsignedOp>(op);
}

/// A generic that yields its one input.
static bool isCopy(linalg::GenericOp op) {
  return isElementwise(op) && op.getNumDpsInputs() == 1 &&
         op.getBody()->getTerminator()->getOperand(0) ==
             op.getBody()->getArgument(0);
}

/// The integer constant that `value` (a scalar or a fill) is.
static std::optional<int64_t> getConstantInteger(Value value) {
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    value = fill.value();
  auto constant = value ? value.getDefiningOp<arith::ConstantOp>() : nullptr;
  if (!constant)
    return std::nullopt;
  if (auto number = dyn_cast<IntegerAttr>(constant.getValue()))
    return number.getValue().getSExtValue();
  auto splat = dyn_cast<SplatElementsAttr>(constant.getValue());
  if (!splat || !splat.getElementType().isInteger())
    return std::nullopt;
  return splat.getSplatValue<APInt>().getSExtValue();
}

/// `bits`, which were read with a sign, as `parameters` store integers.
static int64_t toStored(int64_t bits, const QuantizedParameters &parameters) {
  if (parameters.isSigned || bits >= 0)
    return bits;
  return bits + (int64_t(1) << parameters.bits);
}

/// The smallest integer of the element type.
static int64_t getLowest(const QuantizedParameters &parameters) {
  return parameters.isSigned ? -(int64_t(1) << (parameters.bits - 1)) : 0;
}

SmallVector<OpOperand *> mlir::qopt::getMovedIntegers(Operation *op) {
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp,
          tensor::ExtractSliceOp, linalg::TransposeOp, linalg::BroadcastOp,
          tensor::PadOp>(op) ||
      isMaxPool(op))
    return {&op->getOpOperand(0)};
  if (auto generic = dyn_cast<linalg::GenericOp>(op);
      generic && isCopy(generic))
    return {generic.getDpsInputOperand(0)};
  if (isa<tensor::ConcatOp>(op))
    return llvm::map_to_vector(op->getOpOperands(),
                               [](OpOperand &operand) { return &operand; });
  return {};
}

static Value makeFloat(OpBuilder &builder, Location loc, float value) {
  return arith::ConstantOp::create(builder, loc,
                                   builder.getF32FloatAttr(value));
}

static Value makeEmpty(OpBuilder &builder, Location loc, Type like) {
  return tensor::EmptyOp::create(builder, loc,
                                 cast<RankedTensorType>(like).getShape(),
                                 builder.getF32Type());
}

/// The value of a padding element. Elements that only max pools read and that
/// are the lowest integer never win: float models write -infinity for them.
static std::optional<float> getPadding(tensor::PadOp op,
                                       const QuantizedParameters &parameters) {
  Value padding = op.getConstantPaddingValue();
  std::optional<int64_t> bits =
      padding ? getConstantInteger(padding) : std::nullopt;
  if (!bits)
    return std::nullopt;
  int64_t q = toStored(*bits, parameters);
  if (q == getLowest(parameters) && llvm::all_of(op->getUsers(), isMaxPool))
    return -INFINITY;
  return quantmath::dequantize(q, parameters.scales[0],
                               parameters.zeroPoints[0]);
}

static Value raisePool(OpBuilder &builder, linalg::LinalgOp op, Value real,
                       const QuantizedParameters &parameters) {
  Location loc = op.getLoc();
  std::optional<int64_t> start =
      getConstantInteger(op.getDpsInitOperand(0)->get());
  bool isUnsigned =
      isa<linalg::PoolingNhwcMaxUnsignedOp, linalg::PoolingNwcMaxUnsignedOp>(
          op);
  if (!start || isUnsigned == parameters.isSigned ||
      toStored(*start, parameters) > parameters.low)
    return {};
  Value init =
      linalg::FillOp::create(
          builder, loc, ValueRange{makeFloat(builder, loc, -INFINITY)},
          ValueRange{makeEmpty(builder, loc, op->getResult(0).getType())})
          .getResult(0);
  Value window = op.getDpsInputOperand(1)->get();
  window = makeEmpty(builder, loc, window.getType());
  auto strides = op->getAttrOfType<DenseIntElementsAttr>("strides");
  auto dilations = op->getAttrOfType<DenseIntElementsAttr>("dilations");
  Type resultType = init.getType();
  TypeRange types(resultType);
  ValueRange outs(init);
  SmallVector<Value> ins{real, window};
  if (isa<linalg::PoolingNhwcMaxUnsignedOp, linalg::PoolingNhwcMaxOp>(op))
    return linalg::PoolingNhwcMaxOp::create(builder, loc, types, ins, outs,
                                            strides, dilations)
        .getResult(0);
  if (isa<linalg::PoolingNwcMaxUnsignedOp, linalg::PoolingNwcMaxOp>(op))
    return linalg::PoolingNwcMaxOp::create(builder, loc, types, ins, outs,
                                           strides, dilations)
        .getResult(0);
  if (isa<linalg::PoolingNchwMaxOp>(op))
    return linalg::PoolingNchwMaxOp::create(builder, loc, types, ins, outs,
                                            strides, dilations)
        .getResult(0);
  if (isa<linalg::PoolingNcwMaxOp>(op))
    return linalg::PoolingNcwMaxOp::create(builder, loc, types, ins, outs,
                                           strides, dilations)
        .getResult(0);
  return linalg::PoolingNdhwcMaxOp::create(builder, loc, types, ins, outs,
                                           strides, dilations)
      .getResult(0);
}

Value mlir::qopt::raiseMovement(OpBuilder &builder, Operation *op,
                                ValueRange real,
                                const QuantizedParameters &parameters) {
  Location loc = op->getLoc();
  if (isMaxPool(op))
    return raisePool(builder, cast<linalg::LinalgOp>(op), real[0], parameters);
  auto type = cast<RankedTensorType>(op->getResult(0).getType())
                  .clone(builder.getF32Type());
  if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    std::optional<float> value = getPadding(pad, parameters);
    if (!value)
      return {};
    return tensor::PadOp::create(builder, loc, type, real[0],
                                 pad.getMixedLowPad(), pad.getMixedHighPad(),
                                 makeFloat(builder, loc, *value),
                                 pad.getNofold());
  }
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    return tensor::ConcatOp::create(builder, loc, type, concat.getDim(), real);
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return linalg::TransposeOp::create(builder, loc, real[0],
                                       makeEmpty(builder, loc, type),
                                       transpose.getPermutation())
        ->getResult(0);
  if (auto broadcast = dyn_cast<linalg::BroadcastOp>(op))
    return linalg::BroadcastOp::create(builder, loc, real[0],
                                       makeEmpty(builder, loc, type),
                                       broadcast.getDimensions())
        ->getResult(0);
  if (auto generic = dyn_cast<linalg::GenericOp>(op))
    return linalg::GenericOp::create(
               builder, loc, TypeRange{type}, real,
               ValueRange{makeEmpty(builder, loc, type)},
               generic.getIndexingMapsArray(), generic.getIteratorTypesArray(),
               [](OpBuilder &b, Location loc, ValueRange args) {
                 linalg::YieldOp::create(b, loc, args[0]);
               })
        .getResult(0);
  // Reshapes and slices: the same op on another element type.
  IRMapping mapping;
  mapping.map(op->getOperand(0), real[0]);
  Operation *clone = builder.clone(*op, mapping);
  clone->getResult(0).setType(type);
  return clone->getResult(0);
}

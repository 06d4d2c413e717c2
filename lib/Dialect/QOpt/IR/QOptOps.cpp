//===- QOptOps.cpp - Verifiers of the qopt ops ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace mlir::qopt;

#define GET_OP_CLASSES
#include "QuantOpt/Dialect/QOpt/IR/QOptOps.cpp.inc"

//===----------------------------------------------------------------------===//
// ObserveOp
//===----------------------------------------------------------------------===//

LogicalResult ObserveOp::verify() {
  auto elementType = dyn_cast<FloatType>(
      cast<RankedTensorType>(getInput().getType()).getElementType());
  if (!elementType)
    return emitOpError("observes float tensors, but the element type is ")
           << cast<RankedTensorType>(getInput().getType()).getElementType();
  if (getName().empty())
    return emitOpError("needs a name that is not empty");
  if (!getType())
    return success();
  auto quantized = dyn_cast<quant::UniformQuantizedType>(*getType());
  if (!quantized)
    return emitOpError("type must be a per-tensor !quant.uniform type, but is ")
           << *getType();
  if (quantized.getExpressedType() != elementType)
    return emitOpError("type expresses ")
           << quantized.getExpressedType() << ", but the edge holds "
           << elementType;
  return success();
}

//===----------------------------------------------------------------------===//
// DynamicQuantizeOp, DynamicDequantizeOp
//===----------------------------------------------------------------------===//

/// The shape of the scales of a tensor of shape `shape`.
static ArrayRef<int64_t> getScaleShape(ArrayRef<int64_t> shape,
                                       Granularity per) {
  return per == Granularity::Row ? shape.drop_back() : ArrayRef<int64_t>();
}

static LogicalResult verifyDynamic(Operation *op, RankedTensorType real,
                                   RankedTensorType quantized,
                                   RankedTensorType scale, Granularity per) {
  if (real.getShape() != quantized.getShape())
    return op->emitOpError("float and quantized shapes differ: ")
           << real << " and " << quantized;
  if (per == Granularity::Row && real.getRank() == 0)
    return op->emitOpError("per row needs a tensor of rank 1 or more");
  ArrayRef<int64_t> expected = getScaleShape(real.getShape(), per);
  if (scale.getShape() != expected)
    return op->emitOpError("scale must be ")
           << RankedTensorType::get(expected, scale.getElementType())
           << " for granularity '" << stringifyGranularity(per) << "', but is "
           << scale;
  return success();
}

LogicalResult DynamicQuantizeOp::verify() {
  return verifyDynamic(*this, getInput().getType(), getQuantized().getType(),
                       getScale().getType(), getPer());
}

LogicalResult DynamicDequantizeOp::verify() {
  return verifyDynamic(*this, getResult().getType(), getQuantized().getType(),
                       getScale().getType(), getPer());
}

//===----------------------------------------------------------------------===//
// CompositeOp
//===----------------------------------------------------------------------===//

LogicalResult CompositeOp::verifyRegions() {
  if (getIdiom().empty())
    return emitOpError("needs the name of its idiom");
  Block &block = getBody().front();
  if (TypeRange(block.getArguments()) != TypeRange(getInputs()))
    return emitOpError("region arguments must have the types of the operands");
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield)
    return emitOpError("region must end in qopt.yield");
  if (yield.getValues().getTypes() != getResultTypes())
    return emitOpError("region must yield the types of the results");
  return success();
}

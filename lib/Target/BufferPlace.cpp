//===- BufferPlace.cpp - Where in memory a memref is -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Target/BufferPlace.h"

#include "QuantOpt/Target/EmitPlan.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace mlir::qopt;

int64_t mlir::qopt::getElementBytes(MemRefType type) {
  Type element = type.getElementType();
  return element.isIndex() ? 8 : (element.getIntOrFloatBitWidth() + 7) / 8;
}

std::optional<int64_t> mlir::qopt::getSpan(MemRefType type, int64_t &offset) {
  SmallVector<int64_t> strides;
  if (!type.hasStaticShape() ||
      failed(type.getStridesAndOffset(strides, offset)) ||
      ShapedType::isDynamic(offset) || offset < 0)
    return std::nullopt;
  if (type.getNumElements() == 0)
    return 0;
  int64_t span = 1;
  for (auto [extent, stride] : llvm::zip(type.getShape(), strides)) {
    if (ShapedType::isDynamic(stride) || stride < 0)
      return std::nullopt;
    span += (extent - 1) * stride;
  }
  return span;
}

Value mlir::qopt::getViewSource(Value buffer) {
  Operation *op = buffer.getDefiningOp();
  if (!isa_and_nonnull<memref::CastOp, memref::CollapseShapeOp,
                       memref::ExpandShapeOp, memref::ReinterpretCastOp,
                       memref::SubViewOp, memref::TransposeOp>(op))
    return nullptr;
  return op->getOperand(0);
}

FailureOr<BufferPlace> mlir::qopt::findBufferPlace(Value buffer,
                                                   Operation *user) {
  // A cast may have hidden the position in the type.
  while (auto cast = buffer.getDefiningOp<memref::CastOp>())
    buffer = cast.getSource();
  auto type = dyn_cast<MemRefType>(buffer.getType());
  int64_t offset = 0;
  std::optional<int64_t> span;
  if (type && getRuntimeType(type.getElementType()))
    span = getSpan(type, offset);
  if (!span)
    return user->emitOpError("takes a buffer of type ")
           << buffer.getType() << ", whose place is not known at compile time";
  BufferPlace place;
  place.base = buffer;
  while (Value source = getViewSource(place.base))
    place.base = source;
  place.offset = offset * getElementBytes(type);
  place.size = *span * getElementBytes(type);
  auto view = place.base.getDefiningOp<memref::ViewOp>();
  if (!view)
    return place;
  std::optional<int64_t> shift = getConstantIntValue(view.getByteShift());
  if (!shift || *shift < 0)
    return view.emitOpError("has a byte shift that is no constant");
  FailureOr<BufferPlace> source = findBufferPlace(view.getSource(), user);
  if (failed(source))
    return failure();
  place.base = source->base;
  place.offset += *shift + source->offset;
  return place;
}

//===- Constants.cpp - Reading and making constant tensors ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"

#include "QuantOpt/Support/TemporaryStorage.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::qopt;

/// Constants up to this size are printed inline, where a reader sees them.
static constexpr size_t kMaxInlineBytes = 512;
/// Constants from this size on leave the heap.
static constexpr size_t kMinFileBytes = size_t(1) << 18;

ElementsAttr mlir::qopt::getConstantElements(Value value) {
  auto constant = value.getDefiningOp<arith::ConstantOp>();
  return constant ? dyn_cast<ElementsAttr>(constant.getValue()) : nullptr;
}

std::optional<QuantizedConstant> mlir::qopt::getQuantizedConstant(Value value) {
  auto dequantize = value.getDefiningOp<quant::DequantizeCastOp>();
  if (!dequantize)
    return std::nullopt;
  auto storage = dequantize.getInput().getDefiningOp<quant::StorageCastOp>();
  ElementsAttr elements =
      storage ? getConstantElements(storage.getInput()) : nullptr;
  if (!elements)
    return std::nullopt;
  return QuantizedConstant{
      elements, cast<quant::QuantizedType>(
                    getElementTypeOrSelf(dequantize.getInput().getType()))};
}

Value mlir::qopt::makeQuantizedConstant(OpBuilder &builder, Location loc,
                                        const QuantizedConstant &constant) {
  auto type = cast<RankedTensorType>(constant.elements.getType());
  Value integers = makeConstant(builder, loc, constant.elements);
  Value quantized = quant::StorageCastOp::create(
      builder, loc, type.clone(constant.type), integers);
  return quant::DequantizeCastOp::create(
      builder, loc, type.clone(constant.type.getExpressedType()), quantized);
}

bool mlir::qopt::isConstantWeight(Value value) {
  return getConstantElements(value) || getQuantizedConstant(value);
}

/// Bytes of one stored element; 0 where elements are not whole bytes.
static int64_t getElementBytes(Type type) {
  if (type.isIndex())
    return 8;
  if (!type.isIntOrFloat())
    return 0;
  unsigned bits = type.getIntOrFloatBitWidth();
  if (bits == 1)
    return 1;
  return bits % 8 == 0 ? bits / 8 : 0;
}

FailureOr<int64_t> mlir::qopt::getDenseByteSize(ShapedType type) {
  int64_t size = getElementBytes(type.getElementType());
  if (size == 0 || !type.hasStaticShape())
    return failure();
  for (int64_t dim : type.getShape())
    if (llvm::MulOverflow(size, dim, size))
      return failure();
  return size;
}

LogicalResult
mlir::qopt::verifyResource(ElementsAttr attr,
                           function_ref<InFlightDiagnostic()> emitError) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(attr);
  if (!resource)
    return success();
  StringRef key = resource.getRawHandle().getKey();
  FailureOr<int64_t> expected = getDenseByteSize(resource.getType());
  if (failed(expected))
    return emitError() << "resource '" << key << "' has the type "
                       << resource.getType()
                       << ", whose size in bytes cannot be represented";
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  if (!blob)
    return emitError() << "resource '" << key
                       << "' has no data in this file (elided weights cannot "
                          "be quantized: print the model without eliding)";
  if (static_cast<int64_t>(blob->getData().size()) != *expected)
    return emitError() << "resource '" << key << "' holds "
                       << blob->getData().size() << " bytes, but its type "
                       << resource.getType() << " needs " << *expected;
  int64_t alignment = getElementBytes(resource.getType().getElementType());
  if (reinterpret_cast<uintptr_t>(blob->getData().data()) % alignment)
    return emitError() << "resource '" << key << "' is not aligned to "
                       << alignment << " bytes";
  return success();
}

/// The raw data of `attr`, one element of it where it is a splat.
static ArrayRef<char> getRawData(ElementsAttr attr, bool &isSplat) {
  isSplat = false;
  if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    isSplat = dense.isSplat();
    return dense.getRawData();
  }
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      return blob->getData();
  return {};
}

FailureOr<std::vector<char>> mlir::qopt::readRawBytes(ElementsAttr attr) {
  auto type = cast<ShapedType>(attr.getType());
  if (type.getElementType().isInteger(1))
    return failure();
  FailureOr<int64_t> size = getDenseByteSize(type);
  bool isSplat;
  ArrayRef<char> data = getRawData(attr, isSplat);
  if (failed(size))
    return failure();
  if (!isSplat) {
    if (static_cast<int64_t>(data.size()) != *size)
      return failure();
    return std::vector<char>(data.begin(), data.end());
  }
  size_t width = getElementBytes(type.getElementType());
  if (data.size() < width)
    return failure();
  std::vector<char> bytes(*size);
  for (size_t i = 0; i < bytes.size(); i += width)
    memcpy(bytes.data() + i, data.data(), width);
  return bytes;
}

template <typename T>
static FailureOr<std::vector<T>> readAs(ElementsAttr attr) {
  FailureOr<std::vector<char>> bytes = readRawBytes(attr);
  if (failed(bytes))
    return failure();
  std::vector<T> values(bytes->size() / sizeof(T));
  if (!values.empty())
    memcpy(values.data(), bytes->data(), values.size() * sizeof(T));
  return values;
}

FailureOr<std::vector<float>> mlir::qopt::readFloats(ElementsAttr attr) {
  if (attr.getElementType().isF32())
    return readAs<float>(attr);
  if (!attr.getElementType().isF64())
    return failure();
  FailureOr<std::vector<double>> values = readAs<double>(attr);
  if (failed(values))
    return failure();
  return std::vector<float>(values->begin(), values->end());
}

FailureOr<FloatElements> FloatElements::get(ElementsAttr attr) {
  FloatElements result;
  bool isSplat;
  ArrayRef<char> data = getRawData(attr, isSplat);
  FailureOr<int64_t> size = getDenseByteSize(cast<ShapedType>(attr.getType()));
  if (attr.getElementType().isF32() && !isSplat && succeeded(size) &&
      static_cast<int64_t>(data.size()) == *size &&
      reinterpret_cast<uintptr_t>(data.data()) % alignof(float) == 0) {
    result.inPlace = ArrayRef(reinterpret_cast<const float *>(data.data()),
                              data.size() / sizeof(float));
    return result;
  }
  FailureOr<std::vector<float>> values = readFloats(attr);
  if (failed(values))
    return failure();
  result.owned = std::move(*values);
  return result;
}

FailureOr<std::vector<int8_t>> mlir::qopt::readInt8s(ElementsAttr attr) {
  if (!attr.getElementType().isInteger(8))
    return failure();
  return readAs<int8_t>(attr);
}

ElementsAttr mlir::qopt::makeConstantElements(RankedTensorType type,
                                              std::vector<char> bytes,
                                              StringRef hint) {
  if (bytes.size() <= kMaxInlineBytes)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  // In a file they take memory only while they are read.
  if (bytes.size() >= kMinFileBytes)
    if (std::shared_ptr<TemporaryStorage> storage =
            TemporaryStorage::create(bytes.size());
        storage && storage->isFile() &&
        storage->write(0, bytes.data(), bytes.size())) {
      storage->finish();
      AsmResourceBlob blob(
          ArrayRef<char>(storage->data(), storage->size()), alignof(uint64_t),
          [storage](void *, size_t, size_t) {}, /*dataIsMutable=*/false);
      return DenseResourceElementsAttr::get(type, hint, std::move(blob));
    }
  // The blob owns the vector: weights are not copied once more.
  auto *owner = new std::vector<char>(std::move(bytes));
  AsmResourceBlob blob(
      ArrayRef<char>(owner->data(), owner->size()), alignof(uint64_t),
      [owner](void *, size_t, size_t) { delete owner; },
      /*dataIsMutable=*/true);
  return DenseResourceElementsAttr::get(type, hint, std::move(blob));
}

ElementsAttr mlir::qopt::makeFloatElements(RankedTensorType type,
                                           ArrayRef<float> values,
                                           StringRef hint) {
  const char *data = reinterpret_cast<const char *>(values.data());
  return makeConstantElements(
      type, std::vector<char>(data, data + values.size() * sizeof(float)),
      hint);
}

Value mlir::qopt::makeConstant(OpBuilder &builder, Location loc,
                               ElementsAttr attr) {
  return arith::ConstantOp::create(builder, loc, cast<TypedAttr>(attr));
}

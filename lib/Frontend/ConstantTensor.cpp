//===- ConstantTensor.cpp - Elements of a known tensor ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ConstantTensor.h"

#include "QuantOpt/Analysis/Constants.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace mlir::qopt;

unsigned mlir::qopt::getScalarBytes(Type type) {
  if (type.isIndex())
    return 8;
  if (!type.isIntOrFloat())
    return 0;
  switch (type.getIntOrFloatBitWidth()) {
  case 1:
  case 8:
    return 1;
  case 16:
    return 2;
  case 32:
    return 4;
  case 64:
    return 8;
  default:
    return 0;
  }
}

SmallVector<int64_t> mlir::qopt::getRowMajorStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

ConstantTensor::ConstantTensor(RankedTensorType type)
    : type(type), width(getScalarBytes(type.getElementType())),
      owned(
          std::make_shared<std::vector<char>>(type.getNumElements() * width)) {
  data = owned->data();
}

FailureOr<ConstantTensor> ConstantTensor::get(ElementsAttr attr) {
  ConstantTensor result;
  result.type = dyn_cast<RankedTensorType>(attr.getType());
  if (!result.type || !result.type.hasStaticShape())
    return failure();
  result.width = getScalarBytes(result.type.getElementType());
  if (result.width == 0)
    return failure();
  if (result.type.getElementType().isInteger(1)) {
    auto dense = dyn_cast<DenseIntElementsAttr>(attr);
    if (!dense)
      return failure();
    result = ConstantTensor(result.type);
    for (auto [i, value] : llvm::enumerate(dense.getValues<bool>()))
      result.store(i, value);
    return result;
  }
  size_t bytes = result.getNumElements() * result.width;
  ArrayRef<char> raw;
  if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
    result.isSplat = dense.isSplat();
    raw = dense.getRawData();
  } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
      raw = blob->getData();
  }
  if (raw.size() != (result.isSplat ? result.width : bytes))
    return failure();
  result.data = raw.data();
  return result;
}

ConstantTensor ConstantTensor::reshape(RankedTensorType newType) const {
  ConstantTensor result = *this;
  result.type = newType;
  return result;
}

ConstantTensor ConstantTensor::clone() const {
  return gather(type, 0, getRowMajorStrides(type.getShape()));
}

/// Calls `visit(flat, position)` for every index of `shape` in row-major order,
/// `position` being offset + Σ index·stride.
template <typename Visitor>
static void forEachPosition(ArrayRef<int64_t> shape, int64_t offset,
                            ArrayRef<int64_t> strides, Visitor visit) {
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t position = offset;
  int64_t count = ShapedType::getNumElements(shape);
  for (int64_t flat = 0; flat < count; ++flat) {
    visit(flat, position);
    for (size_t i = shape.size(); i-- > 0;) {
      position += strides[i];
      if (++index[i] < shape[i])
        break;
      position -= strides[i] * shape[i];
      index[i] = 0;
    }
  }
}

ConstantTensor ConstantTensor::gather(RankedTensorType newType, int64_t offset,
                                      ArrayRef<int64_t> strides) const {
  ConstantTensor result(newType);
  char *target = result.owned->data();
  forEachPosition(newType.getShape(), offset, strides,
                  [&](int64_t flat, int64_t position) {
                    memcpy(target + flat * width,
                           data + (isSplat ? 0 : position * width), width);
                  });
  return result;
}

void ConstantTensor::scatter(const ConstantTensor &source, int64_t offset,
                             ArrayRef<int64_t> strides) {
  char *target = owned->data();
  forEachPosition(
      source.getShape(), offset, strides, [&](int64_t flat, int64_t position) {
        memcpy(target + position * width,
               source.data + (source.isSplat ? 0 : flat * width), width);
      });
}

bool ConstantTensor::hasEqualElements() const {
  if (isSplat)
    return true;
  size_t bytes = getNumElements() * width;
  return bytes > 0 && memcmp(data, data + width, bytes - width) == 0;
}

ElementsAttr ConstantTensor::getAttr(StringRef hint) const {
  if (type.getElementType().isInteger(1)) {
    SmallVector<bool> values;
    for (int64_t i : llvm::seq(getNumElements()))
      values.push_back(load(i) != 0);
    return cast<ElementsAttr>(
        Attribute(DenseElementsAttr::get(type, ArrayRef<bool>(values))));
  }
  if (hasEqualElements())
    return cast<ElementsAttr>(Attribute(
        DenseElementsAttr::getFromRawBuffer(type, ArrayRef(data, width))));
  return makeConstantElements(
      type, std::vector<char>(data, data + getNumElements() * width), hint);
}

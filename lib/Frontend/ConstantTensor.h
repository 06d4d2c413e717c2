//===- ConstantTensor.h - Elements of a known tensor ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_CONSTANTTENSOR_H
#define QUANTOPT_LIB_FRONTEND_CONSTANTTENSOR_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

#include <cstring>
#include <memory>
#include <vector>

namespace mlir::qopt {

/// The bits of one float, integer or index, zero-extended.
using ScalarBits = uint64_t;

/// Bytes of one element as ConstantTensor stores it (i1: one byte); 0 for types
/// whose elements are not 1, 2, 4 or 8 bytes.
unsigned getScalarBytes(Type type);

/// The elements of a tensor in row-major order. Copies share the elements.
class ConstantTensor {
public:
  ConstantTensor() = default;
  /// Zeros.
  explicit ConstantTensor(RankedTensorType type);
  /// The elements of `attr`, in place where it holds them as we do; `attr` must
  /// outlive the result. Failure for other element types and unusable
  /// resources.
  static FailureOr<ConstantTensor> get(ElementsAttr attr);

  RankedTensorType getType() const { return type; }
  ArrayRef<int64_t> getShape() const { return type.getShape(); }
  int64_t getNumElements() const { return type.getNumElements(); }
  unsigned getElementBytes() const { return width; }

  ScalarBits load(int64_t index) const {
    ScalarBits bits = 0;
    memcpy(&bits, data + (isSplat ? 0 : index * width), width);
    return bits;
  }
  /// Only on tensors made by the first constructor and not yet copied.
  void store(int64_t index, ScalarBits bits) {
    memcpy(owned->data() + index * width, &bits, width);
  }

  /// The same elements in another shape.
  ConstantTensor reshape(RankedTensorType newType) const;
  /// A copy that can be stored to.
  ConstantTensor clone() const;
  /// Elements at `offset + Σ index·stride` (counted in elements), row-major
  /// over the shape of `newType`. All positions must be inside this tensor.
  ConstantTensor gather(RankedTensorType newType, int64_t offset,
                        ArrayRef<int64_t> strides) const;
  /// Writes the elements of `source` to `offset + Σ index·stride`.
  void scatter(const ConstantTensor &source, int64_t offset,
               ArrayRef<int64_t> strides);

  /// As an attribute: a splat, inline, or a resource named after `hint`.
  ElementsAttr getAttr(StringRef hint) const;

private:
  bool hasEqualElements() const;

  RankedTensorType type;
  unsigned width = 0;
  bool isSplat = false;
  const char *data = nullptr;
  std::shared_ptr<std::vector<char>> owned;
};

/// Row-major strides in elements.
SmallVector<int64_t> getRowMajorStrides(ArrayRef<int64_t> shape);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_CONSTANTTENSOR_H

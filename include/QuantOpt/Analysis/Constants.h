//===- Constants.h - Reading and making constant tensors ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Weights arrive inline (`dense<"0x...">`) or as `dense_resource` blobs. Both
// are read here after the same checks, and new weights are made as resources,
// which the context does not unique and folding does not copy.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ANALYSIS_CONSTANTS_H
#define QUANTOPT_ANALYSIS_CONSTANTS_H

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"

#include <optional>
#include <vector>

namespace mlir {
class OpBuilder;
} // namespace mlir

namespace mlir::qopt {

/// The elements of the `arith.constant` that defines `value`, or null.
ElementsAttr getConstantElements(Value value);

/// The quantized constant under the casts that bring it to real values.
struct QuantizedConstant {
  /// The integers.
  ElementsAttr elements;
  /// What they stand for.
  quant::QuantizedType type;
};

/// Matches `dcast(scast(constant))`, the form of quantized weights and of the
/// int32 biases of imported models.
std::optional<QuantizedConstant> getQuantizedConstant(Value value);

/// `dcast(scast(elements))`: the real values of a quantized constant.
Value makeQuantizedConstant(OpBuilder &builder, Location loc,
                            const QuantizedConstant &constant);

/// True for a constant, plain or under the casts of an imported model.
bool isConstantWeight(Value value);

/// The number of bytes `type` takes as dense elements (i1: one byte each), or
/// failure if the product of its dimensions overflows or is dynamic.
FailureOr<int64_t> getDenseByteSize(ShapedType type);

/// Checks that `attr`, if it is a `dense_resource`, has a blob whose size is
/// that of its type and whose data is aligned for it. `emitError` gives the
/// location of the complaint.
LogicalResult verifyResource(ElementsAttr attr,
                             function_ref<InFlightDiagnostic()> emitError);

/// All elements of an f32 or f64 tensor constant as f32, in row-major order
/// (splats expanded). Failure for other element types or unusable resources.
FailureOr<std::vector<float>> readFloats(ElementsAttr attr);

/// The same without a copy where the constant holds its elements as f32. The
/// constant must outlive it.
class FloatElements {
public:
  static FailureOr<FloatElements> get(ElementsAttr attr);
  /// Row-major.
  ArrayRef<float> getValues() const {
    return inPlace.empty() ? ArrayRef<float>(owned) : inPlace;
  }

private:
  ArrayRef<float> inPlace;
  std::vector<float> owned;
};

/// All elements of an i8 tensor constant in row-major order.
FailureOr<std::vector<int8_t>> readInt8s(ElementsAttr attr);

/// The raw little-endian bytes of a constant with byte-sized elements and
/// splats expanded, in row-major order. Failure for i1 and odd widths.
FailureOr<std::vector<char>> readRawBytes(ElementsAttr attr);

/// A constant of `type` with these elements: inline when small, else a
/// `dense_resource` named after `hint`.
ElementsAttr makeConstantElements(RankedTensorType type,
                                  std::vector<char> bytes, StringRef hint);
ElementsAttr makeFloatElements(RankedTensorType type, ArrayRef<float> values,
                               StringRef hint);

/// An `arith.constant` op of `attr`.
Value makeConstant(OpBuilder &builder, Location loc, ElementsAttr attr);

} // namespace mlir::qopt

#endif // QUANTOPT_ANALYSIS_CONSTANTS_H

//===- QuantizedParameters.h - Scales and zero points of !quant.uniform types
//---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_CONVERSION_QUANTIZEDPARAMETERS_H
#define QUANTOPT_CONVERSION_QUANTIZEDPARAMETERS_H

#include "QuantOpt/Analysis/Constants.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"

namespace mlir::qopt {

/// Per-tensor, per-axis and sub-channel types in one form.
struct QuantizedParameters {
  /// Dimensions along which scales differ, ascending; empty: one for all.
  SmallVector<int64_t> channelDims;
  /// For each of `channelDims`, how many indices in a row share a scale; 1
  /// except for blocks.
  SmallVector<int64_t> blockSizes;
  /// Row-major over the blocks along `channelDims`.
  SmallVector<float> scales;
  SmallVector<int32_t> zeroPoints;
  bool isSigned = true;
  /// Width of the storage type.
  unsigned bits = 8;
  /// Storage limits.
  int32_t low = -128, high = 127;

  bool hasOneZeroPoint() const;
  /// True if all zero points are 0.
  bool isSymmetric() const;
  /// True if some scale serves several indices of a dimension.
  bool hasBlocks() const;

  /// Failure for other types, and (without `allowBlocks`) for blocks of more
  /// than one index.
  static FailureOr<QuantizedParameters> get(quant::QuantizedType type,
                                            bool allowBlocks = false);
  /// The `!quant.uniform` type of a tensor of `shape` over f32. Failure where
  /// upstream's types cannot hold the parameters, or not as text.
  FailureOr<quant::QuantizedType> getType(MLIRContext *context,
                                          ArrayRef<int64_t> shape) const;

  //===--------------------------------------------------------------------===//
  // Data movement: the parameters of the moved tensor, where dimension, blocks
  // and numbers follow their elements. `shape` is that of the source.
  //===--------------------------------------------------------------------===//

  /// Result dimension i is source dimension `permutation[i]`.
  void transpose(ArrayRef<int64_t> shape, ArrayRef<int64_t> permutation);
  void collapse(ArrayRef<int64_t> shape, ArrayRef<ReassociationIndices> groups);
  void expand(ArrayRef<int64_t> shape, ArrayRef<ReassociationIndices> groups,
              ArrayRef<int64_t> newShape);
  /// With unit strides.
  void slice(ArrayRef<int64_t> shape, ArrayRef<int64_t> offsets,
             ArrayRef<int64_t> sizes);
};

/// Calls `fn(element index, index into scales and zero points)` for each
/// element of a tensor of `shape`, row-major.
void forEachElement(const QuantizedParameters &parameters,
                    ArrayRef<int64_t> shape,
                    function_ref<void(int64_t, int64_t)> fn);

/// The elements of a constant of integers of up to 32 bits: without a sign
/// where `isSigned` is false. Failure for other constants.
FailureOr<std::vector<int32_t>> readIntegers(ElementsAttr attr, bool isSigned);

/// The real values of a constant of f32, plain or under casts. Failure where
/// `value` is no such constant.
FailureOr<std::vector<float>> readRealValues(Value value);

} // namespace mlir::qopt

#endif // QUANTOPT_CONVERSION_QUANTIZEDPARAMETERS_H

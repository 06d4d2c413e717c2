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

#include "mlir/Dialect/Quant/IR/QuantTypes.h"

namespace mlir::qopt {

/// Per-tensor, per-axis and sub-channel types in one form.
struct QuantizedParameters {
  /// Dimensions along which scales differ, ascending; empty: one for all.
  SmallVector<int64_t> channelDims;
  /// Row-major over `channelDims`.
  SmallVector<float> scales;
  SmallVector<int32_t> zeroPoints;
  bool isSigned = true;
  /// Width of the storage type.
  unsigned bits = 8;
  /// Storage limits.
  int32_t low = -128, high = 127;

  bool hasOneZeroPoint() const;

  /// Failure for other types and for blocks of more than one index.
  static FailureOr<QuantizedParameters> get(quant::QuantizedType type);
};

} // namespace mlir::qopt

#endif // QUANTOPT_CONVERSION_QUANTIZEDPARAMETERS_H

//===- DynamicQuantization.h - Run-time scales as linalg ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_CONVERSION_DYNAMICQUANTIZATION_H
#define QUANTOPT_CONVERSION_DYNAMICQUANTIZATION_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"

namespace mlir::qopt {

/// The results of `op` in upstream ops: integers (i8) and scales (f32).
std::pair<Value, Value> expandDynamicQuantize(OpBuilder &builder,
                                              DynamicQuantizeOp op);

/// The result of `op` in upstream ops.
Value expandDynamicDequantize(OpBuilder &builder, DynamicDequantizeOp op);

/// The map from the dimensions of the quantized tensor to those of its scale.
AffineMap getScaleMap(MLIRContext *context, int64_t rank, Granularity per);

} // namespace mlir::qopt

#endif // QUANTOPT_CONVERSION_DYNAMICQUANTIZATION_H

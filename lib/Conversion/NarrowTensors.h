//===- NarrowTensors.h - f32 tensors in 16 bits ----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_CONVERSION_NARROWTENSORS_H
#define QUANTOPT_LIB_CONVERSION_NARROWTENSORS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::qopt {

/// Told where a tensor is stored in 16 bits now, with an empty `misfit`, or why
/// one stays f32.
using NarrowingListener = function_ref<void(Location loc, StringRef misfit)>;

/// Stores the f32 tensors of `function`, which is in integer form, as `type`
/// (f16 or bf16). Arguments, results, what loops carry, results of reductions
/// and what is computed of these alone stay f32.
void narrowTensors(func::FuncOp function, FloatType type,
                   NarrowingListener listener);

//===----------------------------------------------------------------------===//
// NarrowOps.cpp
//===----------------------------------------------------------------------===//

/// A ranked tensor of f32 with a static shape.
bool isF32Tensor(Value value);

/// `value`, an f32 or 16-bit float, as `type`.
Value convertScalar(OpBuilder &builder, Location loc, Value value, Type type);

/// `tensor`, each element extended or rounded to `type`, by one generic.
Value convertTensor(OpBuilder &builder, Location loc, Value tensor,
                    FloatType type);

/// The operands of an op that only places elements of tensors of one type;
/// none for others.
SmallVector<Value> getMoved(Operation *op);

/// The operand that an elementwise op repeats or transposes, or null.
Value getCopied(linalg::LinalgOp op);

/// extf of a tensor of `type` and nothing else.
bool isExtension(linalg::GenericOp op, FloatType type);

/// Makes a generic of `op` that reads `inputs`, of which some are of `type`
/// where they were f32, and stores the results of `isNarrow` as `type`.
linalg::GenericOp rebuildNarrow(linalg::LinalgOp op, ArrayRef<Value> inputs,
                                ArrayRef<bool> isNarrow, FloatType type);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_CONVERSION_NARROWTENSORS_H

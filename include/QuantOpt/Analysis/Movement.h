//===- Movement.h - Ops that move elements without computing ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Data movement commutes with quantization exactly, so a type chosen for a
// value serves all that is moved from it, and integers are moved instead of
// floats: transposes, reshapes, slices, broadcasts, padding with zeros, max
// pools, and gathers (embeddings, nearest-neighbour resizing).
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ANALYSIS_MOVEMENT_H
#define QUANTOPT_ANALYSIS_MOVEMENT_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::qopt {

/// If every element of the one result of `op` is an element of one operand, or
/// 0, that operand; else null. For a gather that is the tensor operand of the
/// `tensor.extract` in its body.
OpOperand *getMovedOperand(Operation *op);

/// The op that moves the elements read by `use`, or null.
Operation *getMover(OpOperand &use);

/// The value behind all data movement in front of `value`; `value` itself where
/// there is none.
Value getMovementSource(Value value);

/// The uses of `value` and of all that is moved from it which are no data
/// movement themselves, in a fixed order.
SmallVector<OpOperand *> getReadersBehindMovement(Value value);

/// The tensors whose elements `op` puts side by side in its result: those of a
/// `tensor.concat`, or source and destination of a `tensor.insert_slice`.
SmallVector<OpOperand *> getJoinedOperands(Operation *op);

/// A generic that only copies its one input, in any order or repeatedly.
bool isCopy(linalg::GenericOp op);

/// A generic whose result is elements of a tensor that its body extracts, at
/// places that do not depend on them: that `tensor.extract`, else null.
tensor::ExtractOp getGatherExtract(linalg::GenericOp op);

} // namespace mlir::qopt

#endif // QUANTOPT_ANALYSIS_MOVEMENT_H

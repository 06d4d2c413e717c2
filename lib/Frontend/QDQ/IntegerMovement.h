//===- IntegerMovement.h - Data movement between Q and DQ -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_QDQ_INTEGERMOVEMENT_H
#define QUANTOPT_LIB_FRONTEND_QDQ_INTEGERMOVEMENT_H

#include "QuantOpt/Conversion/QuantizedParameters.h"
#include "mlir/IR/Builders.h"

namespace mlir::qopt {

/// The operands whose elements `op` moves (or picks the largest of) without
/// changing them; empty for other ops.
SmallVector<OpOperand *> getMovedIntegers(Operation *op);

/// `op`, which moves integers that stand for f32 values as `parameters` (one
/// scale) say, on those values: `real` replaces its moved operands, in order.
/// Padding becomes the value its integer stands for; that of a max pool with
/// the lowest integer is -infinity, as float models have it. Null where `op`
/// cannot be raised.
Value raiseMovement(OpBuilder &builder, Operation *op, ValueRange real,
                    const QuantizedParameters &parameters);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_QDQ_INTEGERMOVEMENT_H

//===- MoveIntegers.h - Data movement of stored integers ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_CONVERSION_MOVEINTEGERS_H
#define QUANTOPT_CONVERSION_MOVEINTEGERS_H

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/Builders.h"

namespace mlir::qopt {

/// The op `op`, one of those getMovedOperand knows, on `integers`, which are
/// stored as `type`, in place of the floats it moves.
Value moveIntegers(OpBuilder &builder, Operation *op, Value integers,
                   quant::UniformQuantizedType type);

} // namespace mlir::qopt

#endif // QUANTOPT_CONVERSION_MOVEINTEGERS_H

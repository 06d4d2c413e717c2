//===- ValueRelations.h - What a scalar is made of ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Facts that plain intervals cannot see, from the structure around an op.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_ANALYSIS_VALUERELATIONS_H
#define QUANTOPT_LIB_ANALYSIS_VALUERELATIONS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::qopt {

/// What combines the accumulator of a reduction's result with each element, and
/// that element; null where the body is something else.
std::pair<Operation *, Value> matchCombiner(linalg::LinalgOp op,
                                            unsigned result);

/// maximumf or maxnumf; false for null.
bool isMaximum(Operation *op);

/// The operand of `owner` that the scalar `value` is an element of, or null.
Value getTensor(Value value, linalg::LinalgOp owner);

/// The subtraction `op` in the body of `owner` is `x - max(x)`, as in softmax:
/// not positive.
bool subtractsMaximum(Operation *op, linalg::LinalgOp owner);

/// The division `op` is `x / sum(x)`: in [0, 1] where no `x` is negative.
bool dividesBySum(Operation *op, linalg::LinalgOp owner);

/// Both factors of `op` are one value, or one element of a tensor read twice.
bool isSquare(Operation *op, linalg::LinalgOp owner);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_ANALYSIS_VALUERELATIONS_H

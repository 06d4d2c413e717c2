//===- EvaluateBody.h - Elementwise bodies on numbers ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The scalar function that the body of an elementwise op computes, evaluated in
// f64 with QuantMath's functions, so that tables are the same on every host.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ANALYSIS_EVALUATEBODY_H
#define QUANTOPT_ANALYSIS_EVALUATEBODY_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::qopt {

/// The value that the body of `op` yields where its inputs have these values
/// (in operand order). Operations are f64 operations whatever the float type of
/// the op; conversions to a narrower float type round to it. Integers and
/// booleans are f64 numbers, too. Failure if the body uses an op that this does
/// not know, an integer beyond 2^53, or the value of its output.
FailureOr<double> evaluateBody(linalg::GenericOp op, ArrayRef<double> inputs);

/// The same where exactly one input of `op` is not a constant scalar (or a
/// splat), for value `x` of that input.
FailureOr<double> evaluateUnaryBody(linalg::GenericOp op, double x);

} // namespace mlir::qopt

#endif // QUANTOPT_ANALYSIS_EVALUATEBODY_H

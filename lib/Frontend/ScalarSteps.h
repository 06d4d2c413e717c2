//===- ScalarSteps.h - Scalar ops as functions on registers -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Each step computes the bits that its op computes at run time: every float
// operation is rounded by itself, to nearest even. Ops without such a
// definition (libm functions) have no step.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_SCALARSTEPS_H
#define QUANTOPT_LIB_FRONTEND_SCALARSTEPS_H

#include "ConstantTensor.h"

#include "mlir/IR/Operation.h"

#include <functional>

namespace mlir::qopt {

/// Reads operands from registers and writes the result to one. False where the
/// result is undefined: a division by zero, a conversion out of range.
using ScalarStep = std::function<bool(ScalarBits *registers)>;

/// The step of an arith or math op on scalars; null where there is none.
ScalarStep makeScalarStep(Operation *op, unsigned result,
                          ArrayRef<unsigned> operands);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_SCALARSTEPS_H

//===- LoopsInterpreter.h - qopt.loops by definition -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A function with one `qopt.loops` on tensors, computed op by op over all
// reduced points of one row after the other. Shares nothing with the compiler
// but the parser; sums of floats are QuantMath's.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_LOOPSINTERPRETER_H
#define QUANTOPT_TEST_UNIT_LOOPSINTERPRETER_H

#include "CpuModel.h"

namespace mlir::qopt::test {

/// The results of the `qopt.loops` in function `main` of `text`, whose inputs
/// are arguments of the function, in order, or constants.
std::vector<Buffer> interpretLoops(const std::string &text,
                                   const std::vector<Buffer> &inputs);

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_UNIT_LOOPSINTERPRETER_H

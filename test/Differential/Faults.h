//===- Faults.h - Faults to be found ---------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Small changes of an integer form, such as a wrong lowering could make. A test
// that does not notice them is no test.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_DIFFERENTIAL_FAULTS_H
#define QUANTOPT_TEST_DIFFERENTIAL_FAULTS_H

#include "mlir/IR/BuiltinOps.h"

namespace mlir::qopt::differential {

enum class Fault {
  EpilogueConstant, ///< one multiplier or offset is a little larger
  ClampLimit,       ///< a result saturates one step too early
  SignExtension,    ///< u8 is read as s8
  SeparateRounding, ///< fma as a product and a sum
  Rounding,         ///< floor(x + 1/2) in place of ties to even
  PaddingValue,     ///< padding is one step off zero
  Weight,           ///< one weight is one step off
  Correction,       ///< a zero point correction is one off
};

llvm::StringRef stringifyFault(Fault fault);

/// All of them.
llvm::ArrayRef<Fault> getFaults();

/// Plants `fault` in the first place of the module there is; false where there
/// is none.
bool plantFault(ModuleOp module, Fault fault);

} // namespace mlir::qopt::differential

#endif // QUANTOPT_TEST_DIFFERENTIAL_FAULTS_H

//===- Leftovers.h - Exporters' own dialects --------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_FRONTEND_LEFTOVERS_H
#define QUANTOPT_FRONTEND_LEFTOVERS_H

#include "mlir/IR/Diagnostics.h"
#include "mlir/Support/LLVM.h"

namespace mlir::qopt {

/// True for dialects that exporters and other compilers leave in their output:
/// some of their ops have an upstream meaning (qopt-strip-leftovers).
bool isLeftoverDialect(StringRef dialect);

/// What to do about an op of `dialect`, which cannot be imported: the end of a
/// sentence.
StringRef getLoweringAdvice(StringRef dialect);

/// Adds that advice as a note to the parser's complaint about an op whose
/// dialect is not known. Leaves other diagnostics alone.
void adviseOnUnknownDialect(Diagnostic &diagnostic);

} // namespace mlir::qopt

#endif // QUANTOPT_FRONTEND_LEFTOVERS_H

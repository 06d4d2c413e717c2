//===- ExpandSums.h - Sums in the fixed order, of plain loops --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_EXPANDSUMS_H
#define QUANTOPT_LIB_KERNELS_EXPANDSUMS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace mlir::qopt {

/// Replaces the marked sums of floats (OrderedSum.h), which are left after
/// qopt-form-loops, by loops in the order of docs/Numerics.md, "Sums in
/// binary32".
void expandOrderedSums(func::FuncOp entry);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_EXPANDSUMS_H

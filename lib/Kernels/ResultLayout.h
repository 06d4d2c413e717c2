//===- ResultLayout.h - Transposes behind a gemm ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. A gemm whose result nobody reads but a transpose
// stores it as the transpose would, where it can address that by strides. Where
// rows end up innermost, a and b change places: the values of attention come
// out transposed.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_RESULTLAYOUT_H
#define QUANTOPT_LIB_KERNELS_RESULTLAYOUT_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"

namespace mlir::qopt {

/// Replaces `gemm` and the farthest transpose behind it that one gemm can do
/// without, with reshapes of the result where they are needed. Operands must
/// not be padded yet. Does nothing if there is no such transpose.
void absorbTranspose(GemmOp gemm);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_RESULTLAYOUT_H

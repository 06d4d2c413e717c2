//===- QuantizedProduct.h - Products of integers with zero points ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_QDQ_QUANTIZEDPRODUCT_H
#define QUANTOPT_LIB_FRONTEND_QDQ_QUANTIZEDPRODUCT_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::qopt {

/// Replaces `op`, if it adds products (a - za)(b - zb) of 8-bit integers with
/// constant zero points to i32 values, by the same integers in other words: the
/// contraction of integer form and an elementwise sum. Named ops and generics
/// are one case. False where `op` is something else, or in that form already.
bool lowerQuantizedProduct(linalg::LinalgOp op);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_QDQ_QUANTIZEDPRODUCT_H

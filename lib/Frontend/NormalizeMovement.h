//===- NormalizeMovement.h - One form of data movement ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_NORMALIZEMOVEMENT_H
#define QUANTOPT_LIB_FRONTEND_NORMALIZEMOVEMENT_H

#include "mlir/IR/PatternMatch.h"

namespace mlir::qopt {

/// - `expand_shape(broadcast(x))` -> `broadcast(expand_shape(x))`;
/// - slices inserted one after the other into an empty tensor that they fill
///   -> `tensor.concat`;
/// - a slice inserted into a fill -> `tensor.pad`, unless it has strides;
/// - elementwise ops and reductions with names -> `linalg.generic`.
void populateNormalizeMovementPatterns(RewritePatternSet &patterns);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_NORMALIZEMOVEMENT_H

//===- ConstantMovement.h - Evaluate data movement of constants ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_FRONTEND_CONSTANTMOVEMENT_H
#define QUANTOPT_FRONTEND_CONSTANTMOVEMENT_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::qopt {

/// The constant `attr` with its dimensions permuted: result dimension i is
/// source dimension `permutation[i]`. Failure for sub-byte elements.
FailureOr<ElementsAttr> transposeConstant(ElementsAttr attr,
                                          ArrayRef<int64_t> permutation);

/// `transpose(constant)`, `expand_shape(constant)`, `collapse_shape(constant)`
/// and static `extract_slice(constant)` -> constant. MLIR itself folds none of
/// these for resources. A constant under `quant.scast` and `quant.dcast` stays
/// under them; its scales go where their elements go.
void populateFoldConstantMovementPatterns(RewritePatternSet &patterns);

} // namespace mlir::qopt

#endif // QUANTOPT_FRONTEND_CONSTANTMOVEMENT_H

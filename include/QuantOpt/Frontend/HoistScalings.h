//===- HoistScalings.h - Scalings to where values are computed ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_FRONTEND_HOISTSCALINGS_H
#define QUANTOPT_FRONTEND_HOISTSCALINGS_H

#include "mlir/IR/PatternMatch.h"

namespace mlir::qopt {

/// Multiplications by one constant move in front of the transposes and reshapes
/// between them and a contraction with constant weights.
void populateHoistScalingPatterns(RewritePatternSet &patterns);

} // namespace mlir::qopt

#endif // QUANTOPT_FRONTEND_HOISTSCALINGS_H

//===- ValueRanges.h - Limits of results, known without data ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ANALYSIS_VALUERANGES_H
#define QUANTOPT_ANALYSIS_VALUERANGES_H

#include "QuantOpt/Analysis/ScaleState.h"
#include "mlir/IR/Operation.h"

namespace mlir::qopt {

/// The interval that the results of `op` lie in whatever its operands hold, as
/// its definition says: [0, 1] for softmax and sigmoid composites, [-1, 1] for
/// tanh, the limits of clamps. Elementwise bodies are evaluated with intervals
/// (so x -> 1 / (1 + exp(-x)) is within [0, 1] as well). NaN does not count.
Interval getResultRange(Operation *op);

} // namespace mlir::qopt

#endif // QUANTOPT_ANALYSIS_VALUERANGES_H

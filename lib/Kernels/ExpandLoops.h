//===- ExpandLoops.h - qopt.loops back to linalg ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_EXPANDLOOPS_H
#define QUANTOPT_LIB_KERNELS_EXPANDLOOPS_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"

namespace mlir::qopt {

/// Replaces `op`, on tensors, by one linalg.generic per reduction, each of what
/// it needs alone, and one per result. What several need is computed again.
void expandLoops(LoopsOp op);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_EXPANDLOOPS_H

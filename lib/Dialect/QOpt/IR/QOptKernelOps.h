//===- QOptKernelOps.h - What kernel ops share ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_DIALECT_QOPT_IR_QOPTKERNELOPS_H
#define QUANTOPT_LIB_DIALECT_QOPT_IR_QOPTKERNELOPS_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"

namespace mlir::qopt {

/// Effects of a kernel op on buffers: reads of the inputs, writes of the inits.
void addBufferEffects(
    DestinationStyleOpInterface op,
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_DIALECT_QOPT_IR_QOPTKERNELOPS_H

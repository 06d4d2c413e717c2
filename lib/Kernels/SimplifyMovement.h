//===- SimplifyMovement.h - Views instead of copies ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_SIMPLIFYMOVEMENT_H
#define QUANTOPT_LIB_KERNELS_SIMPLIFYMOVEMENT_H

#include "mlir/IR/Operation.h"

namespace mlir::qopt {

/// Turns ops that only move elements into ones that become views of buffers:
/// a gather of constant indices into a slice, and an insertion of a tensor with
/// additional dims of extent 1 into one without, so that its producer can write
/// into the destination.
LogicalResult simplifyMovement(Operation *root);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_SIMPLIFYMOVEMENT_H

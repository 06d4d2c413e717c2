//===- StatusChecks.h - Conditions that kernels check ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. What the body of a linalg op on buffers checks: its
// `cf.assert`s, and the indices of loads that nothing else shows to be inside
// of the buffer. On the CPU the first failing check ends the run; a kernel
// notes it in the launch's status word (StatusWord.h).
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_STATUSCHECKS_H
#define QUANTOPT_LIB_KERNELS_STATUSCHECKS_H

#include "DeviceBuilder.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

#include <string>

namespace mlir::qopt {

/// One condition; its number is its place in the list.
struct BodyCheck {
  /// A cf.assert, or a memref.load.
  Operation *op;
  /// Of a load: which of its indices.
  unsigned dim;
  /// What a user reads when it fails.
  std::string message;
};

/// The checks of a body in its order. Two of the same kind and message that
/// threads cannot tell apart stay two.
SmallVector<BodyCheck> collectChecks(Block &body);

/// A load in a body whose index in `dim` may lie outside of the buffer.
bool needsClamp(memref::LoadOp load, unsigned dim);

/// Notes in `status` that check `number` failed at `point` (i32 or i64) where
/// `condition` does not hold.
void emitCheck(DeviceBuilder &builder, Value status, Value point,
               unsigned number, Value condition);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_STATUSCHECKS_H

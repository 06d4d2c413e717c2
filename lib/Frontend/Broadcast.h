//===- Broadcast.h - Copies of smaller tensors ------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_BROADCAST_H
#define QUANTOPT_LIB_FRONTEND_BROADCAST_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Value.h"

namespace mlir::qopt {

/// If `value` is a copy of a smaller tensor along new dimensions
/// (linalg.broadcast or a copying generic), that tensor and the map from
/// `value`'s dimensions to its own; else null.
Value matchBroadcast(Value value, AffineMap &map);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_BROADCAST_H

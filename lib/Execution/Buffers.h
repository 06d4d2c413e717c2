//===- Buffers.h - Addresses of elements of memrefs ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Execution. Kernels and loop nests take plain pointers: these
// helpers make them.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EXECUTION_BUFFERS_H
#define QUANTOPT_LIB_EXECUTION_BUFFERS_H

#include "QuantOpt/Execution/BufferAccess.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace mlir::qopt::cpu {

/// The address of element 0 of `memref` as `!llvm.ptr`.
Value createPointer(OpBuilder &builder, Location loc, Value memref);

/// The type that holds one element in memory: whole bytes.
Type getStorageType(Type elementType);

/// `pointer + elements`, where `elements` is an i64 or a constant.
Value advancePointer(OpBuilder &builder, Location loc, Value pointer,
                     Type elementType, OpFoldResult elements);

} // namespace mlir::qopt::cpu

#endif // QUANTOPT_LIB_EXECUTION_BUFFERS_H

//===- Buffers.h - Addresses of elements of memrefs ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Execution. Kernels and loop nests take plain pointers: these
// helpers turn accesses to memrefs of static shape and strides into a pointer
// and one stride per loop.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EXECUTION_BUFFERS_H
#define QUANTOPT_LIB_EXECUTION_BUFFERS_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include <optional>

namespace mlir::qopt::cpu {

/// Element `offset + Σ strides[loop] · iv[loop]` behind a buffer's pointer.
struct LinearAccess {
  int64_t offset = 0;
  SmallVector<int64_t> strides;
};

/// The strides of `type` if its shape and strides are static and not negative.
std::optional<SmallVector<int64_t>> getStaticStrides(MemRefType type);

/// `subscripts` of the loops applied to a buffer of `type`; nothing where the
/// address is no linear function with non-negative strides.
std::optional<LinearAccess> linearizeAccess(AffineMap subscripts,
                                            MemRefType type);

/// The value behind views that start at the same element.
Value getViewBase(Value memref);

/// The allocation or block argument behind all views, null if `memref` may be
/// one of several.
Value getRoot(Value memref);

/// Two different objects, none of which can be a part of the other.
bool areDistinct(Value rootA, Value rootB);

/// The address of element 0 of `memref` as `!llvm.ptr`.
Value createPointer(OpBuilder &builder, Location loc, Value memref);

/// The type that holds one element in memory: whole bytes.
Type getStorageType(Type elementType);

/// `pointer + elements`, where `elements` is an i64 or a constant.
Value advancePointer(OpBuilder &builder, Location loc, Value pointer,
                     Type elementType, OpFoldResult elements);

} // namespace mlir::qopt::cpu

#endif // QUANTOPT_LIB_EXECUTION_BUFFERS_H

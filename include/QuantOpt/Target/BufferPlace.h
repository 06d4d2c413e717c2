//===- BufferPlace.h - Where in memory a memref is -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In a kernels form every buffer is a part of an argument or of a constant, and
// views say at compile time which.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TARGET_BUFFERPLACE_H
#define QUANTOPT_TARGET_BUFFERPLACE_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"

#include <optional>

namespace mlir::qopt {

struct BufferPlace {
  /// What no view made: an argument, `memref.get_global`, `qopt.pack`, or an op
  /// that a kernels form does not have.
  Value base;
  /// Bytes from the start of `base` to the buffer's first element.
  int64_t offset = 0;
  /// Bytes from the first element to the end of the last one.
  int64_t size = 0;
};

/// Bytes of an element in memory; truth values take one, indices eight.
int64_t getElementBytes(MemRefType type);

/// Elements from the first to the last one of a strided buffer, and where the
/// first one is; none where strides or extents are dynamic or negative.
std::optional<int64_t> getSpan(MemRefType type, int64_t &offset);

/// The operand of a view that changes the type only, whose type says where the
/// buffer begins in elements from the base; null for other values.
Value getViewSource(Value buffer);

/// Follows `buffer` through views. If its place is not known at compile time,
/// or its elements are of no type that buffers of kernels have, an error at
/// `user`, which takes it, says so.
FailureOr<BufferPlace> findBufferPlace(Value buffer, Operation *user);

} // namespace mlir::qopt

#endif // QUANTOPT_TARGET_BUFFERPLACE_H

//===- BufferAccess.h - Where accesses to memrefs go -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Accesses to memrefs of static shape and strides as linear functions of loop
// counters, the buffers behind views, and the ranges of computed indices.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_EXECUTION_BUFFERACCESS_H
#define QUANTOPT_EXECUTION_BUFFERACCESS_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

#include <optional>
#include <string>

namespace mlir::qopt {

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

/// Values an index can take, both ends included.
struct IndexRange {
  int64_t low, high;
};

/// What follows about an integer or index from constants and the bounds of
/// loops (scf.for, linalg.index) alone.
std::optional<IndexRange> getIndexRange(Value value);

/// What users read about an index that is not in [0, extent).
std::string describeIndexCheck(unsigned dim, int64_t extent);

} // namespace mlir::qopt

#endif // QUANTOPT_EXECUTION_BUFFERACCESS_H

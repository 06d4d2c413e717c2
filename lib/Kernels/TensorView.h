//===- TensorView.h - Loops in the memory of a tensor ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. Which loops of an op walk which dims of a tensor,
// and the same of the tensors that it was reshaped, sliced and transposed from:
// a kernel can read any of them if it can address it by strides.
//
// Loops come in parts, as one dim may stand for several others: of a loop over
// 80 = 20 samples * 4 heads, the samples are the part of stride 4 and
// extent 20.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_TENSORVIEW_H
#define QUANTOPT_LIB_KERNELS_TENSORVIEW_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"

namespace mlir::qopt {

/// `i / stride % extent` of a loop's index i. Never of extent 1.
struct LoopPart {
  unsigned loop;
  int64_t stride, extent;

  bool operator==(const LoopPart &other) const {
    return loop == other.loop && stride == other.stride &&
           extent == other.extent;
  }
};
using LoopParts = SmallVector<LoopPart, 4>;

/// Product of the extents.
int64_t getNumPoints(ArrayRef<LoopPart> parts);

/// A tensor of which the loops walk a box.
struct TensorView {
  Value value;
  /// Per dim of `value`: the parts that index it, outermost first. Their points
  /// are what is read of the dim, ...
  SmallVector<LoopParts> dims;
  /// ... from this index on.
  SmallVector<int64_t> offsets;
  /// There is a transpose between `value` and the op.
  bool isTransposed = false;

  /// True if every element of `value` is read.
  bool isWhole() const;
};

/// Ways to read `operand`, whose dims are indexed by `dims`: itself, then what
/// is behind each transpose that it was made by, the farthest last. Reshapes
/// and slices on the way are looked through.
SmallVector<TensorView> getViews(Value operand, ArrayRef<LoopParts> dims);

/// If `op` only transposes, its input, and the permutation as that of
/// linalg.transpose.
std::optional<std::pair<Value, SmallVector<int64_t>>>
matchTranspose(Operation *op);

/// Splits the parts of one dim into those of dims of `extents`, outermost
/// first. Nothing if an extent ends inside of a part.
std::optional<SmallVector<LoopParts>> splitParts(ArrayRef<LoopPart> parts,
                                                 ArrayRef<int64_t> extents);

/// Element strides of the dims of `tensor` as a buffer: others than those of
/// its type where it is a slice, or reshaped from one. `offset` is that of its
/// first element. What is not known to be a view counts as contiguous.
SmallVector<int64_t> getTensorStrides(Value tensor, int64_t &offset);

/// A part and the distance in elements between its points in memory.
struct StridedPart {
  LoopPart part;
  int64_t stride;
};
using StridedParts = SmallVector<StridedPart, 6>;

/// All parts in the order of memory, outermost first.
StridedParts getStridedParts(const TensorView &view);
/// The same of a contiguous tensor.
StridedParts getStridedParts(ArrayRef<LoopParts> dims);

/// `view` as a tensor of its own: a slice unless it is whole.
Value buildSlice(OpBuilder &builder, Location loc, const TensorView &view);

/// `value` with another shape of as many elements in the same order. Constants
/// stay constants; anything else is reshaped by at most two ops.
Value buildReshape(OpBuilder &builder, Location loc, Value value,
                   ArrayRef<int64_t> shape);
/// The same by way of `common`, which has the boundaries of both shapes: so no
/// dims are merged that a slice has apart.
Value buildReshape(OpBuilder &builder, Location loc, Value value,
                   ArrayRef<int64_t> common, ArrayRef<int64_t> shape);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_TENSORVIEW_H

//===- LayoutTransposes.h - Moving layout conversions -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A layout transpose is a `linalg.transpose` with the attribute kLayoutAttr. It
// sinks from its source towards its readers until it meets its inverse; one in
// front of a convolution that found none rises again to what comes from
// outside. Result dimension i of a transpose is dimension permutation[i] of its
// source.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_LAYOUTTRANSPOSES_H
#define QUANTOPT_LIB_FRONTEND_LAYOUTTRANSPOSES_H

#include "QuantOpt/Frontend/ChannelsLast.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::qopt {

/// The layout transpose that defines `value`, or null.
linalg::TransposeOp getLayoutTranspose(Value value);

/// Position of each source dimension in the result.
SmallVector<int64_t> invertPermutation(ArrayRef<int64_t> permutation);

/// `list` in the order of the transpose's result.
template <typename T>
SmallVector<T> permute(ArrayRef<T> list, ArrayRef<int64_t> permutation) {
  SmallVector<T> result;
  for (int64_t dim : permutation)
    result.push_back(list[dim]);
  return result;
}

/// The result type of a transpose.
RankedTensorType permute(RankedTensorType type, ArrayRef<int64_t> permutation);

/// `value` with its dimensions permuted. Fills and empty tensors are made anew,
/// so that an accumulator's zero stays visible; anything else is transposed.
Value convertLayout(OpBuilder &builder, Location loc, Value value,
                    ArrayRef<int64_t> permutation);

/// True if `value` costs nothing at run time in any layout: a constant, a fill
/// or an empty tensor.
bool isFreeInAnyLayout(Value value);

/// True for observers and casts that treat all elements alike.
bool hasOneScaleOrNone(Operation *op);

/// `map` reads `transpose(x, permutation)`; the map that reads x.
AffineMap readThrough(AffineMap map, ArrayRef<int64_t> permutation);

/// True if an operand of `op` is read at sums of loops, as convolutions and
/// pools do.
bool hasWindow(linalg::LinalgOp op);

/// Marks the model's own transposes that convert between the layouts of
/// convolutions: those that elementwise ops, reductions and data movement
/// without reshapes connect with a convolution or pool.
void markLayoutTransposes(Operation *root);

/// transpose(x) that keeps the order of all dimensions but those of size 1
/// -> reshapes.
LogicalResult reshapeInsteadOfTranspose(RewriterBase &rewriter,
                                        linalg::TransposeOp op);

/// op(transpose(x)) -> transpose(op'(x)), for linalg.generic, ...
void populateSinkThroughGenericPatterns(RewritePatternSet &patterns);
/// ... tensor ops and casts, ...
void populateSinkThroughMovementPatterns(RewritePatternSet &patterns);
/// ... and values that loops carry.
void populateSinkThroughLoopPatterns(RewritePatternSet &patterns);
/// What no transpose sinks through reads its source: op(transpose(x)) ->
/// op'(x). Only after all that can sink has: one operand may come before the
/// others.
void populateReadThroughPatterns(RewritePatternSet &patterns);
/// contraction(flatten(transpose(x)), W) -> contraction(flatten(x), W').
void populateFlattenIntoWeightsPatterns(RewritePatternSet &patterns);

/// Marks the layout transposes that convolutions and pools read for rising.
void markRisingTransposes(Operation *root);
/// transpose(op(x)) -> op'(transpose(x)) for marked transposes.
void populateRisePatterns(RewritePatternSet &patterns);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_LAYOUTTRANSPOSES_H

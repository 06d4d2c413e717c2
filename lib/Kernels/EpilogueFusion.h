//===- EpilogueFusion.h - Elementwise ops that join a kernel ---------*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. Finds the elementwise ops behind a contraction that
// its kernel can compute on the accumulator, and builds them as a region.
//
// The rule. A member is an all-parallel linalg op of the same block that reads
// the accumulator or other members at their own index only, and apart from them
// scalars, constants and tensors indexed by whole rows, columns, batches or
// everything; its body has only ops that kernels lower (no calls of libm).
// Reshapes between members belong to them. The epilogue is the longest prefix
// of the members, in source order, of which nothing but the last result is used
// outside. So it stops where a value that others need too leaves the kernel,
// but includes expressions like GELU that use one value several times.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_EPILOGUEFUSION_H
#define QUANTOPT_LIB_KERNELS_EPILOGUEFUSION_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace mlir::qopt {

/// A tensor that the epilogue reads.
struct FusedTensor {
  Value value;
  /// Its shape after a reshape, one dim for each of `dims`.
  SmallVector<int64_t> shape;
  /// Loops of the kernel (batch..., m, n) that index it, ascending.
  SmallVector<unsigned> dims;
};

/// What a block argument of a member is inside the region; nothing of it is set
/// if the argument is not used.
struct FusedInput {
  /// The accumulator or the member's result that it is an element of, ...
  Value member;
  /// ... or the constant that it is, ...
  TypedAttr scalar;
  /// ... or the operand of the epilogue, by its index.
  std::optional<unsigned> operand;
};

struct FusedMember {
  linalg::LinalgOp op;
  /// One per block argument.
  SmallVector<FusedInput> inputs;
};

struct FusedEpilogue {
  /// In source order; empty if the accumulator itself is the result.
  SmallVector<FusedMember> members;
  SmallVector<FusedTensor> operands;
  /// The members and the reshapes between them, in source order.
  SmallVector<Operation *> ops;
  /// The tensor that the kernel computes: the contraction's or the last
  /// member's result.
  Value result;
};

/// The epilogue of the contraction whose result is `accumulator`, computed by a
/// kernel as `shape`, in the same order of elements. `map` takes the kernel's
/// loops (batch..., m, n) to the dims of `shape`.
FusedEpilogue findEpilogue(Value accumulator, ArrayRef<int64_t> shape,
                           AffineMap map);

/// Fills the empty `region` of a kernel op with the epilogue: block arguments
/// for the accumulator and the operands, members as scalar ops.
void buildEpilogue(Region &region, Location loc, const FusedEpilogue &epilogue,
                   Value accumulator);

//===----------------------------------------------------------------------===//
// Parts that other fusions use
//===----------------------------------------------------------------------===//

/// Scalar ops that become instructions, or are expanded into such on f32, and
/// never calls of a math library.
bool isLowerable(Operation *op);

/// A body of lowerable ops that takes nothing from outside but constants.
bool hasLowerableBody(linalg::LinalgOp op);

/// All loops parallel, one result written in order, a body of lowerable ops
/// that takes nothing from outside but constants.
bool isElementwiseMember(linalg::LinalgOp op);

/// The one value of all elements of `tensor`, if that is a constant.
TypedAttr getScalar(Value tensor);

/// The dims of `kernelShape` that index a tensor of type `type` read through
/// `map` by loops of `shape`, where both shapes have the same elements in the
/// same order. Nothing if the tensor is indexed in another way.
std::optional<SmallVector<unsigned>>
getKernelDims(RankedTensorType type, AffineMap map, ArrayRef<int64_t> shape,
              ArrayRef<int64_t> kernelShape);

/// Looks through ops that only repeat elements of a smaller tensor, as long as
/// that is a constant scalar or indexed by `kernelShape` (getKernelDims), and
/// not through results for which `isOpaque` holds.
void seeThroughBroadcasts(
    Value &value, AffineMap &map, ArrayRef<int64_t> shape,
    ArrayRef<int64_t> kernelShape,
    function_ref<bool(Value)> isOpaque = [](Value) { return false; });

/// Common subexpressions of a kernel op's region become one, constants come
/// first. Nothing is folded: that would evaluate transcendental functions with
/// the host's math library.
void tidyRegion(Block *block);

/// Erases what nothing uses any more in `root`: fills, empty tensors, reshapes
/// and constants that only replaced ops needed.
void eraseUnusedOps(Operation *root);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_EPILOGUEFUSION_H

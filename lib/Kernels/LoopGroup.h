//===- LoopGroup.h - Ops that one loops kernel computes --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. A group is a reduction (the seed) and ops of its
// block that walk the same loops: each computes something per point of all
// loops (varying), or per point of the parallel loops (uniform). Tensors within
// a group hold the points of one or the other in row-major order, in whatever
// shape; what a member reads of the outside is indexed by some of the loops.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_LOOPGROUP_H
#define QUANTOPT_LIB_KERNELS_LOOPGROUP_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/SetVector.h"

#include <optional>

namespace mlir::qopt {

/// How a reduction combines elements: `out = combine(out, element)`.
struct Combiner {
  ReduceKind kind;
  /// The op that combines; its operand `element` is the element.
  Operation *op;
  unsigned element;
};

/// The combiner of a linalg op with reduced loops and one result, if
/// qopt.reduce has it.
std::optional<Combiner> matchCombiner(linalg::LinalgOp op);

/// The loops of a group, all of more than one iteration.
struct GroupDomain {
  SmallVector<int64_t> extents;
  SmallVector<bool> reductions;
  /// Loops in the order of the tensors that hold varying and uniform values.
  SmallVector<unsigned> varyingLoops, uniformLoops;
  /// Whether ops may compute varying values: not for windows, where points
  /// share elements.
  bool hasVarying = false;
  /// For each loop of the seed its loop, or none if it has one iteration.
  SmallVector<std::optional<unsigned>> seedLoops;

  SmallVector<int64_t> getShape(ArrayRef<unsigned> loops) const;
};

/// A tensor from outside of the group.
struct GroupInput {
  Value value;
  /// Its shape after a reshape; empty for none.
  SmallVector<int64_t> shape;
  /// From the loops to its dims (after the reshape).
  AffineMap map;
  /// What is read outside of it.
  TypedAttr pad;
};

/// What a block argument of a member is; nothing is set if it is not used.
struct GroupOperand {
  /// A member's result, ...
  Value member;
  /// ... a constant, ...
  TypedAttr scalar;
  /// ... or an input by its index.
  std::optional<unsigned> input;
};

struct GroupMember {
  linalg::LinalgOp op;
  bool isVarying = false;
  /// One per block argument.
  SmallVector<GroupOperand> operands;
  /// For reductions: how, and what they start from.
  std::optional<Combiner> combiner;
};

/// A result that others read.
struct GroupOutput {
  Value value;
  bool isVarying;
};

struct LoopGroup {
  GroupDomain domain;
  /// In source order.
  SmallVector<GroupMember> members;
  SmallVector<GroupInput> inputs;
  SmallVector<GroupOutput> outputs;
};

/// The largest group around `seed`, a reduction with a combiner. Nothing, with
/// a reason, if not even the seed alone can be one.
std::optional<LoopGroup> findLoopGroup(linalg::LinalgOp seed,
                                       std::string &reason);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_LOOPGROUP_H

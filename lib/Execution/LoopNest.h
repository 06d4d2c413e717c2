//===- LoopNest.h - The loops of a linalg op, in a good order --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Execution. A linalg op on buffers as loops over pointers:
// analysis and ordering (LoopNest.cpp), code (EmitLoopNest.cpp).
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EXECUTION_LOOPNEST_H
#define QUANTOPT_LIB_EXECUTION_LOOPNEST_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::qopt::cpu {

/// One loop of a nest; it may stand for several loops of the op.
struct NestLoop {
  int64_t extent;
  bool isReduction;
  /// Elements each buffer operand moves by per iteration.
  SmallVector<int64_t> strides;
  /// The op's loop whose `linalg.index` is this loop's counter; -1 if the body
  /// does not use it.
  int64_t dim;
};

/// A buffer operand of the op.
struct NestOperand {
  OpOperand *operand;
  Type elementType;
  /// First element read or written.
  int64_t offset;
  bool isOutput;
};

/// The op as loops, outermost first.
struct LoopNest {
  linalg::LinalgOp op;
  SmallVector<NestOperand> operands;
  SmallVector<NestLoop> loops;
  /// The loops from here to the innermost are reductions, whose running values
  /// stay in registers. `loops.size()` if the innermost loop is parallel.
  size_t firstRegisterLoop;
  /// Iterations of loop `firstRegisterLoop - 1` that run interleaved, so that
  /// their dependent chains overlap.
  int64_t interleave = 1;
  /// The reduction is a sum in the fixed order (OrderedSum.h).
  bool isOrderedSum = false;
  /// Of such a sum: as many iterations of loop `firstRegisterLoop - 1` are
  /// added up side by side, as vectors; 0 if that loop is like the others.
  int64_t sumLanes = 0;
  /// The first of the loops that make such a sum.
  size_t getSumLevel() const {
    return firstRegisterLoop - (sumLanes != 0 ? 1 : 0);
  }
};

/// Chooses the loops for `op`. Each element of an output sees its reduction in
/// the order of the op's loops. Failure if an access is not linear in the loop
/// counters or something is not static.
FailureOr<LoopNest> buildLoopNest(linalg::LinalgOp op);

/// Values outside of the op that its body uses and that are not constants.
struct NestCaptures {
  SmallVector<Value> buffers;
  SmallVector<Value> scalars;
};

/// What `op`'s body takes from outside; failure if it does more with buffers
/// than load elements.
FailureOr<NestCaptures> getCaptures(linalg::LinalgOp op);

/// Fills `function` with the loops. `operandPointer` and `bufferPointer` map
/// the nest's operands and captured buffers to pointer arguments, `mapping` the
/// captured scalars to arguments.
void emitLoopNest(func::FuncOp function, LoopNest &nest,
                  ArrayRef<Value> operandPointers,
                  const DenseMap<Value, Value> &bufferPointers,
                  const IRMapping &mapping);

} // namespace mlir::qopt::cpu

#endif // QUANTOPT_LIB_EXECUTION_LOOPNEST_H

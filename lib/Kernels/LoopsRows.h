//===- LoopsRows.h - Rows over threads, and their reductions ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels: the layout of rows (LoopsRows.cpp) and how the
// threads of a row combine what each of them has (LoopsRowSums.cpp).
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_LOOPSROWS_H
#define QUANTOPT_LIB_KERNELS_LOOPSROWS_H

#include "LoopsKernel.h"

namespace mlir::qopt {

/// How a row lies over threads.
struct RowsLayout {
  explicit RowsLayout(const LoopsPlan &plan);

  /// Threads of a block, of a row; elements of a group; groups in registers.
  int64_t threads, rowThreads, lanes, items;
  /// Elements of a row, and of one group of each of its threads.
  int64_t length, chunk;

  bool isInRegisters() const { return chunk * items >= length; }
  int64_t getWarpsPerRow() const;
  /// Values of a thread that are combined with other threads' apart: partial
  /// sums of the fixed order, else one per lane.
  int64_t getNumPartials(ReduceOp reduce) const;
  /// Shared memory that the reduction takes of a block, in bytes.
  int64_t getSharedBytes(ReduceOp reduce) const;

  /// Sets what follows; returns the number of the thread's unit.
  Value enter(DeviceBuilder &builder, bool isWide);
  /// Numbers of the thread in its block and in its row.
  Value thread, threadInRow;
};

/// Combines the values of the threads of a row. All threads of the block take
/// part.
class RowReducer {
public:
  RowReducer(const RowsLayout &layout, DeviceBuilder &builder, Value shared)
      : layout(layout), b(builder), shared(shared) {}

  /// `partials` of all `reduces`, one after the other; one result each, the
  /// same in all threads of a row.
  SmallVector<Value> reduce(ArrayRef<ReduceOp> reduces, ValueRange partials);

private:
  /// Levels of the tree between partial sums of a thread: one value per lane.
  SmallVector<Value> foldPartials(ReduceOp reduce, ValueRange partials);
  /// Levels between the lanes of a thread.
  Value foldLanes(ReduceOp reduce, SmallVector<Value> values);
  /// Levels between the threads of a warp, then foldLanes.
  Value reduceWarp(ReduceOp reduce, SmallVector<Value> values);
  /// What the thread at `distance` (xor) has.
  Value shuffle(Value value, int64_t distance);

  /// Before the barrier: what other warps need of this one.
  void publish(ReduceOp reduce, ValueRange values, int64_t region);
  /// After it: the result.
  Value collect(ReduceOp reduce, int64_t region);

  const RowsLayout &layout;
  DeviceBuilder &b;
  Value shared;
  /// Bytes of shared memory that were used so far.
  int64_t sharedBytes = 0;
};

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_LOOPSROWS_H

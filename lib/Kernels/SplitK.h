//===- SplitK.h - Sums of several blocks, exact in any order ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Blocks that share a tile add their i32 sums to the workspace by atomics;
// integer addition is exact, so the order does not matter. The last block to
// arrive takes the totals, leaving zeros for the next launch, and goes on to
// the epilogue.
//
// Workspace: one i32 counter per tile, then per tile the sums, sum i of all
// threads side by side.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_SPLITK_H
#define QUANTOPT_LIB_KERNELS_SPLITK_H

#include "GemmKernel.h"

namespace mlir::qopt {

class SplitK {
public:
  /// `tile`: number of the block's tile; `thread`: of the thread in the block,
  /// which holds `numSums` sums.
  SplitK(DeviceBuilder &builder, const GemmParameters &parameters,
         GemmConfigAttr config, Value tile, Value thread, int64_t numSums);

  /// Adds this thread's sums. `scratch`: 4 bytes of shared memory that are free
  /// after a barrier. Returns whether this block is the last of its tile.
  Value add(ValueRange sums, Value scratch);
  /// For the last block: takes the totals of this thread's sums.
  SmallVector<Value> takeTotals();

private:
  Value getSumPointer(int64_t index);

  DeviceBuilder &b;
  int64_t splits, threads, numSums;
  Value thread, counter, sums;
};

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_SPLITK_H

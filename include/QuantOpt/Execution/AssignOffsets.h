//===- AssignOffsets.h - Places for buffers in one arena -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Buffers whose lifetimes are known intervals go into as little memory as a few
// greedy orders find ("dynamic storage allocation", which is NP-hard; the
// orders are those of Pisarchyk and Lee, "Efficient Memory Management for Deep
// Neural Net Inference", arXiv 2001.03288). Deterministic.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_EXECUTION_ASSIGNOFFSETS_H
#define QUANTOPT_EXECUTION_ASSIGNOFFSETS_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace mlir::qopt {

/// Bytes that are needed from one program position to another one, both
/// included.
struct BufferLifetime {
  int64_t size = 0;
  unsigned begin = 0, end = 0;
};

/// The largest sum of sizes that live at any position: no arena is smaller.
int64_t getArenaLowerBound(ArrayRef<BufferLifetime> buffers);

/// An offset for each buffer, such that those that live at the same time do not
/// overlap, and the size of the arena in `arenaSize`. Offsets are sums of
/// sizes: with sizes that are multiples of an alignment, they are.
SmallVector<int64_t> assignOffsets(ArrayRef<BufferLifetime> buffers,
                                   int64_t &arenaSize);

} // namespace mlir::qopt

#endif // QUANTOPT_EXECUTION_ASSIGNOFFSETS_H

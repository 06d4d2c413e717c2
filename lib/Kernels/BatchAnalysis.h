//===- BatchAnalysis.h - Which launches may run fewer samples --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. A model is compiled for a batch B, the outermost
// extent of all its inputs and outputs. The analysis proves that b samples,
// 1 <= b <= B, can be run by launching fewer rows of the same kernels:
//
// - A buffer is *batched* if its first b/B bytes depend only on the first b
//   samples, and *whole* if it does not depend on the samples at all.
// - A kernel op with D = B * r rows (iterations of its outermost loop) is cut
//   to b * r rows if row i of each output, and of each input that is not whole,
//   lies in the i-th of D equal parts of its buffer: then it reads and writes
//   only the first b/B bytes.
// - An op on whole buffers that cannot be cut, or whose result others need as a
//   whole, runs all its rows whatever b is.
//
// This is done on buffers, where aliasing is explicit: an op that writes a part
// of a buffer leaves the rest as it was, and a buffer is as good as the worst
// write to it.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_BATCHANALYSIS_H
#define QUANTOPT_LIB_KERNELS_BATCHANALYSIS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>

namespace mlir::qopt {

struct BatchPlan {
  /// B.
  int64_t batch = 1;
  /// Why only B samples can be run; empty if 1 to B can. Names the op.
  std::string fixedReason;
  /// r of the ops that are cut. Others run all their rows.
  DenseMap<Operation *, int64_t> rowsPerSample;
};

/// Plans the batch of `entry`, straight-line code of views, linalg ops,
/// gemms and loops on buffers whose arguments say what they are
/// (kArgumentKindAttr). Ops that the kernel builders refuse are errors here as
/// well.
FailureOr<BatchPlan> analyzeBatch(func::FuncOp entry);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_BATCHANALYSIS_H

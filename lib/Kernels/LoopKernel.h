//===- LoopKernel.h - Code of a loop kernel --------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. A linalg op as one thread per element, or per group
// of consecutive elements: the plan (SimtLoops.cpp) and its code
// (EmitLoopKernel.cpp).
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_LOOPKERNEL_H
#define QUANTOPT_LIB_KERNELS_LOOPKERNEL_H

#include "DeviceBuilder.h"
#include "LoopShape.h"

namespace mlir::qopt {

/// Threads of a block.
constexpr int64_t kLoopThreads = 256;

/// One loop of the kernel; it may stand for several loops of the op that all
/// operands walk as one.
struct KernelLoop {
  int64_t extent;
  /// Elements each operand moves by per iteration; 0 where it is not linear.
  SmallVector<int64_t> strides;
  /// The op's loop, or -1 if there are several.
  int loop;
};

/// How the threads of a kernel compute an op.
struct LoopKernelPlan {
  LoopShape shape;
  /// For each operand, the constant that an output starts from; null where it
  /// is read, and for inputs.
  SmallVector<Value> initialValues;
  /// Outermost first. The extent of the first parallel loop does not appear in
  /// the code: launches differ in it.
  SmallVector<KernelLoop> parallel, reductions;
  /// Consecutive iterations of the innermost parallel loop that one thread
  /// computes.
  int64_t lanes = 1;
  /// Points (groups of lanes) of the space per iteration of the rows loop.
  int64_t pointsPerRow = 1;
  /// The number of points needs 64 bits.
  bool isWide = false;
  /// For each operand: offsets in bytes need 64 bits.
  SmallVector<bool> isFar;
  /// For each operand, then each capture: no write of the kernel can reach it
  /// through another pointer.
  SmallVector<bool> isDistinct;

  /// True if the operand has one element for each lane.
  bool isVector(size_t operand) const {
    return lanes > 1 && parallel.back().strides[operand] == 1;
  }
  /// What the kernel's code depends on, as text.
  std::string getKey() const;
};

/// Emits the body of `kernel`, whose parameters are the operands, the captures,
/// the status word if the op has checks, and the number of points.
void emitLoopKernel(const LoopKernelPlan &plan, DeviceBuilder &builder,
                    LLVM::LLVMFuncOp kernel);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_LOOPKERNEL_H

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

/// Merges each of `loops` into the one outside of it if all operands walk both
/// as one loop. By loop of the op: `extents`, the stride of each operand, and
/// whether the counter has a use of its own.
SmallVector<KernelLoop> mergeLoops(ArrayRef<unsigned> loops,
                                   ArrayRef<int64_t> extents,
                                   ArrayRef<SmallVector<int64_t>> strides,
                                   ArrayRef<bool> counted);

/// A buffer that a kernel accesses.
struct KernelBuffer {
  Value buffer;
  bool isWritten;
};

/// Loops as a part of a kernel's key. The extent of the first parallel one is
/// left out: launches differ in it.
void printLoops(ArrayRef<KernelLoop> loops, bool isParallel,
                llvm::raw_ostream &os);

/// Buffers that no store of the kernel reaches through another pointer.
SmallVector<bool> getDistinct(ArrayRef<KernelBuffer> buffers);

/// Says so at the kernel's parameters, which begin with these buffers.
void markPointers(ArrayRef<KernelBuffer> buffers, ArrayRef<bool> distinct,
                  LLVM::LLVMFuncOp kernel);

/// What memory holds -> what the body computes with: i1 and index differ.
Value fromStorage(DeviceBuilder &builder, Value value, Type type);
Value toStorage(DeviceBuilder &builder, Value value, Type type);
/// The type to load and store elements as: floats as such, everything else as
/// integers of whole bytes.
Type getAccessType(DeviceBuilder &builder, Type type);

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

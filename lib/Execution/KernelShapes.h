//===- KernelShapes.h - Which kernel computes a linalg op ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Execution. Maps the loops of a sum of products on buffers to
// the dimensions of a kernel.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EXECUTION_KERNELSHAPES_H
#define QUANTOPT_LIB_EXECUTION_KERNELSHAPES_H

#include "QuantOpt/Execution/CpuKernels.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <array>
#include <optional>

namespace mlir::qopt::cpu {

/// One loop and the step it makes in input 0, input 1 and the output.
struct KernelLoop {
  int64_t extent = 1;
  std::array<int64_t, 3> strides = {0, 0, 0};
  bool isReduction = false;
};

/// A kernel that computes an op, perhaps called in loops.
struct KernelShape {
  bool isConvolution = false;
  /// The kernel's lhs (a convolution's input) is the op's second input.
  bool swapOperands = false;
  /// Shapes and strides only: types, constants and accumulation are left as
  /// they are.
  ContractionSpec contraction;
  ConvolutionSpec convolution;
  /// First elements read of input 0, input 1 and the output.
  std::array<int64_t, 3> offsets = {0, 0, 0};
  /// Loops to put around the kernel, outermost first.
  SmallVector<KernelLoop> outerLoops;
};

/// The kernel for `op`, a sum of products (matchMulAdd) on memrefs. Nothing if
/// a shape or stride is dynamic, or there is nothing to compute.
std::optional<KernelShape> inferKernelShape(linalg::GenericOp op);

} // namespace mlir::qopt::cpu

#endif // QUANTOPT_LIB_EXECUTION_KERNELSHAPES_H

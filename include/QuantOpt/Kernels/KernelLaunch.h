//===- KernelLaunch.h - How a kernel is launched ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a kernel builder hands to `qopt-build-kernels`: the symbol of the kernel
// it emitted (or found: equal kernels are shared) and the launch that computes
// one op with it.
//
// A kernel's outermost extent ("rows": M of a gemm, the outermost loop of other
// ops) is a run-time argument. Scalars and grid extents are affine expressions
// in one symbol, s0 = the number of rows.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_KERNELS_KERNELLAUNCH_H
#define QUANTOPT_KERNELS_KERNELLAUNCH_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <array>
#include <string>

namespace mlir::qopt {

struct ChipInfo;

/// One kernel parameter: a pointer (8 bytes) or an integer.
struct KernelArgument {
  enum class Kind {
    Buffer,    ///< address of element 0 of `buffer`, a memref value
    Scalar,    ///< value of `scalar`, an integer of `bits` bits (32 or 64)
    Workspace, ///< a zeroed scratch buffer; the kernel leaves zeros behind
    Status,    ///< the launch's status word (StatusWord.h)
  };
  Kind kind = Kind::Buffer;
  Value buffer;
  AffineExpr scalar;
  unsigned bits = 32;
};

struct KernelLaunch {
  /// Name of the llvm.func inside the gpu.module.
  std::string kernel;
  SmallVector<KernelArgument> arguments;
  /// Blocks in x, y, z as expressions in s0.
  std::array<AffineExpr, 3> grid;
  /// Threads in x; y and z are 1.
  int64_t threads = 0;
  /// Dynamic shared memory in bytes.
  int64_t sharedBytes = 0;
  /// Bytes of zeroed scratch memory needed at the compiled number of rows.
  int64_t workspaceBytes = 0;
  /// Messages of what the kernel checks, by the number in the status word; not
  /// empty if and only if there is a Status argument.
  SmallVector<std::string> checks;
  /// Points of the status word for each row; see StatusWord.h.
  int64_t pointsPerRow = 0;
};

/// s0 of a gemm's launches: the extent of its outermost loop, which is the
/// first batch dim, or M where there is none.
int64_t getGemmRows(GemmOp op);

/// Emits the kernel of a gemm on buffers, with its `config`, into `kernels`, or
/// finds it there. The op's configuration must fit the chip; if not, an error
/// at the op says what does not. (GemmMma.cpp, GemmDp4a.cpp, GemmSimt.cpp)
FailureOr<KernelLaunch> buildGemmKernel(GemmOp op, gpu::GPUModuleOp kernels,
                                        const ChipInfo &chip);

/// The same for any linalg op on buffers, one thread per element of its
/// parallel iteration space, reductions in increasing order; the fallback for
/// what has no kernel family of its own. (SimtLoops.cpp)
FailureOr<KernelLaunch> buildLoopKernel(linalg::LinalgOp op,
                                        gpu::GPUModuleOp kernels,
                                        const ChipInfo &chip);

/// The same for loops with reductions on buffers, with their `config`.
/// (LoopsThreads.cpp, LoopsRows.cpp, LoopsDepthwise.cpp)
FailureOr<KernelLaunch> buildLoopsKernel(LoopsOp op, gpu::GPUModuleOp kernels,
                                         const ChipInfo &chip);

} // namespace mlir::qopt

#endif // QUANTOPT_KERNELS_KERNELLAUNCH_H

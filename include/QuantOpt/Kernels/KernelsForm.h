//===- KernelsForm.h - The contract between kernels and emit ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The kernels form of a model for one chip, made by `qopt-build-kernels`:
//
//   module attributes {gpu.container_module, qopt.batch = B : i64} {
//     memref.global "private" constant @... : memref<...> = ...
//     gpu.module @kernels [#nvvm.target<chip = "sm_80">] { llvm.func ... }
//     func.func @main(inputs, outputs, %arena, %workspace, %batch) {
//       views, constants, affine.apply of %batch, gpu.launch_func
//       return
//     }
//   }
//
// Each argument of the entry has `qopt.kind` (below); inputs and outputs are
// memrefs of the compiled shapes and carry `qopt.name` if they have a name.
// They and constants start at multiples of kBufferAlignment bytes, the arena at
// one of kArenaAlignment.
//
// A run with `batch` samples, 1 <= batch <= B, gives the compiled shapes' first
// `batch` samples, unless the module has `qopt.fixed_batch`: then the grids are
// constants and `batch` must be B.
//
// Launch operands are memrefs (the address of element 0) and i32 or i64
// scalars. Each launch carries `qopt.name`, the op it computes. The workspace
// is all zeros before and after each launch.
//
// If launches check conditions (`qopt.checks`), the entry has one more argument
// before the batch, `%status: memref<Nxi64>` of kind "status": zeros, one word
// for each of the N launches with checks. The k-th of them takes a view of word
// k, memref<1xi64, strided<[1], offset: k>>; see StatusWord.h for what it says.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_KERNELS_KERNELSFORM_H
#define QUANTOPT_KERNELS_KERNELSFORM_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace mlir::qopt {

/// The gpu.module that holds all kernels.
constexpr llvm::StringLiteral kKernelsModule = "kernels";

/// On the module: the compiled batch, an i64.
constexpr llvm::StringLiteral kBatchAttr = "qopt.batch";
/// On the module: why only the compiled batch can be run; names the op.
constexpr llvm::StringLiteral kFixedBatchAttr = "qopt.fixed_batch";

/// On arguments of the entry: "input", "output", "arena", "workspace", "status"
/// or "batch".
constexpr llvm::StringLiteral kArgumentKindAttr = "qopt.kind";

/// On launches with a status word: the messages of their checks, an array of
/// strings.
constexpr llvm::StringLiteral kChecksAttr = "qopt.checks";
/// Next to it: points of the status word for each sample, an i64; absent where
/// the launch does not go sample by sample.
constexpr llvm::StringLiteral kPointsPerSampleAttr = "qopt.points_per_sample";

/// What inputs, outputs and constants are aligned to, in bytes: the widest
/// load.
constexpr int64_t kBufferAlignment = 16;
/// The same of the arena and of each buffer in it.
constexpr int64_t kArenaAlignment = 256;

/// How errors about ops without a kernel begin.
constexpr llvm::StringLiteral kNoKernel = "has no GPU kernel in this version";

} // namespace mlir::qopt

#endif // QUANTOPT_KERNELS_KERNELSFORM_H

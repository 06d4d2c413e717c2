//===- ShareKernels.h - One kernel for layers of other scales --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. Layers of one shape differ in the scales that their
// kernels compute with. Such kernels become one, and the scales arguments of
// the launches: a transformer of twelve layers has the kernels of one.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_SHAREKERNELS_H
#define QUANTOPT_LIB_KERNELS_SHAREKERNELS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace mlir::qopt {

/// Merges the kernels of `kernels` that differ in f32 constants only, and adds
/// what differs, as its bits in an i32, to the launches in `entry`. Integral
/// constants count as structure: they are bounds, and stay in the code.
void shareKernels(gpu::GPUModuleOp kernels, func::FuncOp entry);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_SHAREKERNELS_H

//===- Bufferization.h - Kernel ops from tensors to buffers ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_KERNELS_BUFFERIZATION_H
#define QUANTOPT_KERNELS_BUFFERIZATION_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace mlir::qopt {

/// Lets one-shot bufferization handle `qopt.gemm`, which writes its init
/// operand without reading it, and `qopt.pack`, whose result is a buffer of its
/// own that nobody writes.
void registerKernelBufferization(DialectRegistry &registry);

} // namespace mlir::qopt

#endif // QUANTOPT_KERNELS_BUFFERIZATION_H

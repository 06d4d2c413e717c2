//===- KernelModule.h - A case as kernel and launch ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_KERNELS_KERNELMODULE_H
#define QUANTOPT_TEST_KERNELS_KERNELMODULE_H

#include "GemmCase.h"
#include "QuantOpt/Kernels/ChipInfo.h"
#include "QuantOpt/Kernels/KernelLaunch.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>

namespace mlir::qopt::test {

/// A gemm on buffers with the kernel that was built for it.
struct KernelModule {
  MLIRContext *context;
  OwningOpRef<ModuleOp> module;
  GemmOp gemm;
  gpu::GPUModuleOp kernels;
  KernelLaunch launch;
};

/// All dialects that kernels and their lowerings use.
std::unique_ptr<MLIRContext> makeKernelContext();

/// Parses the case's module and builds its kernel, into `kernels` where it is
/// given; null after a diagnostic.
std::unique_ptr<KernelModule> buildKernel(MLIRContext &context,
                                          const GemmCase &gemm,
                                          const ChipInfo &chip,
                                          gpu::GPUModuleOp kernels = {});

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_KERNELS_KERNELMODULE_H

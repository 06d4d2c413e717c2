//===- LowerKernels.h - The steps from kernels to PTX ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Target.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_TARGET_LOWERKERNELS_H
#define QUANTOPT_LIB_TARGET_LOWERKERNELS_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::qopt {

struct ChipInfo;

/// The lowest PTX version, times 10, that names the chip and has what `kernels`
/// use (Ptx.cpp).
unsigned getPtxVersion(gpu::GPUModuleOp kernels, const ChipInfo &chip);

/// Device ops of qopt to NVVM and LLVM ops (LowerToNVVM.cpp).
void populateLowerToNVVMPatterns(RewritePatternSet &patterns);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_TARGET_LOWERKERNELS_H

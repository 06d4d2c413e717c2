//===- Ptx.h - GPU kernels to PTX ------------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TARGET_PTX_H
#define QUANTOPT_TARGET_PTX_H

#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <string>

namespace mlir::qopt {

/// PTX of the kernels of `kernels` for `chip` ("sm_80"), of the lowest PTX
/// version that has what they use, so that old drivers can compile it.
///
/// The kernels are llvm.funcs of scf, cf, arith, math, vector, llvm, nvvm and
/// device ops of qopt; `kernels` is not changed. Arithmetic keeps its bits: no
/// contraction, no approximations, no device library. What cannot keep them,
/// and ops without an exact lowering, are errors at the op.
FailureOr<std::string> translateToPtx(gpu::GPUModuleOp kernels, StringRef chip);

/// Lowers `kernels` in place to what translates to LLVM IR; the first half of
/// translateToPtx.
LogicalResult lowerKernelsToLLVM(gpu::GPUModuleOp kernels);

/// Checks that every float operation of `ptx` is exact and individually
/// rounded: ptxas contracts `mul` and `add` without `.rn`, flushes subnormals
/// with `.ftz`, and some instructions are approximate. Reports the first
/// offending line.
LogicalResult verifyPtxArithmetic(StringRef ptx,
                                  function_ref<InFlightDiagnostic()> emitError);

/// What lowering and translating kernels need in a context.
void registerKernelTranslations(DialectRegistry &registry);

} // namespace mlir::qopt

#endif // QUANTOPT_TARGET_PTX_H

//===- Dialects.h - What the kernels phase needs in a context --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_KERNELS_DIALECTS_H
#define QUANTOPT_KERNELS_DIALECTS_H

#include "mlir/IR/DialectRegistry.h"

namespace mlir::qopt {

/// The dialects that the passes of the kernels phase create ops of, and the
/// interface models they use.
void registerKernelDialects(DialectRegistry &registry);

} // namespace mlir::qopt

#endif // QUANTOPT_KERNELS_DIALECTS_H

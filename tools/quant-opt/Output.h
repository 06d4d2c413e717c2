//===- Output.h - Files that are written whole or not at all ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_QUANT_OPT_OUTPUT_H
#define QUANTOPT_TOOLS_QUANT_OPT_OUTPUT_H

#include "mlir/Support/LLVM.h"

namespace mlir::qopt {

/// Reports an error of the driver itself. Fails always.
LogicalResult fail(const Twine &message);

/// Writes what `print` prints to `path`, "-" being stdout. A regular file keeps
/// its old contents until the new ones are complete, also if the process is
/// killed: they go to a temporary beside it, which is then renamed.
LogicalResult writeOutput(StringRef path,
                          function_ref<void(raw_ostream &)> print);

} // namespace mlir::qopt

#endif // QUANTOPT_TOOLS_QUANT_OPT_OUTPUT_H

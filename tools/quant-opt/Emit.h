//===- Emit.h - The last phases of a job -----------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_QUANT_OPT_EMIT_H
#define QUANTOPT_TOOLS_QUANT_OPT_EMIT_H

#include "QuantOpt/Pipelines/Pipelines.h"
#include "mlir/IR/BuiltinOps.h"

namespace mlir::qopt {

/// Where a job's result goes.
struct Destination {
  /// "-": stdout.
  std::string path = "-";
  /// Name of the model, where the module has none.
  std::string modelName;
  /// Print large weights as "...".
  bool elide = false;
};

/// Runs phases `kernels` and `emit`, where `plan` asks for them, on a module
/// that is past the others, then writes the report, then the output. Fails,
/// after an error, with the output as it was.
LogicalResult emitModule(ModuleOp module, const JobPlan &plan,
                         const JobOptions &options,
                         const Destination &destination);

} // namespace mlir::qopt

#endif // QUANTOPT_TOOLS_QUANT_OPT_EMIT_H

//===- Entry.h - The function a job works on ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_FRONTEND_ENTRY_H
#define QUANTOPT_FRONTEND_ENTRY_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace mlir::qopt {

/// The function named `name`, or with an empty name the only public one, else
/// `main`, else `main_graph`. Emits an error that lists the choices otherwise.
FailureOr<func::FuncOp> findEntry(ModuleOp module, StringRef name);

/// The name users give argument `index`: its `qopt.name`, else `arg<index>`.
std::string getArgumentName(func::FuncOp entry, unsigned index);

} // namespace mlir::qopt

#endif // QUANTOPT_FRONTEND_ENTRY_H

//===- Leftovers.cpp - Exporters' own dialects ------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Frontend/Leftovers.h"

#include "llvm/ADT/StringSwitch.h"

using namespace mlir;
using namespace mlir::qopt;

bool mlir::qopt::isLeftoverDialect(StringRef dialect) {
  static constexpr StringLiteral names[] = {
      "util", "ml_program", "tm_tensor", "torch",  "torch_c",
      "iree", "hal",        "flow",      "stream", "iree_input"};
  return llvm::is_contained(names, dialect);
}

StringRef mlir::qopt::getLoweringAdvice(StringRef dialect) {
  return llvm::StringSwitch<StringRef>(dialect)
      .Cases({"torch", "torch_c"},
             "lower it before with torch-mlir-opt (or iree-opt) and "
             "--pass-pipeline='builtin.module("
             "torch-backend-to-linalg-on-tensors-backend-pipeline)'")
      .Case("tm_tensor",
            "decompose it when exporting (attention: with the math backend or "
            "attn_implementation=\"eager\")")
      .Cases({"util", "hal", "flow", "stream", "iree", "iree_input", "vm"},
             "the file has been through IREE's compiler; import what "
             "iree-import-onnx or torch-mlir give, lowered to linalg only")
      .Case("ml_program",
            "only constant globals have a meaning without a program around")
      .Cases({"stablehlo", "mhlo", "chlo"},
             "lower it before with stablehlo-opt "
             "--stablehlo-legalize-to-linalg")
      .Case("onnx", "lower it before with iree-import-onnx")
      .Default("lower it before");
}

void mlir::qopt::adviseOnUnknownDialect(Diagnostic &diagnostic) {
  std::string message = diagnostic.str();
  StringRef text = message;
  if (!text.contains("not found for custom op"))
    return;
  StringRef dialect = text.split('`').second.split('\'').first;
  diagnostic.attachNote() << "ops of '" << dialect << "' cannot be imported: "
                          << getLoweringAdvice(dialect);
}

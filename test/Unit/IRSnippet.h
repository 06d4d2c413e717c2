//===- IRSnippet.h - Parsed IR for unit tests ------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A module in a string, with its diagnostics collected. The op under test is
// the one marked with the attribute `test`, or the only one of its class.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_IRSNIPPET_H
#define QUANTOPT_TEST_UNIT_IRSNIPPET_H

#include "QuantOpt/Pipelines/Pipelines.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <string>

namespace mlir::qopt::test {

/// Fails, showing `text`, unless `part` is in it.
inline void expectContains(llvm::StringRef text, llvm::StringRef part) {
  EXPECT_TRUE(text.contains(part)) << "expected '" << part.str() << "' in:\n"
                                   << text.str();
}

class IRSnippet {
public:
  explicit IRSnippet(llvm::StringRef text)
      : context(makeRegistry()), handler(&context, [this](Diagnostic &d) {
          errors += d.str() + "\n";
          return success();
        }) {
    context.loadAllAvailableDialects();
    module = parseSourceString<ModuleOp>(text, ParserConfig(&context));
    EXPECT_TRUE(module) << errors;
  }

  /// The op that carries the attribute `test`.
  Operation *getMarked() {
    Operation *found = nullptr;
    module->walk([&](Operation *op) {
      if (op->hasAttr("test"))
        found = op;
    });
    EXPECT_NE(found, nullptr);
    return found;
  }

  /// The first op of class `OpT`.
  template <typename OpT> OpT get() {
    OpT found;
    module->walk([&](OpT op) {
      found = op;
      return WalkResult::interrupt();
    });
    EXPECT_TRUE(found);
    return found;
  }

  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerQuantOpt(registry);
    return registry;
  }

  MLIRContext context;
  std::string errors;
  ScopedDiagnosticHandler handler;
  OwningOpRef<ModuleOp> module;
};

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_UNIT_IRSNIPPET_H

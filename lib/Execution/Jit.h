//===- Jit.h - LLVM dialect to machine code in this process ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Execution. Translates, optimizes for exactly this machine and
// links in memory.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EXECUTION_JIT_H
#define QUANTOPT_LIB_EXECUTION_JIT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace llvm::orc {
class LLJIT;
} // namespace llvm::orc

namespace mlir::qopt::cpu {

/// Machine code of some modules, loaded.
class JitCode {
public:
  /// Compiles `entry` and `nests` (LLVM dialect), the latter with several
  /// threads where there are many functions. Symbols that neither defines are
  /// those of getRuntimeSymbols().
  static llvm::Expected<std::unique_ptr<JitCode>>
  compile(ModuleOp entry, ModuleOp nests, unsigned optLevel);
  ~JitCode();

  llvm::Expected<void *> lookup(StringRef symbol);

private:
  explicit JitCode(std::unique_ptr<llvm::orc::LLJIT> jit);
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

} // namespace mlir::qopt::cpu

#endif // QUANTOPT_LIB_EXECUTION_JIT_H

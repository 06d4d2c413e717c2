//===- Lowering.h - Kernels to host code -----------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Emulator: the lowering, its parts by op family, the JIT.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EMULATOR_LOWERING_H
#define QUANTOPT_LIB_EMULATOR_LOWERING_H

#include "KernelImage.h"

#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"

#include <memory>

namespace mlir::qopt::emulator {

/// A host module in the LLVM dialect, and what the machine must know of it.
struct LoweredModule {
  OwningOpRef<ModuleOp> host;
  ModuleImage image;
  /// Without `module` and `entry`.
  std::vector<KernelImage> kernels;
};

/// Symbol of the function that unpacks a kernel's parameters.
std::string getEntrySymbol(StringRef kernel);

/// Lowers a clone of `module`. Ops without emulation are errors.
LogicalResult lowerToEmulator(gpu::GPUModuleOp module, LoweredModule &result);

/// Replaces device ops by calls of entry points, function by function.
class CallEmitter {
public:
  CallEmitter(ModuleOp host, ModuleImage &image);

  /// Rewrites the body of `function`.
  LogicalResult run(LLVM::LLVMFuncOp function);

private:
  //===--- By op family; failure means an error was emitted --------------===//
  LogicalResult rewrite(Operation *op);
  LogicalResult rewriteMemory(Operation *op);
  LogicalResult rewriteNvvm(Operation *op);
  LogicalResult rewriteSynchronization(Operation *op);
  LogicalResult rewriteMatrix(Operation *op);
  LogicalResult rewriteQOpt(Operation *op);
  /// Ops that the upstream conversions turn into what the device computes.
  LogicalResult checkHostOp(Operation *op);

  /// Calls accessMemory() before `op`.
  LogicalResult hookAccess(Operation *op, Value pointer, Type type,
                           std::optional<uint64_t> alignment, uint32_t flags);

  //===--- Building blocks -----------------------------------------------===//
  Value constant(int64_t value);
  /// Calls an entry point; `result` is null for void. Pointers lose their
  /// address space.
  Value call(StringRef symbol, Type result, ArrayRef<Value> arguments,
             bool isPure = false);
  /// The same with the id of `op` as the last argument.
  Value callAt(Operation *op, StringRef symbol, Type result,
               SmallVector<Value> arguments);
  /// Registers `op` in ModuleImage::ops.
  Value makeOpId(Operation *op);
  Value toGeneric(Value pointer);
  Value bitcast(Value value, Type type);

  /// A per-function area of i32 registers, through which ops exchange more than
  /// one value with the runtime.
  void storeRegister(int index, Value value);
  Value loadRegister(int index);
  /// A struct of all i32 (or the single i32) from registers [first, ...).
  Value loadRegisters(Type type, int first);
  Value getRegisterAddress(int index);

  ModuleOp host;
  ModuleImage &image;
  ImplicitLocOpBuilder builder;
  Type i1, i32, pointer;
  llvm::StringMap<uint32_t> sharedGlobals;
  /// Of the function being rewritten.
  LLVM::AllocaOp registers;
  int numRegisters = 0;
  std::string functionName;
  unsigned opNumber = 0;
};

/// Machine code of a lowered module.
class KernelCode {
public:
  static llvm::Expected<std::unique_ptr<KernelCode>> compile(ModuleOp host,
                                                             unsigned optLevel);
  ~KernelCode();
  llvm::Expected<void *> lookup(StringRef symbol);

private:
  struct Impl;
  explicit KernelCode(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace mlir::qopt::emulator

#endif // QUANTOPT_LIB_EMULATOR_LOWERING_H

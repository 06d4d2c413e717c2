//===- LowerToLLVM.cpp - From buffers and loops to LLVM --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Upstream's conversions in the order that works, for the entry function
// (control flow, views, calls) and for the loop nests (arithmetic). Both take
// bare pointers.
//
//===----------------------------------------------------------------------===//
#include "CpuCompiler.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

void cpu::declareRuntimeFunctions(ModuleOp module) {
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  Type i64 = builder.getI64Type();
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  auto declare = [&](StringRef name, TypeRange arguments) {
    func::FuncOp::create(builder, module.getLoc(), name,
                         builder.getFunctionType(arguments, {}))
        .setPrivate();
  };
  declare(kRunKernelFn, {pointer, pointer, pointer, pointer});
  declare(kCheckFailedFn, {i64, i64});
  declare(kObserveFn, {i64, pointer, i64});
}

/// Arithmetic, math and control flow to LLVM.
static void addScalarConversions(PassManager &manager) {
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createConvertMathToLibmPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createConvertIndexToLLVMPass());
  manager.addPass(createConvertControlFlowToLLVMPass());
}

static void addFunctionConversions(PassManager &manager) {
  ConvertFuncToLLVMPassOptions options;
  options.useBarePtrCallConv = true;
  manager.addPass(createConvertFuncToLLVMPass(options));
  manager.addPass(createReconcileUnrealizedCastsPass());
}

/// A failing check does not return: LLVM may rely on what was checked.
static void markNoReturn(ModuleOp module) {
  auto function = module.lookupSymbol<LLVM::LLVMFuncOp>(kCheckFailedFn);
  Builder builder(module.getContext());
  if (function)
    function.setPassthroughAttr(builder.getStrArrayAttr({"noreturn", "cold"}));
}

/// void qopt_cpu_entry(void *const *buffers) { entry(buffers[0], ...); }
static void createPackedEntry(ModuleOp module, LLVM::LLVMFuncOp entry) {
  OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
  Location loc = entry.getLoc();
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  auto packed = LLVM::LLVMFuncOp::create(
      builder, loc, kPackedEntryFn,
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(builder.getContext()),
                                  pointer));
  Block *block = packed.addEntryBlock(builder);
  builder.setInsertionPointToStart(block);
  SmallVector<Value> arguments;
  for (int32_t i = 0, e = entry.getNumArguments(); i < e; ++i) {
    Value slot =
        LLVM::GEPOp::create(builder, loc, pointer, pointer,
                            block->getArgument(0), ArrayRef<LLVM::GEPArg>(i));
    arguments.push_back(LLVM::LoadOp::create(builder, loc, pointer, slot));
  }
  LLVM::CallOp::create(builder, loc, entry, arguments);
  LLVM::ReturnOp::create(builder, loc, ValueRange());
}

LogicalResult cpu::lowerEntryToLLVM(ModuleOp module, func::FuncOp entry) {
  std::string name = entry.getName().str();
  PassManager manager(module.getContext());
  manager.enableVerifier(false);
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(createLowerAffinePass());
  addScalarConversions(manager);
  FinalizeMemRefToLLVMConversionPassOptions options;
  options.useGenericFunctions = true;
  manager.addPass(createFinalizeMemRefToLLVMConversionPass(options));
  addFunctionConversions(manager);
  if (failed(manager.run(module)))
    return failure();
  auto lowered = module.lookupSymbol<LLVM::LLVMFuncOp>(name);
  if (!lowered)
    return module.emitError("cannot be lowered for the CPU: a buffer of '")
           << name << "' has no static layout or no elements";
  createPackedEntry(module, lowered);
  markNoReturn(module);
  return success();
}

LogicalResult cpu::lowerNestsToLLVM(ModuleOp module) {
  expandMath(module);
  PassManager manager(module.getContext());
  manager.enableVerifier(false);
  addScalarConversions(manager);
  addFunctionConversions(manager);
  if (failed(manager.run(module)))
    return failure();
  markNoReturn(module);
  return success();
}

//===- Jit.cpp - Host code in this process ---------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels run on fibers that are abandoned when a launch stops: no exceptions,
// no cleanups. Float operations are neither fused nor reassociated.
//
//===----------------------------------------------------------------------===//
#include "EntryPoints.h"
#include "Lowering.h"

#include "mlir/ExecutionEngine/OptUtils.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

struct KernelCode::Impl {
  std::unique_ptr<llvm::orc::LLJIT> jit;
};

KernelCode::KernelCode(std::unique_ptr<Impl> impl) : impl(std::move(impl)) {}
KernelCode::~KernelCode() = default;

static llvm::Expected<llvm::orc::JITTargetMachineBuilder>
detectMachine(unsigned optLevel) {
  static const bool initialized = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    return true;
  }();
  (void)initialized;
  auto builder = llvm::orc::JITTargetMachineBuilder::detectHost();
  if (!builder)
    return builder.takeError();
  builder->getOptions().AllowFPOpFusion = llvm::FPOpFusion::Strict;
  builder->setRelocationModel(llvm::Reloc::PIC_);
  builder->setCodeGenOptLevel(
      *llvm::CodeGenOpt::getLevel(static_cast<int>(std::min(optLevel, 3u))));
  return builder;
}

llvm::Expected<std::unique_ptr<KernelCode>>
KernelCode::compile(ModuleOp host, unsigned optLevel) {
  auto builder = detectMachine(optLevel);
  if (!builder)
    return builder.takeError();
  auto machine = builder->createTargetMachine();
  if (!machine)
    return machine.takeError();

  auto context = std::make_unique<llvm::LLVMContext>();
  auto module = translateModuleToLLVMIR(host, *context);
  if (!module)
    return llvm::createStringError("translation to LLVM IR failed");
  module->setDataLayout((*machine)->createDataLayout());
  module->setTargetTriple((*machine)->getTargetTriple());
  if (llvm::Error error = makeOptimizingTransformer(
          optLevel, /*sizeLevel=*/0, machine->get())(module.get()))
    return error;

  auto jit =
      llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(*builder).create();
  if (!jit)
    return jit.takeError();
  llvm::orc::SymbolMap symbols;
  for (const EntryPoint &entry : getEntryPoints())
    symbols[(*jit)->mangleAndIntern(entry.symbol)] = {
        llvm::orc::ExecutorAddr::fromPtr(entry.address),
        llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
  if (llvm::Error error = (*jit)->getMainJITDylib().define(
          llvm::orc::absoluteSymbols(std::move(symbols))))
    return error;
  if (llvm::Error error = (*jit)->addIRModule(
          llvm::orc::ThreadSafeModule(std::move(module), std::move(context))))
    return error;
  auto impl = std::make_unique<Impl>();
  impl->jit = std::move(*jit);
  return std::unique_ptr<KernelCode>(new KernelCode(std::move(impl)));
}

llvm::Expected<void *> KernelCode::lookup(StringRef symbol) {
  auto address = impl->jit->lookup(symbol);
  if (!address)
    return address.takeError();
  return address->toPtr<void *>();
}

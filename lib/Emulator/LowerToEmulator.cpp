//===- LowerToEmulator.cpp - A kernel module to host code ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Clones the functions and constants of a gpu.module into a host module, lays
// out its shared memory, replaces device ops by calls (CallEmitter) and lowers
// the rest with upstream's conversions.
//
// This happens before convert-nvvm-to-llvm, which turns several ops into inline
// assembly: here they are still structured.
//
//===----------------------------------------------------------------------===//
#include "Lowering.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Interfaces/DataLayoutInterfaces.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

static constexpr unsigned kSharedSpace = 3;

std::string emulator::getEntrySymbol(StringRef kernel) {
  return ("emu.entry." + kernel).str();
}

//===----------------------------------------------------------------------===//
// Globals
//===----------------------------------------------------------------------===//

static uint64_t getSize(LLVM::GlobalOp global) {
  return DataLayout::closest(global)
      .getTypeSize(global.getGlobalType())
      .getFixedValue();
}

static SharedGlobal describeShared(LLVM::GlobalOp global) {
  SharedGlobal result;
  result.name = global.getSymName().str();
  result.size = getSize(global);
  uint64_t natural =
      DataLayout::closest(global).getTypeABIAlignment(global.getGlobalType());
  result.alignment = global.getAlignment().value_or(natural);
  return result;
}

/// Shared globals that `function` or a function it calls refers to.
static void findUsedGlobals(LLVM::LLVMFuncOp function, ModuleOp host,
                            DenseSet<Operation *> &visited,
                            llvm::StringSet<> &used) {
  if (!visited.insert(function).second)
    return;
  function.walk([&](Operation *op) {
    if (auto address = dyn_cast<LLVM::AddressOfOp>(op))
      used.insert(address.getGlobalName());
    if (auto call = dyn_cast<LLVM::CallOp>(op))
      if (std::optional<StringRef> callee = call.getCallee())
        if (auto called = host.lookupSymbol<LLVM::LLVMFuncOp>(*callee))
          findUsedGlobals(called, host, visited, used);
  });
}

static void layOutShared(LLVM::LLVMFuncOp function, ModuleOp host,
                         const ModuleImage &image, KernelImage &kernel) {
  DenseSet<Operation *> visited;
  llvm::StringSet<> used;
  findUsedGlobals(function, host, visited, used);
  for (const SharedGlobal &global : image.sharedGlobals) {
    uint32_t offset = KernelImage::kUnused;
    if (used.contains(global.name)) {
      if (global.size == 0) {
        offset = 0;
        kernel.dynamicAlignment =
            std::max(kernel.dynamicAlignment, global.alignment);
      } else {
        offset = llvm::alignTo(kernel.staticShared, global.alignment);
        kernel.staticShared = offset + global.size;
      }
    }
    kernel.sharedOffsets.push_back(offset);
  }
}

/// Moves everything over; shared memory is laid out instead.
static void cloneModule(gpu::GPUModuleOp module, ModuleOp host,
                        ModuleImage &image) {
  OpBuilder builder = OpBuilder::atBlockEnd(host.getBody());
  for (Operation &op : module.getBody()->getOperations()) {
    auto global = dyn_cast<LLVM::GlobalOp>(op);
    if (global && global.getAddrSpace() == kSharedSpace) {
      image.sharedGlobals.push_back(describeShared(global));
      continue;
    }
    Operation *clone = builder.clone(op);
    if (global) {
      // The machine looks up its address.
      cast<LLVM::GlobalOp>(clone).setLinkage(LLVM::Linkage::External);
      image.globals.push_back({global.getSymName().str(), getSize(global)});
    }
  }
}

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

static uint32_t getProduct(Operation *op, StringRef attribute) {
  auto values = op->getAttrOfType<DenseI32ArrayAttr>(attribute);
  if (!values)
    return 0;
  uint32_t product = 1;
  for (int32_t value : values.asArrayRef())
    product *= value;
  return product;
}

static KernelImage describeKernel(LLVM::LLVMFuncOp function) {
  KernelImage kernel;
  kernel.name = function.getName().str();
  kernel.requiredThreads =
      getProduct(function, NVVM::NVVMDialect::getReqntidAttrName());
  kernel.maxThreads =
      getProduct(function, NVVM::NVVMDialect::getMaxntidAttrName());
  return kernel;
}

/// Attributes that mean something to NVPTX only. Without noalias, memory is
/// what other threads may change at every call.
static void stripAttributes(LLVM::LLVMFuncOp function) {
  SmallVector<StringAttr> names;
  for (NamedAttribute attribute : function->getDiscardableAttrs())
    names.push_back(attribute.getName());
  for (StringAttr name : names)
    function->removeDiscardableAttr(name);
  function.removeArgAttrsAttr();
  function.removeResAttrsAttr();
  function.setCConv(LLVM::cconv::CConv::C);
}

/// void emu.entry.<kernel>(void *const *params) { kernel(*params[0], ...); }
static void createEntry(LLVM::LLVMFuncOp kernel, ModuleOp host) {
  ImplicitLocOpBuilder b(kernel.getLoc(), host.getContext());
  b.setInsertionPointToEnd(host.getBody());
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto type = LLVM::LLVMFunctionType::get(
      LLVM::LLVMVoidType::get(b.getContext()), pointer);
  auto entry =
      LLVM::LLVMFuncOp::create(b, getEntrySymbol(kernel.getName()), type);
  Block *block = entry.addEntryBlock(b);
  b.setInsertionPointToStart(block);
  SmallVector<Value> arguments;
  for (auto [i, argumentType] : llvm::enumerate(kernel.getArgumentTypes())) {
    Value slot =
        LLVM::GEPOp::create(b, pointer, pointer, block->getArgument(0),
                            ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)});
    Value address = LLVM::LoadOp::create(b, pointer, slot);
    arguments.push_back(LLVM::LoadOp::create(b, argumentType, address));
  }
  LLVM::CallOp::create(b, kernel, arguments);
  LLVM::ReturnOp::create(b, ValueRange());
}

static LogicalResult lowerToLLVM(ModuleOp host) {
  PassManager manager(host.getContext());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertVectorToLLVMPass());
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createConvertIndexToLLVMPass());
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createUBToLLVMConversionPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  return manager.run(host);
}

LogicalResult emulator::lowerToEmulator(gpu::GPUModuleOp module,
                                        LoweredModule &result) {
  result.host = ModuleOp::create(module.getLoc());
  ModuleOp host = *result.host;
  cloneModule(module, host, result.image);
  SmallVector<LLVM::LLVMFuncOp> functions, kernels;
  for (Operation &op : *host.getBody()) {
    if (auto function = dyn_cast<LLVM::LLVMFuncOp>(op))
      functions.push_back(function);
    else if (!isa<LLVM::GlobalOp>(op))
      return op.emitError("emulator: '")
             << op.getName() << "' in a gpu.module; lower it to llvm.func";
  }
  CallEmitter emitter(host, result.image);
  for (LLVM::LLVMFuncOp function : functions) {
    if (function->hasAttr(gpu::GPUDialect::getKernelFuncAttrName()) ||
        function->hasAttr(NVVM::NVVMDialect::getKernelFuncAttrName())) {
      kernels.push_back(function);
      result.kernels.push_back(describeKernel(function));
      layOutShared(function, host, result.image, result.kernels.back());
    }
  }
  bool ok = true;
  for (LLVM::LLVMFuncOp function : functions) {
    stripAttributes(function);
    if (function.isExternal()) {
      function.emitError("emulator: function without a body");
      ok = false;
      continue;
    }
    ok &= succeeded(emitter.run(function));
  }
  if (!ok)
    return failure();
  for (LLVM::LLVMFuncOp kernel : kernels)
    createEntry(kernel, host);
  return lowerToLLVM(host);
}

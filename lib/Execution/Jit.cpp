//===- Jit.cpp - LLVM dialect to machine code in this process --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Functions are compiled in groups, each with an LLVMContext and a thread of
// its own, to object files that ORC links. Float operations are neither fused
// nor reassociated: the code says so and the target options do.
//
//===----------------------------------------------------------------------===//
#include "Jit.h"

#include "RunContext.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ExecutionEngine/Orc/CompileUtils.h"
#include "llvm/ExecutionEngine/Orc/JITTargetMachineBuilder.h"
#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

#include <thread>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

/// Threads that compile, where there is enough to do.
static constexpr size_t kMaxCompileThreads = 4;
static constexpr size_t kFunctionsPerThread = 8;

namespace {
/// What one thread compiles.
struct CompileJob {
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<llvm::Module> module;
  std::unique_ptr<llvm::TargetMachine> machine;
  unsigned optLevel;
  std::unique_ptr<llvm::MemoryBuffer> object;
  llvm::Error error = llvm::Error::success();
};
} // namespace

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

/// Moves the functions of `module` into `count` modules, declarations copied.
static std::vector<OwningOpRef<ModuleOp>> split(ModuleOp module, size_t count) {
  std::vector<OwningOpRef<ModuleOp>> parts;
  for (size_t i = 0; i < count; ++i)
    parts.push_back(ModuleOp::create(module.getLoc()));
  // The largest first, each to the smallest part so far.
  std::vector<std::pair<size_t, LLVM::LLVMFuncOp>> functions;
  SmallVector<LLVM::LLVMFuncOp> declarations;
  for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
    if (function.isExternal()) {
      declarations.push_back(function);
      continue;
    }
    size_t size = 0;
    function.walk([&](Operation *) { ++size; });
    functions.emplace_back(size, function);
  }
  llvm::stable_sort(functions, [](const auto &a, const auto &b) {
    return a.first > b.first;
  });
  std::vector<size_t> sizes(count, 0);
  for (auto [size, function] : functions) {
    size_t smallest =
        std::min_element(sizes.begin(), sizes.end()) - sizes.begin();
    sizes[smallest] += size;
    function->remove();
    parts[smallest]->push_back(function);
  }
  for (auto &part : parts)
    for (LLVM::LLVMFuncOp declaration : declarations)
      part->push_back(declaration->clone());
  return parts;
}

static llvm::Expected<CompileJob>
translate(ModuleOp module, llvm::orc::JITTargetMachineBuilder &builder) {
  CompileJob job;
  auto machine = builder.createTargetMachine();
  if (!machine)
    return machine.takeError();
  job.machine = std::move(*machine);
  job.context = std::make_unique<llvm::LLVMContext>();
  job.module = translateModuleToLLVMIR(module, *job.context);
  if (!job.module)
    return llvm::createStringError("translation to LLVM IR failed");
  job.module->setDataLayout(job.machine->createDataLayout());
  job.module->setTargetTriple(job.machine->getTargetTriple());
  for (llvm::Function &function : *job.module) {
    function.addFnAttr("target-cpu", job.machine->getTargetCPU());
    function.addFnAttr("target-features",
                       job.machine->getTargetFeatureString());
    // Full vectors: nests are too short for frequency changes to matter.
    function.addFnAttr("prefer-vector-width", "512");
    function.addFnAttr(llvm::Attribute::NoUnwind);
  }
  return job;
}

/// LLVM's default pipeline, then code generation. Runs on any thread.
static void optimizeAndEmit(CompileJob &job) {
  static const llvm::OptimizationLevel kLevels[] = {
      llvm::OptimizationLevel::O0, llvm::OptimizationLevel::O1,
      llvm::OptimizationLevel::O2, llvm::OptimizationLevel::O3};
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(job.machine.get());
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  llvm::OptimizationLevel level = kLevels[job.optLevel];
  auto pipeline = level == llvm::OptimizationLevel::O0
                      ? builder.buildO0DefaultPipeline(level)
                      : builder.buildPerModuleDefaultPipeline(level);
  pipeline.run(*job.module, modules);

  llvm::orc::SimpleCompiler compiler(*job.machine);
  auto object = compiler(*job.module);
  if (object)
    job.object = std::move(*object);
  else
    job.error = object.takeError();
  job.module.reset();
}

JitCode::JitCode(std::unique_ptr<llvm::orc::LLJIT> jit) : jit(std::move(jit)) {}
JitCode::~JitCode() = default;

llvm::Expected<std::unique_ptr<JitCode>>
JitCode::compile(ModuleOp entry, ModuleOp nests, unsigned optLevel) {
  auto machine = detectMachine(optLevel);
  if (!machine)
    return machine.takeError();

  size_t numFunctions = llvm::range_size(nests.getOps<LLVM::LLVMFuncOp>());
  size_t numThreads = std::clamp<size_t>(
      numFunctions / kFunctionsPerThread, 1,
      std::min<size_t>(kMaxCompileThreads,
                       std::max(1u, std::thread::hardware_concurrency())));
  std::vector<CompileJob> jobs;
  auto addJob = [&](ModuleOp module, unsigned level) -> llvm::Error {
    auto job = translate(module, *machine);
    if (!job)
      return job.takeError();
    job->optLevel = level;
    jobs.push_back(std::move(*job));
    return llvm::Error::success();
  };
  // The entry is long and has nothing but calls.
  if (llvm::Error error = addJob(entry, std::min(optLevel, 1u)))
    return error;
  for (OwningOpRef<ModuleOp> &part : split(nests, numThreads))
    if (llvm::Error error = addJob(*part, std::min(optLevel, 3u)))
      return error;

  std::vector<std::thread> threads;
  for (CompileJob &job : llvm::drop_begin(jobs))
    threads.emplace_back([&job] { optimizeAndEmit(job); });
  optimizeAndEmit(jobs.front());
  for (std::thread &thread : threads)
    thread.join();

  auto jit =
      llvm::orc::LLJITBuilder().setJITTargetMachineBuilder(*machine).create();
  if (!jit)
    return jit.takeError();
  llvm::orc::SymbolMap symbols;
  for (auto [name, symbol] : getRuntimeSymbols())
    symbols[(*jit)->mangleAndIntern(name)] = {
        llvm::orc::ExecutorAddr::fromPtr(symbol),
        llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
  if (llvm::Error error = (*jit)->getMainJITDylib().define(
          llvm::orc::absoluteSymbols(std::move(symbols))))
    return error;
  llvm::Error errors = llvm::Error::success();
  for (CompileJob &job : jobs) {
    errors = llvm::joinErrors(std::move(errors), std::move(job.error));
    if (job.object)
      errors = llvm::joinErrors(std::move(errors),
                                (*jit)->addObjectFile(std::move(job.object)));
  }
  if (errors)
    return errors;
  return std::unique_ptr<JitCode>(new JitCode(std::move(*jit)));
}

llvm::Expected<void *> JitCode::lookup(StringRef symbol) {
  auto address = jit->lookup(symbol);
  if (!address)
    return address.takeError();
  return address->toPtr<void *>();
}

//===- Ptx.cpp - GPU kernels to PTX ----------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Clone, lower, translate to LLVM IR, optimize, emit. LLVM aborts the process
// on what its back end cannot select, so functions and intrinsics without code
// are refused before it sees them.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Target/Ptx.h"

#include "LowerKernels.h"

#include "QuantOpt/Kernels/ChipInfo.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// PTX version
//===----------------------------------------------------------------------===//

/// The first PTX version, times 10, that names the chip (PTX ISA, "Release
/// Notes").
static unsigned getFirstPtxVersion(const ChipInfo &chip) {
  switch (chip.computeCapability) {
  case 80:
    return 70;
  case 86:
    return 71;
  case 87:
    return 74;
  default:
    return 78;
  }
}

/// What later versions added for sm_80 to sm_90 is mma on operands of different
/// signedness.
unsigned mlir::qopt::getPtxVersion(gpu::GPUModuleOp kernels,
                                   const ChipInfo &chip) {
  constexpr unsigned kMixedMma = 71;
  unsigned version = getFirstPtxVersion(chip);
  kernels->walk([&](NVVM::MmaOp op) {
    if (op.getMultiplicandAPtxType() != op.getMultiplicandBPtxType())
      version = std::max(version, kMixedMma);
  });
  return version;
}

//===----------------------------------------------------------------------===//
// LLVM
//===----------------------------------------------------------------------===//

static constexpr StringLiteral kTriple = "nvptx64-nvidia-cuda";

/// Tensor core kernels come out the same from O1 to O3 (registers, PTX size;
/// 35 to 90 ms each); loops of the fallback kernels are unrolled from O2.
static constexpr llvm::CodeGenOptLevel kCodeGenLevel =
    llvm::CodeGenOptLevel::Default;

static std::unique_ptr<llvm::TargetMachine>
createTargetMachine(StringRef chip, unsigned ptxVersion, std::string &error) {
  static const bool initialized = [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
    return true;
  }();
  (void)initialized;
  llvm::Triple triple(kTriple);
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  std::string features = "+ptx" + std::to_string(ptxVersion);
  return std::unique_ptr<llvm::TargetMachine>(
      target->createTargetMachine(triple, chip, features, options, std::nullopt,
                                  std::nullopt, kCodeGenLevel));
}

/// Intrinsics on floats that NVPTX gives approximations or library calls.
static bool isInexact(llvm::Intrinsic::ID id) {
  switch (id) {
  case llvm::Intrinsic::acos:
  case llvm::Intrinsic::asin:
  case llvm::Intrinsic::atan:
  case llvm::Intrinsic::atan2:
  case llvm::Intrinsic::cos:
  case llvm::Intrinsic::cosh:
  case llvm::Intrinsic::exp:
  case llvm::Intrinsic::exp10:
  case llvm::Intrinsic::exp2:
  case llvm::Intrinsic::fmuladd:
  case llvm::Intrinsic::log:
  case llvm::Intrinsic::log10:
  case llvm::Intrinsic::log2:
  case llvm::Intrinsic::pow:
  case llvm::Intrinsic::powi:
  case llvm::Intrinsic::sin:
  case llvm::Intrinsic::sincos:
  case llvm::Intrinsic::sinh:
  case llvm::Intrinsic::tan:
  case llvm::Intrinsic::tanh:
    return true;
  default:
    return false;
  }
}

/// Refuses what has no body and no exact instruction.
static LogicalResult
verifyDeclarations(const llvm::Module &module,
                   function_ref<InFlightDiagnostic()> emitError) {
  for (const llvm::Function &function : module) {
    if (!function.isDeclaration())
      continue;
    if (!function.isIntrinsic() || isInexact(function.getIntrinsicID()))
      return emitError() << "cannot become PTX: it calls '"
                         << function.getName().str()
                         << "', which has no exact instruction";
  }
  return success();
}

static void optimize(llvm::Module &module, llvm::TargetMachine &machine) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager callGraph;
  llvm::ModuleAnalysisManager modules;
  // ptxas unrolls what pays; unrolled here, loops over narrow copies would
  // take the registers of the tiles.
  llvm::PipelineTuningOptions tuning;
  tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(callGraph);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, callGraph, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2)
      .run(module, modules);
}

/// Kernels know the sizes of their chip: where the module says which one it is,
/// it must be `chip`.
static LogicalResult verifyTarget(gpu::GPUModuleOp kernels, StringRef chip) {
  for (Attribute attr : kernels.getTargetsAttr().getAsRange<Attribute>()) {
    auto target = dyn_cast<NVVM::NVVMTargetAttr>(attr);
    if (target && target.getChip() != chip)
      return kernels.emitError("the kernels were built for ")
             << target.getChip() << ", not for " << chip;
  }
  return success();
}

FailureOr<std::string> mlir::qopt::translateToPtx(gpu::GPUModuleOp kernels,
                                                  StringRef chip) {
  auto emitError = [&] { return kernels.emitError("kernels "); };
  const ChipInfo *info = findChip(chip);
  if (!info)
    return kernels.emitError()
           << "cannot become PTX: '" << chip << "' is no known chip";
  if (kernels.getTargetsAttr() && failed(verifyTarget(kernels, chip)))
    return failure();
  MLIRContext *context = kernels.getContext();
  DialectRegistry registry;
  registerKernelTranslations(registry);
  context->appendDialectRegistry(registry);
  context->loadAllAvailableDialects();

  OwningOpRef<gpu::GPUModuleOp> copy = kernels.clone();
  if (failed(lowerKernelsToLLVM(*copy)))
    return failure();
  unsigned ptxVersion = getPtxVersion(kernels, *info);
  std::string error;
  std::unique_ptr<llvm::TargetMachine> machine =
      createTargetMachine(chip, ptxVersion, error);
  if (!machine)
    return emitError() << "cannot become PTX: " << error;

  llvm::LLVMContext llvmContext;
  std::unique_ptr<llvm::Module> module =
      translateModuleToLLVMIR(*copy, llvmContext);
  if (!module || failed(verifyDeclarations(*module, emitError)))
    return failure();
  module->setDataLayout(machine->createDataLayout());
  module->setTargetTriple(machine->getTargetTriple());
  optimize(*module, *machine);

  SmallString<0> text;
  llvm::raw_svector_ostream stream(text);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, stream, nullptr,
                                   llvm::CodeGenFileType::AssemblyFile))
    return emitError() << "cannot become PTX: LLVM has no back end for it";
  passes.run(*module);
  if (failed(verifyPtxArithmetic(text, emitError)))
    return failure();
  return text.str().str();
}

//===- CpuExecutable.cpp - A model compiled for this machine's CPU -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The order of compilation, and running the result. The steps are in files of
// their own, see CpuCompiler.h.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Execution/CpuExecutable.h"

#include "CpuCompiler.h"
#include "Jit.h"
#include "RunContext.h"

#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

struct CpuExecutable::Impl {
  explicit Impl(CpuOptions options) : options(std::move(options)) {}

  CpuOptions options;
  SmallVector<TensorSpec> inputs, outputs;
  std::vector<Weight> weights;
  std::vector<std::unique_ptr<Kernel>> kernels;
  std::vector<CheckMessage> checkMessages;
  std::unique_ptr<JitCode> code;
  EntryFunction entry = nullptr;
  mutable std::optional<ArenaPool> arenas;
};

CpuExecutable::CpuExecutable(std::unique_ptr<Impl> impl)
    : impl(std::move(impl)) {}
CpuExecutable::~CpuExecutable() = default;

//===----------------------------------------------------------------------===//
// Signature
//===----------------------------------------------------------------------===//

int64_t CpuExecutable::TensorSpec::getNumElements() const {
  return ShapedType::getNumElements(shape);
}

int64_t CpuExecutable::TensorSpec::getNumBytes() const {
  unsigned bits =
      elementType.isIndex() ? 64 : elementType.getIntOrFloatBitWidth();
  return getNumElements() * ((bits + 7) / 8);
}

ArrayRef<CpuExecutable::TensorSpec> CpuExecutable::inputs() const {
  return impl->inputs;
}

ArrayRef<CpuExecutable::TensorSpec> CpuExecutable::outputs() const {
  return impl->outputs;
}

SmallVector<StringRef> CpuExecutable::kernels() const {
  SmallVector<StringRef> names;
  for (const std::unique_ptr<Kernel> &kernel : impl->kernels)
    names.push_back(kernel->implementation());
  return names;
}

static CpuExecutable::TensorSpec makeSpec(Type type, StringAttr name,
                                          const char *prefix, unsigned index) {
  auto tensor = cast<RankedTensorType>(type);
  return {name ? name.str() : prefix + std::to_string(index),
          tensor.getElementType(), SmallVector<int64_t>(tensor.getShape())};
}

//===----------------------------------------------------------------------===//
// Compilation
//===----------------------------------------------------------------------===//

/// Of each buffer in the arena, in bytes: a cache line.
static constexpr int64_t kArenaAlignment = 64;

/// A context with all dialects and models that the steps use.
static std::unique_ptr<MLIRContext> createPrivateContext() {
  DialectRegistry registry;
  registry.insert<index::IndexDialect, LLVM::LLVMDialect, ub::UBDialect>();
  registerLoweringDialects(registry);
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  return std::make_unique<MLIRContext>(registry,
                                       MLIRContext::Threading::DISABLED);
}

/// The outermost extent that all inputs and outputs share; 0 if they do not.
static int64_t getBatch(FunctionType type) {
  std::optional<int64_t> batch;
  auto agrees = [&](Type operand) {
    auto tensor = cast<RankedTensorType>(operand);
    if (tensor.getRank() == 0)
      return false;
    return *(batch = batch.value_or(tensor.getDimSize(0))) ==
           tensor.getDimSize(0);
  };
  return llvm::all_of(type.getInputs(), agrees) &&
                 llvm::all_of(type.getResults(), agrees)
             ? batch.value_or(0)
             : 0;
}

/// The part of `loc` that other contexts can express.
static Location copyLocation(Location loc, MLIRContext *context) {
  if (auto file = dyn_cast<FileLineColLoc>(loc))
    return FileLineColLoc::get(context, file.getFilename().getValue(),
                               file.getLine(), file.getColumn());
  if (auto name = dyn_cast<NameLoc>(loc))
    return NameLoc::get(StringAttr::get(context, name.getName().getValue()),
                        copyLocation(name.getChildLoc(), context));
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return CallSiteLoc::get(copyLocation(call.getCallee(), context),
                            copyLocation(call.getCaller(), context));
  if (auto fused = dyn_cast<FusedLoc>(loc)) {
    SmallVector<Location> parts;
    for (Location part : fused.getLocations())
      parts.push_back(copyLocation(part, context));
    return FusedLoc::get(context, parts);
  }
  return UnknownLoc::get(context);
}

/// Reports a diagnostic of the private context in the caller's.
static void forwardDiagnostic(Diagnostic &diagnostic, MLIRContext *context) {
  Location loc = copyLocation(diagnostic.getLocation(), context);
  InFlightDiagnostic forwarded =
      diagnostic.getSeverity() == DiagnosticSeverity::Error ? emitError(loc)
      : diagnostic.getSeverity() == DiagnosticSeverity::Warning
          ? emitWarning(loc)
          : emitRemark(loc);
  forwarded << diagnostic.str();
  for (Diagnostic &note : diagnostic.getNotes())
    forwarded.attachNote(copyLocation(note.getLocation(), context))
        << note.str();
}

FailureOr<std::unique_ptr<CpuExecutable>>
CpuExecutable::compile(ModuleOp module, StringRef entryName,
                       const CpuOptions &options) {
  auto original = module.lookupSymbol<func::FuncOp>(entryName);
  if (!original)
    return module.emitError() << "has no function '" << entryName << "'";
  auto impl = std::make_unique<Impl>(options);
  FailureOr<ExternalizedModel> model =
      externalizeModel(module, original, static_cast<bool>(options.observer));
  if (failed(model))
    return failure();
  impl->weights = std::move(model->weights);
  for (auto [i, type] : llvm::enumerate(original.getArgumentTypes()))
    impl->inputs.push_back(makeSpec(
        type, original.getArgAttrOfType<StringAttr>(i, "qopt.name"), "arg", i));
  for (auto [i, type] : llvm::enumerate(original.getResultTypes()))
    impl->outputs.push_back(
        makeSpec(type, original.getResultAttrOfType<StringAttr>(i, "qopt.name"),
                 "out", i));

  std::unique_ptr<MLIRContext> context = createPrivateContext();
  ScopedDiagnosticHandler forward(context.get(), [&](Diagnostic &diagnostic) {
    forwardDiagnostic(diagnostic, module.getContext());
  });
  OwningOpRef<ModuleOp> copy =
      parseSourceString<ModuleOp>(model->bytecode, context.get());
  if (!copy)
    return original.emitError() << "cannot be copied for execution";
  context->loadAllAvailableDialects();
  model->bytecode.clear();
  auto entry = copy->lookupSymbol<func::FuncOp>(entryName);
  size_t numInputs = impl->inputs.size(), numWeights = impl->weights.size();
  if (failed(prepareTensors(*copy, entry, numWeights)) ||
      failed(bufferize(*copy)))
    return failure();
  entry = copy->lookupSymbol<func::FuncOp>(entryName);
  declareRuntimeFunctions(*copy);
  localizeLoopBuffers(entry);
  if (failed(insertBoundsChecks(entry)) ||
      failed(callKernels(entry, numInputs, numWeights, options.kernels,
                         impl->kernels)))
    return failure();
  lowerAsserts(entry, getBatch(original.getFunctionType()),
               impl->checkMessages);
  lowerObservers(entry);
  FailureOr<OwningOpRef<ModuleOp>> nests = callLoopNests(entry);
  if (failed(nests))
    return failure();
  declareRuntimeFunctions(**nests);
  FailureOr<MemoryPlan> plan = planMemory(entry, kArenaAlignment, kRefusal);
  if (failed(plan) || failed(lowerEntryToLLVM(*copy, entry)) ||
      failed(lowerNestsToLLVM(**nests)))
    return failure();
  impl->arenas.emplace(plan->arenaBytes);

  auto code = JitCode::compile(*copy, **nests, options.optLevel);
  if (!code)
    return original.emitError() << "cannot be compiled for this CPU: "
                                << llvm::toString(code.takeError());
  impl->code = std::move(*code);
  auto address = impl->code->lookup(kPackedEntryFn);
  if (!address)
    return original.emitError() << "cannot be compiled for this CPU: "
                                << llvm::toString(address.takeError());
  impl->entry = reinterpret_cast<EntryFunction>(*address);
  return std::unique_ptr<CpuExecutable>(new CpuExecutable(std::move(impl)));
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

static llvm::Error outOfMemory() {
  return llvm::createStringError(
      std::make_error_code(std::errc::not_enough_memory), "out of memory");
}

llvm::Error CpuExecutable::run(ArrayRef<const void *> inputs,
                               ArrayRef<void *> outputs) const {
  if (inputs.size() != impl->inputs.size() ||
      outputs.size() != impl->outputs.size())
    return llvm::createStringError(
        "the model takes %zu inputs and gives %zu outputs, not %zu and %zu",
        impl->inputs.size(), impl->outputs.size(), inputs.size(),
        outputs.size());
  AlignedBuffer arena = impl->arenas->take();
  if (!arena)
    return outOfMemory();
  SmallVector<void *> buffers;
  for (const void *input : inputs)
    buffers.push_back(const_cast<void *>(input));
  for (const Weight &weight : impl->weights)
    buffers.push_back(const_cast<void *>(weight.data));
  llvm::append_range(buffers, outputs);
  buffers.push_back(arena.get());
  std::optional<FailedRun> failure =
      runEntry(impl->entry, buffers.data(), impl->options.observer);
  impl->arenas->giveBack(std::move(arena));
  if (!failure)
    return llvm::Error::success();
  if (failure->check < 0)
    return outOfMemory();
  const CheckMessage &failed = impl->checkMessages[failure->check];
  std::string sample;
  if (failure->sample >= 0)
    sample = ", sample " + std::to_string(failure->sample);
  return llvm::createStringError(failed.op + sample + ": " + failed.message);
}

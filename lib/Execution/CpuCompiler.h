//===- CpuCompiler.h - The steps of compiling for the CPU ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Execution. One function per step, one file per function, in
// the order in which CpuExecutable::compile calls them. All steps after
// externalizeModel run in a private MLIRContext: compilation works the same
// whatever the caller's context has loaded, and leaves nothing behind in it.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EXECUTION_CPUCOMPILER_H
#define QUANTOPT_LIB_EXECUTION_CPUCOMPILER_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Execution/CpuKernels.h"
#include "QuantOpt/Execution/Lowering.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>
#include <string>
#include <vector>

namespace mlir::qopt::cpu {

/// How errors about what cannot be compiled end.
constexpr llvm::StringLiteral kRefusal = "cannot be executed on the CPU";

//===----------------------------------------------------------------------===//
// Externalize.cpp: from the caller's module to an independent one
//===----------------------------------------------------------------------===//

/// A constant tensor that the compiled code reads where the attribute keeps it.
struct Weight {
  const void *data = nullptr;
  /// The elements, where the attribute's form cannot be read by loads.
  std::unique_ptr<char[]> owned;
};

/// The functions reachable from the entry without their large constants.
/// Constants and observers have become calls of the marker functions
/// `kWeightMarker`N `() -> tensor` and `kObserveMarker`N `(tensor) -> ()`.
struct ExternalizedModel {
  /// MLIR bytecode.
  std::string bytecode;
  /// By the number N of the marker.
  std::vector<Weight> weights;
};

constexpr llvm::StringLiteral kWeightMarker = "__qopt_weight_";
constexpr llvm::StringLiteral kObserveMarker = "__qopt_observe_";

/// Checks that every op reachable from `entry` can be executed, and copies
/// these functions out of `module`.
FailureOr<ExternalizedModel>
externalizeModel(ModuleOp module, func::FuncOp entry, bool keepObservers);

//===----------------------------------------------------------------------===//
// LowerQuantTypes.cpp: imported quantization in float
//===----------------------------------------------------------------------===//

/// Replaces the casts of the quant dialect in `function` by the arithmetic they
/// stand for; quantized constants become f32. Errors name a cast that has none.
LogicalResult lowerQuantTypes(func::FuncOp function);

/// The value of an observer that rounds to its type.
Value buildFakeQuantize(OpBuilder &builder, ObserveOp op);

//===----------------------------------------------------------------------===//
// PrepareTensors.cpp: tensor level
//===----------------------------------------------------------------------===//

/// Unit attribute: the op's init operand holds zeros that nobody wrote.
constexpr llvm::StringLiteral kZeroInitAttr = "qopt.zero_init";

/// Inlines all calls into `entry`, turns weights into trailing arguments
/// (argument numInputs + N is weight N) and results into trailing memref
/// arguments, and lowers what bufferization does not know.
LogicalResult prepareTensors(ModuleOp module, func::FuncOp entry,
                             size_t numWeights);

//===----------------------------------------------------------------------===//
// Bufferize.cpp, BoundsChecks.cpp: to memrefs
//===----------------------------------------------------------------------===//

/// From tensors to memrefs, writing results in place where possible.
LogicalResult bufferize(ModuleOp module);

/// Rewrites loops that carry buffers so that no buffer allocated in a loop body
/// outlives its iteration.
void localizeLoopBuffers(func::FuncOp entry);

/// Gives what may fail in the bodies of named ops a location with the name,
/// which other steps keep.
void nameChecks(func::FuncOp entry);

/// Adds a `cf.assert` in front of every access whose index depends on data.
LogicalResult insertBoundsChecks(func::FuncOp entry);

/// What a failing check says: "`op`, sample 3: `message`".
struct CheckMessage {
  std::string op, message;
};

/// `cf.assert` to calls of `kCheckFailedFn`, whose arguments are the position
/// of what it says in `messages`, to which that is appended, and the sample, or
/// -1 where the check belongs to none. `batch` samples are the outermost extent
/// of the model's inputs and outputs; 0 if they have none in common.
void lowerAsserts(func::FuncOp entry, int64_t batch,
                  std::vector<CheckMessage> &messages);

//===----------------------------------------------------------------------===//
// CallKernels.cpp, CallLoopNests.cpp: memref level
//===----------------------------------------------------------------------===//

/// Replaces contractions and convolutions by calls of kernels, which are added
/// to `kernels` and must live as long as the compiled code.
/// Arguments `firstWeight` .. `firstWeight + numWeights` of `entry` hold the
/// same at every run.
LogicalResult callKernels(func::FuncOp entry, size_t firstWeight,
                          size_t numWeights, KernelPreference preference,
                          std::vector<std::unique_ptr<Kernel>> &kernels);

/// Moves the remaining linalg ops and copies into functions of their own with
/// good loop orders, equal ones shared. Returns the module of these functions.
FailureOr<OwningOpRef<ModuleOp>> callLoopNests(func::FuncOp entry);

/// Calls of observe markers become calls of `kObserveFn`.
void lowerObservers(func::FuncOp entry);

//===----------------------------------------------------------------------===//
// LowerToLLVM.cpp
//===----------------------------------------------------------------------===//

/// What compiled code calls; see RunContext.h for what they do.
constexpr llvm::StringLiteral kRunKernelFn = "qopt_cpu_run_kernel";
constexpr llvm::StringLiteral kCheckFailedFn = "qopt_cpu_check_failed";
constexpr llvm::StringLiteral kObserveFn = "qopt_cpu_observe";
/// The name that upstream's lowering of memref.alloc gives it.
constexpr llvm::StringLiteral kAllocFn = "_mlir_memref_to_llvm_alloc";

/// The function that the executable calls: `void(void *const *buffers)`, with
/// the entry's arguments in order.
constexpr llvm::StringLiteral kPackedEntryFn = "qopt_cpu_entry";

/// From buffers and loops to the LLVM dialect. Functions take bare pointers;
/// the packed entry is added.
LogicalResult lowerEntryToLLVM(ModuleOp module, func::FuncOp entry);
LogicalResult lowerNestsToLLVM(ModuleOp module);

/// Declares kRunKernelFn, kCheckFailedFn and kObserveFn.
void declareRuntimeFunctions(ModuleOp module);

} // namespace mlir::qopt::cpu

#endif // QUANTOPT_LIB_EXECUTION_CPUCOMPILER_H

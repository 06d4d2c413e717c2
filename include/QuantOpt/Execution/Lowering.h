//===- Lowering.h - From tensors to planned buffers ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The steps that compiling for the CPU and for a GPU have in common, in the
// order in which they are used: one spelling of computation on tensors, fused
// elementwise ops, buffers, one arena. None of them changes a bit of a result.
//
// `refusal` ends the error at an op that a step cannot handle, as "cannot be
// executed on the CPU" does.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_EXECUTION_LOWERING_H
#define QUANTOPT_EXECUTION_LOWERING_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"

namespace mlir::qopt {

/// The dialects and interface models that the steps need.
void registerLoweringDialects(DialectRegistry &registry);

//===----------------------------------------------------------------------===//
// TensorForms.cpp, FuseElementwise.cpp: tensor level
//===----------------------------------------------------------------------===//

/// Float arithmetic means single IEEE operations here, whatever the op allows.
void dropFastMath(func::FuncOp entry);

/// Softmax and the like into the linalg ops they stand for, packs into
/// transposes, named ops into generics (fill stays: it is what others match).
LogicalResult generalizeOps(func::FuncOp entry, StringRef refusal);

/// An error at the first op with a result of unknown shape.
LogicalResult verifyStaticShapes(func::FuncOp entry, StringRef refusal);

/// contraction(movement(x), y) -> contraction(x, y) where a movement only
/// transposes or repeats elements: kernels read any strides, and weights must
/// not be transposed or repeated for every sample.
void foldMovements(linalg::GenericOp contraction);

/// contraction(x, y) that extends f16 or bf16 inside its body ->
/// contraction(extend(x), extend(y)) of f32, which kernels know.
void separateExtensions(func::FuncOp entry);

/// Merges elementwise ops into their consumers where that does not repeat
/// expensive work; contractions (see MulAdd.h) keep their operands. With
/// `recomputeIndices` the arithmetic of gathers' indices is repeated for every
/// element, which costs less than a kernel of its own.
LogicalResult fuseElementwise(func::FuncOp entry,
                              bool recomputeIndices = false);

/// Padding, concatenation and the like into ops that bufferize well.
LogicalResult lowerTensorOps(func::FuncOp entry);

/// `linalg.fill` of a new tensor with the value of a splat constant.
Value createFill(OpBuilder &builder, Location loc, DenseElementsAttr splat);

/// Results are written to buffers that the caller gives: one more argument for
/// each, with the result's `qopt.name`.
LogicalResult returnThroughArguments(func::FuncOp entry);

//===----------------------------------------------------------------------===//
// Bufferize.cpp, PlanMemory.cpp: buffers
//===----------------------------------------------------------------------===//

/// Separates the fills and empty tensors that CSE has merged. A shared fill
/// would be copied for each op that writes into it, and a shared empty tensor
/// would make all ops that use it aliases, on which bufferization spends cubic
/// time.
void separateInitialTensors(ModuleOp module);

/// Bufferization of whole functions, writing results in place where possible.
void addBufferizationPasses(OpPassManager &manager);

/// What an arena takes, in bytes.
struct MemoryPlan {
  int64_t arenaBytes = 0;
  /// The most that buffers of one moment take: no arena is smaller.
  int64_t lowerBound = 0;
  int64_t buffers = 0;
};

/// Gives every allocation of `entry` a place in one arena, a new trailing
/// argument. Offsets are multiples of `alignment` bytes.
FailureOr<MemoryPlan> planMemory(func::FuncOp entry, int64_t alignment,
                                 StringRef refusal);

//===----------------------------------------------------------------------===//
// ExpandMath.cpp
//===----------------------------------------------------------------------===//

/// Replaces the common transcendental functions of f32, f16 and bf16 inside
/// `root`, and roundings of f32 to bf16, by arithmetic.
void expandMath(Operation *root);

/// An op of the math dialect that expandMath replaces.
bool isExpandedMath(Operation *op);

} // namespace mlir::qopt

#endif // QUANTOPT_EXECUTION_LOWERING_H

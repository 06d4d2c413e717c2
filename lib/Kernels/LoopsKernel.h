//===- LoopsKernel.h - Kernels of qopt.loops -------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. How a configuration lays loops over threads, and
// what the families of kernels share: the way from a thread's number to its
// points, and loads and stores of several elements.
//
// The parallel loops are cut into units: `lanes` points of the innermost loop
// (threads), one point (rows), or `lanes` channels of `items` points along the
// width (depthwise). A unit is the work of a thread or, for rows, of
// `row_threads` threads.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_LOOPSKERNEL_H
#define QUANTOPT_LIB_KERNELS_LOOPSKERNEL_H

#include "EpilogueEmitter.h"
#include "LoopKernel.h"
#include "LoopsProgram.h"
#include "LoopsShape.h"
#include "QuantOpt/Kernels/LoopsCost.h"

namespace mlir::qopt {

struct LoopsPlan {
  LoopsShape shape;
  LoopsConfigAttr config;
  /// Outermost first; see KernelLoop. The extent of the first parallel loop
  /// does not appear in the code: launches differ in it.
  SmallVector<KernelLoop> parallel, reductions;
  /// Iterations of each parallel loop that belong to one unit.
  SmallVector<int64_t> steps;
  /// By operand: elements of one access along the lanes' loop, 1 where they are
  /// not next to each other.
  SmallVector<int64_t> widths;
  /// By operand: offsets in bytes need 64 bits.
  SmallVector<bool> isFar;
  /// By operand: no write of the kernel reaches it through another pointer.
  SmallVector<bool> isDistinct;
  /// The number of units needs 64 bits.
  bool isWide = false;

  /// The loop that lanes run along; null if it has one iteration only.
  const KernelLoop *getLaneLoop() const;
  /// Units of `rows` iterations of the rows loop.
  AffineExpr getUnits(AffineExpr rows) const;
  int64_t getNumUnits() const;
  SmallVector<KernelBuffer> getBuffers() const;
  /// What the kernel's code depends on, as text.
  std::string getKey() const;
};

/// Plans the kernel of loops with a configuration that verifyLoopsConfig
/// accepts. (LoopsKernel.cpp)
LoopsPlan makeLoopsPlan(LoopsShape shape, LoopsConfigAttr config);

/// A depthwise convolution: which operands and loops play which part.
struct DepthwisePattern {
  /// The operands of the product, as numbers in LoopsShape::operands.
  unsigned image = 0, weights = 0;
  bool isImageUnsigned = false, areWeightsUnsigned = false;
  /// Loops of the op. Taps along the height may be missing, or have one
  /// iteration like those along the width.
  unsigned channels = 0, width = 0, tapsW = 0;
  std::optional<unsigned> tapsH;
  int64_t strideW = 1;
  ReduceOp sum;
};

/// The loops as a sum of i8 x i8 over a window without dilation along the
/// width, channels innermost; nothing if they are something else. The weights
/// are in any layout. (LoopsPattern.cpp)
std::optional<DepthwisePattern> matchDepthwise(const LoopsShape &shape);

/// True if the weights have the layout that the kernel reads: taps of the width
/// innermost, a multiple of four with zeros at the end, then channels.
bool hasPackedWeights(const LoopsShape &shape, const DepthwisePattern &pattern);

//===----------------------------------------------------------------------===//
// Code
//===----------------------------------------------------------------------===//

/// Where the operands are accessed.
struct LoopsPosition {
  /// By operand.
  SmallVector<Value> pointers;
  /// By operand and checked dim: the subscript, a signed i32.
  SmallVector<SmallVector<Value>> subscripts;
};

class LoopsEmitter {
public:
  LoopsEmitter(const LoopsPlan &plan, DeviceBuilder &builder,
               LLVM::LLVMFuncOp kernel);

protected:
  size_t getNumInputs() const { return plan.shape.operands.size() - numInits; }
  /// The operand of an argument of the body, or of a result.
  size_t getInput(BlockArgument argument) const;
  size_t getOutput(unsigned result) const { return getNumInputs() + result; }

  /// Of the first point of a unit; `unit` exists.
  LoopsPosition enterParallelLoops(Value unit);
  /// The position `counter` iterations of `loop` further.
  LoopsPosition advance(const LoopsPosition &position, const KernelLoop &loop,
                        Value counter);
  /// The position of element number `element` of the reduced points, row-major.
  LoopsPosition enterReduced(const LoopsPosition &row, Value element);

  /// `lanes` elements of an operand along `laneLoop` (null: the same one).
  /// `exists`, if not empty, says by lane which may be read; the others are any
  /// element.
  SmallVector<Value> load(size_t operand, const LoopsPosition &position,
                          const KernelLoop *laneLoop, int64_t lanes,
                          ArrayRef<Value> exists = {});
  /// `values` are what `emitters[result]` emitted, one by lane.
  void store(unsigned result, const LoopsPosition &position,
             const KernelLoop *laneLoop, ArrayRef<Value> values,
             ArrayRef<Value> exists = {});
  /// A result's element from the values of the body.
  Value emitResult(unsigned result, IRMapping &mapping);

  /// True where no checked subscript is outside; null if none can be.
  Value isInside(size_t operand, const LoopsPosition &position,
                 const KernelLoop *laneLoop, int64_t lane);

  const LoopsPlan &plan;
  LoopsProgram program;
  DeviceBuilder &b;
  LLVM::LLVMFuncOp kernel;
  /// Of the unit's first point, by loop of the op where it is not merged.
  DenseMap<unsigned, Value> counters;

private:
  Value getStep(const KernelLoop &loop, size_t operand, Value counter);
  SmallVector<Value> loadPiece(size_t operand, Value pointer, int64_t width,
                               Value inside);

  size_t numInits;
  SmallVector<EpilogueEmitter> emitters;
};

/// The code of each family, from the kernel's parameters: the operands and the
/// number of units. (LoopsThreads.cpp, LoopsRows.cpp, LoopsDepthwise.cpp)
void emitLoopsThreads(const LoopsPlan &plan, DeviceBuilder &builder,
                      LLVM::LLVMFuncOp kernel);
void emitLoopsRows(const LoopsPlan &plan, DeviceBuilder &builder,
                   LLVM::LLVMFuncOp kernel, gpu::GPUModuleOp kernels);
void emitLoopsDepthwise(const LoopsPlan &plan, DeviceBuilder &builder,
                        LLVM::LLVMFuncOp kernel);

/// Bytes of shared memory of a block.
int64_t getRowsSharedBytes(const LoopsPlan &plan);

/// Checks that `config` can compute the loops, packed weights apart.
/// (LoopsConfigs.cpp)
LogicalResult verifyLoopsConfig(const LoopsShape &shape,
                                LoopsConfigAttr config);

/// See LoopsCost.h. (LoopsCost.cpp)
LoopsCost estimateLoops(const LoopsShape &shape, LoopsConfigAttr config,
                        const ChipInfo &chip);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_LOOPSKERNEL_H

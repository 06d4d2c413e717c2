//===- NestEmitter.h - Code of a loop nest ---------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to EmitLoopNest.cpp and EmitOrderedSum.cpp.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EXECUTION_NESTEMITTER_H
#define QUANTOPT_LIB_EXECUTION_NESTEMITTER_H

#include "LoopNest.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::qopt::cpu {

/// One of the interleaved iterations.
struct Lane {
  /// Of each nest operand, moved by the loops entered so far.
  SmallVector<Value> pointers;
  /// The counter of each of the op's loops (i64), null before it is entered.
  SmallVector<Value> counters;
  /// Running values of the outputs, while in registers.
  SmallVector<Value> running;
};

class NestEmitter {
public:
  NestEmitter(func::FuncOp function, LoopNest &nest,
              const DenseMap<Value, Value> &bufferPointers,
              const IRMapping &mapping)
      : function(function), nest(nest), bufferPointers(bufferPointers),
        mapping(mapping), builder(function.getContext()),
        loc(nest.op.getLoc()) {
    builder.setInsertionPointToEnd(&function.getBody().front());
  }

  void emit(ArrayRef<Value> operandPointers);

private:
  using Lanes = SmallVector<Lane>;

  Value constant(int64_t value) {
    return arith::ConstantIntOp::create(builder, loc, value, 64);
  }
  /// `lane` inside iteration `counter` of `loop`.
  Lane advance(const Lane &lane, const NestLoop &loop, Value counter);
  /// The loops from `level` on.
  void emitLevel(size_t level, Lanes &lanes);
  /// Loop `level` with its lanes' running values carried.
  void emitRegisterLoop(size_t level, Lanes &lanes);
  void emitInterleaved(size_t level, const Lane &lane);
  void emitRange(size_t level, const Lane &lane, int64_t begin, int64_t end,
                 int64_t step);
  /// The body at the lane's counters; `lane.running` has the old values of the
  /// outputs and gets the new ones, or is empty: they are in memory.
  void emitBody(Lane &lane);
  void cloneBody(Lane &lane, IRMapping &values);
  Value load(Value pointer, Type elementType);
  void store(Value value, Value pointer, Type elementType);
  Value loadCaptured(memref::LoadOp op, const IRMapping &values);

  // EmitOrderedSum.cpp

  /// A sum in the fixed order for `lane`, with all loops from `level` on, and
  /// the one before it if there are lanes side by side.
  void emitOrderedSum(size_t level, const Lane &lane);

  friend class SumEmitter;

  func::FuncOp function;
  LoopNest &nest;
  const DenseMap<Value, Value> &bufferPointers;
  const IRMapping &mapping;
  OpBuilder builder;
  Location loc;
};

} // namespace mlir::qopt::cpu

#endif // QUANTOPT_LIB_EXECUTION_NESTEMITTER_H

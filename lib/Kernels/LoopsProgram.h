//===- LoopsProgram.h - The body of qopt.loops in passes -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. The body of a `qopt.loops` is a program for one
// element with whole reductions in it. A kernel runs it in passes over the
// reduced loops: pass i combines all reductions that need the results of i
// others, one after the other; the final values come after the last pass. What
// is the same at all points of the reduced loops (uniform) is computed once
// between passes.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_LOOPSPROGRAM_H
#define QUANTOPT_LIB_KERNELS_LOOPSPROGRAM_H

#include "DeviceBuilder.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::qopt {

class LoopsProgram {
public:
  explicit LoopsProgram(LoopsOp op);

  LoopsOp getOp() const { return op; }
  /// Passes before the final values.
  unsigned getNumPasses() const { return passes.size(); }
  ArrayRef<ReduceOp> getReduces(unsigned pass) const { return passes[pass]; }
  /// True if a sum of floats is among them: their order is fixed.
  bool isOrdered(unsigned pass) const;
  bool isOrdered() const;

  bool isVarying(Value value) const { return varying.contains(value); }
  bool isVarying(unsigned result) const {
    return isVarying(getYielded(result));
  }
  Value getYielded(unsigned result) const {
    return op.getProgram()->getTerminator()->getOperand(result);
  }
  bool hasVaryingResult() const;

  /// The varying arguments of the body that `values` depend on at one point.
  SmallVector<BlockArgument> getVaryingInputs(ArrayRef<Value> values) const;
  SmallVector<BlockArgument> getUniformInputs() const;

  /// Computes the uniform values that need the results of `pass` passes and no
  /// fewer: those before pass number `pass`, or before the final values.
  /// `mapping` has uniform inputs and what was computed before.
  void emitUniform(DeviceBuilder &builder, unsigned pass,
                   IRMapping &mapping) const;

private:
  mutable LoopsOp op;
  DenseSet<Value> varying;
  /// The passes that a value needs the results of.
  DenseMap<Value, unsigned> levels;
  SmallVector<SmallVector<ReduceOp>> passes;
};

/// What combines with any value to that value.
Value getIdentity(DeviceBuilder &builder, ReduceOp reduce);

/// The values of two sets of points as that of their union.
Value combine(DeviceBuilder &builder, ReduceOp reduce, Value a, Value b);

/// Partial sums of the fixed order (docs/Numerics.md, "Sums of floats").
constexpr int64_t kSumPartials = 256;

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_LOOPSPROGRAM_H

//===- FunctionBounds.h - Bounds of what a function computes ------*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Bounds arithmetic over a function on tensors: quantized integers, constants
// and ranges that calibration saw are known, and most of what is computed of
// them is bounded. Never runs anything, never changes IR.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ANALYSIS_FUNCTIONBOUNDS_H
#define QUANTOPT_ANALYSIS_FUNCTIONBOUNDS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/DenseMap.h"

#include <limits>

namespace mlir::qopt {

/// A discardable attribute of a scalar `arith.truncf`: array<f64: min, max>,
/// the range of its operand that calibration saw.
inline constexpr StringLiteral kRangeAttr = "qopt.range";

/// All numbers from `low` to `high`; NaN is in no interval.
struct Bounds {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();

  static Bounds point(double value) { return {value, value}; }
  /// [-magnitude, magnitude].
  static Bounds upTo(double magnitude) { return {-magnitude, magnitude}; }
  double getMagnitude() const {
    return std::max(std::abs(low), std::abs(high));
  }
  Bounds join(Bounds other) const {
    return {std::min(low, other.low), std::max(high, other.high)};
  }
};

/// Bounds of the elements of every tensor in a function, up to the relative
/// error of f32 arithmetic. NaN and what follows from an infinite input are not
/// considered.
class FunctionBounds {
public:
  explicit FunctionBounds(func::FuncOp function);

  /// Of the elements of a tensor, or of a scalar; everything where nothing is
  /// known.
  Bounds get(Value value) const;
  /// Says of `to` what is known of `from`.
  void copy(Value from, Value to) { known[to] = get(from); }

private:
  void visit(Operation *op);
  void visitLinalg(linalg::LinalgOp op);
  void visitReduction(linalg::LinalgOp op, OpResult result);
  /// The result of a scalar op inside `owner`, which may be null.
  Bounds evaluate(Operation *op, linalg::LinalgOp owner) const;

  llvm::DenseMap<Value, Bounds> known;
};

} // namespace mlir::qopt

#endif // QUANTOPT_ANALYSIS_FUNCTIONBOUNDS_H

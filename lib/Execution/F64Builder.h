//===- F64Builder.h - Functions in binary64, as IR -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Execution: what the expansions of functions of f32 are made
// of. They are evaluated in f64 without branches or tables, accurate to 2^-40
// or better, and rounded once.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EXECUTION_F64BUILDER_H
#define QUANTOPT_LIB_EXECUTION_F64BUILDER_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::qopt {

/// Arithmetic on f64 values as the formulas are written.
class F64Builder {
public:
  explicit F64Builder(Operation *op) : b(op->getLoc(), op) {}

  Value constant(double value) {
    return arith::ConstantOp::create(b, b.getF64FloatAttr(value));
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value fma(Value x, Value y, Value z) {
    return math::FmaOp::create(b, x, y, z);
  }
  /// coefficients[0] + x (coefficients[1] + x (...)).
  Value polynomial(Value x, ArrayRef<double> coefficients) {
    Value sum = constant(coefficients.back());
    for (double c : llvm::reverse(coefficients.drop_back()))
      sum = fma(sum, x, constant(c));
    return sum;
  }
  /// The f32 `x` limited to [low, high] as f64; NaN stays NaN.
  Value clampToF64(Value x, float low, float high) {
    auto limit = [&](float value) -> Value {
      return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
    };
    x = arith::MaximumFOp::create(b, x, limit(low));
    x = arith::MinimumFOp::create(b, x, limit(high));
    return arith::ExtFOp::create(b, b.getF64Type(), x);
  }
  Value toF64(Value x) { return arith::ExtFOp::create(b, b.getF64Type(), x); }
  Value toF32(Value x) { return arith::TruncFOp::create(b, b.getF32Type(), x); }

  Value less(Value x, Value y) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, y);
  }
  Value equal(Value x, Value y) {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(b, condition, x, y);
  }

  /// e^x for |x| < 700. (ExpandMath.cpp)
  Value exp(Value x);

  ImplicitLocOpBuilder b;
};

//===----------------------------------------------------------------------===//
// ExpandPowers.cpp
//===----------------------------------------------------------------------===//

/// log(x) * factor of the f32 `x`.
Value expandLog(F64Builder &b, Value x, double factor = 1.0);
Value expandLog1p(F64Builder &b, Value x);
/// x^n by repeated multiplication in f32, `n` an integer.
Value expandPowI(F64Builder &b, Value x, Value n);
/// x^y of f32.
Value expandPowF(F64Builder &b, Value x, Value y);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_EXECUTION_F64BUILDER_H

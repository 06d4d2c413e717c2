//===- ExpandMath.cpp - Functions as vectorizable code ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Transcendental functions of f32, and of 16-bit floats by way of f32:
// evaluated in f64 without branches or tables and rounded once. The f64 value
// is accurate to 2^-40 or better, so that the result is the correctly rounded
// one, or where the exact value lies next to the middle of two floats perhaps
// the other (1 of 500,000 arguments of erf). It is the same on every machine,
// in vectors and in scalars. Subnormal f32 are normal numbers of f64 and need
// no care. Other functions and types are left to the caller.
//
// Rounding to bf16 is integer arithmetic, too: AVX512-BF16 has an instruction
// for it that flushes subnormals.
//
//===----------------------------------------------------------------------===//
#include "F64Builder.h"
#include "QuantOpt/Execution/Lowering.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qopt;

/// 2^k · e^r with |r| <= ln(2) / 2 and e^r by its Taylor
/// series, whose first missing term is below 2^-47.
Value F64Builder::exp(Value x) {
  static constexpr double kTaylor[] = {
      1.0,         1.0,          1.0 / 2,       1.0 / 6,
      1.0 / 24,    1.0 / 120,    1.0 / 720,     1.0 / 5040,
      1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800};
  constexpr double kLog2E = 0x1.71547652b82fep+0, kLn2 = 0x1.62e42fefa39efp-1;
  // Adding this rounds to an integer, which is then in the low mantissa bits.
  constexpr double kRound = 0x1.8p52;
  constexpr int64_t kExponentBias = 1023, kMantissaBits = 52;
  Value shifted = fma(x, constant(kLog2E), constant(kRound));
  Value k = sub(shifted, constant(kRound));
  Value r = fma(k, constant(-kLn2), x);

  Type i64 = b.getI64Type();
  Value bits = arith::BitcastOp::create(b, i64, shifted);
  bits = arith::AddIOp::create(
      b, bits, arith::ConstantIntOp::create(b, kExponentBias, 64));
  bits = arith::ShLIOp::create(
      b, bits, arith::ConstantIntOp::create(b, kMantissaBits, 64));
  Value power = arith::BitcastOp::create(b, b.getF64Type(), bits);
  return mul(polynomial(r, kTaylor), power);
}

/// Beyond the limits the rounded result is 0 or infinite.
static Value expandExp(F64Builder &b, Value x) {
  return b.toF32(b.exp(b.clampToF64(x, -104.0f, 89.0f)));
}

/// 2^x = e^(x ln 2).
static Value expandExp2(F64Builder &b, Value x) {
  constexpr double kLn2 = 0x1.62e42fefa39efp-1;
  Value limited = b.clampToF64(x, -151.0f, 129.0f);
  return b.toF32(b.exp(b.mul(limited, b.constant(kLn2))));
}

/// erf(x) = x · P((x^2 - 8) / 8) on [-4, 4], beyond which it rounds to +-1. P
/// interpolates erf(x) / x in the Chebyshev nodes; its error is below 2^-41 of
/// the value.
static Value expandErf(F64Builder &b, Value x) {
  static constexpr double kCoefficients[] = {
      0x1.6a040781a499cp-2,   -0x1.69a0ccda546f8p-3,  0x1.0dabaf061aaf4p-3,
      -0x1.b92e95b222de8p-4,  0x1.717efc7399f2bp-4,   -0x1.3215da47bcb8bp-4,
      0x1.ea97f23d8f9e6p-5,   -0x1.76e83f36d72e4p-5,  0x1.0ed520b2f4cabp-5,
      -0x1.7036e95f70717p-6,  0x1.d6365549c3702p-7,   -0x1.19f29a25d3e5ep-7,
      0x1.3e0b9b08580cfp-8,   -0x1.5290127053989p-9,  0x1.533b91aacf1bdp-10,
      -0x1.3d1f5c56a5bf3p-11, 0x1.1e5a335e8a56ep-12,  -0x1.09470d1cc5dc3p-13,
      0x1.a7c3511e4d84dp-15,  -0x1.a7f85d543368cp-17, 0x1.54370a7bf7a41p-18,
      -0x1.33ca61b9e9205p-18, 0x1.8f8424cd1b682p-20};
  Value limited = b.clampToF64(x, -4.0f, 4.0f);
  Value square = b.mul(limited, limited);
  Value s = b.fma(square, b.constant(0.125), b.constant(-1.0));
  return b.toF32(b.mul(limited, b.polynomial(s, kCoefficients)));
}

/// tanh(x) = (e^2x - 1) / (e^2x + 1); by its series near 0, where the
/// difference cancels. It rounds to +-1 beyond the limits.
static Value expandTanh(F64Builder &b, Value x) {
  static constexpr double kSeries[] = {1.0, -1.0 / 3, 2.0 / 15, -17.0 / 315};
  constexpr double kSeriesBelow = 0x1p-12; // Of x^2.
  Value limited = b.clampToF64(x, -10.0f, 10.0f);
  Value power = b.exp(b.add(limited, limited));
  Value one = b.constant(1.0);
  Value quotient = b.div(b.sub(power, one), b.add(power, one));
  Value square = b.mul(limited, limited);
  Value series = b.mul(limited, b.polynomial(square, kSeries));
  Value isSmall = b.less(square, b.constant(kSeriesBelow));
  return b.toF32(b.select(isSmall, series, quotient));
}

/// 1 / sqrt(x), both rounded: what rsqrt is on every target.
static Value expandRsqrt(ImplicitLocOpBuilder &b, Value x) {
  Value one = arith::ConstantOp::create(b, b.getF32FloatAttr(1.0f));
  return arith::DivFOp::create(b, one, math::SqrtOp::create(b, x));
}

/// bf16(x): quantmath::toBF16.
static Value expandTruncation(ImplicitLocOpBuilder &b, Value x) {
  Type i32 = b.getI32Type();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b, value, 32);
  };
  Value bits = arith::BitcastOp::create(b, i32, x);
  Value upper = arith::ShRUIOp::create(b, bits, constant(16));
  Value odd = arith::AndIOp::create(b, upper, constant(1));
  Value rounded = arith::AddIOp::create(b, bits, constant(0x7fff));
  rounded = arith::AddIOp::create(b, rounded, odd);
  rounded = arith::ShRUIOp::create(b, rounded, constant(16));
  Value quiet = arith::OrIOp::create(b, upper, constant(0x40));
  Value isNaN = arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, x);
  Value result = arith::SelectOp::create(b, isNaN, quiet, rounded);
  result = arith::TruncIOp::create(b, b.getI16Type(), result);
  return arith::BitcastOp::create(b, b.getBF16Type(), result);
}

//===----------------------------------------------------------------------===//
// All of them
//===----------------------------------------------------------------------===//

bool mlir::qopt::isExpandedMath(Operation *op) {
  if (!isa<math::ErfOp, math::ExpOp, math::Exp2Op, math::FPowIOp, math::LogOp,
           math::Log10Op, math::Log1pOp, math::Log2Op, math::PowFOp,
           math::RsqrtOp, math::TanhOp>(op))
    return false;
  Type type = op->getResult(0).getType();
  return type.isF32() || type.isF16() || type.isBF16();
}

/// What `op` computes of f32 `operands`.
static Value expand(F64Builder &b, Operation *op, ValueRange operands) {
  constexpr double kLog2E = 0x1.71547652b82fep+0,
                   kLog10E = 0x1.bcb7b1526e50ep-2;
  Value x = operands[0];
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<math::ErfOp>([&](auto) { return expandErf(b, x); })
      .Case<math::ExpOp>([&](auto) { return expandExp(b, x); })
      .Case<math::Exp2Op>([&](auto) { return expandExp2(b, x); })
      .Case<math::FPowIOp>([&](auto) { return expandPowI(b, x, operands[1]); })
      .Case<math::LogOp>([&](auto) { return expandLog(b, x); })
      .Case<math::Log10Op>([&](auto) { return expandLog(b, x, kLog10E); })
      .Case<math::Log1pOp>([&](auto) { return expandLog1p(b, x); })
      .Case<math::Log2Op>([&](auto) { return expandLog(b, x, kLog2E); })
      .Case<math::PowFOp>([&](auto) { return expandPowF(b, x, operands[1]); })
      .Case<math::RsqrtOp>([&](auto) { return expandRsqrt(b.b, x); })
      .Case<math::TanhOp>([&](auto) { return expandTanh(b, x); });
}

void mlir::qopt::expandMath(Operation *root) {
  SmallVector<Operation *> ops;
  root->walk([&](Operation *op) {
    if (op->getNumResults() == 1 && isExpandedMath(op))
      ops.push_back(op);
  });
  for (Operation *op : ops) {
    F64Builder builder(op);
    Type type = op->getResult(0).getType(), f32 = builder.b.getF32Type();
    SmallVector<Value> operands(op->getOperands());
    for (Value &operand : operands)
      if (isa<FloatType>(operand.getType()) && !operand.getType().isF32())
        operand = arith::ExtFOp::create(builder.b, f32, operand);
    Value result = expand(builder, op, operands);
    if (!type.isF32())
      result = arith::TruncFOp::create(builder.b, type, result);
    op->getResult(0).replaceAllUsesWith(result);
    op->erase();
  }

  SmallVector<arith::TruncFOp> truncations;
  root->walk([&](arith::TruncFOp op) {
    if (op.getIn().getType().isF32() && op.getType().isBF16())
      truncations.push_back(op);
  });
  for (arith::TruncFOp op : truncations) {
    ImplicitLocOpBuilder builder(op.getLoc(), op);
    op.replaceAllUsesWith(expandTruncation(builder, op.getIn()));
    op->erase();
  }
}

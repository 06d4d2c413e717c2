//===- ExpandPowers.cpp - Logarithms and powers ----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/Numerics.md, section 5. What a power is does not depend on whether its
// exponent is known when it is compiled: a constant one only saves the ops that
// would have found out.
//
//===----------------------------------------------------------------------===//
#include "F64Builder.h"

#include "mlir/IR/Matchers.h"

#include <limits>

using namespace mlir;
using namespace mlir::qopt;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();
static constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
static constexpr double kLn2 = 0x1.62e42fefa39efp-1;

//===----------------------------------------------------------------------===//
// Logarithms
//===----------------------------------------------------------------------===//

namespace {
/// x = 2^exponent (1 + fraction), 1 + fraction in [0.707, 1.415].
struct Reduced {
  Value exponent, fraction; // f64
};
} // namespace

/// Of a positive normal f64; anything for others.
static Reduced reduce(F64Builder &b, Value x) {
  constexpr int64_t kSqrtHalfBits = 0x3fe6a09e667f3bcd, kMantissaBits = 52;
  Type i64 = b.b.getI64Type(), f64 = b.b.getF64Type();
  auto constant = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(b.b, value, 64);
  };
  Value bits = arith::BitcastOp::create(b.b, i64, x);
  Value exponent = arith::SubIOp::create(b.b, bits, constant(kSqrtHalfBits));
  exponent = arith::ShRSIOp::create(b.b, exponent, constant(kMantissaBits));
  Value shift = arith::ShLIOp::create(b.b, exponent, constant(kMantissaBits));
  Value mantissa = arith::BitcastOp::create(
      b.b, f64, arith::SubIOp::create(b.b, bits, shift));
  // A conversion of 32 bits is an instruction everywhere.
  exponent = arith::TruncIOp::create(b.b, b.b.getI32Type(), exponent);
  exponent = arith::SIToFPOp::create(b.b, f64, exponent);
  return {exponent, b.sub(mantissa, b.constant(1.0))};
}

/// log(x) of what was reduced: with s = f / (2 + f), log(1 + f) = 2 atanh(s) =
/// 2 s (1 + s^2/3 + s^4/5 + ...); |s| <= 0.172, so that the first missing term
/// is below 2^-49 of the sum.
static Value log(F64Builder &b, Reduced x) {
  static constexpr double kSeries[] = {1.0,      1.0 / 3,  1.0 / 5,
                                       1.0 / 7,  1.0 / 9,  1.0 / 11,
                                       1.0 / 13, 1.0 / 15, 1.0 / 17};
  Value s = b.div(x.fraction, b.add(x.fraction, b.constant(2.0)));
  Value series = b.polynomial(b.mul(s, s), kSeries);
  return b.fma(x.exponent, b.constant(kLn2), b.mul(b.add(s, s), series));
}

/// `result` where 0 < x < inf; -inf at 0, NaN below, x for inf and NaN.
static Value selectLog(F64Builder &b, Value x, Value result) {
  Value zero = b.constant(0.0);
  Value special = b.select(b.less(x, zero), b.constant(kNaN), x);
  special = b.select(b.equal(x, zero), b.constant(-kInfinity), special);
  Value isNormal = arith::AndIOp::create(b.b, b.less(zero, x),
                                         b.less(x, b.constant(kInfinity)));
  return b.select(isNormal, result, special);
}

Value mlir::qopt::expandLog(F64Builder &b, Value x, double factor) {
  Value wide = b.toF64(x);
  Value result = log(b, reduce(b, wide));
  if (factor != 1.0)
    result = b.mul(result, b.constant(factor));
  return b.toF32(selectLog(b, wide, result));
}

/// The fraction of 1 + x is x itself where its exponent is 0: nothing of a
/// small x is lost.
Value mlir::qopt::expandLog1p(F64Builder &b, Value x) {
  Value wide = b.toF64(x);
  Value sum = b.add(wide, b.constant(1.0));
  Reduced reduced = reduce(b, sum);
  Value isExact = b.equal(reduced.exponent, b.constant(0.0));
  reduced.fraction = b.select(isExact, wide, reduced.fraction);
  Value result = selectLog(b, sum, log(b, reduced));
  // log1p(-0.0) is -0.0.
  Value isZero = b.equal(wide, b.constant(0.0));
  return b.toF32(b.select(isZero, wide, result));
}

//===----------------------------------------------------------------------===//
// Powers with integer exponents
//===----------------------------------------------------------------------===//

static Value createF32(F64Builder &b, float value) {
  return arith::ConstantOp::create(b.b, b.b.getF32FloatAttr(value));
}

/// The product of the squares x^(2^i) of the bits of n > 0, lowest first.
static Value multiply(F64Builder &b, Value x, uint64_t n) {
  Value result, square = x;
  for (;; square = b.mul(square, square)) {
    if (n & 1)
      result = result ? b.mul(result, square) : square;
    n >>= 1;
    if (n == 0)
      return result;
  }
}

/// The same for an exponent that is not known.
static Value multiply(F64Builder &b, Value x, Value n) {
  unsigned width = n.getType().getIntOrFloatBitWidth();
  auto constant = [&](uint64_t value) -> Value {
    return arith::ConstantOp::create(
        b.b, b.b.getIntegerAttr(n.getType(), APInt(width, value)));
  };
  Value result = createF32(b, 1.0f), square = x;
  for (unsigned bit = 0; bit < width; ++bit) {
    Value masked = arith::AndIOp::create(b.b, n, constant(uint64_t(1) << bit));
    Value isSet = arith::CmpIOp::create(b.b, arith::CmpIPredicate::ne, masked,
                                        constant(0));
    result = b.select(isSet, b.mul(result, square), result);
    square = b.mul(square, square);
  }
  return result;
}

Value mlir::qopt::expandPowI(F64Builder &b, Value x, Value n) {
  Value one = createF32(b, 1.0f);
  APInt known;
  if (matchPattern(n, m_ConstantInt(&known))) {
    if (known.isZero())
      return one;
    Value power = multiply(b, x, known.abs().getZExtValue());
    return known.isNegative() ? b.div(one, power) : power;
  }
  unsigned width = n.getType().getIntOrFloatBitWidth();
  Value zero = arith::ConstantOp::create(
      b.b, b.b.getIntegerAttr(n.getType(), APInt(width, 0)));
  Value isNegative =
      arith::CmpIOp::create(b.b, arith::CmpIPredicate::slt, n, zero);
  Value magnitude =
      b.select(isNegative, arith::SubIOp::create(b.b, zero, n), n);
  Value power = multiply(b, x, magnitude);
  return b.select(isNegative, b.div(one, power), power);
}

//===----------------------------------------------------------------------===//
// Powers
//===----------------------------------------------------------------------===//

/// Exponents that are products, quotients and roots in f32.
static constexpr float kSimpleExponents[] = {-2, -1, -0.5f, 0.5f, 2, 3, 4};

static Value expandSimplePower(F64Builder &b, Value x, float y) {
  Value one = createF32(b, 1.0f);
  if (y == std::trunc(y)) {
    Value power = multiply(b, x, static_cast<uint64_t>(std::fabs(y)));
    return y < 0 ? b.div(one, power) : power;
  }
  // The root of -0.0 is 0.0 here, that of -inf is inf.
  float infinity = std::numeric_limits<float>::infinity();
  Value root = math::SqrtOp::create(b.b, b.add(x, createF32(b, 0.0f)));
  root = b.select(b.equal(x, createF32(b, -infinity)), createF32(b, infinity),
                  root);
  return y < 0 ? b.div(one, root) : root;
}

/// e^(y log |x|), with the sign and the special cases of IEEE 754's pow.
static Value expandGeneralPower(F64Builder &b, Value x, Value y) {
  Value zero = b.constant(0.0), one = b.constant(1.0),
        infinity = b.constant(kInfinity);
  auto both = [&](Value p, Value q) -> Value {
    return arith::AndIOp::create(b.b, p, q);
  };
  auto either = [&](Value p, Value q) -> Value {
    return arith::OrIOp::create(b.b, p, q);
  };
  auto negate = [&](Value p) -> Value {
    Value yes = arith::ConstantIntOp::create(b.b, 1, 1);
    return arith::XOrIOp::create(b.b, p, yes);
  };
  auto magnitudeOf = [&](Value v) -> Value {
    return math::AbsFOp::create(b.b, v);
  };
  Value base = b.toF64(x), exponent = b.toF64(y);
  Value magnitude = magnitudeOf(base);
  Value logarithm = selectLog(b, magnitude, log(b, reduce(b, magnitude)));
  Value scaled = b.mul(exponent, logarithm);
  // Beyond these limits the rounded power is 0 or infinite.
  Value low = b.constant(-104.0), high = b.constant(89.0);
  scaled = b.select(b.less(scaled, low), low, scaled);
  scaled = b.select(b.less(high, scaled), high, scaled);
  Value power = b.exp(scaled);

  // A negative base: the sign of odd integers, NaN for what is no integer.
  Value floor = math::FloorOp::create(b.b, exponent);
  Value isInteger = b.equal(floor, exponent);
  Value half = b.mul(exponent, b.constant(0.5));
  Value isEven = b.equal(math::FloorOp::create(b.b, half), half);
  Value isOdd = both(isInteger, negate(isEven));
  Value sign = math::CopySignOp::create(b.b, one, base);
  power = b.select(isOdd, b.mul(power, sign), power);
  Value isFinite = b.less(magnitude, infinity);
  Value isUndefined =
      both(both(b.less(base, zero), isFinite), negate(isInteger));
  power = b.select(isUndefined, b.constant(kNaN), power);

  // 1 is the result whatever the other operand, NaN included.
  Value isOne = either(b.equal(exponent, zero), b.equal(base, one));
  Value isUnit =
      both(b.equal(magnitude, one), b.equal(magnitudeOf(exponent), infinity));
  return b.toF32(b.select(either(isOne, isUnit), one, power));
}

Value mlir::qopt::expandPowF(F64Builder &b, Value x, Value y) {
  APFloat known(0.0f);
  if (matchPattern(y, m_ConstantFloat(&known))) {
    for (float simple : kSimpleExponents)
      if (known.convertToDouble() == simple)
        return expandSimplePower(b, x, simple);
    return expandGeneralPower(b, x, y);
  }
  Value power = expandGeneralPower(b, x, y);
  for (float simple : kSimpleExponents)
    power = b.select(b.equal(y, createF32(b, simple)),
                     expandSimplePower(b, x, simple), power);
  return power;
}

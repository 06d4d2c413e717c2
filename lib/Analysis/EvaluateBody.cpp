//===- EvaluateBody.cpp - Elementwise bodies on numbers --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/EvaluateBody.h"

#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Support/QuantMathFunctions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

/// Integers up to here are exact as f64.
static constexpr double kMaxExactInteger = 0x1p53;

/// A constant float or integer, or a constant tensor of one value.
static std::optional<double> getConstantNumber(Value value) {
  if (std::optional<double> number = getConstantScalar(value))
    return number;
  APInt integer;
  if (!matchPattern(value, m_ConstantInt(&integer)))
    return std::nullopt;
  // i1 is a truth value, not -1.
  return integer.getBitWidth() == 1 ? double(integer.getZExtValue())
                                    : double(integer.getSExtValue());
}

/// x^n by repeated multiplication, the reciprocal for n < 0.
static double power(double x, int64_t n) {
  uint64_t rest = n < 0 ? -uint64_t(n) : uint64_t(n);
  double result = 1;
  for (; rest; rest >>= 1, x *= x)
    if (rest & 1)
      result *= x;
  return n < 0 ? 1 / result : result;
}

/// `x` in the float type `type`, rounded to nearest even.
static double roundTo(FloatType type, double x) {
  APFloat value(x);
  bool losesInfo;
  value.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                &losesInfo);
  return value.convertToDouble();
}

static bool compare(arith::CmpFPredicate predicate, double a, double b) {
  using Predicate = arith::CmpFPredicate;
  bool unordered = std::isnan(a) || std::isnan(b);
  switch (predicate) {
  case Predicate::AlwaysFalse:
    return false;
  case Predicate::AlwaysTrue:
    return true;
  case Predicate::ORD:
    return !unordered;
  case Predicate::UNO:
    return unordered;
  case Predicate::OEQ:
    return a == b;
  case Predicate::UEQ:
    return unordered || a == b;
  case Predicate::ONE:
    return !unordered && a != b;
  case Predicate::UNE:
    return unordered || a != b;
  case Predicate::OGT:
    return a > b;
  case Predicate::UGT:
    return unordered || a > b;
  case Predicate::OGE:
    return a >= b;
  case Predicate::UGE:
    return unordered || a >= b;
  case Predicate::OLT:
    return a < b;
  case Predicate::ULT:
    return unordered || a < b;
  case Predicate::OLE:
    return a <= b;
  case Predicate::ULE:
    return unordered || a <= b;
  }
  llvm_unreachable("unknown predicate");
}

/// max(x, y) = min(-x, -y) with the sign of zeros as IEEE 754 orders them;
/// `quietNaN`: one NaN gives NaN (maximumf), else the other operand (maxnumf).
static double selectExtreme(double a, double b, bool isMax, bool quietNaN) {
  if (std::isnan(a) || std::isnan(b)) {
    if (quietNaN)
      return std::isnan(a) ? a : b;
    return std::isnan(a) ? b : a;
  }
  if (a == b)
    return std::signbit(a) == isMax ? b : a;
  return (a > b) == isMax ? a : b;
}

/// What `op` gives for these operands; failure for ops that are not known.
static FailureOr<double> apply(Operation *op, ArrayRef<double> in) {
  using Result = FailureOr<double>;
  auto extreme = [&](bool isMax, bool quietNaN) {
    return selectExtreme(in[0], in[1], isMax, quietNaN);
  };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<arith::AddFOp>([&](auto) { return in[0] + in[1]; })
      .Case<arith::SubFOp>([&](auto) { return in[0] - in[1]; })
      .Case<arith::MulFOp>([&](auto) { return in[0] * in[1]; })
      .Case<arith::DivFOp>([&](auto) { return in[0] / in[1]; })
      .Case<arith::NegFOp>([&](auto) { return -in[0]; })
      .Case<arith::MaximumFOp>([&](auto) { return extreme(true, true); })
      .Case<arith::MinimumFOp>([&](auto) { return extreme(false, true); })
      .Case<arith::MaxNumFOp>([&](auto) { return extreme(true, false); })
      .Case<arith::MinNumFOp>([&](auto) { return extreme(false, false); })
      .Case<arith::CmpFOp>([&](arith::CmpFOp cmp) {
        return compare(cmp.getPredicate(), in[0], in[1]) ? 1.0 : 0.0;
      })
      .Case<arith::SelectOp>([&](auto) { return in[0] != 0 ? in[1] : in[2]; })
      .Case<arith::AndIOp, arith::OrIOp, arith::XOrIOp>(
          [&](Operation *logic) -> Result {
            if (!logic->getResult(0).getType().isInteger(1))
              return failure();
            bool a = in[0] != 0, b = in[1] != 0;
            return isa<arith::AndIOp>(logic)  ? double(a && b)
                   : isa<arith::OrIOp>(logic) ? double(a || b)
                                              : double(a != b);
          })
      .Case<arith::ExtFOp, arith::SIToFPOp>([&](auto) { return in[0]; })
      .Case<arith::TruncFOp>([&](arith::TruncFOp truncate) {
        return roundTo(cast<FloatType>(truncate.getType()), in[0]);
      })
      .Case<math::AbsFOp>([&](auto) { return std::fabs(in[0]); })
      .Case<math::ExpOp>([&](auto) { return quantmath::exp(in[0]); })
      .Case<math::ExpM1Op>([&](auto) { return quantmath::expm1(in[0]); })
      .Case<math::LogOp>([&](auto) { return quantmath::log(in[0]); })
      .Case<math::Log1pOp>([&](auto) { return quantmath::log1p(in[0]); })
      .Case<math::ErfOp>([&](auto) { return quantmath::erf(in[0]); })
      .Case<math::TanhOp>([&](auto) { return quantmath::tanh(in[0]); })
      .Case<math::SqrtOp>([&](auto) { return __builtin_sqrt(in[0]); })
      .Case<math::RsqrtOp>([&](auto) { return 1 / __builtin_sqrt(in[0]); })
      .Case<math::FloorOp>([&](auto) { return std::floor(in[0]); })
      .Case<math::CeilOp>([&](auto) { return std::ceil(in[0]); })
      .Case<math::RoundEvenOp>(
          [&](auto) { return quantmath::roundHalfEven(in[0]); })
      .Case<math::FmaOp>(
          [&](auto) { return __builtin_fma(in[0], in[1], in[2]); })
      .Case<math::FPowIOp>(
          [&](auto) { return power(in[0], static_cast<int64_t>(in[1])); })
      .Case<math::PowFOp>([&](auto) -> Result {
        // Only products and roots: a general power is libm's.
        constexpr double kMaxExponent = 64;
        if (in[1] == 0.5 && in[0] >= 0)
          return in[0] == 0 ? 0.0 : __builtin_sqrt(in[0]);
        if (in[1] != std::floor(in[1]) || std::fabs(in[1]) > kMaxExponent)
          return failure();
        return power(in[0], static_cast<int64_t>(in[1]));
      })
      .Default([](Operation *) -> Result { return failure(); });
}

FailureOr<double> mlir::qopt::evaluateBody(linalg::GenericOp op,
                                           ArrayRef<double> inputs) {
  if (op.getNumDpsInits() != 1)
    return failure();
  Block *body = op.getBody();
  llvm::SmallDenseMap<Value, double> known;
  for (auto [arg, value] : llvm::zip(body->getArguments(), inputs))
    known[arg] = value;
  auto get = [&](Value value) -> FailureOr<double> {
    if (auto it = known.find(value); it != known.end())
      return it->second;
    std::optional<double> number = getConstantNumber(value);
    bool isExact = number && (isa<FloatType>(value.getType()) ||
                              std::fabs(*number) <= kMaxExactInteger);
    if (!isExact)
      return failure();
    return *number;
  };
  for (Operation &bodyOp : body->without_terminator()) {
    if (bodyOp.hasTrait<OpTrait::ConstantLike>())
      continue;
    SmallVector<double> in;
    for (Value operand : bodyOp.getOperands()) {
      FailureOr<double> value = get(operand);
      if (failed(value))
        return failure();
      in.push_back(*value);
    }
    FailureOr<double> result = apply(&bodyOp, in);
    if (failed(result))
      return failure();
    known[bodyOp.getResult(0)] = *result;
  }
  return get(body->getTerminator()->getOperand(0));
}

FailureOr<double> mlir::qopt::evaluateUnaryBody(linalg::GenericOp op,
                                                double x) {
  SmallVector<double> inputs;
  bool found = false;
  for (Value input : op.getDpsInputs()) {
    std::optional<double> number = getConstantNumber(input);
    if (!number && std::exchange(found, true))
      return failure();
    inputs.push_back(number.value_or(x));
  }
  if (!found)
    return failure();
  return evaluateBody(op, inputs);
}

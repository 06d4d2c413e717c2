//===- ValueRanges.cpp - Limits of results, known without data ------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Interval arithmetic over one body. Inputs are unbounded, so the limits of a
// result depend on its op alone: around a loop they cannot creep.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/ValueRanges.h"

#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/StringSwitch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Limits as f32 operations round them: rounding is monotone, so it keeps
/// every result inside.
static Interval roundOutcome(double low, double high) {
  if (std::isnan(low) || std::isnan(high))
    return Interval::everything();
  return {static_cast<double>(static_cast<float>(low)),
          static_cast<double>(static_cast<float>(high))};
}

/// Infinity stands for a limit that is not known, so 0 times it is 0.
static double multiply(double a, double b) {
  return a == 0 || b == 0 ? 0.0 : a * b;
}

static Interval multiply(Interval a, Interval b) {
  double corners[] = {multiply(a.low, b.low), multiply(a.low, b.high),
                      multiply(a.high, b.low), multiply(a.high, b.high)};
  return roundOutcome(*std::min_element(corners, corners + 4),
                      *std::max_element(corners, corners + 4));
}

static Interval divide(Interval a, Interval b) {
  if (b.low <= 0 && b.high >= 0)
    return Interval::everything();
  return multiply(a, {1.0 / b.high, 1.0 / b.low});
}

static Interval getMinimum(Interval a, Interval b) {
  return {std::min(a.low, b.low), std::min(a.high, b.high)};
}

static Interval getMaximum(Interval a, Interval b) {
  return {std::max(a.low, b.low), std::max(a.high, b.high)};
}

namespace {
class BodyEvaluator {
public:
  explicit BodyEvaluator(linalg::GenericOp op) : generic(op) {}
  Interval evaluate(Value value);

private:
  Interval compute(Value value);
  Interval evaluateSelect(arith::SelectOp select);

  linalg::GenericOp generic;
  DenseMap<Value, Interval> known;
};
} // namespace

Interval BodyEvaluator::evaluate(Value value) {
  if (auto it = known.find(value); it != known.end())
    return it->second;
  Interval result = compute(value);
  known[value] = result;
  return result;
}

/// `select(a < b, a, b)` and its mirror images are minima and maxima.
Interval BodyEvaluator::evaluateSelect(arith::SelectOp select) {
  Interval onTrue = evaluate(select.getTrueValue());
  Interval onFalse = evaluate(select.getFalseValue());
  auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
  if (!compare)
    return onTrue.hull(onFalse);
  Value lhs = compare.getLhs(), rhs = compare.getRhs();
  bool same = select.getTrueValue() == lhs && select.getFalseValue() == rhs;
  bool mirrored = select.getTrueValue() == rhs && select.getFalseValue() == lhs;
  switch (compare.getPredicate()) {
  case arith::CmpFPredicate::OGT:
  case arith::CmpFPredicate::OGE:
  case arith::CmpFPredicate::UGT:
  case arith::CmpFPredicate::UGE:
    if (same || mirrored)
      return same ? getMaximum(onTrue, onFalse) : getMinimum(onTrue, onFalse);
    break;
  case arith::CmpFPredicate::OLT:
  case arith::CmpFPredicate::OLE:
  case arith::CmpFPredicate::ULT:
  case arith::CmpFPredicate::ULE:
    if (same || mirrored)
      return same ? getMinimum(onTrue, onFalse) : getMaximum(onTrue, onFalse);
    break;
  default:
    break;
  }
  return onTrue.hull(onFalse);
}

Interval BodyEvaluator::compute(Value value) {
  Value outer = value;
  if (auto arg = dyn_cast<BlockArgument>(value))
    if (arg.getOwner() == generic.getBody())
      outer = generic->getOperand(arg.getArgNumber());
  if (std::optional<double> c = getConstantScalar(outer))
    return std::isnan(*c) ? Interval::everything() : Interval{*c, *c};
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != generic.getBody())
    return Interval::everything();
  if (auto select = dyn_cast<arith::SelectOp>(op))
    return evaluateSelect(select);
  if (isa<math::TanhOp, math::ErfOp, math::SinOp, math::CosOp>(op))
    return {-1.0, 1.0};
  if (isa<math::ExpOp, math::Exp2Op, math::AbsFOp, math::SqrtOp, math::RsqrtOp>(
          op))
    return {0.0, kInfinity};
  auto in = [&](unsigned i) { return evaluate(op->getOperand(i)); };
  if (isa<arith::NegFOp>(op))
    return {-in(0).high, -in(0).low};
  if (isa<arith::AddFOp>(op))
    return roundOutcome(in(0).low + in(1).low, in(0).high + in(1).high);
  if (isa<arith::SubFOp>(op))
    return roundOutcome(in(0).low - in(1).high, in(0).high - in(1).low);
  if (isa<arith::MulFOp>(op))
    return multiply(in(0), in(1));
  if (isa<arith::DivFOp>(op))
    return divide(in(0), in(1));
  if (isa<arith::MaximumFOp, arith::MaxNumFOp>(op))
    return getMaximum(in(0), in(1));
  if (isa<arith::MinimumFOp, arith::MinNumFOp>(op))
    return getMinimum(in(0), in(1));
  return Interval::everything();
}

Interval mlir::qopt::getResultRange(Operation *op) {
  if (auto composite = dyn_cast<CompositeOp>(op))
    return llvm::StringSwitch<Interval>(composite.getIdiom())
        .Cases({"softmax", "masked_softmax", "sigmoid", "hard_sigmoid"},
               Interval{0.0, 1.0})
        .Case("tanh", Interval{-1.0, 1.0})
        .Default(Interval::everything());
  if (isa<linalg::SoftmaxOp>(op))
    return {0.0, 1.0};
  if (isa<linalg::TanhOp, linalg::ErfOp>(op))
    return {-1.0, 1.0};
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || !isElementwise(generic) ||
      !isa<FloatType>(getElementTypeOrSelf(op->getResult(0).getType())))
    return Interval::everything();
  return BodyEvaluator(generic).evaluate(
      generic.getBody()->getTerminator()->getOperand(0));
}

//===- ScalarWalk.cpp - One element's computation, backwards ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ScalarWalk.h"

#include "QuantOpt/Analysis/Elementwise.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qopt;

Scalar mlir::qopt::getYielded(linalg::GenericOp op) {
  return {op, op.getBody()->getTerminator()->getOperand(0)};
}

Scalar mlir::qopt::lookThrough(Scalar scalar) {
  while (auto arg = dyn_cast<BlockArgument>(scalar.value)) {
    if (arg.getOwner() != scalar.op.getBody())
      break;
    OpOperand &operand = scalar.op->getOpOperand(arg.getArgNumber());
    auto producer = operand.get().getDefiningOp<linalg::GenericOp>();
    if (!producer || scalar.op.isDpsInit(&operand) ||
        !scalar.op.getMatchingIndexingMap(&operand).isIdentity() ||
        !isElementwise(producer))
      break;
    scalar = getYielded(producer);
  }
  return scalar;
}

//===----------------------------------------------------------------------===//
// Which operand is the element, which the parameter
//===----------------------------------------------------------------------===//

/// Operations between `scalar` and the arguments of its body.
static int getDepth(Scalar scalar) {
  Operation *op = scalar.value.getDefiningOp();
  if (!op || op->getBlock() != scalar.op.getBody())
    return 0;
  int depth = 0;
  for (Value operand : op->getOperands())
    depth = std::max(depth, getDepth({scalar.op, operand}));
  return depth + 1;
}

/// The number of loops that the index of an argument depends on.
static unsigned getRank(Scalar scalar) {
  auto arg = dyn_cast<BlockArgument>(scalar.value);
  if (!arg || arg.getOwner() != scalar.op.getBody())
    return 0;
  return scalar.op
      .getMatchingIndexingMap(&scalar.op->getOpOperand(arg.getArgNumber()))
      .getNumResults();
}

/// Of two operands that commute, the element: what more was done to; among
/// equals what more loops index, then the first.
static bool isElement(Scalar a, Scalar b) {
  return std::make_pair(getDepth(a), getRank(a)) >=
         std::make_pair(getDepth(b), getRank(b));
}

static std::optional<Step> makeStep(Step::Kind kind, Scalar element,
                                    Scalar parameter,
                                    function_ref<double(double)> fn = {}) {
  std::optional<Parameter> read = readParameter(parameter);
  if (!read)
    return std::nullopt;
  if (fn)
    for (double &value : read->values)
      value = fn(value);
  return Step{kind, element, std::move(*read)};
}

/// A step of two operands that commute.
static std::optional<Step> makeCommutative(Step::Kind kind, Scalar a,
                                           Scalar b) {
  if (!isElement(a, b))
    std::swap(a, b);
  if (std::optional<Step> step = makeStep(kind, a, b))
    return step;
  return makeStep(kind, b, a);
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// True where `a > b` (or its like) decides, false where `a < b` does.
static std::optional<bool> isGreater(Operation *compare) {
  if (auto op = dyn_cast_or_null<arith::CmpFOp>(compare)) {
    switch (op.getPredicate()) {
    case arith::CmpFPredicate::OGT:
    case arith::CmpFPredicate::OGE:
    case arith::CmpFPredicate::UGT:
    case arith::CmpFPredicate::UGE:
      return true;
    case arith::CmpFPredicate::OLT:
    case arith::CmpFPredicate::OLE:
    case arith::CmpFPredicate::ULT:
    case arith::CmpFPredicate::ULE:
      return false;
    default:
      return std::nullopt;
    }
  }
  if (auto op = dyn_cast_or_null<arith::CmpIOp>(compare)) {
    switch (op.getPredicate()) {
    case arith::CmpIPredicate::sgt:
    case arith::CmpIPredicate::sge:
      return true;
    case arith::CmpIPredicate::slt:
    case arith::CmpIPredicate::sle:
      return false;
    default:
      return std::nullopt;
    }
  }
  return std::nullopt;
}

/// `select(x > c, x, c)` and its mirror images. (They differ on NaN, which no
/// integer holds.)
static std::optional<Step> matchSelect(linalg::GenericOp generic,
                                       arith::SelectOp select) {
  Operation *compare = select.getCondition().getDefiningOp();
  std::optional<bool> greater = isGreater(compare);
  if (!greater)
    return std::nullopt;
  Value lhs = compare->getOperand(0), rhs = compare->getOperand(1);
  bool isMax;
  if (select.getTrueValue() == lhs && select.getFalseValue() == rhs)
    isMax = *greater;
  else if (select.getTrueValue() == rhs && select.getFalseValue() == lhs)
    isMax = !*greater;
  else
    return std::nullopt;
  return makeCommutative(isMax ? Step::Kind::Max : Step::Kind::Min,
                         {generic, lhs}, {generic, rhs});
}

std::optional<Step> mlir::qopt::getLastStep(Scalar scalar) {
  scalar = lookThrough(scalar);
  linalg::GenericOp generic = scalar.op;
  Operation *op = scalar.value.getDefiningOp();
  if (!op || op->getBlock() != generic.getBody())
    return std::nullopt;
  using Kind = Step::Kind;
  auto operand = [&](unsigned i) { return Scalar{generic, op->getOperand(i)}; };
  auto unary = [&](Kind kind, bool isSigned = true) {
    return Step{kind, operand(0), Parameter(), isSigned};
  };
  auto negate = [](double v) { return -v; };
  return llvm::TypeSwitch<Operation *, std::optional<Step>>(op)
      .Case([&](arith::MulFOp) {
        return makeCommutative(Kind::Multiply, operand(0), operand(1));
      })
      .Case([&](arith::DivFOp) {
        return makeStep(Kind::Divide, operand(0), operand(1));
      })
      .Case<arith::AddFOp, arith::AddIOp>([&](auto) {
        return makeCommutative(Kind::Add, operand(0), operand(1));
      })
      .Case<arith::SubFOp, arith::SubIOp>([&](auto) {
        return makeStep(Kind::Add, operand(0), operand(1), negate);
      })
      .Case<arith::MaximumFOp, arith::MaxNumFOp, arith::MaxSIOp>([&](auto) {
        return makeCommutative(Kind::Max, operand(0), operand(1));
      })
      .Case<arith::MinimumFOp, arith::MinNumFOp, arith::MinSIOp>([&](auto) {
        return makeCommutative(Kind::Min, operand(0), operand(1));
      })
      .Case(
          [&](arith::SelectOp select) { return matchSelect(generic, select); })
      .Case([&](math::RoundEvenOp) { return unary(Kind::Round); })
      .Case([&](arith::FPToSIOp) { return unary(Kind::ToInteger, true); })
      .Case([&](arith::FPToUIOp) { return unary(Kind::ToInteger, false); })
      .Case([&](arith::SIToFPOp) { return unary(Kind::ToFloat, true); })
      .Case([&](arith::UIToFPOp) { return unary(Kind::ToFloat, false); })
      .Case([&](arith::ExtSIOp) { return unary(Kind::Extend, true); })
      .Case([&](arith::ExtUIOp) { return unary(Kind::Extend, false); })
      .Case([&](arith::TruncIOp) { return unary(Kind::Truncate); })
      .Default([](Operation *) { return std::nullopt; });
}

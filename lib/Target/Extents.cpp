//===- Extents.cpp - Integers that depend on the batch ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Extents.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::qopt;
using artifact::Extent;

/// scale * x + offset, x being the only dim or symbol; none for other forms.
static std::optional<Extent> matchLinear(AffineExpr expr) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return Extent{0, constant.getValue(), 1};
  if (isa<AffineDimExpr, AffineSymbolExpr>(expr))
    return Extent{1, 0, 1};
  auto binary = cast<AffineBinaryOpExpr>(expr);
  std::optional<Extent> lhs = matchLinear(binary.getLHS());
  std::optional<Extent> rhs = matchLinear(binary.getRHS());
  if (!lhs || !rhs)
    return std::nullopt;
  Extent result;
  if (binary.getKind() == AffineExprKind::Add) {
    if (llvm::AddOverflow(lhs->scale, rhs->scale, result.scale) ||
        llvm::AddOverflow(lhs->offset, rhs->offset, result.offset))
      return std::nullopt;
    return result;
  }
  if (binary.getKind() == AffineExprKind::Mul && rhs->scale == 0) {
    if (llvm::MulOverflow(lhs->scale, rhs->offset, result.scale) ||
        llvm::MulOverflow(lhs->offset, rhs->offset, result.offset))
      return std::nullopt;
    return result;
  }
  return std::nullopt;
}

/// The same, possibly divided by a constant, possibly times another one.
static std::optional<Extent> matchQuotient(AffineExpr expr) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (expr.getKind() == AffineExprKind::Mul && !matchLinear(expr)) {
    auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
    std::optional<Extent> quotient = matchQuotient(binary.getLHS());
    if (!factor || factor.getValue() < 1 || !quotient ||
        llvm::MulOverflow(quotient->factor, factor.getValue(),
                          quotient->factor))
      return std::nullopt;
    return quotient;
  }
  bool isCeil = expr.getKind() == AffineExprKind::CeilDiv;
  if (!isCeil && expr.getKind() != AffineExprKind::FloorDiv)
    return matchLinear(expr);
  auto divisor = dyn_cast<AffineConstantExpr>(binary.getRHS());
  std::optional<Extent> dividend = matchLinear(binary.getLHS());
  if (!divisor || divisor.getValue() < 1 || !dividend)
    return std::nullopt;
  dividend->divisor = divisor.getValue();
  // ceil(a / b) = floor((a + b - 1) / b).
  if (isCeil && llvm::AddOverflow(dividend->offset, dividend->divisor - 1,
                                  dividend->offset))
    return std::nullopt;
  return dividend;
}

static std::string toText(AffineExpr expr) {
  std::string text;
  llvm::raw_string_ostream(text) << expr;
  return text;
}

std::optional<Extent> mlir::qopt::matchExtent(Value value, Value batch,
                                              std::string &reason) {
  while (isa_and_nonnull<arith::IndexCastOp, arith::IndexCastUIOp>(
      value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  std::optional<Extent> extent;
  if (std::optional<int64_t> constant = getConstantIntValue(value)) {
    extent = Extent{0, *constant, 1};
    reason = "is " + std::to_string(*constant);
  } else if (value == batch) {
    return Extent{1, 0, 1};
  } else if (auto apply = value.getDefiningOp<affine::AffineApplyOp>()) {
    AffineMap map = apply.getAffineMap();
    SmallVector<Value> operands(apply.getOperands());
    affine::fullyComposeAffineMapAndOperands(&map, &operands);
    affine::canonicalizeMapAndOperands(&map, &operands);
    AffineExpr expr = map.getResult(0);
    if (operands.empty() || operands == ArrayRef<Value>(batch))
      extent = matchQuotient(expr);
    reason = "is " + toText(expr) +
             (operands == ArrayRef<Value>(batch)
                  ? ""
                  : " of values other than the batch");
  } else {
    reason = "is computed at run time";
  }
  if (extent && extent->scale >= 0 && extent->offset >= 0)
    return extent;
  reason += "; expected (c * batch + d) floordiv or ceildiv e, times f, with "
            "constants c, d >= 0 and e, f >= 1";
  return std::nullopt;
}

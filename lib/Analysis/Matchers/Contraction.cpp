//===- Contraction.cpp - Matches contractions and convolutions ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One matcher for everything of the form out += lhs · rhs: matmul and its
// transposed, batched, broadcast, vector and generic spellings,
// linalg.contract, and convolutions of any rank, layout and grouping. The
// integer accumulator is a linalg.generic with the op's own indexing maps, so
// no spelling needs code of its own. It is always a generic: no named op can
// say u8 x s8, and stock specialization passes would turn one into an op that
// sign-extends both.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Quantizable.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

/// True if the body is `yield out + lhs · rhs` in floating point, in any order
/// of operands.
static bool isMulAddBody(linalg::LinalgOp op) {
  Block &body = *op.getBlock();
  if (body.getNumArguments() != 3)
    return false;
  Value out = body.getArgument(2);
  auto add = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add)
    return false;
  Value product = add.getLhs() == out   ? add.getRhs()
                  : add.getRhs() == out ? add.getLhs()
                                        : Value();
  auto mul = product ? product.getDefiningOp<arith::MulFOp>() : arith::MulFOp();
  if (!mul)
    return false;
  Value lhs = body.getArgument(0), rhs = body.getArgument(1);
  return (mul.getLhs() == lhs && mul.getRhs() == rhs) ||
         (mul.getLhs() == rhs && mul.getRhs() == lhs);
}

/// True if some index of `map` is not a plain loop (a sliding window).
static bool hasWindow(AffineMap map) {
  return llvm::any_of(map.getResults(),
                      [](AffineExpr e) { return !isa<AffineDimExpr>(e); });
}

static std::optional<unsigned> getLoop(AffineExpr expr) {
  if (auto dim = dyn_cast<AffineDimExpr>(expr))
    return dim.getPosition();
  return std::nullopt;
}

/// The result dimension that loop `loop` indexes, or -1.
static int64_t findLoop(AffineMap map, unsigned loop) {
  for (auto [i, expr] : llvm::enumerate(map.getResults()))
    if (getLoop(expr) == loop)
      return i;
  return -1;
}

/// One scale per row of `operand` is possible: only its innermost dimension is
/// summed over, and no window overlaps rows.
static bool hasIndependentRows(linalg::LinalgOp op, OpOperand &operand) {
  AffineMap outMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  AffineMap map = op.getMatchingIndexingMap(&operand);
  if (hasWindow(map) || map.getNumResults() == 0)
    return false;
  for (auto [dim, expr] : llvm::enumerate(map.getResults())) {
    std::optional<unsigned> loop = getLoop(expr);
    bool reduced = loop && findLoop(outMap, *loop) < 0;
    bool innermost = dim + 1 == map.getNumResults();
    if (reduced != innermost)
      return false;
  }
  return true;
}

/// Fills in which operand is the weight and where its channels go.
static void assignRoles(linalg::LinalgOp op, Quantizable &match,
                        OpOperand &activation, OpOperand &weight) {
  match.activation = &activation;
  match.weight = &weight;
  AffineMap weightMap = op.getMatchingIndexingMap(&weight);
  AffineMap outMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  for (auto [dim, expr] : llvm::enumerate(weightMap.getResults())) {
    std::optional<unsigned> loop = getLoop(expr);
    int64_t resultDim = loop ? findLoop(outMap, *loop) : -1;
    if (resultDim < 0)
      continue;
    match.weightChannelDims.push_back(dim);
    match.resultChannelDims.push_back(resultDim);
  }
  match.rowsAreIndependent = hasIndependentRows(op, activation);
}

namespace {
class ContractionMatcher : public Matcher {
public:
  std::optional<Quantizable> match(Operation *operation) const override {
    auto op = dyn_cast<linalg::LinalgOp>(operation);
    if (!op || !op.hasPureTensorSemantics() || op.getNumDpsInputs() != 2 ||
        op.getNumDpsInits() != 1 || op.getNumReductionLoops() == 0 ||
        !isMulAddBody(op))
      return std::nullopt;
    OpOperand *lhs = op.getDpsInputOperand(0), *rhs = op.getDpsInputOperand(1);
    AffineMap lhsMap = op.getMatchingIndexingMap(lhs);
    AffineMap rhsMap = op.getMatchingIndexingMap(rhs);
    AffineMap outMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
    // The result must be written once per parallel point.
    if (!outMap.isProjectedPermutation() ||
        (hasWindow(lhsMap) && hasWindow(rhsMap)))
      return std::nullopt;

    Quantizable match;
    match.op = operation;
    match.matcher = this;
    match.init = op.getDpsInitOperand(0);
    match.kind = getKind(op, lhsMap, rhsMap);
    SmallVector<int64_t> ranges = op.getStaticLoopRanges();
    match.reductionSize = 1;
    for (auto [range, type] : llvm::zip(ranges, op.getIteratorTypesArray()))
      if (type == utils::IteratorType::reduction)
        match.reductionSize *= range;

    bool lhsConstant = isConstantWeight(lhs->get());
    bool rhsConstant = isConstantWeight(rhs->get());
    if (rhsConstant && !lhsConstant && !hasWindow(rhsMap))
      assignRoles(op, match, *lhs, *rhs);
    else if (lhsConstant && !rhsConstant && !hasWindow(lhsMap))
      assignRoles(op, match, *rhs, *lhs);
    else {
      match.activation = lhs;
      match.other = rhs;
      match.rowsAreIndependent = hasIndependentRows(op, *lhs);
    }
    return match;
  }

  Value buildAccumulator(OpBuilder &builder, const Quantizable &match,
                         Value activation, bool unsignedActivation,
                         Value weight, bool unsignedWeight) const override {
    auto op = cast<linalg::LinalgOp>(match.op);
    Location loc = op.getLoc();
    bool activationFirst = match.activation == op.getDpsInputOperand(0);
    Value lhs = activationFirst ? activation : weight;
    Value rhs = activationFirst ? weight : activation;
    auto resultType = RankedTensorType::get(
        cast<RankedTensorType>(op->getResult(0).getType()).getShape(),
        builder.getI32Type());
    Value empty = tensor::EmptyOp::create(builder, loc, resultType.getShape(),
                                          builder.getI32Type());
    Value zero =
        arith::ConstantOp::create(builder, loc, builder.getI32IntegerAttr(0));
    Value init = linalg::FillOp::create(builder, loc, ValueRange{zero},
                                        ValueRange{empty})
                     .getResult(0);
    auto extend = [&](OpBuilder &b, Value value, bool isUnsigned) -> Value {
      if (isUnsigned)
        return arith::ExtUIOp::create(b, loc, b.getI32Type(), value);
      return arith::ExtSIOp::create(b, loc, b.getI32Type(), value);
    };
    auto body = [&](OpBuilder &b, Location, ValueRange args) {
      Value l = extend(b, args[0],
                       activationFirst ? unsignedActivation : unsignedWeight);
      Value r = extend(b, args[1],
                       activationFirst ? unsignedWeight : unsignedActivation);
      Value product = arith::MulIOp::create(b, loc, l, r);
      Value sum = arith::AddIOp::create(b, loc, args[2], product);
      linalg::YieldOp::create(b, loc, sum);
    };
    return linalg::GenericOp::create(builder, loc, TypeRange{resultType},
                                     ValueRange{lhs, rhs}, ValueRange{init},
                                     op.getIndexingMapsArray(),
                                     op.getIteratorTypesArray(), body)
        .getResult(0);
  }

private:
  static StringRef getKind(linalg::LinalgOp op, AffineMap lhs, AffineMap rhs) {
    if (!hasWindow(lhs) && !hasWindow(rhs))
      return "matmul";
    auto dims = linalg::inferConvolutionDims(op);
    if (succeeded(dims) && dims->inputChannel.empty())
      return "depthwise_conv";
    return "conv";
  }
};
} // namespace

const Matcher &mlir::qopt::getContractionMatcher() {
  static const ContractionMatcher matcher;
  return matcher;
}

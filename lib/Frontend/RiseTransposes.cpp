//===- RiseTransposes.cpp - Layout transposes towards the inputs -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// After all that can cancel has cancelled, the transposes left in front of
// convolutions convert what comes from outside. They rise past padding, casts
// and elementwise ops, so that less is moved, and in the smallest type.
//
//===----------------------------------------------------------------------===//
#include "LayoutTransposes.h"

#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"

#include "mlir/Dialect/Quant/IR/Quant.h"

using namespace mlir;
using namespace mlir::qopt;

/// Value of kLayoutAttr of transposes that rise.
static constexpr StringLiteral kRising = "rising";

void mlir::qopt::markRisingTransposes(Operation *root) {
  root->walk([](linalg::LinalgOp op) {
    if (!op.hasPureTensorSemantics() || !hasWindow(op))
      return;
    if (linalg::TransposeOp transpose =
            getLayoutTranspose(op.getDpsInputs()[0]))
      transpose->setAttr(kLayoutAttr,
                         StringAttr::get(op.getContext(), kRising));
  });
}

/// The rising transpose that alone reads the result of `op`, or null.
static linalg::TransposeOp getRisingReader(Operation *op) {
  if (op->getNumResults() != 1 || !op->hasOneUse())
    return nullptr;
  auto transpose = dyn_cast<linalg::TransposeOp>(*op->user_begin());
  if (!transpose || transpose->getAttr(kLayoutAttr) !=
                        StringAttr::get(op->getContext(), kRising))
    return nullptr;
  return transpose;
}

static Value createRising(PatternRewriter &rewriter, Location loc, Value value,
                          ArrayRef<int64_t> permutation) {
  Value result = createLayoutTranspose(rewriter, loc, value, permutation);
  result.getDefiningOp()->setAttr(kLayoutAttr, rewriter.getStringAttr(kRising));
  return result;
}

namespace {
struct RisePastPad : OpRewritePattern<tensor::PadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::PadOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = getRisingReader(op);
    Value padding = op.getConstantPaddingValue();
    if (!transpose || !padding || !op.getLow().empty() || !op.getHigh().empty())
      return rewriter.notifyMatchFailure(op, "not a static pad to transpose");
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    auto amounts = [&](ArrayRef<int64_t> list) {
      return getAsIndexOpFoldResult(rewriter.getContext(),
                                    permute(list, permutation));
    };
    Value source =
        createRising(rewriter, op.getLoc(), op.getSource(), permutation);
    Value pad = tensor::PadOp::create(
        rewriter, op.getLoc(), permute(op.getResultType(), permutation), source,
        amounts(op.getStaticLow()), amounts(op.getStaticHigh()), padding);
    rewriter.replaceOp(transpose, pad);
    rewriter.eraseOp(op);
    return success();
  }
};

/// Elementwise ops on one value and constants.
struct RisePastElementwise : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = getRisingReader(op);
    OpOperand *main =
        transpose && isElementwise(op) ? getMainInput(op) : nullptr;
    if (!main)
      return rewriter.notifyMatchFailure(op, "not elementwise on one value");
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    // Loop d of the op becomes the result's dimension that is its d.
    SmallVector<int64_t> inverse = invertPermutation(permutation);
    SmallVector<AffineExpr> renamed;
    for (int64_t position : inverse)
      renamed.push_back(rewriter.getAffineDimExpr(position));
    unsigned rank = permutation.size();
    SmallVector<Value> inputs(op.getDpsInputs());
    inputs[main->getOperandNumber()] =
        createRising(rewriter, op.getLoc(), main->get(), permutation);
    SmallVector<AffineMap> maps;
    for (OpOperand &operand : op->getOpOperands())
      maps.push_back(op.getMatchingIndexingMap(&operand).replaceDimsAndSymbols(
          renamed, {}, rank, 0));
    maps[main->getOperandNumber()] = maps.back() =
        rewriter.getMultiDimIdentityMap(rank);
    auto type =
        permute(cast<RankedTensorType>(op.getResult(0).getType()), permutation);
    Value empty = tensor::EmptyOp::create(
        rewriter, op.getLoc(), type.getShape(), type.getElementType());
    auto moved = linalg::GenericOp::create(
        rewriter, op.getLoc(), TypeRange{type}, inputs, ValueRange{empty}, maps,
        op.getIteratorTypesArray());
    moved->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    rewriter.cloneRegionBefore(op.getRegion(), moved.getRegion(),
                               moved.getRegion().begin());
    moved.getBody()->walk(
        [&](linalg::IndexOp index) { index.setDim(inverse[index.getDim()]); });
    rewriter.replaceOp(transpose, moved.getResults());
    rewriter.eraseOp(op);
    return success();
  }
};

/// Observers and casts with one scale.
template <typename CastOp> struct RisePastCast : OpRewritePattern<CastOp> {
  using OpRewritePattern<CastOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(CastOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = getRisingReader(op);
    if (!transpose || !hasOneScaleOrNone(op))
      return rewriter.notifyMatchFailure(op, "not a cast with one scale");
    Value source = createRising(rewriter, op.getLoc(), op->getOperand(0),
                                transpose.getPermutation());
    Operation *moved = rewriter.clone(*op.getOperation());
    moved->setOperand(0, source);
    moved->getResult(0).setType(transpose->getResult(0).getType());
    rewriter.replaceOp(transpose, moved->getResults());
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

void mlir::qopt::populateRisePatterns(RewritePatternSet &patterns) {
  patterns.add<RisePastPad, RisePastElementwise, RisePastCast<ObserveOp>,
               RisePastCast<quant::QuantizeCastOp>,
               RisePastCast<quant::DequantizeCastOp>,
               RisePastCast<quant::StorageCastOp>>(patterns.getContext());
}

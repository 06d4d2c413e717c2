//===- NormalizeContractions.cpp - One form for many spellings ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters start convolutions from a broadcast bias, copy a 2-D weight once
// per batch, and reuse unrelated tensors as init operands. Later phases see
// none of that: contractions start from zero, weights are constants read
// directly.
//
//===----------------------------------------------------------------------===//
#include "Broadcast.h"
#include "NormalizeMovement.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/ConstantMovement.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_NORMALIZECONTRACTIONS
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

static Value createZeroFill(OpBuilder &builder, Location loc,
                            RankedTensorType type) {
  Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                        type.getElementType());
  Value zero = arith::ConstantOp::create(
      builder, loc, builder.getZeroAttr(type.getElementType()));
  return linalg::FillOp::create(builder, loc, ValueRange{zero},
                                ValueRange{empty})
      .getResult(0);
}

namespace {
/// `contraction outs(broadcast(bias))` ->
/// `generic addf(contraction outs(fill 0), bias)`.
/// Any init that is not zero is added after the contraction; a broadcast one is
/// read through its own map, so that the bias stays one value per channel.
struct SeparateInit : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Quantizable> match = matchQuantizable(op);
    if (!match || !match->init || startsFromZero(*match))
      return rewriter.notifyMatchFailure(op, "starts from zero already");
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || !type.hasStaticShape() ||
        !isa<FloatType>(type.getElementType()))
      return rewriter.notifyMatchFailure(op, "result shape is not static");
    Location loc = op.getLoc();
    int64_t rank = type.getRank();
    AffineMap identity = rewriter.getMultiDimIdentityMap(rank);
    AffineMap initMap = identity;
    Value init = match->init->get();
    if (Value source = matchBroadcast(init, initMap))
      init = source;
    else
      initMap = identity;
    Value zero = createZeroFill(rewriter, loc, type);
    auto fromZero = cast<linalg::LinalgOp>(rewriter.clone(*op));
    fromZero.setDpsInitOperand(0, zero);
    Value empty = tensor::EmptyOp::create(rewriter, loc, type.getShape(),
                                          type.getElementType());
    SmallVector<utils::IteratorType> iterators(rank,
                                               utils::IteratorType::parallel);
    auto add = linalg::GenericOp::create(
        rewriter, loc, TypeRange{type},
        ValueRange{fromZero->getResult(0), init}, ValueRange{empty},
        ArrayRef<AffineMap>{identity, initMap, identity}, iterators,
        [](OpBuilder &b, Location loc, ValueRange args) {
          Value sum = arith::AddFOp::create(b, loc, args[0], args[1]);
          linalg::YieldOp::create(b, loc, sum);
        });
    rewriter.replaceOp(op, add.getResults());
    return success();
  }
};

/// A contraction operand that is `broadcast(weight)` is read as `weight`
/// through a composed map, in a `linalg.contract` or generic.
struct ReadThroughBroadcast : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Quantizable> match = matchQuantizable(op);
    if (!match || !isa<linalg::LinalgOp>(match->op))
      return rewriter.notifyMatchFailure(op, "not a contraction");
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    SmallVector<Value> inputs(op.getDpsInputs());
    bool changed = false;
    for (unsigned i = 0; i < inputs.size(); ++i) {
      AffineMap broadcast;
      Value source = matchBroadcast(inputs[i], broadcast);
      // Only weights: an activation's copy may be shared by other readers.
      if (!source || !isConstantWeight(source) ||
          !broadcast.isProjectedPermutation())
        continue;
      maps[i] = broadcast.compose(maps[i]);
      inputs[i] = source;
      changed = true;
    }
    if (!changed)
      return rewriter.notifyMatchFailure(op,
                                         "no operand is a broadcast weight");
    bool isContract = llvm::all_of(
        maps, [](AffineMap map) { return map.isProjectedPermutation(); });
    Value init = op.getDpsInits()[0];
    if (isContract) {
      rewriter.replaceOpWithNewOp<linalg::ContractOp>(
          op, op->getResultTypes(), inputs, ValueRange{init},
          rewriter.getAffineMapArrayAttr(maps));
      return success();
    }
    rewriter.replaceOpWithNewOp<linalg::GenericOp>(
        op, op->getResultTypes(), inputs, ValueRange{init}, maps,
        op.getIteratorTypesArray(),
        [](OpBuilder &b, Location loc, ValueRange args) {
          Value product = arith::MulFOp::create(b, loc, args[0], args[1]);
          Value sum = arith::AddFOp::create(b, loc, args[2], product);
          linalg::YieldOp::create(b, loc, sum);
        });
    return success();
  }
};

/// `outs(%unrelated)` of an op that never reads it -> `outs(tensor.empty)`.
struct DropUnreadInit : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    bool changed = false;
    for (OpOperand &init : op.getDpsInitsMutable()) {
      auto type = dyn_cast<RankedTensorType>(init.get().getType());
      if (!type || !type.hasStaticShape() ||
          op.payloadUsesValueFromOperand(&init) ||
          init.get().getDefiningOp<tensor::EmptyOp>())
        continue;
      Value empty = tensor::EmptyOp::create(
          rewriter, op.getLoc(), type.getShape(), type.getElementType());
      rewriter.modifyOpInPlace(op, [&] { init.set(empty); });
      changed = true;
    }
    return success(changed);
  }
};

struct NormalizeContractions
    : public qopt::impl::NormalizeContractionsBase<NormalizeContractions> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    set.add<SeparateInit, ReadThroughBroadcast, DropUnreadInit>(context);
    populateFoldConstantMovementPatterns(set);
    patterns = std::move(set);
    RewritePatternSet movement(context);
    populateNormalizeMovementPatterns(movement);
    movementPatterns = std::move(movement);
    return success();
  }

  void runOnOperation() override {
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    if (failed(
            applyPatternsGreedily(getOperation(), movementPatterns, config)) ||
        failed(applyPatternsGreedily(getOperation(), patterns, config)))
      signalPassFailure();
  }

  FrozenRewritePatternSet movementPatterns, patterns;
};
} // namespace

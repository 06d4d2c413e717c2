//===- FuseQDQ.cpp - Dequantization moves past data movement ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_FUSEQDQ
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// The op `op` (one getMovedOperand knows) on the integers of `type`.
static Value moveIntegers(PatternRewriter &rewriter, Operation *op,
                          Value integers, quant::UniformQuantizedType type) {
  Location loc = op->getLoc();
  auto resultType = cast<RankedTensorType>(op->getResult(0).getType())
                        .clone(rewriter.getI8Type());
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return tensor::ExpandShapeOp::create(rewriter, loc, resultType, integers,
                                         expand.getReassociationIndices());
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return tensor::CollapseShapeOp::create(rewriter, loc, resultType, integers,
                                           collapse.getReassociationIndices());
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
    Value empty = tensor::EmptyOp::create(rewriter, loc, resultType.getShape(),
                                          rewriter.getI8Type());
    return linalg::TransposeOp::create(rewriter, loc, integers, empty,
                                       transpose.getPermutation())
        .getResult()[0];
  }
  auto pad = cast<tensor::PadOp>(op);
  // Real 0 is the zero point; storage is signless, so 200 of u8 is i8 -56.
  Value zero = arith::ConstantOp::create(
      rewriter, loc,
      rewriter.getI8IntegerAttr(static_cast<int8_t>(type.getZeroPoint())));
  return tensor::PadOp::create(rewriter, loc, resultType, integers,
                               pad.getMixedLowPad(), pad.getMixedHighPad(),
                               zero, pad.getNofold());
}

namespace {
/// `move(dcast(q))` -> `dcast(scast(move(scast(q))))`.
struct MoveThroughDequantize : RewritePattern {
  explicit MoveThroughDequantize(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    OpOperand *moved = getMovedOperand(op);
    if (!moved || op->getNumResults() != 1)
      return failure();
    auto dequantize = moved->get().getDefiningOp<quant::DequantizeCastOp>();
    if (!dequantize)
      return rewriter.notifyMatchFailure(op, "source is not dequantized");
    auto sourceType = cast<RankedTensorType>(dequantize.getInput().getType());
    auto type =
        dyn_cast<quant::UniformQuantizedType>(sourceType.getElementType());
    if (!type)
      return rewriter.notifyMatchFailure(op, "source is quantized per channel");
    Location loc = op->getLoc();
    auto floatType = cast<RankedTensorType>(op->getResult(0).getType());
    Value integers = quant::StorageCastOp::create(
        rewriter, loc, sourceType.clone(rewriter.getI8Type()),
        dequantize.getInput());
    Value result = moveIntegers(rewriter, op, integers, type);
    Value quantized = quant::StorageCastOp::create(
        rewriter, loc, floatType.clone(type), result);
    rewriter.replaceOpWithNewOp<quant::DequantizeCastOp>(op, floatType,
                                                         quantized);
    return success();
  }
};

struct FuseQDQ : public qopt::impl::FuseQDQBase<FuseQDQ> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    set.add<MoveThroughDequantize>(context);
    patterns = std::move(set);
    return success();
  }
  void runOnOperation() override {
    GreedyRewriteConfig config;
    config.enableConstantCSE(false);
    if (failed(applyPatternsGreedily(getOperation(), patterns, config)))
      signalPassFailure();
  }
  FrozenRewritePatternSet patterns;
};
} // namespace

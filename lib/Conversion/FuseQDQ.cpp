//===- FuseQDQ.cpp - Dequantization moves past data movement ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_FUSEQDQ
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// A max pool on integers, with its padding if it has one. `UnsignedPool` is
/// the op for u8; s8 keeps the op.
template <typename UnsignedPool, typename Pool>
static Value poolIntegers(PatternRewriter &rewriter, Pool pool, Value integers,
                          quant::UniformQuantizedType type) {
  Location loc = pool.getLoc();
  Value lowest = arith::ConstantOp::create(
      rewriter, loc,
      rewriter.getI8IntegerAttr(static_cast<int8_t>(type.getStorageTypeMin())));
  if (auto pad = pool.getInputs()[0].template getDefiningOp<tensor::PadOp>();
      pad && getMovedOperand(pool)->getOwner() == pad)
    integers = tensor::PadOp::create(
        rewriter, loc, pad.getResultType().clone(rewriter.getI8Type()),
        integers, pad.getMixedLowPad(), pad.getMixedHighPad(), lowest,
        pad.getNofold());
  auto windowType = cast<RankedTensorType>(pool.getInputs()[1].getType());
  auto resultType = cast<RankedTensorType>(pool->getResult(0).getType())
                        .clone(rewriter.getI8Type());
  Value window = tensor::EmptyOp::create(rewriter, loc, windowType.getShape(),
                                         rewriter.getI8Type());
  Value empty = tensor::EmptyOp::create(rewriter, loc, resultType.getShape(),
                                        rewriter.getI8Type());
  Value init = linalg::FillOp::create(rewriter, loc, ValueRange{lowest},
                                      ValueRange{empty})
                   .getResult(0);
  auto create = [&](auto tag) -> Value {
    using Op = decltype(tag);
    auto op = Op::create(rewriter, loc, TypeRange{resultType},
                         ValueRange{integers, window}, ValueRange{init},
                         pool.getStridesAttr(), pool.getDilationsAttr());
    if (Attribute name = pool->getAttr(kNameAttr))
      op->setAttr(kNameAttr, name);
    return op->getResult(0);
  };
  return type.isSigned() ? create(Pool()) : create(UnsignedPool());
}

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
  if (auto pool = dyn_cast<linalg::PoolingNhwcMaxOp>(op))
    return poolIntegers<linalg::PoolingNhwcMaxUnsignedOp>(rewriter, pool,
                                                          integers, type);
  if (auto pool = dyn_cast<linalg::PoolingNwcMaxOp>(op))
    return poolIntegers<linalg::PoolingNwcMaxUnsignedOp>(rewriter, pool,
                                                         integers, type);
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
    // Upstream folds dcast(qcast(x)) to x, which is not the same value.
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    if (failed(applyPatternsGreedily(getOperation(), patterns, config)))
      signalPassFailure();
  }
  FrozenRewritePatternSet patterns;
};
} // namespace

//===- FuseQDQ.cpp - Casts past data movement ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dequantization moves down past data movement to the ops that compute, and
// quantization moves up past it to where the values are computed. Both commute
// with movement exactly.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Movement.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Conversion/IntegerLowering.h"
#include "QuantOpt/Conversion/MoveIntegers.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_FUSEQDQ
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

static Value dequantize(OpBuilder &builder, Operation *op, Value integers,
                        quant::UniformQuantizedType type) {
  auto floatType = cast<RankedTensorType>(op->getResult(0).getType());
  Value quantized =
      castToQuantized(builder, op->getLoc(), integers, floatType.clone(type));
  return quant::DequantizeCastOp::create(builder, op->getLoc(), floatType,
                                         quantized);
}

/// A quantization of `value` like `op`, as `quant.scast` would give it.
static Value quantizeLike(OpBuilder &builder, quant::QuantizeCastOp op,
                          Value value) {
  auto type = cast<quant::UniformQuantizedType>(
      getElementTypeOrSelf(op.getResult().getType()));
  auto valueType = cast<RankedTensorType>(value.getType());
  auto quantized = quant::QuantizeCastOp::create(builder, op.getLoc(),
                                                 valueType.clone(type), value);
  if (Attribute divide = op->getAttr(kDivideAttr))
    quantized->setAttr(kDivideAttr, divide);
  return quant::StorageCastOp::create(
      builder, op.getLoc(), valueType.clone(type.getStorageType()), quantized);
}

namespace {
/// `move(dcast(q))` -> `dcast(scast(move(scast(q))))`.
struct MoveThroughDequantize : RewritePattern {
  explicit MoveThroughDequantize(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    if (op->getNumResults() != 1)
      return failure();
    OpOperand *moved = getMovedOperand(op);
    if (!moved)
      return failure();
    quant::UniformQuantizedType type = getUniformType(moved->get());
    if (!type)
      return rewriter.notifyMatchFailure(
          op, "source is not dequantized per tensor");
    auto source = moved->get().getDefiningOp<quant::DequantizeCastOp>();
    Value integers =
        moveIntegers(rewriter, op, getStorage(rewriter, source), type);
    rewriter.replaceOp(op, dequantize(rewriter, op, integers, type));
    return success();
  }
};

/// Tensors of one type that are put side by side: on integers.
struct JoinThroughDequantize : RewritePattern {
  explicit JoinThroughDequantize(MLIRContext *context)
      : RewritePattern(MatchAnyOpTypeTag(), /*benefit=*/1, context) {}

  LogicalResult matchAndRewrite(Operation *op,
                                PatternRewriter &rewriter) const override {
    SmallVector<OpOperand *> joined = getJoinedOperands(op);
    if (joined.empty())
      return failure();
    quant::UniformQuantizedType type = getUniformType(joined.front()->get());
    for (OpOperand *operand : joined)
      if (!type || getUniformType(operand->get()) != type)
        return rewriter.notifyMatchFailure(op, "operands differ in type");
    SmallVector<Value> operands(op->getOperands());
    for (OpOperand *operand : joined)
      operands[operand->getOperandNumber()] = getStorage(
          rewriter, operand->get().getDefiningOp<quant::DequantizeCastOp>());
    auto resultType = cast<RankedTensorType>(op->getResult(0).getType())
                          .clone(type.getStorageType());
    Operation *integers =
        rewriter.create(op->getLoc(), op->getName().getIdentifier(), operands,
                        TypeRange{resultType}, op->getAttrs());
    rewriter.replaceOp(op,
                       dequantize(rewriter, op, integers->getResult(0), type));
    return success();
  }
};

/// `qcast(dcast(q))` of one type -> q: for at most 16 bits the product of scale
/// and reciprocal rounds back to every integer.
struct CancelCasts : OpRewritePattern<quant::QuantizeCastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(quant::QuantizeCastOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<quant::DequantizeCastOp>();
    auto type = dyn_cast<quant::UniformQuantizedType>(
        getElementTypeOrSelf(op.getResult().getType()));
    if (!inner || !type || inner.getInput().getType() != op.getType() ||
        type.getStorageTypeIntegralWidth() > 16)
      return rewriter.notifyMatchFailure(op, "not an exact pair");
    rewriter.replaceOp(op, inner.getInput());
    return success();
  }
};

/// `qcast(join(x, y))` -> `join(qcast(x), qcast(y))`: each part is quantized
/// where it is computed.
struct QuantizeBeforeJoin : OpRewritePattern<quant::QuantizeCastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(quant::QuantizeCastOp op,
                                PatternRewriter &rewriter) const override {
    Operation *join = op.getInput().getDefiningOp();
    auto type = dyn_cast<quant::UniformQuantizedType>(
        getElementTypeOrSelf(op.getResult().getType()));
    if (!join || !type)
      return failure();
    SmallVector<OpOperand *> joined = getJoinedOperands(join);
    if (joined.empty())
      return rewriter.notifyMatchFailure(op, "input is not a join");
    SmallVector<Value> operands(join->getOperands());
    for (OpOperand *operand : joined)
      operands[operand->getOperandNumber()] =
          quantizeLike(rewriter, op, operand->get());
    auto resultType = cast<RankedTensorType>(op.getInput().getType())
                          .clone(type.getStorageType());
    Operation *integers =
        rewriter.create(op.getLoc(), join->getName().getIdentifier(), operands,
                        TypeRange{resultType}, join->getAttrs());
    rewriter.replaceOp(op,
                       castToQuantized(rewriter, op.getLoc(),
                                       integers->getResult(0), op.getType()));
    return success();
  }
};

/// True if quantizing in front of `move` is no more work than after it, or pays
/// because the quantization meets what it can merge with.
static bool isBetterBefore(Operation *move, Value moved) {
  Value source = getMovementSource(moved);
  Operation *producer = source.getDefiningOp();
  if (producer &&
      (getConstantElements(source) || !getJoinedOperands(producer).empty()))
    return true;
  auto from = cast<RankedTensorType>(moved.getType());
  auto to = cast<RankedTensorType>(move->getResult(0).getType());
  return from.hasStaticShape() && to.hasStaticShape() &&
         (isa<linalg::PoolingNhwcMaxOp, linalg::PoolingNwcMaxOp>(move) ||
          from.getNumElements() <= to.getNumElements());
}

/// `qcast(move(x))` -> `move(qcast(x))`: integers are moved.
struct QuantizeBeforeMove : OpRewritePattern<quant::QuantizeCastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(quant::QuantizeCastOp op,
                                PatternRewriter &rewriter) const override {
    Operation *move = op.getInput().getDefiningOp();
    auto type = dyn_cast<quant::UniformQuantizedType>(
        getElementTypeOrSelf(op.getResult().getType()));
    OpOperand *moved = move && type ? getMovedOperand(move) : nullptr;
    if (!moved)
      return rewriter.notifyMatchFailure(op, "input is not moved");
    if (!isBetterBefore(move, moved->get()))
      return rewriter.notifyMatchFailure(op, "more is read than moved");
    Value integers = moveIntegers(
        rewriter, move, quantizeLike(rewriter, op, moved->get()), type);
    rewriter.replaceOp(
        op, castToQuantized(rewriter, op.getLoc(), integers, op.getType()));
    return success();
  }
};

/// The per-tensor type that all quantizations in `uses` give, if these uses are
/// quantizations; null where there are none or they differ.
static quant::UniformQuantizedType getCommonType(ArrayRef<OpOperand *> uses) {
  quant::UniformQuantizedType type;
  for (OpOperand *use : uses) {
    auto quantize = dyn_cast<quant::QuantizeCastOp>(use->getOwner());
    auto found = quantize ? dyn_cast<quant::UniformQuantizedType>(
                                getElementTypeOrSelf(quantize.getType()))
                          : quant::UniformQuantizedType();
    if (!found || (type && found != type) || quantize->hasAttr(kDivideAttr))
      return nullptr;
    type = found;
  }
  return type;
}

/// A loop's float state that is quantized wherever it is read, or filled slice
/// by slice and quantized after the loop, is carried as integers.
struct QuantizeLoopState : OpRewritePattern<scf::ForOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(scf::ForOp op,
                                PatternRewriter &rewriter) const override {
    for (unsigned i = 0; i < op.getNumRegionIterArgs(); ++i)
      if (quant::UniformQuantizedType type = getStateType(op, i)) {
        convert(op, i, type, rewriter);
        return success();
      }
    return rewriter.notifyMatchFailure(op, "no state is quantized everywhere");
  }

private:
  static quant::UniformQuantizedType getStateType(scf::ForOp op, unsigned i) {
    auto tensor = dyn_cast<RankedTensorType>(op.getResult(i).getType());
    if (!tensor || !tensor.getElementType().isF32())
      return nullptr;
    SmallVector<OpOperand *> uses;
    for (OpOperand &use : op.getRegionIterArg(i).getUses()) {
      auto insert = dyn_cast<tensor::InsertSliceOp>(use.getOwner());
      bool filled =
          insert && &insert.getDestMutable() == &use && insert->hasOneUse() &&
          op.getBody()->getTerminator()->getOperand(i) == insert.getResult();
      if (!filled)
        uses.push_back(&use);
    }
    for (OpOperand &use : op.getResult(i).getUses())
      uses.push_back(&use);
    return getCommonType(uses);
  }

  static void convert(scf::ForOp op, unsigned i,
                      quant::UniformQuantizedType type,
                      PatternRewriter &rewriter) {
    Location loc = op.getLoc();
    auto tensor = cast<RankedTensorType>(op.getResult(i).getType());
    auto quantize = [&](Value value) -> Value {
      Value quantized = quant::QuantizeCastOp::create(
          rewriter, loc, tensor.clone(type), value);
      return quant::StorageCastOp::create(
          rewriter, loc, tensor.clone(type.getStorageType()), quantized);
    };
    auto dequantizeState = [&](Value integers) -> Value {
      return quant::DequantizeCastOp::create(
          rewriter, loc, tensor,
          castToQuantized(rewriter, loc, integers, tensor.clone(type)));
    };
    SmallVector<Value> inits(op.getInitArgs());
    inits[i] = quantize(inits[i]);
    auto loop = scf::ForOp::create(rewriter, loc, op.getLowerBound(),
                                   op.getUpperBound(), op.getStep(), inits);
    loop->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    rewriter.eraseBlock(loop.getBody());
    rewriter.inlineRegionBefore(op.getRegion(), loop.getRegion(),
                                loop.getRegion().end());
    BlockArgument state = loop.getRegionIterArg(i);
    state.setType(inits[i].getType());
    rewriter.setInsertionPointToStart(loop.getBody());
    Value real = dequantizeState(state);
    rewriter.replaceAllUsesExcept(state, real,
                                  real.getDefiningOp<quant::DequantizeCastOp>()
                                      .getInput()
                                      .getDefiningOp());
    Operation *yield = loop.getBody()->getTerminator();
    rewriter.setInsertionPoint(yield);
    Value stored = quantize(yield->getOperand(i));
    rewriter.modifyOpInPlace(yield, [&] { yield->setOperand(i, stored); });
    rewriter.setInsertionPointAfter(loop);
    SmallVector<Value> results(loop.getResults());
    results[i] = dequantizeState(results[i]);
    rewriter.replaceOp(op, results);
  }
};

/// `scast(scast(q))` -> q.
struct CancelStorageCasts : OpRewritePattern<quant::StorageCastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(quant::StorageCastOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<quant::StorageCastOp>();
    if (!inner || inner.getInput().getType() != op.getType())
      return failure();
    rewriter.replaceOp(op, inner.getInput());
    return success();
  }
};

struct FuseQDQ : public qopt::impl::FuseQDQBase<FuseQDQ> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    set.add<MoveThroughDequantize, JoinThroughDequantize, CancelCasts,
            QuantizeBeforeJoin, QuantizeBeforeMove, QuantizeLoopState,
            CancelStorageCasts>(context);
    patterns = std::move(set);
    return success();
  }
  void runOnOperation() override {
    Report report = Report::load(getOperation());
    tabulateUnaryFunctions(getOperation(), report);
    report.save(getOperation());
    // Upstream folds dcast(qcast(x)) to x, which is not the same value.
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    if (failed(applyPatternsGreedily(getOperation(), patterns, config)))
      signalPassFailure();
  }
  FrozenRewritePatternSet patterns;
};
} // namespace

//===- HoistScalings.cpp - Scalings to where values are computed ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Attention scales queries and keys after they were split into heads. One
// constant for all elements commutes with transposes and reshapes: next to the
// projection it folds into its weights.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Frontend/HoistScalings.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Analysis/Quantizable.h"

using namespace mlir;
using namespace mlir::qopt;

/// True if a scaling of `value` can fold into what computes it.
static bool isScalable(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op || !value.hasOneUse())
    return false;
  if (auto generic = dyn_cast<linalg::GenericOp>(op);
      generic && isElementwise(generic)) {
    OpOperand *main = getMainInput(generic);
    op = main ? main->get().getDefiningOp() : nullptr;
  }
  std::optional<Quantizable> match = op ? matchQuantizable(op) : std::nullopt;
  return match && match->weight && getConstantElements(match->weight->get());
}

namespace {
/// `scale(move*(x))` -> `move*(scale(x))`.
struct HoistScaling : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (!matchScaling(op))
      return rewriter.notifyMatchFailure(op, "is no scaling by a constant");
    OpOperand *main = getMainInput(op);
    OpOperand *first = nullptr;
    Value source = main->get();
    while (Operation *move = source.getDefiningOp()) {
      if (!isa<linalg::TransposeOp, tensor::ExpandShapeOp,
               tensor::CollapseShapeOp>(move) ||
          !source.hasOneUse())
        break;
      first = &move->getOpOperand(0);
      source = first->get();
    }
    if (!first || !isScalable(source))
      return rewriter.notifyMatchFailure(op, "nothing to fold into behind "
                                             "data movement");
    auto type = cast<RankedTensorType>(source.getType());
    AffineMap identity = rewriter.getMultiDimIdentityMap(type.getRank());
    AffineMap scalar = AffineMap::get(type.getRank(), 0, rewriter.getContext());
    SmallVector<Value> inputs(op.getDpsInputs());
    SmallVector<AffineMap> maps(inputs.size(), scalar);
    for (Value &input : inputs) {
      auto inputType = dyn_cast<RankedTensorType>(input.getType());
      if (&input != &inputs[main->getOperandNumber()] && inputType &&
          inputType.getRank() != 0)
        return rewriter.notifyMatchFailure(op, "the constant is no scalar");
    }
    inputs[main->getOperandNumber()] = source;
    maps[main->getOperandNumber()] = identity;
    maps.push_back(identity);
    rewriter.setInsertionPointAfterValue(source);
    Value empty = tensor::EmptyOp::create(
        rewriter, op.getLoc(), type.getShape(), type.getElementType());
    // A constant may be defined further down.
    for (auto [i, input] : llvm::enumerate(inputs))
      if (i != main->getOperandNumber())
        input = rewriter.clone(*input.getDefiningOp())->getResult(0);
    auto scaled = linalg::GenericOp::create(
        rewriter, op.getLoc(), TypeRange{type}, inputs, ValueRange{empty}, maps,
        SmallVector<utils::IteratorType>(type.getRank(),
                                         utils::IteratorType::parallel));
    IRMapping mapping;
    for (Operation &inner : op.getBody()->without_terminator())
      for (Value operand : inner.getOperands())
        if (Operation *outer = operand.getDefiningOp();
            outer && outer->getBlock() != op.getBody() &&
            !mapping.contains(operand))
          mapping.map(operand, rewriter.clone(*outer)->getResult(0));
    rewriter.moveOpAfter(scaled, rewriter.getInsertionBlock(),
                         rewriter.getInsertionPoint());
    op.getRegion().cloneInto(&scaled.getRegion(), mapping);
    rewriter.modifyOpInPlace(first->getOwner(),
                             [&] { first->set(scaled.getResult(0)); });
    rewriter.replaceOp(op, main->get());
    return success();
  }
};
} // namespace

void mlir::qopt::populateHoistScalingPatterns(RewritePatternSet &patterns) {
  patterns.add<HoistScaling>(patterns.getContext());
}

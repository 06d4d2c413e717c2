//===- InlineComposites.cpp - Composites to their ops ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/Idioms.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_INLINECOMPOSITES
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

linalg::GenericOp mlir::qopt::getElementwiseBody(CompositeOp op) {
  Block &block = op.getBody().front();
  auto yield = cast<YieldOp>(block.getTerminator());
  if (op.getInputs().size() != 1 || yield.getValues().size() != 1)
    return {};
  auto generic = yield.getValues()[0].getDefiningOp<linalg::GenericOp>();
  if (!generic || !isElementwise(generic) || generic.hasIndexSemantics())
    return {};
  OpOperand *main = getMainInput(generic);
  if (!main || main->get() != block.getArgument(0))
    return {};
  for (Operation &inner : block.without_terminator())
    if (&inner != generic && !isa<tensor::EmptyOp>(inner) &&
        !inner.hasTrait<OpTrait::ConstantLike>())
      return {};
  for (Value input : generic.getDpsInputs())
    if (input != main->get() && !getConstantScalar(input))
      return {};
  return generic;
}

void mlir::qopt::inlineComposite(RewriterBase &rewriter, CompositeOp op) {
  Block *body = &op.getBody().front();
  SmallVector<Value> results(cast<YieldOp>(body->getTerminator()).getValues());
  if (auto name = op->getAttrOfType<StringAttr>(kNameAttr)) {
    for (Operation &inner : *body)
      inner.removeAttr(kNameAttr);
    if (Operation *last =
            results.empty() ? nullptr : results[0].getDefiningOp())
      last->setAttr(kNameAttr, name);
  }
  // Each op can be traced to the idiom it was part of.
  for (Operation &inner : *body)
    inner.setLoc(FusedLoc::get(op.getContext(), {inner.getLoc(), op.getLoc()}));
  // The block arguments become the operands before anything reads `results`.
  for (Value &result : results)
    if (auto arg = dyn_cast<BlockArgument>(result))
      if (arg.getOwner() == body)
        result = op.getInputs()[arg.getArgNumber()];
  rewriter.eraseOp(body->getTerminator());
  rewriter.inlineBlockBefore(body, op, op.getInputs());
  rewriter.replaceOp(op, results);
}

void mlir::qopt::inlineComposites(Operation *root) {
  // Post-order: inner ones first.
  SmallVector<CompositeOp> composites;
  root->walk([&](CompositeOp op) { composites.push_back(op); });
  IRRewriter rewriter(root->getContext());
  for (CompositeOp op : composites)
    inlineComposite(rewriter, op);
}

namespace {
struct InlineComposites
    : public qopt::impl::InlineCompositesBase<InlineComposites> {
  void runOnOperation() override { inlineComposites(getOperation()); }
};
} // namespace

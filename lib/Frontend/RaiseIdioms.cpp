//===- RaiseIdioms.cpp - Multi-op idioms to composites ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every op is asked whether it computes the result of an idiom, users before
// what they use, so that the largest idiom is found first (SiLU before the
// sigmoid in it). The matchers are in Idioms/.
//
//===----------------------------------------------------------------------===//
#include "Idioms/Idiom.h"

#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_RAISEIDIOMS
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

static constexpr IdiomMatcher kMatchers[] = {
    matchSoftmax, matchLayerNorm,     matchRmsNorm,
    matchGlu,     matchUnaryFunction, matchEmbedding};

/// The composite that took the place of `op`, or null.
static CompositeOp raise(RewriterBase &rewriter, Operation *op) {
  for (IdiomMatcher match : kMatchers)
    for (const Idiom &idiom : match(op)) {
      FailureOr<CompositeOp> composite = raiseIdiom(rewriter, idiom);
      if (succeeded(composite))
        return *composite;
    }
  return {};
}

static bool isCandidate(Operation *op) {
  if (!isa<linalg::LinalgOp>(op) || op->getNumResults() != 1)
    return false;
  auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
  return type && isa<FloatType>(type.getElementType());
}

static void raiseInBlock(RewriterBase &rewriter, Block &block) {
  for (Operation *op = block.empty() ? nullptr : &block.back(); op;
       op = op->getPrevNode()) {
    if (isCandidate(op)) {
      if (CompositeOp composite = raise(rewriter, op))
        op = composite;
      continue;
    }
    // Bodies of loops, but not of composites.
    if (!isa<CompositeOp, linalg::LinalgOp>(op))
      for (Region &region : op->getRegions())
        for (Block &inner : region)
          raiseInBlock(rewriter, inner);
  }
}

namespace {
struct RaiseIdioms : public qopt::impl::RaiseIdiomsBase<RaiseIdioms> {
  void runOnOperation() override {
    IRRewriter rewriter(&getContext());
    for (Block &block : getOperation().getBodyRegion())
      raiseInBlock(rewriter, block);
  }
};
} // namespace

//===- PropagateLayout.cpp - Channels-last convolutions and pools ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// First every channels-first convolution and pool becomes a channels-last one
// between transposes (ChannelsLast.cpp). Those transposes, and the model's own
// around convolutions, sink towards the results until they meet their inverse
// (SinkThrough*.cpp); what is left in front of convolutions rises towards the
// inputs (RiseTransposes.cpp). Other transposes (attention heads) stay where
// they are: moving them wins nothing.
//
//===----------------------------------------------------------------------===//
#include "LayoutTransposes.h"

#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/ConstantMovement.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_PROPAGATELAYOUT
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// Transposes of `root`, or only the layout transposes, that move no data
/// become reshapes.
static void reshapeTransposes(Operation *root, bool onlyLayout) {
  IRRewriter rewriter(root->getContext());
  root->walk([&](linalg::TransposeOp op) {
    if (!onlyLayout || op->hasAttr(kLayoutAttr))
      (void)reshapeInsteadOfTranspose(rewriter, op);
  });
}

static void populateSinkPatterns(RewritePatternSet &patterns) {
  populateSinkThroughGenericPatterns(patterns);
  populateSinkThroughMovementPatterns(patterns);
  populateSinkThroughLoopPatterns(patterns);
  populateFlattenIntoWeightsPatterns(patterns);
  populateFoldConstantMovementPatterns(patterns);
}

namespace {
struct PropagateLayout
    : public qopt::impl::PropagateLayoutBase<PropagateLayout> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet convert(context), sink(context), read(context),
        rise(context);
    populateChannelsLastPatterns(convert);
    populateFoldConstantMovementPatterns(convert);
    populateSinkPatterns(sink);
    populateSinkPatterns(read);
    populateReadThroughPatterns(read);
    populateRisePatterns(rise);
    convertPatterns = std::move(convert);
    sinkPatterns = std::move(sink);
    readPatterns = std::move(read);
    risePatterns = std::move(rise);
    return success();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    reshapeTransposes(module, /*onlyLayout=*/false);
    if (failed(applyPatternsGreedily(module, convertPatterns, config)))
      return signalPassFailure();
    markLayoutTransposes(module);
    if (failed(applyPatternsGreedily(module, sinkPatterns, config)) ||
        failed(applyPatternsGreedily(module, readPatterns, config)))
      return signalPassFailure();
    markRisingTransposes(module);
    if (failed(applyPatternsGreedily(module, risePatterns, config)))
      return signalPassFailure();
    reshapeTransposes(module, /*onlyLayout=*/true);
    module.walk([](Operation *op) { op->removeAttr(kLayoutAttr); });
  }

  FrozenRewritePatternSet convertPatterns, sinkPatterns, readPatterns,
      risePatterns;
};
} // namespace

//===- LowerQuantizedOps.cpp - Pre-fused integer ops ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Σ(a - za)(b - zb) = Σab - za·Σb - zb·Σa + K·za·zb, all modulo 2^32 as in the
// op that is replaced. The first sum is the contraction of integer form; sums
// of a constant operand are constants, others are sums of their own.
//
//===----------------------------------------------------------------------===//
#include "Broadcast.h"
#include "QDQ/QuantizedProduct.h"

#include "QuantOpt/Conversion/Epilogue.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/ChannelsLast.h"
#include "QuantOpt/Frontend/ConstantMovement.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_LOWERQUANTIZEDOPS
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Channels last
//===----------------------------------------------------------------------===//

/// Inverse of a permutation.
static SmallVector<int64_t> invert(ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> inverse(permutation.size());
  for (auto [i, dim] : llvm::enumerate(permutation))
    inverse[dim] = i;
  return inverse;
}

/// The init operand in the new layout. Fills and broadcasts stay readable as
/// such.
static Value convertInit(OpBuilder &builder, Location loc, Value init,
                         ArrayRef<int64_t> permutation) {
  AffineMap map;
  Value source = matchBroadcast(init, map);
  auto type = cast<RankedTensorType>(init.getType());
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation)
    shape.push_back(type.getDimSize(dim));
  Value empty =
      tensor::EmptyOp::create(builder, loc, shape, type.getElementType());
  if (auto fill = init.getDefiningOp<linalg::FillOp>())
    return linalg::FillOp::create(builder, loc, fill.getInputs(),
                                  ValueRange{empty})
        .getResult(0);
  if (!source)
    return createLayoutTranspose(builder, loc, init, permutation);
  SmallVector<AffineExpr> renamed(permutation.size());
  for (auto [i, dim] : llvm::enumerate(permutation))
    renamed[dim] = builder.getAffineDimExpr(i);
  map = map.replaceDimsAndSymbols(renamed, {}, permutation.size(), 0);
  return buildElementwise(
      builder, loc, shape, type.getElementType(), ValueRange{source}, {map},
      [](OpBuilder &, Location, ValueRange args) { return args[0]; });
}

namespace {
/// NCHW convolution with zero points -> NHWC between layout transposes, which
/// qopt-propagate-layout moves. Permutations give, for each dimension of the
/// new layout, that of the old one.
template <typename From, typename To>
struct QuantizedToChannelsLast : OpRewritePattern<From> {
  QuantizedToChannelsLast(MLIRContext *context, ArrayRef<int64_t> image,
                          ArrayRef<int64_t> filter)
      : OpRewritePattern<From>(context), image(image), filter(filter) {}
  LogicalResult matchAndRewrite(From op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "not on tensors");
    Location loc = op.getLoc();
    SmallVector<Value> inputs(op.getInputs());
    inputs[0] = createLayoutTranspose(rewriter, loc, inputs[0], image);
    inputs[1] = createLayoutTranspose(rewriter, loc, inputs[1], filter);
    Value init = convertInit(rewriter, loc, op.getOutputs()[0], image);
    auto converted = To::create(rewriter, loc, TypeRange{init.getType()},
                                inputs, ValueRange{init}, op.getStridesAttr(),
                                op.getDilationsAttr());
    rewriter.replaceOp(op, createLayoutTranspose(rewriter, loc,
                                                 converted->getResult(0),
                                                 invert(image)));
    return success();
  }

  SmallVector<int64_t> image, filter;
};
} // namespace

namespace {
struct LowerQuantizedOps
    : public qopt::impl::LowerQuantizedOpsBase<LowerQuantizedOps> {
  LogicalResult initialize(MLIRContext *context) override {
    using namespace linalg;
    using Dims = SmallVector<int64_t>;
    RewritePatternSet set(context);
    set.add<QuantizedToChannelsLast<Conv2DNchwFchwQOp, Conv2DNhwcFhwcQOp>>(
        context, Dims{0, 2, 3, 1}, Dims{0, 2, 3, 1});
    set.add<QuantizedToChannelsLast<Conv2DNgchwGfchwQOp, Conv2DNhwgcGfhwcQOp>>(
        context, Dims{0, 3, 4, 1, 2}, Dims{0, 1, 3, 4, 2});
    populateFoldConstantMovementPatterns(set);
    channelsLast = std::move(set);
    return success();
  }

  void runOnOperation() override {
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    if (failed(applyPatternsGreedily(getOperation(), channelsLast, config)))
      return signalPassFailure();
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    for (linalg::LinalgOp op : ops)
      lowerQuantizedProduct(op);
  }

  FrozenRewritePatternSet channelsLast;
};
} // namespace

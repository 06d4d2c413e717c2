//===- ChannelsLast.cpp - NCHW convolutions and pools to NHWC ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Frontend/ChannelsLast.h"

#include "LayoutTransposes.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// `From(input, filter)` -> transposes around `To`. Permutations give, for each
/// dimension of the new layout, the dimension of the old one; an empty filter
/// permutation leaves the second operand alone (a pool's window).
template <typename From, typename To>
struct ToChannelsLast : OpRewritePattern<From> {
  ToChannelsLast(MLIRContext *context, ArrayRef<int64_t> image,
                 ArrayRef<int64_t> filter)
      : OpRewritePattern<From>(context), image(image), filter(filter) {}
  LogicalResult matchAndRewrite(From op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "not on tensors");
    Location loc = op.getLoc();
    Value input =
        createLayoutTranspose(rewriter, loc, op.getInputs()[0], image);
    Value second = op.getInputs()[1];
    if (!filter.empty())
      second = createLayoutTranspose(rewriter, loc, second, filter);
    Value init = convertLayout(rewriter, loc, op.getOutputs()[0], image);
    auto converted = To::create(rewriter, loc, TypeRange{init.getType()},
                                ValueRange{input, second}, ValueRange{init},
                                op.getStridesAttr(), op.getDilationsAttr());
    rewriter.replaceOp(op, createLayoutTranspose(rewriter, loc,
                                                 converted->getResult(0),
                                                 invertPermutation(image)));
    return success();
  }

  SmallVector<int64_t> image, filter;
};
/// A convolution or pool spelled as a generic: its image and result get their
/// channels last. The maps say which dimensions are which.
struct GenericToChannelsLast : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.hasPureTensorSemantics() || op.getNumDpsInits() != 1 ||
        op.getNumReductionLoops() == 0)
      return rewriter.notifyMatchFailure(op, "no convolution or pool");
    OpOperand *image = nullptr;
    for (OpOperand *input : op.getDpsInputOperands()) {
      if (!readsWindow(op.getMatchingIndexingMap(input)))
        continue;
      if (image)
        return rewriter.notifyMatchFailure(op, "several operands have windows");
      image = input;
    }
    AffineMap resultMap = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
    if (!image || !resultMap.isProjectedPermutation())
      return rewriter.notifyMatchFailure(op, "no operand has windows");
    AffineMap imageMap = op.getMatchingIndexingMap(image);
    auto isSpatial = [&](AffineExpr expr) {
      auto dim = dyn_cast<AffineDimExpr>(expr);
      return !dim || llvm::any_of(imageMap.getResults(), [&](AffineExpr other) {
        return !isa<AffineDimExpr>(other) &&
               other.isFunctionOfDim(dim.getPosition());
      });
    };
    SmallVector<int64_t> imageOrder = getOrder(imageMap, isSpatial);
    SmallVector<int64_t> resultOrder = getOrder(resultMap, isSpatial);
    if (llvm::is_sorted(imageOrder) && llvm::is_sorted(resultOrder))
      return rewriter.notifyMatchFailure(op, "is channels-last already");
    Location loc = op.getLoc();
    auto moved = cast<linalg::GenericOp>(rewriter.clone(*op));
    rewriter.setInsertionPoint(moved);
    unsigned imageIndex = image->getOperandNumber();
    moved->setOperand(imageIndex, createLayoutTranspose(
                                      rewriter, loc, image->get(), imageOrder));
    Value init = convertLayout(rewriter, loc, op.getDpsInits()[0], resultOrder);
    moved.setDpsInitOperand(0, init);
    moved->getResult(0).setType(init.getType());
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    maps[imageIndex] = reorder(imageMap, imageOrder);
    maps.back() = reorder(resultMap, resultOrder);
    moved.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
    rewriter.setInsertionPointAfter(moved);
    rewriter.replaceOp(op,
                       createLayoutTranspose(rewriter, loc, moved.getResult(0),
                                             invertPermutation(resultOrder)));
    return success();
  }

private:
  static bool readsWindow(AffineMap map) {
    return llvm::any_of(map.getResults(), [](AffineExpr expr) {
      return !isa<AffineDimExpr, AffineConstantExpr>(expr);
    });
  }

  static AffineMap reorder(AffineMap map, ArrayRef<int64_t> order) {
    return AffineMap::get(map.getNumDims(), 0, permute(map.getResults(), order),
                          map.getContext());
  }

  /// The first dimension where it is the batch, pixels, all others.
  static SmallVector<int64_t>
  getOrder(AffineMap map, function_ref<bool(AffineExpr)> isSpatial) {
    SmallVector<int64_t> order;
    auto append = [&](bool spatial) {
      for (auto [i, expr] : llvm::enumerate(map.getResults()))
        if (!llvm::is_contained(order, int64_t(i)) &&
            isSpatial(expr) == spatial)
          order.push_back(i);
    };
    // Without a batch the first one is the channel.
    if (llvm::count_if(map.getResults(),
                       [&](AffineExpr expr) { return !isSpatial(expr); }) > 1 &&
        !isSpatial(map.getResult(0)))
      order.push_back(0);
    append(/*spatial=*/true);
    append(/*spatial=*/false);
    return order;
  }
};
} // namespace

void mlir::qopt::populateChannelsLastPatterns(RewritePatternSet &patterns) {
  using namespace linalg;
  MLIRContext *context = patterns.getContext();
  using Dims = SmallVector<int64_t>;
  const Dims nwc = {0, 2, 1}, nhwc = {0, 2, 3, 1}, ndhwc = {0, 2, 3, 4, 1};
  patterns.add<ToChannelsLast<Conv1DNcwFcwOp, Conv1DNwcWcfOp>>(context, nwc,
                                                               Dims{2, 1, 0});
  patterns.add<ToChannelsLast<Conv2DNchwFchwOp, Conv2DNhwcFhwcOp>>(context,
                                                                   nhwc, nhwc);
  patterns.add<ToChannelsLast<DepthwiseConv1DNcwCwOp, DepthwiseConv1DNwcWcOp>>(
      context, nwc, Dims{1, 0});
  patterns
      .add<ToChannelsLast<DepthwiseConv2DNchwChwOp, DepthwiseConv2DNhwcHwcOp>>(
          context, nhwc, Dims{1, 2, 0});
  patterns.add<ToChannelsLast<Conv2DNgchwGfchwOp, Conv2DNhwgcGfhwcOp>>(
      context, Dims{0, 3, 4, 1, 2}, Dims{0, 1, 3, 4, 2});
  patterns.add<ToChannelsLast<Conv2DNgchwFgchwOp, Conv2DNhwgcGfhwcOp>>(
      context, Dims{0, 3, 4, 1, 2}, Dims{1, 0, 3, 4, 2});
  patterns.add<ToChannelsLast<Conv3DNcdhwFcdhwOp, Conv3DNdhwcDhwcfOp>>(
      context, ndhwc, Dims{2, 3, 4, 1, 0});
  patterns.add<
      ToChannelsLast<DepthwiseConv3DNcdhwCdhwOp, DepthwiseConv3DNdhwcDhwcOp>>(
      context, ndhwc, Dims{1, 2, 3, 0});
  patterns.add<ToChannelsLast<PoolingNchwMaxOp, PoolingNhwcMaxOp>>(
      context, nhwc, Dims{});
  patterns.add<ToChannelsLast<PoolingNchwSumOp, PoolingNhwcSumOp>>(
      context, nhwc, Dims{});
  patterns.add<ToChannelsLast<PoolingNcwMaxOp, PoolingNwcMaxOp>>(context, nwc,
                                                                 Dims{});
  patterns.add<ToChannelsLast<PoolingNcwSumOp, PoolingNwcSumOp>>(context, nwc,
                                                                 Dims{});
  patterns.add<GenericToChannelsLast>(context);
}

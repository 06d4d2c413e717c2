//===- ChannelsLast.cpp - NCHW convolutions and pools to NHWC ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Frontend/ChannelsLast.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

/// Inverse of a permutation.
static SmallVector<int64_t> invert(ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> inverse(permutation.size());
  for (auto [i, dim] : llvm::enumerate(permutation))
    inverse[dim] = i;
  return inverse;
}

Value mlir::qopt::createLayoutTranspose(OpBuilder &builder, Location loc,
                                        Value value,
                                        ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation)
    shape.push_back(type.getDimSize(dim));
  Value empty =
      tensor::EmptyOp::create(builder, loc, shape, type.getElementType());
  auto op =
      linalg::TransposeOp::create(builder, loc, value, empty, permutation);
  op->setAttr(kLayoutAttr, builder.getUnitAttr());
  return op.getResult()[0];
}

/// The init operand in the new layout: a fill is filled again, so that the
/// accumulator's zero stays visible.
static Value convertInit(OpBuilder &builder, Location loc, Value init,
                         ArrayRef<int64_t> permutation) {
  auto fill = init.getDefiningOp<linalg::FillOp>();
  if (!fill)
    return createLayoutTranspose(builder, loc, init, permutation);
  auto type = cast<RankedTensorType>(init.getType());
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation)
    shape.push_back(type.getDimSize(dim));
  Value empty =
      tensor::EmptyOp::create(builder, loc, shape, type.getElementType());
  return linalg::FillOp::create(builder, loc, fill.getInputs(),
                                ValueRange{empty})
      .getResult(0);
}

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
    Value init = convertInit(rewriter, loc, op.getOutputs()[0], image);
    auto converted = To::create(rewriter, loc, TypeRange{init.getType()},
                                ValueRange{input, second}, ValueRange{init},
                                op.getStridesAttr(), op.getDilationsAttr());
    rewriter.replaceOp(op, createLayoutTranspose(rewriter, loc,
                                                 converted->getResult(0),
                                                 invert(image)));
    return success();
  }

  SmallVector<int64_t> image, filter;
};
} // namespace

void mlir::qopt::populateChannelsLastPatterns(RewritePatternSet &patterns) {
  using namespace linalg;
  MLIRContext *context = patterns.getContext();
  using Dims = SmallVector<int64_t>;
  const Dims nwc = {0, 2, 1}, nhwc = {0, 2, 3, 1};
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
  patterns.add<ToChannelsLast<PoolingNchwMaxOp, PoolingNhwcMaxOp>>(
      context, nhwc, Dims{});
  patterns.add<ToChannelsLast<PoolingNchwSumOp, PoolingNhwcSumOp>>(
      context, nhwc, Dims{});
  patterns.add<ToChannelsLast<PoolingNcwMaxOp, PoolingNwcMaxOp>>(context, nwc,
                                                                 Dims{});
  patterns.add<ToChannelsLast<PoolingNcwSumOp, PoolingNwcSumOp>>(context, nwc,
                                                                 Dims{});
}

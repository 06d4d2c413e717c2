//===- PropagateLayout.cpp - Channels-last convolutions and pools ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// First every NCHW convolution and pool becomes an NHWC one between transposes
// (ChannelsLast.cpp). Then those transposes, marked with a unit attribute while
// this pass runs, sink towards the results until they meet their inverse. Other
// transposes (attention heads) stay where they are: moving them wins nothing.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "QuantOpt/Frontend/ChannelsLast.h"
#include "QuantOpt/Frontend/ConstantMovement.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace mlir::qopt {
#define GEN_PASS_DEF_PROPAGATELAYOUT
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// The layout transpose that defines `value`, or null.
static linalg::TransposeOp getLayoutTranspose(Value value) {
  auto op = value.getDefiningOp<linalg::TransposeOp>();
  return op && op->hasAttr(kLayoutAttr) ? op : nullptr;
}

/// `map` reads `transpose(x, permutation)`; the map that reads x.
static AffineMap readThrough(AffineMap map, ArrayRef<int64_t> permutation) {
  SmallVector<AffineExpr> exprs(map.getNumResults());
  for (auto [i, dim] : llvm::enumerate(permutation))
    exprs[dim] = map.getResult(i);
  return AffineMap::get(map.getNumDims(), map.getNumSymbols(), exprs,
                        map.getContext());
}

namespace {
/// `transpose(transpose(x))` -> `x` or one transpose.
struct MergeTransposes : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<linalg::TransposeOp>();
    if (!inner || (!op->hasAttr(kLayoutAttr) && !inner->hasAttr(kLayoutAttr)))
      return rewriter.notifyMatchFailure(op, "no layout transposes in a row");
    SmallVector<int64_t> merged;
    for (int64_t dim : op.getPermutation())
      merged.push_back(inner.getPermutation()[dim]);
    if (llvm::equal(merged, llvm::seq<int64_t>(0, merged.size())))
      rewriter.replaceOp(op, inner.getInput());
    else
      rewriter.replaceOp(op, createLayoutTranspose(rewriter, op.getLoc(),
                                                   inner.getInput(), merged));
    return success();
  }
};

/// An elementwise op reading layout transposes computes in the source's layout
/// and its result is transposed instead.
struct SinkThroughElementwise : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    if (!isElementwise(op) || op.hasIndexSemantics())
      return rewriter.notifyMatchFailure(op, "not elementwise");
    linalg::TransposeOp leader;
    for (OpOperand *input : op.getDpsInputOperands())
      if (op.getMatchingIndexingMap(input).isIdentity())
        if ((leader = getLayoutTranspose(input->get())))
          break;
    if (!leader)
      return rewriter.notifyMatchFailure(op, "reads no layout transpose");
    ArrayRef<int64_t> permutation = leader.getPermutation();
    // Loop d of the op becomes loop permutation[d]: the source's own order.
    SmallVector<AffineExpr> renamed;
    for (int64_t dim : permutation)
      renamed.push_back(rewriter.getAffineDimExpr(dim));
    unsigned rank = permutation.size();
    SmallVector<Value> inputs;
    SmallVector<AffineMap> maps;
    for (OpOperand *input : op.getDpsInputOperands()) {
      AffineMap map = op.getMatchingIndexingMap(input);
      Value value = input->get();
      if (linalg::TransposeOp transpose = getLayoutTranspose(value)) {
        map = readThrough(map, transpose.getPermutation());
        value = transpose.getInput();
      }
      inputs.push_back(value);
      maps.push_back(map.replaceDimsAndSymbols(renamed, {}, rank, 0));
    }
    maps.push_back(rewriter.getMultiDimIdentityMap(rank));
    auto type = cast<RankedTensorType>(op.getResult(0).getType());
    SmallVector<int64_t> shape(rank);
    for (auto [d, dim] : llvm::enumerate(permutation))
      shape[dim] = type.getDimSize(d);
    Value empty = tensor::EmptyOp::create(rewriter, op.getLoc(), shape,
                                          type.getElementType());
    auto moved = linalg::GenericOp::create(
        rewriter, op.getLoc(), TypeRange{empty.getType()}, inputs,
        ValueRange{empty}, maps, op.getIteratorTypesArray());
    rewriter.cloneRegionBefore(op.getRegion(), moved.getRegion(),
                               moved.getRegion().begin());
    rewriter.replaceOp(op,
                       createLayoutTranspose(rewriter, op.getLoc(),
                                             moved.getResult(0), permutation));
    return success();
  }
};

/// Any other generic reads the transpose's source through its own map.
struct ReadThroughTranspose : OpRewritePattern<linalg::GenericOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::GenericOp op,
                                PatternRewriter &rewriter) const override {
    bool changed = false;
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    SmallVector<Value> inputs(op.getDpsInputs());
    for (unsigned i = 0; i < inputs.size(); ++i) {
      linalg::TransposeOp transpose = getLayoutTranspose(inputs[i]);
      if (!transpose)
        continue;
      maps[i] = readThrough(maps[i], transpose.getPermutation());
      inputs[i] = transpose.getInput();
      changed = true;
    }
    if (!changed)
      return rewriter.notifyMatchFailure(op, "reads no layout transpose");
    rewriter.modifyOpInPlace(op, [&] {
      op.getInputsMutable().assign(inputs);
      op.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
    });
    return success();
  }
};

/// `pad(transpose(x))` -> `transpose(pad(x))`.
struct SinkThroughPad : OpRewritePattern<tensor::PadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::PadOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = getLayoutTranspose(op.getSource());
    Value padding = op.getConstantPaddingValue();
    if (!transpose || !padding || !op.getLow().empty() || !op.getHigh().empty())
      return rewriter.notifyMatchFailure(op, "not a static pad of a transpose");
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    unsigned rank = permutation.size();
    SmallVector<OpFoldResult> low(rank), high(rank);
    SmallVector<int64_t> shape(rank);
    auto type = op.getResultType();
    for (auto [i, dim] : llvm::enumerate(permutation)) {
      low[dim] = rewriter.getIndexAttr(op.getStaticLow()[i]);
      high[dim] = rewriter.getIndexAttr(op.getStaticHigh()[i]);
      shape[dim] = type.getDimSize(i);
    }
    Value padded = tensor::PadOp::create(
        rewriter, op.getLoc(),
        RankedTensorType::get(shape, type.getElementType()),
        transpose.getInput(), low, high, padding, op.getNofold());
    rewriter.replaceOp(
        op, createLayoutTranspose(rewriter, op.getLoc(), padded, permutation));
    return success();
  }
};

/// `expand_shape(transpose(x))` -> `transpose(expand_shape(x))`.
struct SinkThroughExpand : OpRewritePattern<tensor::ExpandShapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ExpandShapeOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = getLayoutTranspose(op.getSrc());
    auto type = op.getResultType();
    if (!transpose || !type.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "source is no layout transpose");
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
    // Lay the expanded dimensions out in the source's order.
    unsigned rank = permutation.size();
    SmallVector<unsigned> groupOfSource(rank);
    for (auto [i, dim] : llvm::enumerate(permutation))
      groupOfSource[dim] = i;
    SmallVector<ReassociationIndices> newGroups(rank);
    SmallVector<int64_t> newShape, newPermutation(type.getRank());
    for (unsigned source = 0; source < rank; ++source)
      for (int64_t dim : groups[groupOfSource[source]]) {
        newPermutation[dim] = newShape.size();
        newGroups[source].push_back(newShape.size());
        newShape.push_back(type.getDimSize(dim));
      }
    Value expanded = tensor::ExpandShapeOp::create(
        rewriter, op.getLoc(),
        RankedTensorType::get(newShape, type.getElementType()),
        transpose.getInput(), newGroups);
    rewriter.replaceOp(op, createLayoutTranspose(rewriter, op.getLoc(),
                                                 expanded, newPermutation));
    return success();
  }
};

/// `collapse_shape(transpose(x))` -> `transpose(collapse_shape(x))` where every
/// group is a run of neighbouring dimensions of x in the same order.
struct SinkThroughCollapse : OpRewritePattern<tensor::CollapseShapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::CollapseShapeOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = getLayoutTranspose(op.getSrc());
    auto type = op.getResultType();
    if (!transpose || !type.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "source is no layout transpose");
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    // Where each group starts in x; groups must be contiguous there.
    SmallVector<std::pair<int64_t, unsigned>> starts;
    SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
    for (auto [g, group] : llvm::enumerate(groups)) {
      for (unsigned i = 1; i < group.size(); ++i)
        if (permutation[group[i]] != permutation[group[i - 1]] + 1)
          return rewriter.notifyMatchFailure(op, "group is not contiguous");
      starts.push_back({permutation[group.front()], g});
    }
    llvm::sort(starts);
    SmallVector<ReassociationIndices> newGroups;
    SmallVector<int64_t> newShape, newPermutation(groups.size());
    for (auto [position, start] : llvm::enumerate(starts)) {
      ReassociationIndices indices;
      for (int64_t dim : groups[start.second])
        indices.push_back(permutation[dim]);
      newGroups.push_back(indices);
      newShape.push_back(type.getDimSize(start.second));
      newPermutation[start.second] = position;
    }
    Value collapsed = tensor::CollapseShapeOp::create(
        rewriter, op.getLoc(),
        RankedTensorType::get(newShape, type.getElementType()),
        transpose.getInput(), newGroups);
    rewriter.replaceOp(op, createLayoutTranspose(rewriter, op.getLoc(),
                                                 collapsed, newPermutation));
    return success();
  }
};

/// `concat(transpose(a), transpose(b))` -> `transpose(concat(a, b))`.
struct SinkThroughConcat : OpRewritePattern<tensor::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ConcatOp op,
                                PatternRewriter &rewriter) const override {
    SmallVector<Value> sources;
    ArrayRef<int64_t> permutation;
    for (Value input : op.getInputs()) {
      linalg::TransposeOp transpose = getLayoutTranspose(input);
      if (!transpose ||
          (!sources.empty() && transpose.getPermutation() != permutation))
        return rewriter.notifyMatchFailure(op, "operands differ in layout");
      permutation = transpose.getPermutation();
      sources.push_back(transpose.getInput());
    }
    Value joined = tensor::ConcatOp::create(rewriter, op.getLoc(),
                                            permutation[op.getDim()], sources);
    rewriter.replaceOp(
        op, createLayoutTranspose(rewriter, op.getLoc(), joined, permutation));
    return success();
  }
};

struct PropagateLayout
    : public qopt::impl::PropagateLayoutBase<PropagateLayout> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet convert(context), sink(context);
    populateChannelsLastPatterns(convert);
    populateFoldConstantMovementPatterns(convert);
    sink.add<MergeTransposes, SinkThroughElementwise, SinkThroughPad,
             SinkThroughExpand, SinkThroughCollapse, SinkThroughConcat>(
        context);
    // What cannot sink at least reads through.
    sink.add<ReadThroughTranspose>(context, /*benefit=*/0);
    convertPatterns = std::move(convert);
    sinkPatterns = std::move(sink);
    return success();
  }

  void runOnOperation() override {
    GreedyRewriteConfig config;
    config.enableFolding(false).enableConstantCSE(false);
    if (failed(
            applyPatternsGreedily(getOperation(), convertPatterns, config)) ||
        failed(applyPatternsGreedily(getOperation(), sinkPatterns, config)))
      return signalPassFailure();
    getOperation().walk(
        [](linalg::TransposeOp op) { op->removeAttr(kLayoutAttr); });
  }

  FrozenRewritePatternSet convertPatterns, sinkPatterns;
};
} // namespace

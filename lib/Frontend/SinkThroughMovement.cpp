//===- SinkThroughMovement.cpp - Layout transposes past tensor ops -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LayoutTransposes.h"

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"

#include "mlir/Dialect/Quant/IR/Quant.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// `transpose(transpose(x))` -> `x` or one transpose.
struct MergeTransposes : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto inner = op.getInput().getDefiningOp<linalg::TransposeOp>();
    if (!inner || (!op->hasAttr(kLayoutAttr) && !inner->hasAttr(kLayoutAttr)))
      return rewriter.notifyMatchFailure(op, "no layout transposes in a row");
    SmallVector<int64_t> merged =
        permute(inner.getPermutation(), op.getPermutation());
    if (llvm::equal(merged, llvm::seq<int64_t>(0, merged.size())))
      rewriter.replaceOp(op, inner.getInput());
    else
      rewriter.replaceOp(op, createLayoutTranspose(rewriter, op.getLoc(),
                                                   inner.getInput(), merged));
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
    SmallVector<int64_t> inverse = invertPermutation(permutation);
    auto amounts = [&](ArrayRef<int64_t> list) {
      return getAsIndexOpFoldResult(rewriter.getContext(),
                                    permute(list, inverse));
    };
    auto pad = tensor::PadOp::create(
        rewriter, op.getLoc(), permute(op.getResultType(), inverse),
        transpose.getInput(), amounts(op.getStaticLow()),
        amounts(op.getStaticHigh()), padding);
    rewriter.replaceOp(
        op, createLayoutTranspose(rewriter, op.getLoc(), pad, permutation));
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
    SmallVector<ReassociationIndices> groups = op.getReassociationIndices();
    // Lay the expanded dimensions out in the source's order.
    SmallVector<ReassociationIndices> newGroups;
    SmallVector<int64_t> newShape, newPermutation(type.getRank());
    for (int64_t group : invertPermutation(transpose.getPermutation())) {
      newGroups.emplace_back();
      for (int64_t dim : groups[group]) {
        newPermutation[dim] = newShape.size();
        newGroups.back().push_back(newShape.size());
        newShape.push_back(type.getDimSize(dim));
      }
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

/// `concat(transpose(a), transpose(b))` -> `transpose(concat(a, b))`. Operands
/// in another layout are converted where they are constants or the smaller
/// part.
struct SinkThroughConcat : OpRewritePattern<tensor::ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ConcatOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getResultType().hasStaticShape())
      return rewriter.notifyMatchFailure(op, "shape is not static");
    auto leader = llvm::find_if(op.getInputs(), getLayoutTranspose);
    if (leader == op.getInputs().end())
      return rewriter.notifyMatchFailure(op, "reads no layout transpose");
    SmallVector<int64_t> permutation(
        getLayoutTranspose(*leader).getPermutation());
    auto isSame = [&](Value input) {
      linalg::TransposeOp transpose = getLayoutTranspose(input);
      return transpose && transpose.getPermutation() == ArrayRef(permutation);
    };
    // Only a majority decides: two halves would turn each other around forever.
    int64_t transposed = 0, others = 0;
    for (Value input : op.getInputs()) {
      linalg::TransposeOp transpose = getLayoutTranspose(input);
      if (!isFreeInAnyLayout(transpose ? transpose.getInput() : input))
        (isSame(input) ? transposed : others) +=
            cast<RankedTensorType>(input.getType()).getNumElements();
    }
    if (transposed <= others)
      return rewriter.notifyMatchFailure(op, "most is in another layout");
    SmallVector<Value> sources;
    for (Value input : op.getInputs())
      sources.push_back(isSame(input)
                            ? getLayoutTranspose(input).getInput()
                            : convertLayout(rewriter, op.getLoc(), input,
                                            invertPermutation(permutation)));
    Value joined = tensor::ConcatOp::create(rewriter, op.getLoc(),
                                            permutation[op.getDim()], sources);
    rewriter.replaceOp(
        op, createLayoutTranspose(rewriter, op.getLoc(), joined, permutation));
    return success();
  }
};

/// `extract_slice(transpose(x))` -> `transpose(extract_slice(x))`.
struct SinkThroughExtractSlice : OpRewritePattern<tensor::ExtractSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ExtractSliceOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = getLayoutTranspose(op.getSource());
    if (!transpose || !op.getType().hasStaticShape())
      return rewriter.notifyMatchFailure(op, "source is no layout transpose");
    SmallVector<int64_t> inverse =
        invertPermutation(transpose.getPermutation());
    llvm::SmallBitVector dropped = op.getDroppedDims();
    // Kept dimensions in the source's order, and where each went.
    SmallVector<int64_t> shape;
    SmallVector<int64_t> positions(inverse.size(), -1);
    for (int64_t dim : inverse) {
      if (dropped.test(dim))
        continue;
      positions[dim] = shape.size();
      shape.push_back(op.getStaticSizes()[dim]);
    }
    llvm::erase(positions, -1);
    auto type = RankedTensorType::get(shape, op.getType().getElementType());
    Value slice = tensor::ExtractSliceOp::create(
        rewriter, op.getLoc(), type, transpose.getInput(),
        permute<OpFoldResult>(op.getMixedOffsets(), inverse),
        permute<OpFoldResult>(op.getMixedSizes(), inverse),
        permute<OpFoldResult>(op.getMixedStrides(), inverse));
    rewriter.replaceOp(
        op, createLayoutTranspose(rewriter, op.getLoc(), slice, positions));
    return success();
  }
};

/// `insert_slice(transpose(x), y)` -> `transpose(insert_slice(x, y'))` where
/// y' costs nothing or y is transposed, too.
struct SinkThroughInsertSlice : OpRewritePattern<tensor::InsertSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::InsertSliceOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp source = getLayoutTranspose(op.getSource());
    linalg::TransposeOp dest = getLayoutTranspose(op.getDest());
    if (op.getSourceType().getRank() != op.getDestType().getRank() ||
        !op.getDestType().hasStaticShape() ||
        (!dest && !(source && isFreeInAnyLayout(op.getDest()))))
      return rewriter.notifyMatchFailure(op, "reads no layout transposes");
    SmallVector<int64_t> permutation((dest ? dest : source).getPermutation());
    SmallVector<int64_t> inverse = invertPermutation(permutation);
    auto convert = [&](Value value) -> Value {
      linalg::TransposeOp transpose = getLayoutTranspose(value);
      if (transpose && transpose.getPermutation() == ArrayRef(permutation))
        return transpose.getInput();
      return convertLayout(rewriter, op.getLoc(), value, inverse);
    };
    Value inserted = tensor::InsertSliceOp::create(
        rewriter, op.getLoc(), convert(op.getSource()), convert(op.getDest()),
        permute<OpFoldResult>(op.getMixedOffsets(), inverse),
        permute<OpFoldResult>(op.getMixedSizes(), inverse),
        permute<OpFoldResult>(op.getMixedStrides(), inverse));
    rewriter.replaceOp(op, createLayoutTranspose(rewriter, op.getLoc(),
                                                 inserted, permutation));
    return success();
  }
};

/// `observe(transpose(x))` -> `transpose(observe(x))`, and so for casts between
/// quantized types with one scale.
template <typename CastOp> struct SinkThroughCast : OpRewritePattern<CastOp> {
  using OpRewritePattern<CastOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(CastOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = getLayoutTranspose(op->getOperand(0));
    if (!transpose || !hasOneScaleOrNone(op))
      return rewriter.notifyMatchFailure(op, "no cast of a layout transpose");
    auto source = cast<RankedTensorType>(transpose.getInput().getType());
    Operation *moved = rewriter.clone(*op.getOperation());
    moved->setOperand(0, transpose.getInput());
    moved->getResult(0).setType(RankedTensorType::get(
        source.getShape(), getElementTypeOrSelf(op->getResult(0).getType())));
    rewriter.replaceOp(op, createLayoutTranspose(rewriter, op.getLoc(),
                                                 moved->getResult(0),
                                                 transpose.getPermutation()));
    return success();
  }
};

/// `collapse_shape(transpose(x))` -> `transpose(collapse_shape(x))` where the
/// dimensions of each group are neighbours in x, in the same order.
struct SinkThroughCollapse : OpRewritePattern<tensor::CollapseShapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::CollapseShapeOp op,
                                PatternRewriter &rewriter) const override {
    linalg::TransposeOp transpose = getLayoutTranspose(op.getSrc());
    auto type = op.getResultType();
    if (!transpose || !type.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "source is no layout transpose");
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    // Where each group starts in x.
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
      newGroups.emplace_back();
      for (int64_t dim : groups[start.second])
        newGroups.back().push_back(permutation[dim]);
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

/// The same where dimensions of size 1 are anywhere: x is reshaped to what is
/// not 1, then to the result.
struct SinkThroughSqueeze : OpRewritePattern<tensor::CollapseShapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::CollapseShapeOp op,
                                PatternRewriter &rewriter) const override;
};
} // namespace

/// Puts each of `count` positions into the group of the last one before it that
/// `startsGroup`; those in front join the first.
static SmallVector<ReassociationIndices>
groupFrom(int64_t count, function_ref<bool(int64_t)> startsGroup) {
  SmallVector<ReassociationIndices> groups;
  bool hasStart = false;
  for (int64_t i = 0; i < count; ++i) {
    bool starts = startsGroup(i);
    if (groups.empty() || (starts && hasStart))
      groups.emplace_back();
    hasStart |= starts;
    groups.back().push_back(i);
  }
  return groups;
}

LogicalResult
SinkThroughSqueeze::matchAndRewrite(tensor::CollapseShapeOp op,
                                    PatternRewriter &rewriter) const {
  linalg::TransposeOp transpose = getLayoutTranspose(op.getSrc());
  auto type = op.getResultType();
  if (!transpose || !type.hasStaticShape() || type.getRank() == 0 ||
      type.getNumElements() == 0)
    return rewriter.notifyMatchFailure(op, "source is no layout transpose");
  ArrayRef<int64_t> permutation = transpose.getPermutation();
  auto source = cast<RankedTensorType>(transpose.getInput().getType());
  // The group of each dimension of x.
  SmallVector<int64_t> groupOf(source.getRank());
  for (auto [g, group] : llvm::enumerate(op.getReassociationIndices()))
    for (int64_t dim : group)
      groupOf[permutation[dim]] = g;
  // Groups in x's order, each begun by its first dimension that is not 1.
  SmallVector<int64_t> order, starts;
  SmallVector<int64_t> inverse = invertPermutation(permutation);
  int64_t last = -1;
  for (int64_t dim = 0; dim < source.getRank(); ++dim) {
    if (source.getDimSize(dim) == 1)
      continue;
    if (!order.empty() && order.back() == groupOf[dim]) {
      if (inverse[dim] < inverse[last])
        return rewriter.notifyMatchFailure(op, "group is in another order");
    } else if (llvm::is_contained(order, groupOf[dim])) {
      return rewriter.notifyMatchFailure(op, "group is not contiguous");
    } else {
      order.push_back(groupOf[dim]);
      starts.push_back(dim);
    }
    last = dim;
  }
  Location loc = op.getLoc();
  Type element = type.getElementType();
  // x with one dimension per group that is not 1.
  SmallVector<int64_t> squeezed;
  for (int64_t group : order)
    squeezed.push_back(type.getDimSize(group));
  if (order.empty())
    squeezed.push_back(1);
  Value value = transpose.getInput();
  if (static_cast<int64_t>(squeezed.size()) != source.getRank())
    value = tensor::CollapseShapeOp::create(
        rewriter, loc, RankedTensorType::get(squeezed, element), value,
        groupFrom(source.getRank(), [&](int64_t dim) {
          return llvm::is_contained(starts, dim);
        }));
  // Groups of size 1 come in behind their neighbour of the result.
  SmallVector<int64_t> expandedOrder;
  auto addOnesAfter = [&](int64_t group) {
    for (++group; group < type.getRank() && type.getDimSize(group) == 1;
         ++group)
      expandedOrder.push_back(group);
  };
  addOnesAfter(-1);
  for (int64_t group : order) {
    expandedOrder.push_back(group);
    addOnesAfter(group);
  }
  SmallVector<int64_t> shape = permute(type.getShape(), expandedOrder);
  if (shape != squeezed)
    value = tensor::ExpandShapeOp::create(
        rewriter, loc, RankedTensorType::get(shape, element), value,
        groupFrom(shape.size(), [&](int64_t i) { return shape[i] != 1; }));
  SmallVector<int64_t> result = invertPermutation(expandedOrder);
  if (!llvm::is_sorted(result))
    value = createLayoutTranspose(rewriter, loc, value, result);
  rewriter.replaceOp(op, value);
  return success();
}

void mlir::qopt::populateSinkThroughMovementPatterns(
    RewritePatternSet &patterns) {
  patterns.add<SinkThroughCollapse>(patterns.getContext(), /*benefit=*/2);
  patterns.add<MergeTransposes, SinkThroughPad, SinkThroughExpand,
               SinkThroughSqueeze, SinkThroughConcat, SinkThroughExtractSlice,
               SinkThroughInsertSlice, SinkThroughCast<ObserveOp>,
               SinkThroughCast<quant::QuantizeCastOp>,
               SinkThroughCast<quant::DequantizeCastOp>,
               SinkThroughCast<quant::StorageCastOp>>(patterns.getContext());
}

//===- NormalizeMovement.cpp - One form of data movement --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "NormalizeMovement.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::qopt;

/// A slice of the same rank at constant positions without strides.
static bool isPlainSlice(tensor::InsertSliceOp op) {
  return op.hasUnitStride() && op.getDestType().hasStaticShape() &&
         op.getSourceType().hasStaticShape() &&
         op.getSourceType().getRank() == op.getDestType().getRank() &&
         !ShapedType::isDynamicShape(op.getStaticOffsets());
}

namespace {
struct ExpandBroadcast : OpRewritePattern<tensor::ExpandShapeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ExpandShapeOp op,
                                PatternRewriter &rewriter) const override {
    auto broadcast = op.getSrc().getDefiningOp<linalg::BroadcastOp>();
    auto type = op.getResultType();
    if (!broadcast || !broadcast.hasPureTensorSemantics() ||
        !type.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "source is no broadcast");
    SmallVector<int64_t> newDims, shape;
    SmallVector<ReassociationIndices> groups;
    for (auto [dim, group] : llvm::enumerate(op.getReassociationIndices())) {
      if (llvm::is_contained(broadcast.getDimensions(), int64_t(dim))) {
        newDims.append(group.begin(), group.end());
        continue;
      }
      groups.emplace_back();
      for (int64_t result : group) {
        groups.back().push_back(shape.size());
        shape.push_back(type.getDimSize(result));
      }
    }
    Location loc = op.getLoc();
    auto small = RankedTensorType::get(shape, type.getElementType());
    Value expanded = broadcast.getInput();
    if (expanded.getType() != small)
      expanded =
          tensor::ExpandShapeOp::create(rewriter, loc, small, expanded, groups);
    Value empty = tensor::EmptyOp::create(rewriter, loc, type.getShape(),
                                          type.getElementType());
    rewriter.replaceOp(
        op, linalg::BroadcastOp::create(rewriter, loc, expanded, empty, newDims)
                .getResults());
    return success();
  }
};

/// As TOSA's concat arrives.
struct InsertionsToConcat : OpRewritePattern<tensor::InsertSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::InsertSliceOp op,
                                PatternRewriter &rewriter) const override {
    if (llvm::any_of(op->getUsers(), [&](Operation *user) {
          auto next = dyn_cast<tensor::InsertSliceOp>(user);
          return next && next.getDest() == op.getResult();
        }))
      return rewriter.notifyMatchFailure(op, "more slices are inserted");
    SmallVector<tensor::InsertSliceOp> slices;
    Value dest = op.getResult();
    while (auto slice = dest.getDefiningOp<tensor::InsertSliceOp>()) {
      if (!isPlainSlice(slice) || (slice != op && !slice->hasOneUse()))
        return rewriter.notifyMatchFailure(op, "not plain slices");
      slices.push_back(slice);
      dest = slice.getDest();
    }
    if (!dest.getDefiningOp<tensor::EmptyOp>() || slices.size() < 2)
      return rewriter.notifyMatchFailure(op, "do not fill an empty tensor");
    ArrayRef<int64_t> shape = op.getDestType().getShape();
    // The one dimension in which the slices follow each other.
    std::optional<unsigned> axis;
    for (auto [d, size] : llvm::enumerate(op.getStaticSizes()))
      if (size != shape[d]) {
        if (axis)
          return rewriter.notifyMatchFailure(op, "differ in two dimensions");
        axis = d;
      }
    if (!axis)
      return rewriter.notifyMatchFailure(op, "slice is the whole tensor");
    llvm::sort(slices, [&](auto a, auto b) {
      return a.getStaticOffsets()[*axis] < b.getStaticOffsets()[*axis];
    });
    int64_t position = 0;
    SmallVector<Value> sources;
    for (tensor::InsertSliceOp slice : slices) {
      for (auto [d, size] : llvm::enumerate(slice.getStaticSizes()))
        if (slice.getStaticOffsets()[d] != (d == *axis ? position : 0) ||
            (d != *axis && size != shape[d]))
          return rewriter.notifyMatchFailure(op, "leave gaps or overlap");
      position += slice.getStaticSizes()[*axis];
      sources.push_back(slice.getSource());
    }
    if (position != shape[*axis])
      return rewriter.notifyMatchFailure(op, "do not fill the tensor");
    rewriter.replaceOpWithNewOp<tensor::ConcatOp>(op, *axis, sources);
    return success();
  }
};

struct InsertionToPad : OpRewritePattern<tensor::InsertSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::InsertSliceOp op,
                                PatternRewriter &rewriter) const override {
    auto fill = op.getDest().getDefiningOp<linalg::FillOp>();
    Attribute padding;
    if (!fill || !isPlainSlice(op) ||
        !matchPattern(fill.getInputs()[0], m_Constant(&padding)))
      return rewriter.notifyMatchFailure(op, "destination is no constant fill");
    SmallVector<int64_t> high;
    for (auto [offset, size, extent] :
         llvm::zip(op.getStaticOffsets(), op.getStaticSizes(),
                   op.getDestType().getShape()))
      high.push_back(extent - offset - size);
    rewriter.replaceOpWithNewOp<tensor::PadOp>(
        op, op.getDestType(), op.getSource(), op.getMixedOffsets(),
        getAsIndexOpFoldResult(rewriter.getContext(), high),
        fill.getInputs()[0]);
    return success();
  }
};

struct GeneralizeNamed : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    bool isNamedElementwise =
        op.getNumParallelLoops() == op.getNumLoops() &&
        !isa<linalg::GenericOp, linalg::FillOp, linalg::TransposeOp,
             linalg::BroadcastOp>(op);
    if (!op.hasPureTensorSemantics() ||
        !(isNamedElementwise || isa<linalg::ReduceOp>(op)))
      return rewriter.notifyMatchFailure(op, "keeps its name");
    return linalg::generalizeNamedOp(rewriter, op);
  }
};
} // namespace

void mlir::qopt::populateNormalizeMovementPatterns(
    RewritePatternSet &patterns) {
  patterns.add<ExpandBroadcast, InsertionsToConcat, InsertionToPad,
               GeneralizeNamed>(patterns.getContext());
}

//===- FlattenIntoWeights.cpp - Flattened images of any layout --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A classifier reads a flattened image: its weights have one row per channel
// and pixel, channels first. Sorted the other way round at compile time, they
// fit the image as it is.
//
//===----------------------------------------------------------------------===//
#include "LayoutTransposes.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Quantizable.h"

using namespace mlir;
using namespace mlir::qopt;

/// The loop that `map` reads alone as result `index`, or nothing.
static std::optional<unsigned> getLoop(AffineMap map, int64_t index) {
  auto dim = dyn_cast<AffineDimExpr>(map.getResult(index));
  if (!dim || llvm::count_if(map.getResults(), [&](AffineExpr expr) {
                return expr.isFunctionOfDim(dim.getPosition());
              }) != 1)
    return std::nullopt;
  return dim.getPosition();
}

/// Whether each group of a collapse of `transpose(x, permutation)` covers
/// neighbouring dimensions of x, and the groups are in x's order.
static bool areNeighbours(ArrayRef<ReassociationIndices> groups,
                          ArrayRef<int64_t> permutation) {
  int64_t next = 0;
  for (const ReassociationIndices &group : groups) {
    SmallVector<int64_t> dims;
    for (int64_t dim : group)
      dims.push_back(permutation[dim]);
    llvm::sort(dims);
    for (int64_t dim : dims)
      if (dim != next++)
        return false;
  }
  return true;
}

namespace {
struct FlattenIntoWeights : OpInterfaceRewritePattern<linalg::LinalgOp> {
  using OpInterfaceRewritePattern::OpInterfaceRewritePattern;
  LogicalResult matchAndRewrite(linalg::LinalgOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Quantizable> match = matchQuantizable(op);
    if (!match || !match->weight || hasWindow(op) ||
        !getConstantElements(match->weight->get()))
      return rewriter.notifyMatchFailure(op, "weights are not constant");
    // Observers of an imported model stay around the flattening.
    SmallVector<ObserveOp> observers;
    Value value = match->activation->get();
    while (auto observer = value.getDefiningOp<ObserveOp>()) {
      observers.push_back(observer);
      value = observer.getInput();
    }
    auto collapse = value.getDefiningOp<tensor::CollapseShapeOp>();
    linalg::TransposeOp transpose =
        collapse ? getLayoutTranspose(collapse.getSrc()) : nullptr;
    if (!transpose)
      return rewriter.notifyMatchFailure(op, "reads no flattened transpose");
    ArrayRef<int64_t> permutation = transpose.getPermutation();
    SmallVector<ReassociationIndices> groups =
        collapse.getReassociationIndices();
    if (!areNeighbours(groups, permutation))
      return rewriter.notifyMatchFailure(op, "does not flatten neighbours");
    // The one dimension whose elements change their order must be summed over.
    std::optional<int64_t> flattened;
    for (auto [g, group] : llvm::enumerate(groups)) {
      SmallVector<int64_t> dims = permuteGroup(group, permutation);
      if (llvm::is_sorted(dims))
        continue;
      if (flattened)
        return rewriter.notifyMatchFailure(op, "several dimensions change");
      flattened = g;
    }
    if (!flattened)
      return rewriter.notifyMatchFailure(op, "no dimension changes");
    std::optional<unsigned> loop =
        getLoop(op.getMatchingIndexingMap(match->activation), *flattened);
    AffineMap weightMap = op.getMatchingIndexingMap(match->weight);
    int64_t weightDim = -1;
    for (unsigned i = 0; i < weightMap.getNumResults(); ++i)
      if (loop && getLoop(weightMap, i) == loop)
        weightDim = i;
    if (weightDim < 0 ||
        op.getIteratorTypesArray()[*loop] != utils::IteratorType::reduction)
      return rewriter.notifyMatchFailure(op, "dimension is not summed over");

    Location loc = op.getLoc();
    rewriter.setInsertionPoint(op);
    SmallVector<int64_t> dims = permuteGroup(groups[*flattened], permutation);
    Value weight = sortRows(rewriter, loc, match->weight->get(), weightDim,
                            collapse.getSrcType(), groups[*flattened], dims);
    SmallVector<ReassociationIndices> newGroups;
    int64_t next = 0;
    for (const ReassociationIndices &group : groups) {
      newGroups.emplace_back();
      for (size_t i = 0; i < group.size(); ++i)
        newGroups.back().push_back(next++);
    }
    Value flat =
        tensor::CollapseShapeOp::create(rewriter, loc, collapse.getResultType(),
                                        transpose.getInput(), newGroups);
    for (ObserveOp observer : llvm::reverse(observers)) {
      Operation *copy = rewriter.clone(*observer);
      copy->setOperand(0, flat);
      flat = copy->getResult(0);
    }
    rewriter.modifyOpInPlace(op, [&] {
      match->activation->set(flat);
      match->weight->set(weight);
    });
    return success();
  }

private:
  static SmallVector<int64_t> permuteGroup(const ReassociationIndices &group,
                                           ArrayRef<int64_t> permutation) {
    SmallVector<int64_t> dims;
    for (int64_t dim : group)
      dims.push_back(permutation[dim]);
    return dims;
  }

  /// `weight` with its dimension `dim`, which runs over the dimensions `group`
  /// of `image`, sorted by `keys`: as reshapes and a transpose of the constant.
  static Value sortRows(PatternRewriter &rewriter, Location loc, Value weight,
                        int64_t dim, RankedTensorType image,
                        const ReassociationIndices &group,
                        ArrayRef<int64_t> keys) {
    auto type = cast<RankedTensorType>(weight.getType());
    SmallVector<int64_t> shape, permutation;
    SmallVector<ReassociationIndices> groups;
    for (int64_t d = 0; d < type.getRank(); ++d) {
      groups.emplace_back();
      for (size_t i = 0, e = d == dim ? group.size() : 1; i < e; ++i) {
        groups.back().push_back(shape.size());
        permutation.push_back(shape.size());
        shape.push_back(d == dim ? image.getDimSize(group[i])
                                 : type.getDimSize(d));
      }
    }
    llvm::sort(
        MutableArrayRef(permutation).slice(dim, group.size()),
        [&](int64_t a, int64_t b) { return keys[a - dim] < keys[b - dim]; });
    auto expanded = RankedTensorType::get(shape, type.getElementType());
    Value value =
        tensor::ExpandShapeOp::create(rewriter, loc, expanded, weight, groups);
    value = createLayoutTranspose(rewriter, loc, value, permutation);
    return tensor::CollapseShapeOp::create(rewriter, loc, type, value, groups);
  }
};
} // namespace

void mlir::qopt::populateFlattenIntoWeightsPatterns(
    RewritePatternSet &patterns) {
  patterns.add<FlattenIntoWeights>(patterns.getContext());
}

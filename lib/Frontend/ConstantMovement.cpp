//===- ConstantMovement.cpp - Evaluate data movement of constants ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Frontend/ConstantMovement.h"

#include "QuantOpt/Analysis/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace mlir::qopt;

static std::string getHint(ElementsAttr attr) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    return resource.getRawHandle().getKey().str();
  return "weight";
}

FailureOr<ElementsAttr>
mlir::qopt::transposeConstant(ElementsAttr attr,
                              ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(attr.getType());
  ArrayRef<int64_t> shape = type.getShape();
  SmallVector<int64_t> newShape;
  for (int64_t dim : permutation)
    newShape.push_back(shape[dim]);
  auto newType = RankedTensorType::get(newShape, type.getElementType());
  if (auto splat = dyn_cast<SplatElementsAttr>(attr))
    return cast<ElementsAttr>(splat.resizeSplat(newType));
  FailureOr<std::vector<char>> bytes = readRawBytes(attr);
  if (failed(bytes))
    return failure();
  if (bytes->empty())
    return makeConstantElements(newType, {}, getHint(attr));

  // Source strides in elements, in the order of the result's dimensions.
  int64_t rank = shape.size();
  SmallVector<int64_t> strides(rank), sourceStrides(rank);
  int64_t stride = 1;
  for (int64_t i = rank; i-- > 0;) {
    sourceStrides[i] = stride;
    stride *= shape[i];
  }
  for (int64_t i = 0; i < rank; ++i)
    strides[i] = sourceStrides[permutation[i]];
  size_t width = bytes->size() / std::max<int64_t>(stride, 1);
  std::vector<char> result(bytes->size());
  SmallVector<int64_t> index(rank, 0);
  int64_t source = 0;
  for (char *out = result.data(), *end = out + result.size(); out != end;
       out += width) {
    memcpy(out, bytes->data() + source * width, width);
    for (int64_t i = rank; i-- > 0;) {
      source += strides[i];
      if (++index[i] < newShape[i])
        break;
      source -= strides[i] * newShape[i];
      index[i] = 0;
    }
  }
  return makeConstantElements(newType, std::move(result), getHint(attr));
}

namespace {
struct FoldTransposeOfConstant : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    ElementsAttr attr = getConstantElements(op.getInput());
    if (!attr || !op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "input is not constant");
    FailureOr<ElementsAttr> folded = transposeConstant(attr, op.getPermutation());
    if (failed(folded))
      return rewriter.notifyMatchFailure(op, "elements are not whole bytes");
    rewriter.replaceOp(op, makeConstant(rewriter, op.getLoc(), *folded));
    return success();
  }
};

template <typename ReshapeOp>
struct FoldReshapeOfConstant : OpRewritePattern<ReshapeOp> {
  using OpRewritePattern<ReshapeOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    ElementsAttr attr = getConstantElements(op.getSrc());
    auto type = cast<RankedTensorType>(op.getResult().getType());
    if (!attr || !type.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "source is not constant");
    ElementsAttr folded;
    if (auto dense = dyn_cast<DenseElementsAttr>(attr)) {
      folded = dense.reshape(type);
    } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
      folded = DenseResourceElementsAttr::get(type, resource.getRawHandle());
    } else {
      return rewriter.notifyMatchFailure(op, "unknown kind of constant");
    }
    rewriter.replaceOp(op, makeConstant(rewriter, op.getLoc(), folded));
    return success();
  }
};
} // namespace

void mlir::qopt::populateFoldConstantMovementPatterns(
    RewritePatternSet &patterns) {
  patterns.add<FoldTransposeOfConstant,
               FoldReshapeOfConstant<tensor::ExpandShapeOp>,
               FoldReshapeOfConstant<tensor::CollapseShapeOp>>(
      patterns.getContext());
}

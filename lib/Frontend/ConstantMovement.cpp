//===- ConstantMovement.cpp - Evaluate data movement of constants ---*- C++
//-*-===//
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

/// Copies the elements at `offset + Σ index·stride` of `bytes`, row-major over
/// `shape`; offset and strides count elements of `width` bytes.
static std::vector<char> gather(ArrayRef<char> bytes, size_t width,
                                ArrayRef<int64_t> shape, int64_t offset,
                                ArrayRef<int64_t> strides) {
  std::vector<char> result(ShapedType::getNumElements(shape) * width);
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t source = offset;
  for (size_t out = 0; out < result.size(); out += width) {
    memcpy(result.data() + out, bytes.data() + source * width, width);
    for (size_t i = shape.size(); i-- > 0;) {
      source += strides[i];
      if (++index[i] < shape[i])
        break;
      source -= strides[i] * shape[i];
      index[i] = 0;
    }
  }
  return result;
}

/// Row-major strides in elements.
static SmallVector<int64_t> getStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
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
  size_t width = bytes->size() / ShapedType::getNumElements(shape);
  SmallVector<int64_t> sourceStrides = getStrides(shape), strides;
  for (int64_t dim : permutation)
    strides.push_back(sourceStrides[dim]);
  return makeConstantElements(
      newType, gather(*bytes, width, newShape, 0, strides), getHint(attr));
}

namespace {
struct FoldTransposeOfConstant : OpRewritePattern<linalg::TransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(linalg::TransposeOp op,
                                PatternRewriter &rewriter) const override {
    ElementsAttr attr = getConstantElements(op.getInput());
    if (!attr || !op.hasPureTensorSemantics())
      return rewriter.notifyMatchFailure(op, "input is not constant");
    FailureOr<ElementsAttr> folded =
        transposeConstant(attr, op.getPermutation());
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

/// A slice of a constant, as grouped convolutions arrive from TOSA.
struct FoldSliceOfConstant : OpRewritePattern<tensor::ExtractSliceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(tensor::ExtractSliceOp op,
                                PatternRewriter &rewriter) const override {
    ElementsAttr attr = getConstantElements(op.getSource());
    auto type = cast<RankedTensorType>(op.getType());
    if (!attr || !op.hasUnitStride() || !type.hasStaticShape() ||
        ShapedType::isDynamicShape(op.getStaticOffsets()) ||
        ShapedType::isDynamicShape(op.getStaticSizes()))
      return rewriter.notifyMatchFailure(op,
                                         "not a static slice of a constant");
    FailureOr<std::vector<char>> bytes = readRawBytes(attr);
    ArrayRef<int64_t> shape = op.getSourceType().getShape();
    if (failed(bytes) || bytes->empty())
      return rewriter.notifyMatchFailure(op, "elements are not whole bytes");
    SmallVector<int64_t> strides = getStrides(shape);
    int64_t offset = 0;
    for (auto [position, stride] : llvm::zip(op.getStaticOffsets(), strides))
      offset += position * stride;
    size_t width = bytes->size() / ShapedType::getNumElements(shape);
    rewriter.replaceOp(
        op, makeConstant(
                rewriter, op.getLoc(),
                makeConstantElements(
                    type,
                    gather(*bytes, width, op.getStaticSizes(), offset, strides),
                    getHint(attr))));
    return success();
  }
};
} // namespace

void mlir::qopt::populateFoldConstantMovementPatterns(
    RewritePatternSet &patterns) {
  patterns.add<FoldTransposeOfConstant, FoldSliceOfConstant,
               FoldReshapeOfConstant<tensor::ExpandShapeOp>,
               FoldReshapeOfConstant<tensor::CollapseShapeOp>>(
      patterns.getContext());
}

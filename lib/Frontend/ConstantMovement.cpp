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
#include "QuantOpt/Conversion/QuantizedParameters.h"
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

/// `attr` behind the reshape to `type`.
static FailureOr<ElementsAttr> reshapeConstant(ElementsAttr attr,
                                               RankedTensorType type) {
  type = type.clone(attr.getElementType());
  if (auto dense = dyn_cast<DenseElementsAttr>(attr))
    return cast<ElementsAttr>(dense.reshape(type));
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    return cast<ElementsAttr>(
        DenseResourceElementsAttr::get(type, resource.getRawHandle()));
  return failure();
}

//===----------------------------------------------------------------------===//
// What each op does to elements and to quantization parameters
//===----------------------------------------------------------------------===//

static FailureOr<ElementsAttr> move(linalg::TransposeOp op, ElementsAttr attr) {
  if (!op.hasPureTensorSemantics())
    return failure();
  return transposeConstant(attr, op.getPermutation());
}
static void move(linalg::TransposeOp op, QuantizedParameters &parameters,
                 ArrayRef<int64_t> shape) {
  parameters.transpose(shape, op.getPermutation());
}

template <typename ReshapeOp>
static FailureOr<ElementsAttr> move(ReshapeOp op, ElementsAttr attr) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  if (!type.hasStaticShape())
    return failure();
  return reshapeConstant(attr, type);
}
static void move(tensor::ExpandShapeOp op, QuantizedParameters &parameters,
                 ArrayRef<int64_t> shape) {
  parameters.expand(shape, op.getReassociationIndices(),
                    op.getResultType().getShape());
}
static void move(tensor::CollapseShapeOp op, QuantizedParameters &parameters,
                 ArrayRef<int64_t> shape) {
  parameters.collapse(shape, op.getReassociationIndices());
}

/// Grouped convolutions arrive from TOSA as slices of their weights.
static FailureOr<ElementsAttr> move(tensor::ExtractSliceOp op,
                                    ElementsAttr attr) {
  auto type = cast<RankedTensorType>(op.getType());
  ArrayRef<int64_t> shape = op.getSourceType().getShape();
  if (!op.hasUnitStride() || !type.hasStaticShape() ||
      ShapedType::isDynamicShape(op.getStaticOffsets()) ||
      ShapedType::isDynamicShape(op.getStaticSizes()))
    return failure();
  FailureOr<std::vector<char>> bytes = readRawBytes(attr);
  if (failed(bytes) || bytes->empty())
    return failure();
  SmallVector<int64_t> strides = getStrides(shape);
  int64_t offset = 0;
  for (auto [position, stride] : llvm::zip(op.getStaticOffsets(), strides))
    offset += position * stride;
  size_t width = bytes->size() / ShapedType::getNumElements(shape);
  return makeConstantElements(
      type.clone(attr.getElementType()),
      gather(*bytes, width, op.getStaticSizes(), offset, strides),
      getHint(attr));
}
static void move(tensor::ExtractSliceOp op, QuantizedParameters &parameters,
                 ArrayRef<int64_t> shape) {
  ArrayRef<int64_t> sizes = op.getStaticSizes();
  parameters.slice(shape, op.getStaticOffsets(), sizes);
  // Dropped dimensions have one index.
  auto source = RankedTensorType::get(sizes, op.getType().getElementType());
  if (source.getRank() != op.getType().getRank())
    if (auto groups = getReassociationIndicesForReshape(source, op.getType()))
      parameters.collapse(sizes, *groups);
}

namespace {
/// `op(constant)` -> constant, and `op(dcast(scast(constant)))` ->
/// `dcast(scast(constant))` with the scales where their elements went.
template <typename MoveOp> struct FoldMovement : OpRewritePattern<MoveOp> {
  using OpRewritePattern<MoveOp>::OpRewritePattern;
  LogicalResult matchAndRewrite(MoveOp op,
                                PatternRewriter &rewriter) const override {
    Value source = op->getOperand(0);
    std::optional<QuantizedConstant> quantized = getQuantizedConstant(source);
    ElementsAttr attr =
        quantized ? quantized->elements : getConstantElements(source);
    if (!attr)
      return rewriter.notifyMatchFailure(op, "operand is not constant");
    FailureOr<ElementsAttr> moved = move(op, attr);
    if (failed(moved))
      return rewriter.notifyMatchFailure(
          op, "shapes are not static or elements not whole bytes");
    if (!quantized) {
      rewriter.replaceOp(op, makeConstant(rewriter, op.getLoc(), *moved));
      return success();
    }
    FailureOr<QuantizedParameters> parameters =
        QuantizedParameters::get(quantized->type, /*allowBlocks=*/true);
    if (failed(parameters))
      return rewriter.notifyMatchFailure(op, "unknown quantized type");
    move(op, *parameters, cast<ShapedType>(attr.getType()).getShape());
    FailureOr<quant::QuantizedType> type = parameters->getType(
        op.getContext(), cast<ShapedType>(moved->getType()).getShape());
    if (failed(type))
      return rewriter.notifyMatchFailure(op, "no type holds the scales");
    rewriter.replaceOp(
        op, makeQuantizedConstant(rewriter, op.getLoc(), {*moved, *type}));
    return success();
  }
};
} // namespace

void mlir::qopt::populateFoldConstantMovementPatterns(
    RewritePatternSet &patterns) {
  patterns.add<FoldMovement<linalg::TransposeOp>,
               FoldMovement<tensor::ExtractSliceOp>,
               FoldMovement<tensor::ExpandShapeOp>,
               FoldMovement<tensor::CollapseShapeOp>>(patterns.getContext());
}

//===- TensorView.cpp - Loops in the memory of a tensor --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "TensorView.h"

#include "QuantOpt/Analysis/Constants.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace mlir::qopt;

int64_t mlir::qopt::getNumPoints(ArrayRef<LoopPart> parts) {
  int64_t points = 1;
  for (const LoopPart &part : parts)
    points *= part.extent;
  return points;
}

static ArrayRef<int64_t> getShape(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getShape();
}

//===----------------------------------------------------------------------===//
// Through one op
//===----------------------------------------------------------------------===//

static bool isWholeDim(const TensorView &view, size_t dim) {
  return getNumPoints(view.dims[dim]) == getShape(view.value)[dim];
}

bool TensorView::isWhole() const {
  for (size_t dim = 0; dim < dims.size(); ++dim)
    if (!isWholeDim(*this, dim))
      return false;
  return true;
}

std::optional<SmallVector<LoopParts>>
mlir::qopt::splitParts(ArrayRef<LoopPart> parts, ArrayRef<int64_t> extents) {
  LoopParts rest(parts);
  SmallVector<LoopParts> split(extents.size());
  for (size_t i = extents.size(); i-- > 0;) {
    for (int64_t needed = extents[i]; needed > 1;) {
      if (rest.empty())
        return std::nullopt;
      LoopPart &last = rest.back();
      if (needed % last.extent == 0) {
        needed /= last.extent;
        split[i].insert(split[i].begin(), last);
        rest.pop_back();
      } else if (last.extent % needed == 0) {
        split[i].insert(split[i].begin(), {last.loop, last.stride, needed});
        last.stride *= needed;
        last.extent /= needed;
        needed = 1;
      } else {
        return std::nullopt;
      }
    }
  }
  if (!rest.empty())
    return std::nullopt;
  return split;
}

std::optional<std::pair<Value, SmallVector<int64_t>>>
mlir::qopt::matchTranspose(Operation *op) {
  auto linalgOp = dyn_cast_or_null<linalg::LinalgOp>(op);
  if (!linalgOp || !linalgOp.hasPureTensorSemantics())
    return std::nullopt;
  if (auto transpose = dyn_cast<linalg::TransposeOp>(op))
    return std::pair<Value, SmallVector<int64_t>>(
        transpose.getInput(), SmallVector<int64_t>(transpose.getPermutation()));
  // As a copy with a permutation.
  Block *block = linalgOp.getBlock();
  if (linalgOp.getNumDpsInputs() != 1 || linalgOp.getNumDpsInits() != 1 ||
      !llvm::hasSingleElement(*block) ||
      block->getTerminator()->getOperand(0) != block->getArgument(0))
    return std::nullopt;
  SmallVector<AffineMap> maps = linalgOp.getIndexingMapsArray();
  if (!isa<RankedTensorType>(linalgOp->getOperand(0).getType()) ||
      !maps[0].isPermutation() || maps[0].isIdentity() || !maps[1].isIdentity())
    return std::nullopt;
  SmallVector<int64_t> permutation(maps[0].getNumResults());
  for (unsigned dim = 0; dim < permutation.size(); ++dim)
    permutation[maps[0].getDimPosition(dim)] = dim;
  return std::pair(linalgOp->getOperand(0), std::move(permutation));
}

static bool throughTranspose(TensorView &view) {
  auto transpose = matchTranspose(view.value.getDefiningOp());
  if (!transpose)
    return false;
  TensorView source = view;
  source.value = transpose->first;
  source.isTransposed = true;
  for (auto [dim, from] : llvm::enumerate(transpose->second)) {
    source.dims[from] = view.dims[dim];
    source.offsets[from] = view.offsets[dim];
  }
  view = std::move(source);
  return true;
}

/// The value has more dims than its source.
static bool throughExpand(TensorView &view, tensor::ExpandShapeOp expand) {
  TensorView source;
  source.value = expand.getSrc();
  source.isTransposed = view.isTransposed;
  for (const ReassociationIndices &group : expand.getReassociationIndices()) {
    LoopParts parts;
    // A box stays one if only the outermost of the dims is cut.
    int64_t offset = 0, outer = 1;
    for (int64_t dim : group) {
      if (outer != 1 && !isWholeDim(view, dim))
        return false;
      int64_t extent = getShape(view.value)[dim];
      offset = offset * extent + view.offsets[dim];
      outer *= extent;
      parts.append(view.dims[dim]);
    }
    source.dims.push_back(std::move(parts));
    source.offsets.push_back(offset);
  }
  view = std::move(source);
  return true;
}

/// The value has fewer dims than its source.
static bool throughCollapse(TensorView &view,
                            tensor::CollapseShapeOp collapse) {
  TensorView source;
  source.value = collapse.getSrc();
  source.isTransposed = view.isTransposed;
  for (auto [dim, group] :
       llvm::enumerate(collapse.getReassociationIndices())) {
    if (!isWholeDim(view, dim))
      return false;
    SmallVector<int64_t> extents;
    for (int64_t from : group)
      extents.push_back(getShape(source.value)[from]);
    auto split = splitParts(view.dims[dim], extents);
    if (!split)
      return false;
    source.dims.append(*split);
  }
  source.offsets.assign(source.dims.size(), 0);
  view = std::move(source);
  return true;
}

static bool isStaticSlice(tensor::ExtractSliceOp slice) {
  return slice.hasUnitStride() && slice.getSourceType().hasStaticShape() &&
         !ShapedType::isDynamicShape(slice.getStaticOffsets()) &&
         !ShapedType::isDynamicShape(slice.getStaticSizes());
}

static bool throughSlice(TensorView &view, tensor::ExtractSliceOp slice) {
  if (!isStaticSlice(slice))
    return false;
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  TensorView source;
  source.value = slice.getSource();
  source.isTransposed = view.isTransposed;
  size_t next = 0;
  for (auto [dim, offset] : llvm::enumerate(slice.getStaticOffsets())) {
    bool isDropped = dropped.test(dim);
    source.dims.push_back(isDropped ? LoopParts() : view.dims[next]);
    source.offsets.push_back(offset + (isDropped ? 0 : view.offsets[next]));
    next += !isDropped;
  }
  view = std::move(source);
  return true;
}

SmallVector<TensorView> mlir::qopt::getViews(Value operand,
                                             ArrayRef<LoopParts> dims) {
  TensorView view;
  view.value = operand;
  view.dims.assign(dims.begin(), dims.end());
  view.offsets.assign(dims.size(), 0);
  SmallVector<TensorView> views = {view};
  while (Operation *op = view.value.getDefiningOp()) {
    if (throughTranspose(view)) {
      views.push_back(view);
      continue;
    }
    auto expand = dyn_cast<tensor::ExpandShapeOp>(op);
    auto collapse = dyn_cast<tensor::CollapseShapeOp>(op);
    auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
    if (!(expand && throughExpand(view, expand)) &&
        !(collapse && throughCollapse(view, collapse)) &&
        !(slice && throughSlice(view, slice)))
      break;
  }
  return views;
}

//===----------------------------------------------------------------------===//
// Memory
//===----------------------------------------------------------------------===//

SmallVector<int64_t> mlir::qopt::getTensorStrides(Value tensor,
                                                  int64_t &offset) {
  ArrayRef<int64_t> shape = getShape(tensor);
  Operation *op = tensor.getDefiningOp();
  if (auto slice = dyn_cast_or_null<tensor::ExtractSliceOp>(op);
      slice && isStaticSlice(slice)) {
    SmallVector<int64_t> from = getTensorStrides(slice.getSource(), offset);
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    SmallVector<int64_t> strides;
    for (auto [dim, first] : llvm::enumerate(slice.getStaticOffsets())) {
      offset += first * from[dim];
      if (!dropped.test(dim))
        strides.push_back(from[dim]);
    }
    return strides;
  }
  if (auto expand = dyn_cast_or_null<tensor::ExpandShapeOp>(op)) {
    SmallVector<int64_t> from = getTensorStrides(expand.getSrc(), offset);
    SmallVector<int64_t> strides(shape.size());
    for (auto [dim, group] :
         llvm::enumerate(expand.getReassociationIndices())) {
      int64_t stride = from[dim];
      for (int64_t to : llvm::reverse(group)) {
        strides[to] = stride;
        stride *= shape[to];
      }
    }
    return strides;
  }
  if (auto collapse = dyn_cast_or_null<tensor::CollapseShapeOp>(op)) {
    int64_t sourceOffset = 0;
    SmallVector<int64_t> from =
        getTensorStrides(collapse.getSrc(), sourceOffset);
    ArrayRef<int64_t> extents = getShape(collapse.getSrc());
    SmallVector<int64_t> strides;
    bool isView = true;
    for (const ReassociationIndices &group :
         collapse.getReassociationIndices()) {
      int64_t next = 0;
      strides.push_back(1);
      for (int64_t dim : llvm::reverse(group)) {
        if (extents[dim] == 1)
          continue;
        if (next == 0)
          strides.back() = from[dim];
        else
          isView &= from[dim] == next;
        next = from[dim] * extents[dim];
      }
    }
    if (isView) {
      offset += sourceOffset;
      return strides;
    }
  }
  return computeStrides(shape);
}

StridedParts mlir::qopt::getStridedParts(const TensorView &view) {
  StridedParts parts;
  int64_t offset = 0;
  SmallVector<int64_t> strides = getTensorStrides(view.value, offset);
  for (auto [dim, stride] : llvm::zip(view.dims, strides)) {
    int64_t inner = getNumPoints(dim);
    for (const LoopPart &part : dim) {
      inner /= part.extent;
      parts.push_back({part, stride * inner});
    }
  }
  llvm::stable_sort(parts, [](const StridedPart &x, const StridedPart &y) {
    return x.stride > y.stride;
  });
  return parts;
}

StridedParts mlir::qopt::getStridedParts(ArrayRef<LoopParts> dims) {
  StridedParts parts;
  int64_t stride = 1;
  for (const LoopParts &dim : llvm::reverse(dims))
    for (const LoopPart &part : llvm::reverse(dim)) {
      parts.insert(parts.begin(), {part, stride});
      stride *= part.extent;
    }
  return parts;
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

Value mlir::qopt::buildSlice(OpBuilder &builder, Location loc,
                             const TensorView &view) {
  if (view.isWhole())
    return view.value;
  SmallVector<OpFoldResult> offsets, sizes,
      strides(view.dims.size(), builder.getIndexAttr(1));
  for (auto [dim, offset] : llvm::zip(view.dims, view.offsets)) {
    offsets.push_back(builder.getIndexAttr(offset));
    sizes.push_back(builder.getIndexAttr(getNumPoints(dim)));
  }
  return tensor::ExtractSliceOp::create(builder, loc, view.value, offsets,
                                        sizes, strides);
}

static Value reshapeConstant(OpBuilder &builder, Location loc,
                             ElementsAttr attr, RankedTensorType type) {
  if (auto dense = dyn_cast<DenseElementsAttr>(attr))
    return makeConstant(builder, loc, dense.reshape(type));
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    return makeConstant(
        builder, loc,
        DenseResourceElementsAttr::get(type, resource.getRawHandle()));
  return nullptr;
}

/// By one op, if dims are only merged or only split.
static Value reshapeAtOnce(OpBuilder &builder, Location loc, Value value,
                           ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(value.getType());
  auto target = RankedTensorType::get(shape, type.getElementType());
  if (type == target)
    return value;
  if (ElementsAttr attr = getConstantElements(value))
    if (Value constant = reshapeConstant(builder, loc, attr, target))
      return constant;
  auto groups = getReassociationIndicesForReshape(type, target);
  if (!groups)
    return nullptr;
  if (type.getRank() > target.getRank())
    return tensor::CollapseShapeOp::create(builder, loc, target, value,
                                           *groups);
  return tensor::ExpandShapeOp::create(builder, loc, target, value, *groups);
}

Value mlir::qopt::buildReshape(OpBuilder &builder, Location loc, Value value,
                               ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(value.getType());
  return buildReshape(builder, loc, value, {type.getNumElements()}, shape);
}

Value mlir::qopt::buildReshape(OpBuilder &builder, Location loc, Value value,
                               ArrayRef<int64_t> common,
                               ArrayRef<int64_t> shape) {
  if (Value reshaped = reshapeAtOnce(builder, loc, value, shape))
    return reshaped;
  Value between = reshapeAtOnce(builder, loc, value, common);
  if (!between)
    between = buildReshape(builder, loc, value, common);
  if (Value reshaped = reshapeAtOnce(builder, loc, between, shape))
    return reshaped;
  return buildReshape(builder, loc, between, shape);
}

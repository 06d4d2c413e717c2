//===- ConvWindow.cpp - Convolutions as products with a window -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Dims of an image, by the loops in their subscripts:
//   images    one loop of the result that the weight does not have
//   spatial   a window: stride * (loop of the result) + dilation * (tap); at
//             most two, of which either part may be missing
//   groups    one loop that image, weight and result have
//   channels  one loop that image and weight have, but not the result
// in this order. Loops of extent 1 may stand anywhere and are left out.
//
//===----------------------------------------------------------------------===//
#include "ConvWindow.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/MulAdd.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

#include <array>

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Subscripts
//===----------------------------------------------------------------------===//

namespace {
/// A subscript as a sum of loops times constants.
struct Subscript {
  SmallVector<std::pair<unsigned, int64_t>> terms;
  /// False for other expressions, and those with an offset.
  bool isLinear = true;

  static Subscript get(AffineExpr expr) {
    Subscript subscript;
    subscript.add(expr);
    return subscript;
  }

private:
  void add(AffineExpr expr) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      terms.push_back({dim.getPosition(), 1});
      return;
    }
    if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
      isLinear &= constant.getValue() == 0;
      return;
    }
    auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
    if (binary && expr.getKind() == AffineExprKind::Add) {
      add(binary.getLHS());
      add(binary.getRHS());
      return;
    }
    if (binary && expr.getKind() == AffineExprKind::Mul) {
      auto dim = dyn_cast<AffineDimExpr>(binary.getLHS());
      auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
      if (dim && factor && factor.getValue() > 0) {
        terms.push_back({dim.getPosition(), factor.getValue()});
        return;
      }
    }
    isLinear = false;
  }
};

/// One of the two dims in which windows move.
struct Spatial {
  int64_t size = 1, out = 1, kernel = 1, stride = 1, dilation = 1;
  int64_t pad = 0, inputDilation = 1;

  bool isTrivial() const { return size == 1 && out == 1 && kernel == 1; }
};

/// What is found out about one convolution.
class ConvMatcher {
public:
  ConvMatcher(linalg::LinalgOp op, unsigned imageIndex)
      : op(op), image(op->getOperand(imageIndex)),
        weight(op->getOperand(1 - imageIndex)),
        extents(op.getStaticLoopRanges()) {
    SmallVector<AffineMap> maps = op.getIndexingMapsArray();
    imageMap = maps[imageIndex];
    weightMap = maps[1 - imageIndex];
    resultMap = maps[2];
  }

  std::optional<ConvProduct> run(bool imageUnsigned, bool weightUnsigned,
                                 std::string &reason);

private:
  bool isInResult(unsigned loop) const {
    return resultMap.isFunctionOfDim(loop);
  }
  bool isInWeight(unsigned loop) const {
    return weightMap.isFunctionOfDim(loop);
  }
  /// The loop of a dim that it runs over as a whole.
  std::optional<unsigned> getWholeLoop(unsigned dim) const;
  bool classifyDims();
  bool addSpatial(unsigned dim);
  void foldPads();
  bool foldStep(ArrayRef<int64_t> low, ArrayRef<int64_t> strides, Value fill,
                RankedTensorType from, RankedTensorType to);
  int64_t getSize(const LoopList &loops) const {
    int64_t size = 1;
    for (unsigned loop : loops)
      size *= extents[loop];
    return size;
  }
  SmallVector<int64_t> getImageShape() const {
    return {numImages, spatial[0].size, spatial[1].size, channels};
  }

  linalg::LinalgOp op;
  Value image, weight;
  SmallVector<int64_t> extents;
  AffineMap imageMap, weightMap, resultMap;
  /// Loops of the result by the image's dims, and taps.
  LoopList images, windows, taps, groups, depth;
  int64_t numImages = 1, channels = 1;
  /// Height and width; the only one is the width.
  std::array<Spatial, 2> spatial;
  std::optional<int8_t> padValue;
};
} // namespace

std::optional<unsigned> ConvMatcher::getWholeLoop(unsigned dim) const {
  auto expr =
      dyn_cast<AffineDimExpr>(dropUnitLoops(imageMap.getResult(dim), extents));
  int64_t size = cast<RankedTensorType>(image.getType()).getDimSize(dim);
  if (!expr || extents[expr.getPosition()] != size)
    return std::nullopt;
  return expr.getPosition();
}

bool ConvMatcher::addSpatial(unsigned dim) {
  if (!spatial[0].isTrivial())
    return false;
  spatial[0] = spatial[1];
  Spatial &s = spatial[1];
  s = Spatial();
  s.size = cast<RankedTensorType>(image.getType()).getDimSize(dim);
  Subscript subscript =
      Subscript::get(dropUnitLoops(imageMap.getResult(dim), extents));
  if (!subscript.isLinear)
    return false;
  bool hasWindow = false, hasTap = false;
  for (auto [loop, factor] : subscript.terms) {
    if (isInResult(loop) == isInWeight(loop))
      return false;
    bool isWindow = isInResult(loop);
    if (std::exchange(isWindow ? hasWindow : hasTap, true))
      return false;
    (isWindow ? s.out : s.kernel) = extents[loop];
    (isWindow ? s.stride : s.dilation) = factor;
    (isWindow ? windows : taps).push_back(loop);
  }
  return true;
}

bool ConvMatcher::classifyDims() {
  auto type = cast<RankedTensorType>(image.getType());
  unsigned first = 0, end = type.getRank();
  auto isUnit = [&](unsigned dim) { return type.getDimSize(dim) == 1; };
  auto takeBack = [&](LoopList &loops, bool inResult) {
    for (; end > 0; --end) {
      std::optional<unsigned> loop = getWholeLoop(end - 1);
      if (isUnit(end - 1))
        continue;
      if (!loop || !isInWeight(*loop) || isInResult(*loop) != inResult)
        break;
      loops.insert(loops.begin(), *loop);
    }
  };
  takeBack(depth, /*inResult=*/false);
  takeBack(groups, /*inResult=*/true);
  for (; first < end; ++first) {
    std::optional<unsigned> loop = getWholeLoop(first);
    if (isUnit(first))
      continue;
    if (!loop || isInWeight(*loop) || !isInResult(*loop))
      break;
    images.push_back(*loop);
  }
  numImages = getSize(images);
  channels = getSize(groups) * getSize(depth);
  for (unsigned dim = first; dim < end; ++dim)
    if (!isUnit(dim) && !addSpatial(dim))
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Pads
//===----------------------------------------------------------------------===//

/// `from` becomes `to` by inserting it at `low` with `strides` into a tensor
/// full of `fill`: moves this into the window if it concerns height and width
/// only.
bool ConvMatcher::foldStep(ArrayRef<int64_t> low, ArrayRef<int64_t> strides,
                           Value fill, RankedTensorType from,
                           RankedTensorType to) {
  APInt value;
  if (from.getRank() != to.getRank() ||
      !matchPattern(fill, m_ConstantInt(&value)) ||
      (padValue && *padValue != value.getSExtValue()))
    return false;
  std::array<Spatial, 2> folded = spatial;
  // Elements between neighbours in the image's height and width.
  int64_t pitches[] = {spatial[1].size * channels, channels}, pitch = 1;
  for (int64_t dim = to.getRank() - 1; dim >= 0; --dim) {
    int64_t size = to.getDimSize(dim);
    if (from.getDimSize(dim) > size || low[dim] < 0)
      return false;
    if (from.getDimSize(dim) < size) {
      unsigned axis = 0;
      while (axis < 2 && (pitches[axis] != pitch || spatial[axis].size != size))
        ++axis;
      if (axis == 2)
        return false;
      Spatial &s = folded[axis];
      s.size = from.getDimSize(dim);
      s.pad += low[dim] * s.inputDilation;
      s.inputDilation *= strides[dim];
    }
    pitch *= size;
  }
  spatial = folded;
  padValue = static_cast<int8_t>(value.getSExtValue());
  return true;
}

void ConvMatcher::foldPads() {
  Value value = image;
  while (Operation *source = value.getDefiningOp()) {
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(source)) {
      value = source->getOperand(0);
      continue;
    }
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (auto pad = dyn_cast<tensor::PadOp>(source)) {
      Value fill = pad.getConstantPaddingValue();
      if (!fill || ShapedType::isDynamicShape(pad.getStaticLow()) ||
          ShapedType::isDynamicShape(pad.getStaticHigh()))
        return;
      SmallVector<int64_t> ones(type.getRank(), 1);
      if (!foldStep(pad.getStaticLow(), ones, fill, pad.getSourceType(), type))
        return;
      image = value = pad.getSource();
      continue;
    }
    auto insert = dyn_cast<tensor::InsertSliceOp>(source);
    if (!insert)
      return;
    auto fill = insert.getDest().getDefiningOp<linalg::FillOp>();
    if (!fill || ShapedType::isDynamicShape(insert.getStaticOffsets()) ||
        ShapedType::isDynamicShape(insert.getStaticStrides()) ||
        !foldStep(insert.getStaticOffsets(), insert.getStaticStrides(),
                  fill.value(), insert.getSourceType(), type))
      return;
    image = value = insert.getSource();
  }
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

std::optional<ConvProduct>
ConvMatcher::run(bool imageUnsigned, bool weightUnsigned, std::string &reason) {
  if (!getConstantElements(weight)) {
    reason = "its weight is not constant (a convolution)";
    return std::nullopt;
  }
  if (!weightMap.isProjectedPermutation() ||
      !resultMap.isProjectedPermutation() || !classifyDims()) {
    reason = "its image is not indexed as [images, height, width, channels] "
             "by windows (a convolution)";
    return std::nullopt;
  }
  if (getSize(groups) > 1 && getSize(depth) == 1) {
    reason = "a depthwise convolution";
    return std::nullopt;
  }
  LoopList result = getPlainLoops(resultMap, extents), rows = images;
  rows.append(windows);
  rows.append(groups);
  LoopList columns;
  for (unsigned loop : result)
    if (!imageMap.isFunctionOfDim(loop))
      columns.push_back(loop);
  rows.append(columns);
  LoopList weightRows = groups, weightDepth = taps;
  weightRows.append(columns);
  weightDepth.append(depth);
  LoopList stored = getPlainLoops(weightMap, extents), needed = weightRows;
  needed.append(weightDepth);
  llvm::sort(stored);
  llvm::sort(needed);
  if (result != rows || stored != needed) {
    reason = "the dims of the result are not in the order images, height, "
             "width, groups, channels (a convolution)";
    return std::nullopt;
  }

  foldPads();
  ConvProduct conv;
  MatrixProduct &product = conv.product;
  product.op = op;
  product.a.view.value = image;
  product.a.dims.shape = getImageShape();
  product.a.isUnsigned = imageUnsigned;
  product.b = packWeight(op, weight, weightRows, weightDepth);
  product.b.isUnsigned = weightUnsigned;
  if (!product.b.view.value) {
    reason = "its weight cannot be read (a convolution)";
    return std::nullopt;
  }
  auto [h, w] = spatial;
  product.result.shape = {numImages * h.out * w.out, getSize(weightRows)};
  product.result.map = AffineMap::getMultiDimIdentityMap(2, op.getContext());
  product.result.partExtents = product.result.shape;
  OpOperand *init = op.getDpsInitOperand(0);
  product.init = startsFromZero(init) ? nullptr : init;
  int64_t value = padValue.value_or(0);
  if (imageUnsigned)
    value = static_cast<uint8_t>(value);
  conv.window =
      WindowAttr::get(op.getContext(), h.kernel, w.kernel, h.out, w.out,
                      h.stride, w.stride, h.dilation, w.dilation, h.pad, w.pad,
                      h.inputDilation, w.inputDilation, getSize(groups), value);
  return conv;
}

bool mlir::qopt::readsWindows(linalg::LinalgOp op) {
  return !llvm::all_of(op.getIndexingMapsArray(), [](AffineMap map) {
    return map.isProjectedPermutation();
  });
}

std::optional<ConvProduct> mlir::qopt::matchConvolution(linalg::LinalgOp op,
                                                        std::string &reason) {
  std::optional<MulAdd> types = matchMulAdd(op);
  if (!types || !op.hasPureTensorSemantics()) {
    reason = "it is no sum of products on tensors";
    return std::nullopt;
  }
  if (op.hasDynamicShape() || llvm::is_contained(op.getStaticLoopRanges(), 0)) {
    reason = "its shapes are dynamic or empty";
    return std::nullopt;
  }
  if (types->lhs != MulAdd::Factor::S8 && types->lhs != MulAdd::Factor::U8) {
    reason = "there are no kernels for windows of floats (a convolution)";
    return std::nullopt;
  }
  bool isUnsigned[] = {types->lhs == MulAdd::Factor::U8,
                       types->rhs == MulAdd::Factor::U8};
  unsigned image = getConstantElements(op->getOperand(0)) ? 1 : 0;
  return ConvMatcher(op, image).run(isUnsigned[image], isUnsigned[1 - image],
                                    reason);
}

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
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

#include <array>

using namespace mlir;
using namespace mlir::qopt;

using LoopList = SmallVector<unsigned>;

/// `expr` with 0 for all loops of extent 1.
static AffineExpr dropUnitLoops(AffineExpr expr, ArrayRef<int64_t> extents) {
  MLIRContext *context = expr.getContext();
  SmallVector<AffineExpr> dims;
  for (auto [loop, extent] : llvm::enumerate(extents))
    dims.push_back(extent == 1 ? getAffineConstantExpr(0, context)
                               : getAffineDimExpr(loop, context));
  return simplifyAffineExpr(expr.replaceDims(dims), extents.size(), 0);
}

//===----------------------------------------------------------------------===//
// Taps of extent 1
//===----------------------------------------------------------------------===//

/// The one loop that runs over a dim of `size` elements by subscript `expr`.
static std::optional<unsigned> getOnlyLoop(AffineExpr expr, int64_t size,
                                           ArrayRef<int64_t> extents) {
  if (isa<AffineDimExpr>(expr))
    return std::nullopt;
  AffineExpr rest = dropUnitLoops(expr, extents);
  if (auto dim = dyn_cast<AffineDimExpr>(rest))
    if (extents[dim.getPosition()] == size)
      return dim.getPosition();
  auto constant = dyn_cast<AffineConstantExpr>(rest);
  if (!constant || constant.getValue() != 0 || size != 1)
    return std::nullopt;
  for (unsigned loop = 0; loop < extents.size(); ++loop)
    if (expr.isFunctionOfDim(loop))
      return loop;
  return std::nullopt;
}

linalg::LinalgOp mlir::qopt::dropUnitTaps(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics() || op.hasDynamicShape())
    return op;
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  bool changed = false;
  for (OpOperand *input : op.getDpsInputOperands()) {
    AffineMap &map = maps[input->getOperandNumber()];
    for (auto [i, size] : llvm::enumerate(op.getShape(input))) {
      std::optional<unsigned> loop =
          getOnlyLoop(map.getResult(i), size, extents);
      AffineExpr dim =
          loop ? getAffineDimExpr(*loop, op.getContext()) : AffineExpr();
      if (!loop || llvm::is_contained(map.getResults(), dim))
        continue;
      SmallVector<AffineExpr> results(map.getResults());
      results[i] = dim;
      map = AffineMap::get(map.getNumDims(), 0, results, op.getContext());
      changed = true;
    }
  }
  if (!changed)
    return op;
  IRRewriter rewriter(op);
  auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
  if (!generic)
    generic = *linalg::generalizeNamedOp(rewriter, op);
  generic.setIndexingMapsAttr(rewriter.getAffineMapArrayAttr(maps));
  return cast<linalg::LinalgOp>(generic.getOperation());
}

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
  MatrixOperand packWeight(const LoopList &rows, const LoopList &depth);
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

/// The loops of plain subscripts, those of extent 1 left out.
static LoopList getLoops(AffineMap map, ArrayRef<int64_t> extents) {
  LoopList loops;
  for (AffineExpr expr : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (dim && extents[dim.getPosition()] != 1)
      loops.push_back(dim.getPosition());
  }
  return loops;
}

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
// Weights
//===----------------------------------------------------------------------===//

/// A constant with its dims in the order of `permutation`.
static Value transposeConstant(OpBuilder &builder, Location loc, Value value,
                               ArrayRef<int64_t> permutation) {
  auto type = cast<RankedTensorType>(value.getType());
  FailureOr<std::vector<int8_t>> source = readInt8s(getConstantElements(value));
  if (failed(source))
    return nullptr;
  SmallVector<int64_t> strides(type.getRank(), 1);
  for (int64_t dim = type.getRank() - 1; dim-- > 0;)
    strides[dim] = strides[dim + 1] * type.getDimSize(dim + 1);
  SmallVector<int64_t> shape, steps, index(type.getRank(), 0);
  for (int64_t dim : permutation) {
    shape.push_back(type.getDimSize(dim));
    steps.push_back(strides[dim]);
  }
  std::vector<char> target;
  target.reserve(source->size());
  int64_t position = 0;
  for (size_t i = 0; i < source->size(); ++i) {
    target.push_back((*source)[position]);
    for (int64_t dim = type.getRank() - 1; dim >= 0; --dim) {
      position += steps[dim];
      if (++index[dim] < shape[dim])
        break;
      position -= steps[dim] * shape[dim];
      index[dim] = 0;
    }
  }
  auto result = RankedTensorType::get(shape, type.getElementType());
  return makeConstant(
      builder, loc, makeConstantElements(result, std::move(target), "weight"));
}

/// The constant as [N, K]; where its dims are not in two pieces, as a constant
/// in the right order.
MatrixOperand ConvMatcher::packWeight(const LoopList &rows,
                                      const LoopList &depth) {
  MatrixOperand operand;
  operand.value = weight;
  operand.isConstant = true;
  LoopList stored = getLoops(weightMap, extents), byRows = rows,
           byDepth = depth;
  byRows.append(depth);
  byDepth.append(rows);
  if (stored == byDepth && stored != byRows) {
    operand.shape = {getSize(depth), getSize(rows)};
    operand.packing = {1, 0};
    return operand;
  }
  operand.shape = {getSize(rows), getSize(depth)};
  operand.packing = {0, 1};
  if (stored == byRows)
    return operand;
  SmallVector<int64_t> permutation;
  for (auto [dim, expr] : llvm::enumerate(weightMap.getResults()))
    if (extents[cast<AffineDimExpr>(expr).getPosition()] == 1)
      permutation.push_back(dim);
  for (unsigned loop : byRows)
    permutation.push_back(
        *weightMap.getResultPosition(getAffineDimExpr(loop, op.getContext())));
  OpBuilder builder(op);
  operand.value = transposeConstant(builder, op.getLoc(), weight, permutation);
  return operand;
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
  LoopList result = getLoops(resultMap, extents), rows = images;
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
  LoopList stored = getLoops(weightMap, extents), needed = weightRows;
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
  product.a.value = image;
  product.a.shape = getImageShape();
  product.a.isUnsigned = imageUnsigned;
  product.b = packWeight(weightRows, weightDepth);
  product.b.isUnsigned = weightUnsigned;
  if (!product.b.value) {
    reason = "its weight cannot be read (a convolution)";
    return std::nullopt;
  }
  auto [h, w] = spatial;
  product.shape = {numImages * h.out * w.out, getSize(weightRows)};
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
  if (types->lhs == MulAdd::Factor::F32) {
    reason = "there are no kernels for windows of floats (a convolution)";
    return std::nullopt;
  }
  bool isUnsigned[] = {types->lhs == MulAdd::Factor::U8,
                       types->rhs == MulAdd::Factor::U8};
  unsigned image = getConstantElements(op->getOperand(0)) ? 1 : 0;
  return ConvMatcher(op, image).run(isUnsigned[image], isUnsigned[1 - image],
                                    reason);
}

//===- LoopsPattern.cpp - Depthwise convolutions among loops ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which loops are depthwise convolutions, and the layout of their weights.
//
//===----------------------------------------------------------------------===//
#include "LoopsKernel.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// The convolution
//===----------------------------------------------------------------------===//

/// The argument behind an extension of i8 to i32.
static BlockArgument matchExtension(Value value, bool &isUnsigned) {
  Operation *op = value.getDefiningOp();
  if (!isa_and_nonnull<arith::ExtSIOp, arith::ExtUIOp>(op) ||
      !op->getOperand(0).getType().isInteger(8))
    return nullptr;
  isUnsigned = isa<arith::ExtUIOp>(op);
  return dyn_cast<BlockArgument>(op->getOperand(0));
}

/// The number of `argument`'s operand.
static unsigned findOperand(const LoopsShape &shape, BlockArgument argument) {
  for (auto [i, operand] : llvm::enumerate(shape.operands))
    if (operand.operand->getOperandNumber() == argument.getArgNumber())
      return i;
  llvm_unreachable("an argument that is used has an operand");
}

/// sum over taps of extended a times extended b, the one reduction there is.
static std::optional<DepthwisePattern> matchProduct(const LoopsShape &shape) {
  DepthwisePattern pattern;
  LoopsOp op = shape.op;
  auto reduces = op.getProgram()->getOps<ReduceOp>();
  if (!llvm::hasSingleElement(reduces))
    return std::nullopt;
  pattern.sum = *reduces.begin();
  auto product = pattern.sum.getValue().getDefiningOp<arith::MulIOp>();
  if (pattern.sum.getKind() != ReduceKind::AddI || !product ||
      !product.getType().isInteger(32))
    return std::nullopt;
  BlockArgument image =
      matchExtension(product.getLhs(), pattern.isImageUnsigned);
  BlockArgument weights =
      matchExtension(product.getRhs(), pattern.areWeightsUnsigned);
  if (!image || !weights || image == weights)
    return std::nullopt;
  pattern.image = findOperand(shape, image);
  pattern.weights = findOperand(shape, weights);
  // Weights are what all images share.
  std::optional<unsigned> rows = shape.getRowsLoop();
  if (rows && shape.operands[pattern.image].address.strides[*rows] == 0) {
    std::swap(pattern.image, pattern.weights);
    std::swap(pattern.isImageUnsigned, pattern.areWeightsUnsigned);
  }
  return pattern;
}

/// The only loop of `loops` that the function depends on; nothing for several
/// ones. Loops of one iteration count.
static std::optional<unsigned> findLoop(const LinearAccess &function,
                                        ArrayRef<bool> reductions,
                                        bool isReduced, bool &isUnique) {
  std::optional<unsigned> found;
  for (auto [loop, stride] : llvm::enumerate(function.strides)) {
    if (stride == 0 || reductions[loop] != isReduced)
      continue;
    isUnique &= !found;
    found = loop;
  }
  return found;
}

std::optional<DepthwisePattern>
mlir::qopt::matchDepthwise(const LoopsShape &shape) {
  LoopsOp op = shape.op;
  if (shape.parallel.size() < 2 || LoopsProgram(op).hasVaryingResult())
    return std::nullopt;
  std::optional<DepthwisePattern> pattern = matchProduct(shape);
  if (!pattern)
    return std::nullopt;
  const LoopsOperand &image = shape.operands[pattern->image];
  const LoopsOperand &weights = shape.operands[pattern->weights];
  if (image.subscripts.size() < 2)
    return std::nullopt;
  ArrayRef<bool> reductions = op.getReductions();
  // Channels: innermost in image and results, one of each for a weight.
  const LinearAccess &lastDim = image.subscripts.back();
  pattern->channels = shape.parallel.back();
  bool isUnique = true;
  if (findLoop(lastDim, reductions, /*isReduced=*/false, isUnique) !=
          pattern->channels ||
      findLoop(lastDim, reductions, /*isReduced=*/true, isUnique) ||
      lastDim.offset != 0 || image.address.strides[pattern->channels] != 1)
    return std::nullopt;
  // The width: one parallel loop, one of taps without dilation.
  const LinearAccess &widthDim = image.subscripts.end()[-2];
  auto width = findLoop(widthDim, reductions, /*isReduced=*/false, isUnique);
  auto tapsW = findLoop(widthDim, reductions, /*isReduced=*/true, isUnique);
  if (!isUnique || !width || !tapsW ||
      !llvm::is_contained(shape.parallel, *width) ||
      *width == pattern->channels || widthDim.strides[*width] < 1 ||
      widthDim.strides[*tapsW] != 1)
    return std::nullopt;
  pattern->width = *width;
  pattern->tapsW = *tapsW;
  pattern->strideW = widthDim.strides[*width];
  for (unsigned loop : shape.reductions) {
    if (loop == *tapsW)
      continue;
    if (pattern->tapsH)
      return std::nullopt;
    pattern->tapsH = loop;
  }
  // No other dim moves along the width.
  for (const LinearAccess &subscript : ArrayRef(image.subscripts).drop_back(2))
    if (subscript.strides[*width] != 0 || subscript.strides[*tapsW] != 0)
      return std::nullopt;
  // The weights have the taps and channels as dims.
  if (!op.getMap(weights.operand->getOperandNumber())
           .isProjectedPermutation() ||
      !weights.checkedDims.empty())
    return std::nullopt;
  for (auto [loop, isReduced] : llvm::enumerate(reductions)) {
    bool isDim = llvm::any_of(weights.subscripts,
                              [loop = loop](const LinearAccess &subscript) {
                                return subscript.strides[loop] != 0;
                              });
    bool isNeeded = loop == pattern->channels || loop == *tapsW ||
                    (isReduced && shape.extents[loop] != 1);
    if ((isNeeded && !isDim) ||
        (isDim && !isNeeded && shape.extents[loop] != 1))
      return std::nullopt;
  }
  return pattern;
}

//===----------------------------------------------------------------------===//
// Its weights
//===----------------------------------------------------------------------===//

/// Taps of one dp4a.
static constexpr int64_t kTaps = 4;

bool mlir::qopt::hasPackedWeights(const LoopsShape &shape,
                                  const DepthwisePattern &pattern) {
  const LoopsOperand &weights = shape.operands[pattern.weights];
  int64_t taps = weights.type.getShape().back();
  return weights.subscripts.back().strides[pattern.tapsW] == 1 &&
         taps % kTaps == 0 && weights.address.offset == 0 &&
         weights.address.strides[pattern.channels] == taps;
}

void mlir::qopt::packLoopsWeights(LoopsOp op) {
  FailureOr<LoopsShape> shape = analyzeLoops(op);
  if (failed(shape))
    return;
  std::optional<DepthwisePattern> pattern = matchDepthwise(*shape);
  if (!pattern || hasPackedWeights(*shape, *pattern))
    return;
  const LoopsOperand &weights = shape->operands[pattern->weights];
  unsigned index = weights.operand->getOperandNumber();
  AffineMap map = op.getMap(index);
  // Other taps, channels, taps along the width.
  SmallVector<int64_t> order;
  std::optional<int64_t> channels, tapsW;
  for (unsigned dim = 0; dim < map.getNumResults(); ++dim) {
    if (map.getDimPosition(dim) == pattern->channels)
      channels = dim;
    else if (map.getDimPosition(dim) == pattern->tapsW)
      tapsW = dim;
    else
      order.push_back(dim);
  }
  order.append({*channels, *tapsW});
  Value source = weights.getValue();
  SmallVector<int64_t> permutation = order, extents;
  if (auto pack = source.getDefiningOp<PackOp>()) {
    source = pack.getSource();
    for (int64_t &dim : permutation)
      dim = pack.getPermutation()[dim];
  }
  SmallVector<AffineExpr> results;
  for (int64_t dim : order) {
    extents.push_back(weights.type.getDimSize(dim));
    results.push_back(map.getResult(dim));
  }
  extents.back() = llvm::alignTo(extents.back(), kTaps);
  OpBuilder builder(op);
  weights.operand->set(
      PackOp::create(builder, op.getLoc(),
                     RankedTensorType::get(extents, weights.getElementType()),
                     source, permutation));
  SmallVector<Attribute> maps(op.getIndexingMaps().begin(),
                              op.getIndexingMaps().end());
  maps[index] = AffineMapAttr::get(
      AffineMap::get(map.getNumDims(), 0, results, op.getContext()));
  op.setIndexingMapsAttr(builder.getArrayAttr(maps));
}

//===- ConvOperands.cpp - Subscripts and weights of windows ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What happens to a convolution's operands before and behind the matching: taps
// that are none, and the constant's layout.
//
//===----------------------------------------------------------------------===//
#include "ConvWindow.h"

#include "QuantOpt/Analysis/Constants.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Loops of extent 1
//===----------------------------------------------------------------------===//

AffineExpr mlir::qopt::dropUnitLoops(AffineExpr expr,
                                     ArrayRef<int64_t> extents) {
  MLIRContext *context = expr.getContext();
  SmallVector<AffineExpr> dims;
  for (auto [loop, extent] : llvm::enumerate(extents))
    dims.push_back(extent == 1 ? getAffineConstantExpr(0, context)
                               : getAffineDimExpr(loop, context));
  return simplifyAffineExpr(expr.replaceDims(dims), extents.size(), 0);
}

LoopList mlir::qopt::getPlainLoops(AffineMap map, ArrayRef<int64_t> extents) {
  LoopList loops;
  for (AffineExpr expr : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    if (dim && extents[dim.getPosition()] != 1)
      loops.push_back(dim.getPosition());
  }
  return loops;
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

MatrixOperand mlir::qopt::packWeight(linalg::LinalgOp op, Value weight,
                                     const LoopList &rows,
                                     const LoopList &depth) {
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  auto getSize = [&](const LoopList &loops) {
    int64_t size = 1;
    for (unsigned loop : loops)
      size *= extents[loop];
    return size;
  };
  AffineMap map;
  for (OpOperand *input : op.getDpsInputOperands())
    if (input->get() == weight)
      map = op.getMatchingIndexingMap(input);
  MatrixOperand operand;
  operand.view.value = weight;
  operand.isConstant = true;
  operand.dims.shape = {getSize(rows), getSize(depth)};
  LoopList stored = getPlainLoops(map, extents), byRows = rows, byDepth = depth;
  byRows.append(depth);
  byDepth.append(rows);
  if (stored == byDepth && stored != byRows) {
    operand.storedShape = {getSize(depth), getSize(rows)};
    operand.packing = {1, 0};
    return operand;
  }
  operand.storedShape = {getSize(rows), getSize(depth)};
  operand.packing = {0, 1};
  if (stored == byRows)
    return operand;
  SmallVector<int64_t> permutation;
  for (auto [dim, expr] : llvm::enumerate(map.getResults()))
    if (extents[cast<AffineDimExpr>(expr).getPosition()] == 1)
      permutation.push_back(dim);
  for (unsigned loop : byRows)
    permutation.push_back(
        *map.getResultPosition(getAffineDimExpr(loop, op.getContext())));
  OpBuilder builder(op);
  operand.view.value =
      transposeConstant(builder, op.getLoc(), weight, permutation);
  return operand;
}

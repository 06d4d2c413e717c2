//===- LayoutTransposes.cpp - Which transposes convert layouts --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LayoutTransposes.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"

#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"

using namespace mlir;
using namespace mlir::qopt;

linalg::TransposeOp mlir::qopt::getLayoutTranspose(Value value) {
  auto op = value.getDefiningOp<linalg::TransposeOp>();
  return op && op->hasAttr(kLayoutAttr) ? op : nullptr;
}

SmallVector<int64_t>
mlir::qopt::invertPermutation(ArrayRef<int64_t> permutation) {
  SmallVector<int64_t> inverse(permutation.size());
  for (auto [i, dim] : llvm::enumerate(permutation))
    inverse[dim] = i;
  return inverse;
}

RankedTensorType mlir::qopt::permute(RankedTensorType type,
                                     ArrayRef<int64_t> permutation) {
  return RankedTensorType::get(permute(type.getShape(), permutation),
                               type.getElementType());
}

Value mlir::qopt::createLayoutTranspose(OpBuilder &builder, Location loc,
                                        Value value,
                                        ArrayRef<int64_t> permutation) {
  if (llvm::is_sorted(permutation))
    return value;
  auto type = permute(cast<RankedTensorType>(value.getType()), permutation);
  Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                        type.getElementType());
  auto op =
      linalg::TransposeOp::create(builder, loc, value, empty, permutation);
  op->setAttr(kLayoutAttr, builder.getUnitAttr());
  return op.getResult()[0];
}

Value mlir::qopt::convertLayout(OpBuilder &builder, Location loc, Value value,
                                ArrayRef<int64_t> permutation) {
  auto fill = value.getDefiningOp<linalg::FillOp>();
  if (!fill && !value.getDefiningOp<tensor::EmptyOp>())
    return createLayoutTranspose(builder, loc, value, permutation);
  auto type = permute(cast<RankedTensorType>(value.getType()), permutation);
  Value empty = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                        type.getElementType());
  if (!fill)
    return empty;
  return linalg::FillOp::create(builder, loc, fill.getInputs(),
                                ValueRange{empty})
      .getResult(0);
}

bool mlir::qopt::isFreeInAnyLayout(Value value) {
  return getConstantElements(value) || value.getDefiningOp<linalg::FillOp>() ||
         value.getDefiningOp<tensor::EmptyOp>();
}

bool mlir::qopt::hasOneScaleOrNone(Operation *op) {
  auto isUniform = [](Type type) {
    return isa<RankedTensorType>(type) &&
           !isa<quant::UniformQuantizedPerAxisType,
                quant::UniformQuantizedSubChannelType>(
               getElementTypeOrSelf(type));
  };
  return !op->hasAttr("channelMaxima") &&
         llvm::all_of(op->getOperandTypes(), isUniform) &&
         llvm::all_of(op->getResultTypes(), isUniform);
}

AffineMap mlir::qopt::readThrough(AffineMap map,
                                  ArrayRef<int64_t> permutation) {
  SmallVector<AffineExpr> exprs(map.getNumResults());
  for (auto [i, dim] : llvm::enumerate(permutation))
    exprs[dim] = map.getResult(i);
  return AffineMap::get(map.getNumDims(), map.getNumSymbols(), exprs,
                        map.getContext());
}

bool mlir::qopt::hasWindow(linalg::LinalgOp op) {
  return llvm::any_of(op.getIndexingMapsArray(), [](AffineMap map) {
    return llvm::any_of(map.getResults(), [](AffineExpr expr) {
      return !isa<AffineDimExpr, AffineConstantExpr>(expr);
    });
  });
}

/// Ops that work in any layout, so that two transposes around them may cancel.
static bool connectsLayouts(Operation *op) {
  if (isa<linalg::TransposeOp, tensor::PadOp, tensor::ConcatOp,
          tensor::ExtractSliceOp, tensor::InsertSliceOp, ObserveOp,
          quant::QuantizeCastOp, quant::DequantizeCastOp, quant::StorageCastOp>(
          op))
    return true;
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  return linalgOp && linalgOp.hasPureTensorSemantics() &&
         !linalg::isaContractionOpInterface(linalgOp) &&
         !isa<linalg::FillOp, linalg::BroadcastOp, linalg::ContractOp>(op);
}

void mlir::qopt::markLayoutTransposes(Operation *root) {
  SmallVector<Value> worklist;
  DenseSet<Value> seen;
  auto visit = [&](Value value) {
    if (isa<RankedTensorType>(value.getType()) && !getConstantElements(value) &&
        seen.insert(value).second)
      worklist.push_back(value);
  };
  root->walk([&](linalg::LinalgOp op) {
    if (!op.hasPureTensorSemantics() || !hasWindow(op))
      return;
    visit(op.getDpsInputs()[0]);
    for (Value result : op->getResults())
      visit(result);
  });
  auto connect = [&](Operation *op) {
    if (!op || !connectsLayouts(op))
      return;
    if (auto transpose = dyn_cast<linalg::TransposeOp>(op);
        transpose && transpose.hasPureTensorSemantics())
      transpose->setAttr(kLayoutAttr, UnitAttr::get(op->getContext()));
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    if (linalgOp && hasWindow(linalgOp))
      return; // Its image has been visited, its other operands are no images.
    for (Value operand : op->getOperands())
      visit(operand);
    for (Value result : op->getResults())
      visit(result);
  };
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    connect(value.getDefiningOp());
    for (Operation *user : value.getUsers())
      connect(user);
  }
}

LogicalResult mlir::qopt::reshapeInsteadOfTranspose(RewriterBase &rewriter,
                                                    linalg::TransposeOp op) {
  auto source = cast<RankedTensorType>(op.getInput().getType());
  if (!op.hasPureTensorSemantics() || !source.hasStaticShape())
    return failure();
  ArrayRef<int64_t> permutation = op.getPermutation();
  if (llvm::is_sorted(permutation)) {
    rewriter.replaceOp(op, op.getInput());
    return success();
  }
  int64_t last = -1;
  for (int64_t dim : permutation) {
    if (source.getDimSize(dim) == 1)
      continue;
    if (dim < last)
      return rewriter.notifyMatchFailure(op, "moves data");
    last = dim;
  }
  // Groups of dimensions with one that is not 1 each; ones join the group
  // before them, leading ones the first.
  auto getGroups = [](ArrayRef<int64_t> shape) {
    SmallVector<ReassociationIndices> groups;
    bool hasExtent = true;
    for (auto [i, size] : llvm::enumerate(shape)) {
      if (groups.empty() || (size != 1 && hasExtent)) {
        groups.emplace_back();
        hasExtent = false;
      }
      hasExtent |= size != 1;
      groups.back().push_back(i);
    }
    return groups;
  };
  auto type = permute(source, permutation);
  SmallVector<int64_t> squeezed;
  for (int64_t size : source.getShape())
    if (size != 1)
      squeezed.push_back(size);
  if (squeezed.empty())
    squeezed.push_back(1);
  auto middle = RankedTensorType::get(squeezed, source.getElementType());
  Value value = op.getInput();
  rewriter.setInsertionPoint(op);
  if (middle != source)
    value = tensor::CollapseShapeOp::create(
        rewriter, op.getLoc(), middle, value, getGroups(source.getShape()));
  if (middle != type)
    value = tensor::ExpandShapeOp::create(rewriter, op.getLoc(), type, value,
                                          getGroups(type.getShape()));
  rewriter.replaceOp(op, value);
  return success();
}

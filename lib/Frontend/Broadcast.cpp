//===- Broadcast.cpp - Copies of smaller tensors ----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Broadcast.h"

#include "QuantOpt/Analysis/Elementwise.h"

using namespace mlir;
using namespace mlir::qopt;

Value mlir::qopt::matchBroadcast(Value value, AffineMap &map) {
  MLIRContext *context = value.getContext();
  if (auto op = value.getDefiningOp<linalg::BroadcastOp>()) {
    SmallVector<AffineExpr> exprs;
    int64_t rank = cast<RankedTensorType>(value.getType()).getRank();
    for (int64_t dim = 0; dim < rank; ++dim)
      if (!llvm::is_contained(op.getDimensions(), dim))
        exprs.push_back(getAffineDimExpr(dim, context));
    map = AffineMap::get(rank, 0, exprs, context);
    return op.getInput();
  }
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || !isElementwise(op) || op.getNumDpsInputs() != 1)
    return {};
  if (op.getBody()->getTerminator()->getOperand(0) !=
      op.getBody()->getArgument(0))
    return {};
  map = op.getMatchingIndexingMap(op.getDpsInputOperand(0));
  for (AffineExpr expr : map.getResults()) {
    auto constant = dyn_cast<AffineConstantExpr>(expr);
    if (!isa<AffineDimExpr>(expr) && !(constant && constant.getValue() == 0))
      return {};
  }
  return op.getDpsInputOperand(0)->get();
}

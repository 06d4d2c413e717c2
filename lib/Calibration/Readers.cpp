//===- Readers.cpp - What reads an edge, and how much errors cost -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Readers.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

/// The dimensions of a reader's activation that its weights tell apart: those
/// indexed by a plain loop that also indexes the weight.
static SmallVector<int64_t> getChannelDims(const Quantizable &reader) {
  auto op = cast<linalg::LinalgOp>(reader.op);
  AffineMap activation = op.getMatchingIndexingMap(reader.activation);
  AffineMap weight = op.getMatchingIndexingMap(reader.weight);
  SmallVector<int64_t> dims;
  for (auto [i, expr] : llvm::enumerate(activation.getResults()))
    if (auto loop = dyn_cast<AffineDimExpr>(expr))
      if (llvm::is_contained(weight.getResults(), AffineExpr(loop)))
        dims.push_back(i);
  return dims;
}

/// Follows `dims` of `value` back through the data movement to `source`; none
/// where a reshape takes them apart.
static std::optional<SmallVector<int64_t>>
followBack(Value value, Value source, SmallVector<int64_t> dims) {
  while (value != source) {
    Operation *op = value.getDefiningOp();
    OpOperand *moved = op ? getMovedOperand(op) : nullptr;
    if (!moved)
      return std::nullopt;
    if (auto transpose = dyn_cast<linalg::TransposeOp>(op)) {
      for (int64_t &dim : dims)
        dim = transpose.getPermutation()[dim];
    } else if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op)) {
      // A reshape keeps the order of elements: trailing dimensions stay the
      // trailing ones that hold as many.
      auto to = cast<RankedTensorType>(value.getType());
      auto from = cast<RankedTensorType>(moved->get().getType());
      llvm::sort(dims);
      int64_t size = 1;
      for (auto [i, dim] : llvm::enumerate(dims)) {
        if (dim != to.getRank() - static_cast<int64_t>(dims.size() - i))
          return std::nullopt;
        size *= to.getDimSize(dim);
      }
      dims.clear();
      int64_t dim = from.getRank();
      for (int64_t covered = 1; covered < size && dim > 0;) {
        covered *= from.getDimSize(--dim);
        dims.push_back(dim);
        if (covered > size)
          return std::nullopt;
      }
    }
    value = moved->get();
  }
  llvm::sort(dims);
  return dims;
}

/// The layout of these dimensions, ascending, of a tensor; none where they do
/// not lie side by side.
static ChannelLayout makeLayout(RankedTensorType type, ArrayRef<int64_t> dims) {
  ChannelLayout layout;
  if (dims.empty() || !type.hasStaticShape())
    return layout;
  layout.channels = 1;
  for (auto [i, dim] : llvm::enumerate(dims)) {
    if (dim != dims.front() + static_cast<int64_t>(i))
      return ChannelLayout();
    layout.channels *= type.getDimSize(dim);
  }
  for (int64_t dim = dims.back() + 1; dim < type.getRank(); ++dim)
    layout.inner *= type.getDimSize(dim);
  return layout.channels > 1 ? layout : ChannelLayout();
}

EdgeReaders::EdgeReaders(ObserveOp edge) {
  Value source = edge.getResult();
  bool agree = true;
  // Data movement may branch.
  SmallVector<Value> values = {source};
  for (size_t i = 0; i < values.size(); ++i)
    for (OpOperand &use : values[i].getUses()) {
      Operation *user = use.getOwner();
      if (getMovedOperand(user) == &use) {
        values.push_back(user->getResult(0));
        continue;
      }
      std::optional<Quantizable> match = matchQuantizable(user);
      if (!match || !match->weight || match->activation != &use ||
          !isa<linalg::LinalgOp>(user))
        continue;
      std::optional<SmallVector<int64_t>> dims =
          followBack(values[i], source, getChannelDims(*match));
      ChannelLayout found =
          dims ? makeLayout(cast<RankedTensorType>(source.getType()), *dims)
               : ChannelLayout();
      bool first = readers.empty();
      agree &= first || (found.channels == layout.channels &&
                         found.inner == layout.inner);
      layout = found;
      readers.push_back(*match);
    }
  if (!agree)
    layout = ChannelLayout();
}

void EdgeReaders::weigh(const Distribution &, ArrayRef<float>) {}

double EdgeReaders::getCost(const Distribution &, RangeStorage,
                            const qopt::Range &range) const {
  return range.meanSquaredError;
}

//===- Readers.cpp - What reads an edge, and how much errors cost ---------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Readers.h"

#include "ChannelPosterior.h"

#include "QuantOpt/Conversion/QuantizedParameters.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// A dimension of a reader's activation that its weights tell apart, since the
/// same plain loop indexes both.
struct ChannelDim {
  int64_t activation, weight;
};
} // namespace

static SmallVector<ChannelDim> getChannelDims(const Quantizable &reader) {
  auto op = cast<linalg::LinalgOp>(reader.op);
  AffineMap activation = op.getMatchingIndexingMap(reader.activation);
  AffineMap weight = op.getMatchingIndexingMap(reader.weight);
  SmallVector<ChannelDim> dims;
  for (auto [i, expr] : llvm::enumerate(activation.getResults()))
    if (isa<AffineDimExpr>(expr))
      for (auto [k, other] : llvm::enumerate(weight.getResults()))
        if (expr == other)
          dims.push_back({static_cast<int64_t>(i), static_cast<int64_t>(k)});
  return dims;
}

/// Follows `dims` of `value` back through the data movement to `source`; none
/// where a reshape takes them apart or their order changes.
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
      int64_t size = 1;
      for (auto [i, dim] : llvm::enumerate(dims)) {
        if (dim != to.getRank() - static_cast<int64_t>(dims.size() - i))
          return std::nullopt;
        size *= to.getDimSize(dim);
      }
      int64_t dim = from.getRank(), covered = 1;
      while (covered < size && dim > 0)
        covered *= from.getDimSize(--dim);
      if (covered != size)
        return std::nullopt;
      dims = llvm::to_vector(llvm::seq<int64_t>(dim, from.getRank()));
    } else if (isa<tensor::PadOp, tensor::ExtractSliceOp>(op) ||
               isa<linalg::PoolingNhwcMaxOp, linalg::PoolingNwcMaxOp>(op)) {
      auto to = cast<RankedTensorType>(value.getType());
      auto from = cast<RankedTensorType>(moved->get().getType());
      for (int64_t dim : dims)
        if (to.getRank() != from.getRank() ||
            to.getDimSize(dim) != from.getDimSize(dim))
          return std::nullopt;
    } else {
      return std::nullopt;
    }
    value = moved->get();
  }
  if (!llvm::is_sorted(dims))
    return std::nullopt;
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
      if (Operation *mover = getMover(use)) {
        values.push_back(mover->getResult(0));
        continue;
      }
      std::optional<Quantizable> match = matchQuantizable(user);
      if (!match || !match->weight || match->activation != &use ||
          !isa<linalg::LinalgOp>(user))
        continue;
      Reader reader{*match, {}};
      SmallVector<ChannelDim> channelDims = getChannelDims(*match);
      auto weight = cast<RankedTensorType>(match->weight->get().getType());
      reader.channelStrides.assign(weight.getRank(), 0);
      int64_t stride = 1;
      SmallVector<int64_t> dims;
      for (ChannelDim dim : llvm::reverse(channelDims)) {
        reader.channelStrides[dim.weight] = stride;
        stride *= weight.getDimSize(dim.weight);
        dims.insert(dims.begin(), dim.activation);
      }
      std::optional<SmallVector<int64_t>> sourceDims =
          followBack(values[i], source, dims);
      ChannelLayout found;
      if (sourceDims)
        found =
            makeLayout(cast<RankedTensorType>(source.getType()), *sourceDims);
      agree &= readers.empty() || (found.channels == layout.channels &&
                                   found.inner == layout.inner);
      layout = found;
      readers.push_back(std::move(reader));
    }
  if (!agree)
    layout = ChannelLayout();
}

/// sums[channel] += w * w for each weight.
static void addSquares(ArrayRef<float> weights, ArrayRef<int64_t> shape,
                       ArrayRef<int64_t> strides, double *sums) {
  if (shape.empty() || weights.empty())
    return;
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t width = shape.back(), stride = strides.back(), channel = 0;
  for (size_t begin = 0; begin < weights.size(); begin += width) {
    const float *row = weights.data() + begin;
    if (stride) {
      for (int64_t i = 0; i < width; ++i)
        sums[channel + i * stride] += double(row[i]) * row[i];
    } else {
      double sum = 0;
      for (int64_t i = 0; i < width; ++i)
        sum += double(row[i]) * row[i];
      sums[channel] += sum;
    }
    for (size_t d = shape.size() - 1; d-- > 0;) {
      channel += strides[d];
      if (++index[d] < shape[d])
        break;
      channel -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

std::vector<double> EdgeReaders::getImportance() const {
  std::vector<double> sums(layout.channels, 0.0);
  for (const Reader &reader : readers) {
    Value weight = reader.match.weight->get();
    FailureOr<std::vector<float>> weights = readRealValues(weight);
    if (failed(weights)) // quantize will say so
      return {};
    addSquares(*weights, cast<RankedTensorType>(weight.getType()).getShape(),
               reader.channelStrides, sums.data());
  }
  return sums;
}

Distribution EdgeReaders::weigh(const Distribution &values,
                                const SampleStatistics &samples) const {
  WeightedHistogram weights = samples.getRelativeHistogram(values);
  std::vector<double> importance;
  if (layout.channels > 1)
    importance = getImportance();
  if (!importance.empty()) {
    std::vector<double> expected =
        getExpectedImportance(values, samples.getChannelMaxima(), importance);
    for (unsigned t = 0; t < kHistogramBins; ++t) {
      weights.positive[t] *= expected[t];
      weights.negative[t] *= expected[t];
    }
  }
  return makeWeighted(values, weights);
}

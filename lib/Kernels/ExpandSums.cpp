//===- ExpandSums.cpp - Sums in the fixed order, of plain loops -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums of floats that no qopt.loops took (bodies that load or check, subscripts
// that are not linear) become loops whose order is that of docs/Numerics.md:
// the elements, the 256 partial sums, their halves added pairwise. Loop kernels
// add in increasing order, and each of these loops adds two numbers or the
// elements of one partial sum.
//
//===----------------------------------------------------------------------===//
#include "ExpandSums.h"

#include "QuantOpt/Analysis/OrderedSum.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
class SumExpander {
public:
  explicit SumExpander(linalg::GenericOp op)
      : op(op), b(op->getContext()), loc(op.getLoc()),
        resultType(cast<RankedTensorType>(op.getResult(0).getType())) {
    b.setInsertionPoint(op);
    AffineMap map = op.getIndexingMapsArray().back();
    for (auto [dim, expr] : llvm::enumerate(map.getResults()))
      if (isa<AffineDimExpr>(expr))
        kept.push_back(dim);
    rank = kept.size();
  }

  void run();

private:
  using Shape = SmallVector<int64_t>;

  Value createEmpty(ArrayRef<int64_t> shape) {
    return tensor::EmptyOp::create(b, loc, shape, b.getF32Type());
  }
  /// The extents of the kept dims, and more.
  Shape extend(ArrayRef<int64_t> extents) {
    Shape shape;
    for (unsigned dim : kept)
      shape.push_back(resultType.getDimSize(dim));
    llvm::append_range(shape, extents);
    return shape;
  }
  Value createIdentity() {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(-0.0f));
  }
  /// [kept dims, number of elements].
  Value createElements();
  /// `values` with the last extent rounded up to `extent`.
  Value pad(Value values, int64_t extent);
  /// Elements i, i + 256, ... of the last dim added up.
  Value addEvery256th(Value values);
  /// The lower half of the last dim plus the upper one.
  Value addHalves(Value values);

  linalg::GenericOp op;
  OpBuilder b;
  Location loc;
  RankedTensorType resultType;
  /// Dims of the result that have a loop; others are constant, of extent 1.
  SmallVector<unsigned> kept;
  unsigned rank;
};
} // namespace

static int64_t getLastExtent(Value values) {
  return cast<RankedTensorType>(values.getType()).getShape().back();
}

Value SumExpander::createElements() {
  Block *body = op.getBody();
  auto sum =
      cast<arith::AddFOp>(body->getTerminator()->getOperand(0).getDefiningOp());
  Value out = op.getRegionOutputArgs()[0];
  Value element = sum.getLhs() == out ? sum.getRhs() : sum.getLhs();

  Shape extents;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<AffineExpr> results;
  for (unsigned dim : kept)
    results.push_back(maps.back().getResult(dim));
  for (auto [loop, iterator] : llvm::enumerate(op.getIteratorTypesArray()))
    if (iterator == utils::IteratorType::reduction) {
      extents.push_back(op.getStaticLoopRanges()[loop]);
      results.push_back(b.getAffineDimExpr(loop));
    }
  maps.back() = AffineMap::get(op.getNumLoops(), 0, results, b.getContext());
  SmallVector<utils::IteratorType> parallel(op.getNumLoops(),
                                            utils::IteratorType::parallel);
  Value empty = createEmpty(extend(extents));
  auto compute = linalg::GenericOp::create(
      b, loc, empty.getType(), op.getInputs(), empty, maps, parallel,
      [&](OpBuilder &b, Location loc, ValueRange args) {
        IRMapping mapping;
        mapping.map(body->getArguments(), args);
        for (Operation &inner : body->without_terminator())
          if (&inner != sum)
            b.clone(inner, mapping);
        linalg::YieldOp::create(b, loc, mapping.lookupOrDefault(element));
      });
  if (extents.size() == 1)
    return compute.getResult(0);
  SmallVector<ReassociationIndices> groups;
  for (unsigned i = 0; i < rank; ++i)
    groups.push_back({i});
  groups.push_back(llvm::to_vector(
      llvm::seq<int64_t>(rank, rank + static_cast<int64_t>(extents.size()))));
  return tensor::CollapseShapeOp::create(b, loc, compute.getResult(0), groups);
}

Value SumExpander::pad(Value values, int64_t extent) {
  int64_t missing = extent - getLastExtent(values);
  if (missing == 0)
    return values;
  SmallVector<OpFoldResult> low(rank + 1, b.getIndexAttr(0)), high = low;
  high.back() = b.getIndexAttr(missing);
  auto type = RankedTensorType::get(extend({extent}), b.getF32Type());
  return tensor::PadOp::create(b, loc, type, values, low, high,
                               createIdentity());
}

Value SumExpander::addEvery256th(Value values) {
  int64_t rows = llvm::divideCeil(getLastExtent(values), kSumPartials);
  values = pad(values, rows * kSumPartials);
  SmallVector<ReassociationIndices> groups;
  for (unsigned i = 0; i < rank; ++i)
    groups.push_back({i});
  groups.push_back({rank, rank + 1});
  values = tensor::ExpandShapeOp::create(
      b, loc,
      RankedTensorType::get(extend({rows, kSumPartials}), b.getF32Type()),
      values, groups);
  Value init = linalg::FillOp::create(b, loc, createIdentity(),
                                      createEmpty(extend({kSumPartials})))
                   .getResult(0);
  SmallVector<AffineExpr> kept;
  for (unsigned i = 0; i < rank; ++i)
    kept.push_back(b.getAffineDimExpr(i));
  kept.push_back(b.getAffineDimExpr(rank + 1));
  SmallVector<utils::IteratorType> iterators(rank + 2,
                                             utils::IteratorType::parallel);
  iterators[rank] = utils::IteratorType::reduction;
  return linalg::GenericOp::create(
             b, loc, init.getType(), values, init,
             ArrayRef<AffineMap>{
                 b.getMultiDimIdentityMap(rank + 2),
                 AffineMap::get(rank + 2, 0, kept, b.getContext())},
             iterators,
             [](OpBuilder &b, Location loc, ValueRange args) {
               Value sum = arith::AddFOp::create(b, loc, args[1], args[0]);
               linalg::YieldOp::create(b, loc, sum);
             })
      .getResult(0);
}

Value SumExpander::addHalves(Value values) {
  int64_t half = getLastExtent(values) / 2;
  auto type = RankedTensorType::get(extend({half}), b.getF32Type());
  SmallVector<OpFoldResult> sizes, offsets(rank + 1, b.getIndexAttr(0)),
      strides(rank + 1, b.getIndexAttr(1));
  for (int64_t extent : type.getShape())
    sizes.push_back(b.getIndexAttr(extent));
  auto slice = [&](int64_t offset) -> Value {
    offsets.back() = b.getIndexAttr(offset);
    return tensor::ExtractSliceOp::create(b, loc, type, values, offsets, sizes,
                                          strides);
  };
  SmallVector<AffineMap> maps(3, b.getMultiDimIdentityMap(rank + 1));
  SmallVector<utils::IteratorType> parallel(rank + 1,
                                            utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             b, loc, type, ValueRange{slice(0), slice(half)},
             createEmpty(type.getShape()), maps, parallel,
             [](OpBuilder &b, Location loc, ValueRange args) {
               Value sum = arith::AddFOp::create(b, loc, args[0], args[1]);
               linalg::YieldOp::create(b, loc, sum);
             })
      .getResult(0);
}

void SumExpander::run() {
  Value partials = createElements();
  if (getLastExtent(partials) == 0) { // The sum is what it starts from.
    op.getResult(0).replaceAllUsesWith(op.getOutputs()[0]);
    return;
  }
  if (getLastExtent(partials) > kSumPartials)
    partials = addEvery256th(partials);
  partials = pad(partials, llvm::PowerOf2Ceil(getLastExtent(partials)));
  while (getLastExtent(partials) > 1)
    partials = addHalves(partials);

  Value init = op.getOutputs()[0];
  unsigned resultRank = resultType.getRank();
  AffineMap all = b.getMultiDimIdentityMap(resultRank);
  SmallVector<AffineExpr> exprs;
  for (unsigned dim : kept)
    exprs.push_back(b.getAffineDimExpr(dim));
  exprs.push_back(b.getAffineConstantExpr(0));
  AffineMap first = AffineMap::get(resultRank, 0, exprs, b.getContext());
  SmallVector<utils::IteratorType> parallel(resultRank,
                                            utils::IteratorType::parallel);
  auto sum = linalg::GenericOp::create(
      b, loc, resultType, ValueRange{init, partials},
      createEmpty(resultType.getShape()), ArrayRef<AffineMap>{all, first, all},
      parallel, [](OpBuilder &b, Location loc, ValueRange args) {
        Value sum = arith::AddFOp::create(b, loc, args[0], args[1]);
        linalg::YieldOp::create(b, loc, sum);
      });
  op.getResult(0).replaceAllUsesWith(sum.getResult(0));
}

void mlir::qopt::expandOrderedSums(func::FuncOp entry) {
  SmallVector<linalg::GenericOp> sums;
  entry.walk([&](linalg::GenericOp op) {
    if (isMarkedSum(op))
      sums.push_back(op);
  });
  for (linalg::GenericOp op : sums) {
    SumExpander(op).run();
    op.erase();
  }
}

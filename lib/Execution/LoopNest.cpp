//===- LoopNest.cpp - The loops of a linalg op, in a good order -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// LLVM vectorizes the innermost loop if it is parallel and long, and walks
// memory contiguously. So loops that walk all buffers as one are merged, and
// the loop with unit stride becomes the innermost. Where that loop is a
// reduction (whose order must not change), several output elements are computed
// interleaved instead.
//
//===----------------------------------------------------------------------===//
#include "LoopNest.h"

#include "Buffers.h"
#include "QuantOpt/Analysis/OrderedSum.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

/// Reductions interleaved to hide the latency of a float addition.
static constexpr int64_t kInterleave = 8;
/// Bodies larger than this are not repeated.
static constexpr size_t kMaxInterleavedOps = 24;
/// Iterations that make a vectorized loop worth having.
static constexpr int64_t kMinVectorExtent = 8;
/// Elements of a running sum that stay in the first-level cache.
static constexpr int64_t kMaxTile = 2048;
static constexpr int64_t kMinTile = 64;

//===----------------------------------------------------------------------===//
// Analysis
//===----------------------------------------------------------------------===//

/// Loops of `op` whose counter the body uses.
static SmallVector<bool> getIndexedLoops(linalg::LinalgOp op) {
  SmallVector<bool> indexed(op.getNumLoops(), false);
  op->walk([&](linalg::IndexOp index) { indexed[index.getDim()] = true; });
  return indexed;
}

/// Merges each loop into the one outside of it if all operands walk both as
/// one loop.
static void mergeLoops(SmallVector<NestLoop> &loops) {
  SmallVector<NestLoop> merged;
  for (NestLoop &loop : loops) {
    NestLoop *outer = merged.empty() ? nullptr : &merged.back();
    bool fits = outer && outer->isReduction == loop.isReduction &&
                outer->dim < 0 && loop.dim < 0;
    for (size_t i = 0; fits && i < loop.strides.size(); ++i)
      fits = outer->strides[i] == loop.strides[i] * loop.extent;
    if (!fits) {
      merged.push_back(loop);
      continue;
    }
    outer->extent *= loop.extent;
    outer->strides = loop.strides;
  }
  loops = std::move(merged);
}

//===----------------------------------------------------------------------===//
// Order
//===----------------------------------------------------------------------===//

/// What an iteration of `loop` as the innermost loop costs in memory accesses.
static int64_t getVectorCost(const LoopNest &nest, const NestLoop &loop) {
  constexpr int64_t kNear = 4; // Elements apart that share cache lines.
  int64_t cost = 0;
  for (auto [operand, stride] : llvm::zip(nest.operands, loop.strides)) {
    int64_t weight = operand.isOutput ? 2 : 1;
    if (stride > 1)
      cost += weight * (stride <= kNear ? 2 : 8);
    else
      cost += stride * weight;
  }
  if (loop.extent < kMinVectorExtent)
    cost += 8;
  return cost;
}

/// The largest factor of `extent` that is a good tile, or 0.
static int64_t getTile(int64_t extent) {
  for (int64_t tile = kMaxTile; tile >= kMinTile; --tile)
    if (extent % tile == 0)
      return tile;
  return 0;
}

/// True if running values may be combined in any order with the same result,
/// so that LLVM vectorizes the reduction itself.
static bool isOrderFree(linalg::LinalgOp op) {
  return llvm::all_of(
      op.getBlock()->getTerminator()->getOperands(), [](Value value) {
        return isa_and_nonnull<arith::AddIOp, arith::MaximumFOp,
                               arith::MinimumFOp, arith::MaxSIOp,
                               arith::MinSIOp, arith::MaxUIOp, arith::MinUIOp>(
            value.getDefiningOp());
      });
}

/// Removes and returns the loop with the lowest vector cost, inner ones first.
static NestLoop takeCheapest(const LoopNest &nest,
                             SmallVector<NestLoop> &loops) {
  size_t best = loops.size() - 1;
  for (size_t i = loops.size() - 1; i-- > 0;)
    if (getVectorCost(nest, loops[i]) < getVectorCost(nest, loops[best]))
      best = i;
  NestLoop loop = loops[best];
  loops.erase(loops.begin() + best);
  return loop;
}

/// Side by side where that reads memory in order. Partial sums are to stay in
/// the first-level cache.
static void orderSum(LoopNest &nest, SmallVector<NestLoop> parallel,
                     SmallVector<NestLoop> reductions) {
  constexpr int64_t kMaxPartials = 4096, kMinLanes = 16, kMaxLanes = 256;
  nest.isOrderedSum = true;
  if (!parallel.empty()) {
    NestLoop inner = takeCheapest(nest, parallel);
    parallel.push_back(inner);
    if (inner.extent >= kMinVectorExtent &&
        getVectorCost(nest, inner) <= getVectorCost(nest, reductions.back())) {
      int64_t count = 1;
      for (NestLoop &loop : reductions)
        count = std::min(count * loop.extent, kSumPartials);
      int64_t lanes = std::clamp(kMaxPartials / count, kMinLanes, kMaxLanes);
      lanes -= lanes % kMinLanes;
      nest.sumLanes = std::min(lanes, inner.extent);
    }
  }
  nest.loops = std::move(parallel);
  nest.firstRegisterLoop = nest.loops.size();
  nest.loops.append(reductions.begin(), reductions.end());
}

static void orderReduction(LoopNest &nest, SmallVector<NestLoop> parallel,
                           SmallVector<NestLoop> reductions) {
  if (parallel.empty()) {
    nest.loops = std::move(reductions);
    nest.firstRegisterLoop = 0;
    return;
  }
  NestLoop inner = takeCheapest(nest, parallel);
  bool vectorize =
      inner.extent >= kMinVectorExtent &&
      getVectorCost(nest, inner) <= getVectorCost(nest, reductions.back()) + 4;
  nest.loops = std::move(parallel);
  if (!vectorize) {
    nest.loops.push_back(inner);
    nest.firstRegisterLoop = nest.loops.size();
    nest.loops.append(reductions.begin(), reductions.end());
    size_t bodySize = nest.op.getBlock()->getOperations().size();
    bool contiguous = getVectorCost(nest, reductions.back()) <= 2;
    if (bodySize <= kMaxInterleavedOps &&
        !(isOrderFree(nest.op) && contiguous &&
          reductions.back().extent >= kMinVectorExtent))
      nest.interleave = std::min(kInterleave, inner.extent);
    return;
  }
  // The output row that the reduction loops pass over again and again.
  if (inner.extent > kMaxTile && inner.dim < 0)
    if (int64_t tile = getTile(inner.extent)) {
      NestLoop outer = inner;
      outer.extent /= tile;
      for (int64_t &stride : outer.strides)
        stride *= tile;
      inner.extent = tile;
      nest.loops.push_back(outer);
    }
  nest.loops.append(reductions.begin(), reductions.end());
  nest.loops.push_back(inner);
  nest.firstRegisterLoop = nest.loops.size();
}

static void orderLoops(LoopNest &nest, SmallVector<NestLoop> loops) {
  SmallVector<NestLoop> parallel, reductions;
  for (NestLoop &loop : loops)
    (loop.isReduction ? reductions : parallel).push_back(loop);

  // Descending strides of the last output, then of the inputs.
  llvm::stable_sort(parallel, [](const NestLoop &a, const NestLoop &b) {
    return std::lexicographical_compare(b.strides.rbegin(), b.strides.rend(),
                                        a.strides.rbegin(), a.strides.rend());
  });
  mergeLoops(parallel);
  mergeLoops(reductions);
  if (!reductions.empty() && isMarkedSum(nest.op))
    return orderSum(nest, std::move(parallel), std::move(reductions));
  if (!reductions.empty())
    return orderReduction(nest, std::move(parallel), std::move(reductions));
  nest.loops = std::move(parallel);
  if (!nest.loops.empty()) {
    NestLoop inner = takeCheapest(nest, nest.loops);
    nest.loops.push_back(inner);
  }
  nest.firstRegisterLoop = nest.loops.size();
}

FailureOr<LoopNest> cpu::buildLoopNest(linalg::LinalgOp op) {
  LoopNest nest;
  nest.op = op;
  SmallVector<LinearAccess> accesses;
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type) {
      if (isa<ShapedType>(operand.get().getType()))
        return failure();
      continue;
    }
    auto access = linearizeAccess(op.getMatchingIndexingMap(&operand), type);
    if (!access)
      return failure();
    nest.operands.push_back({&operand, type.getElementType(), access->offset,
                             op.isDpsInit(&operand)});
    accesses.push_back(*access);
  }

  auto iterators = op.getIteratorTypesArray();
  SmallVector<NestLoop> loops;
  SmallVector<bool> indexed = getIndexedLoops(op);
  for (auto [dim, extent] : llvm::enumerate(op.getStaticLoopRanges())) {
    if (ShapedType::isDynamic(extent))
      return failure();
    if (extent == 1 && !indexed[dim])
      continue;
    NestLoop loop;
    loop.extent = extent;
    loop.isReduction = iterators[dim] == utils::IteratorType::reduction;
    loop.dim = indexed[dim] ? static_cast<int64_t>(dim) : -1;
    for (LinearAccess &access : accesses)
      loop.strides.push_back(access.strides[dim]);
    for (auto [operand, stride] : llvm::zip(nest.operands, loop.strides))
      if (operand.isOutput && loop.isReduction && stride != 0)
        return failure();
    loops.push_back(loop);
  }
  orderLoops(nest, std::move(loops));
  return nest;
}

//===----------------------------------------------------------------------===//
// Captures
//===----------------------------------------------------------------------===//

FailureOr<NestCaptures> cpu::getCaptures(linalg::LinalgOp op) {
  NestCaptures captures;
  Block *body = op.getBlock();
  bool supported = true;
  auto note = [&](SmallVector<Value> &list, Value value) {
    if (!llvm::is_contained(list, value))
      list.push_back(value);
  };
  body->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands()) {
      Operation *owner = operand.getParentBlock()->getParentOp();
      if (op->isAncestor(owner))
        continue;
      Operation *definition = operand.getDefiningOp();
      if (isa<MemRefType>(operand.getType())) {
        supported &= isa<memref::LoadOp>(inner) &&
                     getStaticStrides(cast<MemRefType>(operand.getType()));
        note(captures.buffers, operand);
      } else if (!definition ||
                 !definition->hasTrait<OpTrait::ConstantLike>()) {
        note(captures.scalars, operand);
      }
    }
    supported &= isa<memref::LoadOp>(inner) ||
                 !isa_and_nonnull<memref::MemRefDialect>(inner->getDialect());
  });
  // Scalar operands are captured as well: the body reads them as arguments.
  for (OpOperand *operand : op.getDpsInputOperands()) {
    Value value = operand->get();
    Operation *definition = value.getDefiningOp();
    if (!isa<MemRefType>(value.getType()) &&
        (!definition || !definition->hasTrait<OpTrait::ConstantLike>()))
      note(captures.scalars, value);
  }
  if (!supported)
    return failure();
  return captures;
}

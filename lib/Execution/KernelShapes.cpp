//===- KernelShapes.cpp - Which kernel computes a linalg op ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A loop is classified by the operands that move with it: output and one input
// (rows, columns), all three (batch, group), both inputs only (summed). Loops
// of one class become one dimension where their strides allow it. Pairs of a
// parallel and a summed loop in one subscript of an input are windows and make
// the op a convolution; windows of one element make it a contraction.
//
//===----------------------------------------------------------------------===//
#include "KernelShapes.h"

#include "Buffers.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

static constexpr unsigned kOut = 2;

namespace {
/// `p * stride + t * dilation` in one subscript of the input.
struct Window {
  unsigned position; ///< The parallel loop.
  unsigned tap;      ///< The summed loop.
  int64_t stride;
  int64_t dilation;
  int64_t inputStride; ///< Of the subscripted dimension, in elements.
};

/// The loops of an op, without those of extent 1.
struct OpLoops {
  SmallVector<KernelLoop> loops;
  /// The position of each loop among the op's iterators.
  SmallVector<unsigned> dims;
  std::array<int64_t, 3> offsets;
};
} // namespace

static std::optional<OpLoops> getLoops(linalg::GenericOp op) {
  OpLoops result;
  std::array<LinearAccess, 3> accesses;
  for (unsigned i = 0; i < 3; ++i) {
    auto type = dyn_cast<MemRefType>(op->getOperand(i).getType());
    if (!type)
      return std::nullopt;
    auto access = linearizeAccess(op.getIndexingMapsArray()[i], type);
    if (!access)
      return std::nullopt;
    accesses[i] = *access;
    result.offsets[i] = access->offset;
  }
  auto iterators = op.getIteratorTypesArray();
  for (auto [dim, extent] : llvm::enumerate(op.getStaticLoopRanges())) {
    if (extent <= 0) // Nothing to compute, or dynamic.
      return std::nullopt;
    if (extent == 1)
      continue;
    KernelLoop loop;
    loop.extent = extent;
    loop.isReduction = iterators[dim] == utils::IteratorType::reduction;
    for (unsigned i = 0; i < 3; ++i)
      loop.strides[i] = accesses[i].strides[dim];
    // An output that several iterations of a parallel loop write.
    if (loop.isReduction != (loop.strides[kOut] == 0))
      return std::nullopt;
    result.loops.push_back(loop);
    result.dims.push_back(dim);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Merging loops into dimensions
//===----------------------------------------------------------------------===//

/// Merges loops that walk all three operands as one loop would. The result is
/// sorted by descending stride in operand `major`.
static SmallVector<KernelLoop> mergeLoops(SmallVector<KernelLoop> loops,
                                          unsigned major) {
  llvm::stable_sort(loops, [&](const KernelLoop &a, const KernelLoop &b) {
    return a.strides[major] > b.strides[major];
  });
  SmallVector<KernelLoop> merged;
  for (const KernelLoop &loop : loops) {
    bool fits = !merged.empty();
    for (unsigned i = 0; fits && i < 3; ++i)
      fits = merged.back().strides[i] == loop.strides[i] * loop.extent;
    if (!fits) {
      merged.push_back(loop);
      continue;
    }
    merged.back().extent *= loop.extent;
    merged.back().strides = loop.strides;
  }
  return merged;
}

/// Takes the loop of `loops` that is best for a kernel's dimension: unit
/// stride in operand `unitIn`, else the largest extent.
static KernelLoop takeBest(SmallVector<KernelLoop> &loops, unsigned unitIn) {
  if (loops.empty())
    return KernelLoop();
  auto rank = [&](const KernelLoop &loop) {
    return std::pair(loop.strides[unitIn] == 1, loop.extent);
  };
  auto best =
      llvm::max_element(loops, [&](const KernelLoop &a, const KernelLoop &b) {
        return rank(a) < rank(b);
      });
  KernelLoop result = *best;
  loops.erase(best);
  return result;
}

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

static KernelShape makeContraction(const OpLoops &op) {
  SmallVector<KernelLoop> batch, rows[2], summed;
  for (const KernelLoop &loop : op.loops) {
    bool inFirst = loop.strides[0] != 0, inSecond = loop.strides[1] != 0;
    if (loop.isReduction)
      summed.push_back(loop);
    else if (inFirst == inSecond)
      batch.push_back(loop);
    else
      rows[inFirst ? 0 : 1].push_back(loop);
  }
  batch = mergeLoops(batch, kOut);
  rows[0] = mergeLoops(rows[0], kOut);
  rows[1] = mergeLoops(rows[1], kOut);
  summed = mergeLoops(summed, 0);

  // Columns of the output are contiguous where possible.
  KernelShape shape;
  auto hasUnit = [](ArrayRef<KernelLoop> loops) {
    return llvm::any_of(
        loops, [](const KernelLoop &loop) { return loop.strides[kOut] == 1; });
  };
  shape.swapOperands = hasUnit(rows[0]) && !hasUnit(rows[1]);
  shape.offsets = op.offsets;
  unsigned lhs = shape.swapOperands ? 1 : 0, rhs = 1 - lhs;
  KernelLoop n = takeBest(rows[rhs], kOut);
  KernelLoop m = takeBest(rows[lhs], lhs);
  KernelLoop k = takeBest(summed, lhs);
  // Other rows or columns are a batch in which one operand does not move.
  SmallVector<KernelLoop> rest = std::move(batch);
  rest.append(rows[0].begin(), rows[0].end());
  rest.append(rows[1].begin(), rows[1].end());
  KernelLoop b = takeBest(rest, /*unitIn=*/kOut);
  shape.outerLoops = std::move(rest);
  shape.outerLoops.append(summed.begin(), summed.end());

  ContractionSpec &spec = shape.contraction;
  spec.batch = b.extent;
  spec.m = m.extent;
  spec.n = n.extent;
  spec.k = k.extent;
  const KernelLoop *lhsDims[3] = {&b, &m, &k}, *rhsDims[3] = {&b, &k, &n},
                   *outDims[3] = {&b, &m, &n};
  for (unsigned i = 0; i < 3; ++i) {
    spec.lhsStrides[i] = lhsDims[i]->strides[lhs];
    spec.rhsStrides[i] = rhsDims[i]->strides[rhs];
    spec.outStrides[i] = outDims[i]->strides[kOut];
  }
  return shape;
}

//===----------------------------------------------------------------------===//
// Convolutions
//===----------------------------------------------------------------------===//

/// The windows in the subscripts of input `input`; nothing if some subscript
/// with several loops is no window.
static std::optional<SmallVector<Window>>
matchWindows(linalg::GenericOp op, const OpLoops &opLoops, unsigned input) {
  SmallVector<Window> windows;
  AffineMap map = op.getIndexingMapsArray()[input];
  auto type = cast<MemRefType>(op->getOperand(input).getType());
  SmallVector<int64_t> strides = *getStaticStrides(type);
  // Subscripts one at a time: as accesses to a vector of unit stride.
  auto unit = MemRefType::get({2}, type.getElementType());
  for (auto [expr, stride] : llvm::zip(map.getResults(), strides)) {
    auto access = linearizeAccess(
        AffineMap::get(map.getNumDims(), 0, expr, op.getContext()), unit);
    if (!access)
      return std::nullopt;
    SmallVector<unsigned> used;
    for (auto [i, dim] : llvm::enumerate(opLoops.dims))
      if (access->strides[dim] != 0)
        used.push_back(i);
    if (used.size() <= 1)
      continue;
    if (used.size() > 2)
      return std::nullopt;
    if (opLoops.loops[used[0]].isReduction)
      std::swap(used[0], used[1]);
    if (opLoops.loops[used[0]].isReduction ||
        !opLoops.loops[used[1]].isReduction)
      return std::nullopt;
    windows.push_back({used[0], used[1], access->strides[opLoops.dims[used[0]]],
                       access->strides[opLoops.dims[used[1]]], stride});
  }
  return windows;
}

/// `windows` read input `input`, whose other operand is the filter.
static std::optional<KernelShape>
makeConvolution(const OpLoops &op, ArrayRef<Window> windows, unsigned input) {
  constexpr unsigned kMaxRank = 3;
  unsigned filter = 1 - input;
  SmallVector<KernelLoop> batch, groups, outputs, summed;
  for (auto [i, loop] : llvm::enumerate(op.loops)) {
    bool isWindow = llvm::any_of(windows, [i = i](const Window &w) {
      return w.position == i || w.tap == i;
    });
    bool inInput = loop.strides[input] != 0;
    bool inFilter = loop.strides[filter] != 0;
    if (isWindow)
      continue;
    if (loop.isReduction)
      summed.push_back(loop);
    else if (inInput && inFilter)
      groups.push_back(loop);
    else if (inFilter)
      outputs.push_back(loop);
    else
      batch.push_back(loop);
  }
  batch = mergeLoops(batch, kOut);
  groups = mergeLoops(groups, kOut);
  outputs = mergeLoops(outputs, kOut);
  summed = mergeLoops(summed, input);

  KernelShape shape;
  shape.isConvolution = true;
  shape.swapOperands = input == 1;
  shape.offsets = op.offsets;
  ConvolutionSpec &spec = shape.convolution;
  spec.rank = windows.size();
  for (auto [i, window] : llvm::enumerate(windows)) {
    const KernelLoop &position = op.loops[window.position];
    const KernelLoop &tap = op.loops[window.tap];
    if (position.strides[filter] != 0 || tap.strides[filter] == 0)
      return std::nullopt;
    spec.outputSize[i] = position.extent;
    spec.kernelSize[i] = tap.extent;
    spec.strides[i] = window.stride;
    spec.dilations[i] = window.dilation;
    spec.inputSize[i] = (position.extent - 1) * window.stride +
                        (tap.extent - 1) * window.dilation + 1;
    spec.inputStrides.spatial[i] = window.inputStride;
    spec.filterStrides.spatial[i] = tap.strides[filter];
    spec.outputStrides.spatial[i] = position.strides[kOut];
  }
  KernelLoop b = takeBest(batch, kOut);
  // More positions without a window: a spatial dimension with one tap.
  while (spec.rank < kMaxRank && !batch.empty()) {
    KernelLoop extra = takeBest(batch, kOut);
    if (extra.strides[input] == 0) {
      shape.outerLoops.push_back(extra);
      continue;
    }
    unsigned i = spec.rank++;
    spec.outputSize[i] = spec.inputSize[i] = extra.extent;
    spec.inputStrides.spatial[i] = extra.strides[input];
    spec.outputStrides.spatial[i] = extra.strides[kOut];
  }
  KernelLoop g = takeBest(groups, kOut);
  KernelLoop o = takeBest(outputs, kOut);
  KernelLoop c = takeBest(summed, input);
  for (auto *rest : {&batch, &groups, &outputs, &summed})
    shape.outerLoops.append(rest->begin(), rest->end());

  spec.batch = b.extent;
  spec.groups = g.extent;
  spec.outputChannels = o.extent;
  spec.inputChannels = c.extent;
  spec.inputStrides.outer = b.strides[input];
  spec.inputStrides.group = g.strides[input];
  spec.inputStrides.channel = c.strides[input];
  spec.filterStrides.outer = o.strides[filter];
  spec.filterStrides.group = g.strides[filter];
  spec.filterStrides.channel = c.strides[filter];
  spec.outputStrides.outer = b.strides[kOut];
  spec.outputStrides.group = g.strides[kOut];
  spec.outputStrides.channel = o.strides[kOut];
  return shape;
}

std::optional<KernelShape> cpu::inferKernelShape(linalg::GenericOp op) {
  constexpr size_t kMaxWindows = 3;
  std::optional<OpLoops> loops = getLoops(op);
  if (!loops)
    return std::nullopt;
  auto first = matchWindows(op, *loops, 0);
  auto second = matchWindows(op, *loops, 1);
  if (first && second) {
    if (!first->empty() && second->empty() && first->size() <= kMaxWindows)
      if (auto shape = makeConvolution(*loops, *first, 0))
        return shape;
    if (!second->empty() && first->empty() && second->size() <= kMaxWindows)
      if (auto shape = makeConvolution(*loops, *second, 1))
        return shape;
  }
  return makeContraction(*loops);
}

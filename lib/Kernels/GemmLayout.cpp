//===- GemmLayout.cpp - Which loops are the dims of a gemm -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GemmLayout.h"

using namespace mlir;
using namespace mlir::qopt;

/// Batch dims of a gemm at most.
static constexpr size_t kMaxBatchDims = 2;

SmallVector<int64_t> GemmDims::getLogicalShape() const {
  SmallVector<int64_t> shape;
  for (const LoopParts &batch : batches)
    shape.push_back(getNumPoints(batch));
  shape.push_back(getNumPoints(m));
  shape.push_back(getNumPoints(n));
  return shape;
}

//===----------------------------------------------------------------------===//
// Common parts
//===----------------------------------------------------------------------===//

/// The part of `parts` that is cut by index `boundary` of `loop`; -1 if there
/// is none, -2 if the cut is not possible.
static int64_t findCut(const StridedParts &parts, unsigned loop,
                       int64_t boundary) {
  for (auto [i, strided] : llvm::enumerate(parts)) {
    const LoopPart &part = strided.part;
    int64_t end = part.stride * part.extent;
    if (part.loop != loop || boundary <= part.stride || boundary >= end)
      continue;
    return boundary % part.stride == 0 && end % boundary == 0
               ? static_cast<int64_t>(i)
               : -2;
  }
  return -1;
}

static void cutPart(StridedParts &parts, size_t index, int64_t boundary) {
  StridedPart inner = parts[index];
  int64_t extent = boundary / inner.part.stride;
  StridedPart outer = {{inner.part.loop, boundary, inner.part.extent / extent},
                       inner.stride * extent};
  inner.part.extent = extent;
  parts[index] = inner;
  parts.insert(parts.begin() + index, outer);
}

bool mlir::qopt::refineParts(ArrayRef<OperandMemory *> operands) {
  SmallVector<std::pair<unsigned, int64_t>> boundaries;
  for (OperandMemory *operand : operands)
    for (const StridedPart &strided : operand->parts) {
      boundaries.push_back({strided.part.loop, strided.part.stride});
      boundaries.push_back(
          {strided.part.loop, strided.part.stride * strided.part.extent});
    }
  for (auto [loop, boundary] : boundaries)
    for (OperandMemory *operand : operands) {
      int64_t cut = findCut(operand->parts, loop, boundary);
      if (cut == -2)
        return false;
      if (cut >= 0)
        cutPart(operand->parts, cut, boundary);
    }
  return true;
}

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

static const StridedPart *find(const OperandMemory &memory, LoopPart part) {
  const auto *it = llvm::find_if(memory.parts, [&](const StridedPart &strided) {
    return strided.part == part;
  });
  return it == memory.parts.end() ? nullptr : it;
}

/// True if stepping over all of `inner` is a step of `outer`.
static bool follows(const OperandMemory &memory, LoopPart outer,
                    LoopPart inner) {
  const StridedPart *x = find(memory, outer), *y = find(memory, inner);
  if (!x || !y)
    return !x && !y;
  return memory.isFree || x->stride == y->stride * inner.extent;
}

/// True if `parts` are the innermost ones, in this order and in one piece.
static bool areInnermost(const OperandMemory &memory,
                         ArrayRef<LoopPart> parts) {
  if (memory.isFree)
    return true;
  int64_t stride = 1;
  for (const LoopPart &part : llvm::reverse(parts)) {
    const StridedPart *strided = find(memory, part);
    if (!strided || strided->stride != stride)
      return false;
    stride *= part.extent;
  }
  return true;
}

static LoopParts selectParts(const OperandMemory &memory,
                             ArrayRef<LoopKind> kinds, LoopKind kind) {
  LoopParts parts;
  for (const StridedPart &strided : memory.parts)
    if (kinds[strided.part.loop] == kind)
      parts.push_back(strided.part);
  return parts;
}

std::optional<GemmDims> mlir::qopt::groupLoops(const OperandMemory &a,
                                               const OperandMemory &b,
                                               const OperandMemory &d,
                                               ArrayRef<LoopKind> kinds,
                                               GemmMisfit &misfit) {
  GemmDims dims;
  dims.k = selectParts(a.isFree ? b : a, kinds, LoopKind::K);
  misfit = GemmMisfit::DepthOfA;
  if (!areInnermost(a, dims.k))
    return std::nullopt;
  misfit = GemmMisfit::DepthOfB;
  if (!areInnermost(b, dims.k))
    return std::nullopt;

  // The columns: as many of theirs as are innermost in the result.
  LoopParts others;
  for (const StridedPart &strided : d.parts)
    others.push_back(strided.part);
  misfit = GemmMisfit::Columns;
  while (!others.empty() && kinds[others.back().loop] == LoopKind::N) {
    LoopPart part = others.back();
    if (dims.n.empty() ? !areInnermost(d, part)
                       : !follows(d, part, dims.n.front()) ||
                             !follows(b, part, dims.n.front()))
      break;
    dims.n.insert(dims.n.begin(), part);
    others.pop_back();
  }
  bool hasColumns = llvm::any_of(others, [&](const LoopPart &part) {
    return kinds[part.loop] == LoopKind::N;
  });
  if (dims.n.empty() && hasColumns)
    return std::nullopt;

  // The largest group of rows is m.
  SmallVector<LoopParts> groups;
  for (const LoopPart &part : others) {
    bool joins = !groups.empty();
    if (joins) {
      LoopPart last = groups.back().back();
      joins = kinds[last.loop] == kinds[part.loop];
      for (const OperandMemory *memory : {&a, &b, &d})
        joins = joins && follows(*memory, last, part);
    }
    if (!joins)
      groups.emplace_back();
    groups.back().push_back(part);
  }
  LoopParts *rows = nullptr;
  for (LoopParts &group : groups)
    if (kinds[group.front().loop] == LoopKind::M &&
        (!rows || getNumPoints(group) >= getNumPoints(*rows)))
      rows = &group;
  for (LoopParts &group : groups)
    if (&group == rows)
      dims.m = group;
    else
      dims.batches.push_back(group);
  misfit = GemmMisfit::ManyBatches;
  if (dims.batches.size() > kMaxBatchDims)
    return std::nullopt;
  misfit = GemmMisfit::None;
  return dims;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

OperandDims mlir::qopt::getOperandDims(MLIRContext *context,
                                       const GemmDims &dims,
                                       const OperandMemory &memory,
                                       GemmOperand operand) {
  unsigned rank = dims.getRank();
  struct Dim {
    unsigned loop;
    LoopParts parts;
    int64_t stride;
  };
  // Constants get the logical order.
  auto getStride = [&](const LoopParts &parts) {
    return memory.isFree || parts.empty() ? 0
                                          : find(memory, parts.back())->stride;
  };
  SmallVector<Dim> ordered;
  for (auto [i, batch] : llvm::enumerate(dims.batches))
    if (find(memory, batch.front()))
      ordered.push_back({unsigned(i), batch, getStride(batch)});
  const LoopParts &rows = operand == GemmOperand::B ? dims.n : dims.m;
  const LoopParts &columns = operand == GemmOperand::Result ? dims.n : dims.k;
  ordered.push_back({rank - 2, rows, getStride(rows)});
  llvm::stable_sort(
      ordered, [](const Dim &x, const Dim &y) { return x.stride > y.stride; });
  ordered.push_back({rank - 1, columns, 0});

  OperandDims result;
  SmallVector<unsigned> loops;
  for (Dim &dim : ordered) {
    loops.push_back(dim.loop);
    result.shape.push_back(getNumPoints(dim.parts));
    for (const LoopPart &part : dim.parts)
      result.partExtents.push_back(part.extent);
    result.dims.push_back(std::move(dim.parts));
  }
  result.map = AffineMap::getMultiDimMapWithTargets(rank, loops, context);
  return result;
}

ArrayAttr mlir::qopt::getOperandMaps(AffineMap a, AffineMap b, AffineMap d) {
  AffineMap shared =
      AffineMap::getMinorIdentityMap(d.getNumDims(), 2, d.getContext());
  if (a.isIdentity() && d.isIdentity() && (b.isIdentity() || b == shared))
    return nullptr;
  return Builder(d.getContext()).getAffineMapArrayAttr({a, b, d});
}

//===- ResultLayout.cpp - Transposes behind a gemm -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ResultLayout.h"

#include "GemmLayout.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// What is behind the gemm
//===----------------------------------------------------------------------===//

namespace {
/// A transpose's result, its dims by loops of the gemm.
struct Target {
  Value value;
  SmallVector<LoopParts> dims;
};
} // namespace

static ArrayRef<int64_t> getShape(Value tensor) {
  return cast<RankedTensorType>(tensor.getType()).getShape();
}

/// `dims` of the input of `op` to those of its result. False if `op` does more
/// than move elements.
static bool stepForward(Operation *op, Value input,
                        SmallVector<LoopParts> &dims, bool &isTranspose) {
  isTranspose = false;
  SmallVector<LoopParts> next;
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op)) {
    for (auto [dim, group] :
         llvm::enumerate(expand.getReassociationIndices())) {
      SmallVector<int64_t> extents;
      for (int64_t to : group)
        extents.push_back(getShape(expand.getResult())[to]);
      auto split = splitParts(dims[dim], extents);
      if (!split)
        return false;
      next.append(*split);
    }
  } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op)) {
    for (const ReassociationIndices &group :
         collapse.getReassociationIndices()) {
      next.emplace_back();
      for (int64_t from : group)
        next.back().append(dims[from]);
    }
  } else if (auto transpose = matchTranspose(op);
             transpose && transpose->first == input) {
    for (int64_t from : transpose->second)
      next.push_back(dims[from]);
    isTranspose = true;
  } else {
    return false;
  }
  dims = std::move(next);
  return true;
}

/// The transposes that all of `result` goes through, the nearest first.
static SmallVector<Target> findTargets(Value result,
                                       SmallVector<LoopParts> dims) {
  SmallVector<Target> targets;
  Value value = result;
  while (value.hasOneUse()) {
    Operation *user = *value.getUsers().begin();
    bool isTranspose;
    if (!stepForward(user, value, dims, isTranspose))
      break;
    value = user->getResult(0);
    if (isTranspose)
      targets.push_back({value, dims});
  }
  return targets;
}

//===----------------------------------------------------------------------===//
// A gemm that writes it
//===----------------------------------------------------------------------===//

namespace {
class Rewriter {
public:
  explicit Rewriter(GemmOp gemm);

  SmallVector<Target> findTargets() {
    return ::findTargets(gemm.getResult(0), getDims(gemm.getMapD(), rank - 1));
  }
  /// Replaces the gemm by one that writes `target`; with `swapped` roles of a
  /// and b. False if there is none.
  bool rewrite(const Target &target, bool swapped);

private:
  /// The dims of an operand whose last loop is `last`.
  SmallVector<LoopParts> getDims(AffineMap map, unsigned last) const;
  TensorView getView(Value value, AffineMap map, unsigned last) const;
  /// Dims of epilogue operands under `dims`; false if one has another order.
  bool planEpilogue(const GemmDims &dims);

  GemmOp gemm;
  unsigned rank;
  /// Of the loops batch..., m, n, k.
  SmallVector<int64_t> extents;
  TensorView a, b;
  SmallVector<OperandMemory> epilogue;
  SmallVector<OperandDims, 4> epilogueDims;
};
} // namespace

SmallVector<LoopParts> Rewriter::getDims(AffineMap map, unsigned last) const {
  SmallVector<LoopParts> dims;
  for (AffineExpr expr : map.getResults()) {
    unsigned loop = cast<AffineDimExpr>(expr).getPosition();
    if (loop + 1 == rank)
      loop = last;
    LoopParts &parts = dims.emplace_back();
    if (extents[loop] != 1)
      parts.push_back({loop, 1, extents[loop]});
  }
  return dims;
}

TensorView Rewriter::getView(Value value, AffineMap map, unsigned last) const {
  TensorView view;
  view.value = value;
  view.dims = getDims(map, last);
  view.offsets.assign(view.dims.size(), 0);
  return view;
}

Rewriter::Rewriter(GemmOp gemm) : gemm(gemm) {
  extents = gemm.getLogicalShape();
  rank = extents.size();
  extents.push_back(gemm.getK());
  a = getView(gemm.getA(), gemm.getMapA(), rank);
  // The rows of b are the columns.
  SmallVector<unsigned> loops;
  AffineMap mapB = gemm.getMapB();
  b.value = gemm.getB();
  b.dims = getDims(mapB, rank);
  for (unsigned dim = 0; dim < mapB.getNumResults(); ++dim)
    if (mapB.getDimPosition(dim) == rank - 2) {
      b.dims[dim].clear();
      if (extents[rank - 1] != 1)
        b.dims[dim].push_back({rank - 1, 1, extents[rank - 1]});
    }
  b.offsets.assign(b.dims.size(), 0);
}

bool Rewriter::planEpilogue(const GemmDims &dims) {
  SmallVector<LoopParts> loops(dims.batches.begin(), dims.batches.end());
  loops.push_back(dims.m);
  loops.push_back(dims.n);
  epilogueDims.clear();
  for (const OperandMemory &memory : epilogue) {
    OperandDims &planned = epilogueDims.emplace_back();
    LoopParts wanted, stored;
    for (const StridedPart &strided : memory.parts)
      stored.push_back(strided.part);
    SmallVector<unsigned> positions;
    for (auto [loop, parts] : llvm::enumerate(loops)) {
      if (parts.empty() || !llvm::is_contained(stored, parts.front()))
        continue;
      positions.push_back(loop);
      planned.shape.push_back(getNumPoints(parts));
      wanted.append(parts);
    }
    if (wanted != stored)
      return false;
    for (const LoopPart &part : stored)
      planned.partExtents.push_back(part.extent);
    planned.map = AffineMap::getMultiDimMapWithTargets(loops.size(), positions,
                                                       gemm.getContext());
  }
  return true;
}

bool Rewriter::rewrite(const Target &target, bool swapped) {
  SmallVector<LoopKind> kinds(rank - 2, LoopKind::Batch);
  kinds.append({swapped ? LoopKind::N : LoopKind::M,
                swapped ? LoopKind::M : LoopKind::N, LoopKind::K});
  OperandMemory memoryA{getStridedParts(swapped ? b : a)};
  OperandMemory memoryB{getStridedParts(swapped ? a : b)};
  OperandMemory memoryD{getStridedParts(target.dims)};
  SmallVector<OperandMemory *> all = {&memoryA, &memoryB, &memoryD};
  epilogue.clear();
  for (AffineMap map : gemm.getEpilogueMaps().getAsValueRange<AffineMapAttr>())
    epilogue.push_back({getStridedParts(getDims(map, rank - 1))});
  for (OperandMemory &memory : epilogue)
    all.push_back(&memory);
  GemmMisfit misfit;
  if (!refineParts(all))
    return false;
  std::optional<GemmDims> dims =
      groupLoops(memoryA, memoryB, memoryD, kinds, misfit);
  if (!dims || !planEpilogue(*dims))
    return false;

  MLIRContext *context = gemm.getContext();
  OperandDims dimsA = getOperandDims(context, *dims, memoryA, GemmOperand::A);
  OperandDims dimsB = getOperandDims(context, *dims, memoryB, GemmOperand::B);
  OperandDims dimsD =
      getOperandDims(context, *dims, memoryD, GemmOperand::Result);
  Value newA = swapped ? b.value : a.value, newB = swapped ? a.value : b.value;
  // What is packed stays as it is: it may have to be padded.
  auto fits = [](Value value, const OperandDims &planned) {
    return !isa_and_nonnull<PackOp>(value.getDefiningOp()) ||
           getShape(value) == ArrayRef(planned.shape);
  };
  if (!fits(newA, dimsA) || !fits(newB, dimsB))
    return false;

  OpBuilder builder(gemm);
  Location loc = gemm.getLoc();
  auto reshape = [&](Value value, const OperandDims &planned) {
    return buildReshape(builder, loc, value, planned.partExtents,
                        planned.shape);
  };
  newA = reshape(newA, dimsA);
  newB = reshape(newB, dimsB);
  SmallVector<Value> operands;
  SmallVector<AffineMap> maps;
  for (auto [value, planned] :
       llvm::zip(gemm.getEpilogueInputs(), epilogueDims)) {
    operands.push_back(reshape(value, planned));
    maps.push_back(planned.map);
  }
  auto resultType = cast<RankedTensorType>(gemm.getInit().getType());
  Value init = tensor::EmptyOp::create(builder, loc, dimsD.shape,
                                       resultType.getElementType());
  bool unsignedA = swapped ? gemm.getBUnsigned() : gemm.getAUnsigned();
  bool unsignedB = swapped ? gemm.getAUnsigned() : gemm.getBUnsigned();
  auto replacement = GemmOp::create(
      builder, loc, TypeRange{init.getType()}, newA, newB, operands, init,
      builder.getAffineMapArrayAttr(maps), unsignedA, unsignedB,
      getOperandMaps(dimsA.map, dimsB.map, dimsD.map), WindowAttr(),
      gemm.getNameAttr(), gemm.getConfigAttr());
  replacement.getBody().takeBody(gemm.getBody());
  builder.setInsertionPointAfterValue(target.value);
  Value value = target.value;
  value.replaceAllUsesWith(buildReshape(builder, loc, replacement.getResult(0),
                                        dimsD.partExtents,
                                        getShape(target.value)));
  // What is between the gemm and the target goes with them.
  Operation *op = value.getDefiningOp();
  while (op != gemm) {
    Operation *before = op->getOperand(0).getDefiningOp();
    op->erase();
    op = before;
  }
  gemm.erase();
  return true;
}

void mlir::qopt::absorbTranspose(GemmOp gemm) {
  if (gemm.getWindow() || gemm.getNumResults() == 0)
    return;
  Rewriter rewriter(gemm);
  SmallVector<Target> targets = rewriter.findTargets();
  for (const Target &target : llvm::reverse(targets))
    if (rewriter.rewrite(target, /*swapped=*/false) ||
        rewriter.rewrite(target, /*swapped=*/true))
      return;
}

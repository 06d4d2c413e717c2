//===- MergeGemms.cpp - Gemms of the same rows ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The results of a merged gemm are slices of its result: buffers whose rows are
// further apart. Kernels read them as they are; what would have to copy them
// keeps its gemm alone.
//
//===----------------------------------------------------------------------===//
#include "EpilogueFusion.h"
#include "MergeEpilogues.h"
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"

#include <numeric>

namespace mlir::qopt {
#define GEN_PASS_DEF_MERGEGEMMS
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Which
//===----------------------------------------------------------------------===//

/// The readers of `value`, a view of a gemm's result with extent `columns` in
/// its innermost, merged dim, take it with rows further apart. `inner`: how
/// many of its last dims lie within a row.
static bool canBeSlice(Value value, int64_t inner) {
  for (OpOperand &use : value.getUses()) {
    Operation *user = use.getOwner();
    if (auto expand = dyn_cast<tensor::ExpandShapeOp>(user)) {
      int64_t innerTo = 0;
      for (const ReassociationIndices &group :
           ArrayRef(expand.getReassociationIndices()).take_back(inner))
        innerTo += group.size();
      if (!canBeSlice(expand.getResult(), innerTo))
        return false;
    } else if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(user)) {
      // Dims within the row, or of several rows, may be merged; not both, but
      // for those of extent 1.
      int64_t rank = collapse.getSrcType().getRank(), innerTo = 0;
      for (const ReassociationIndices &group :
           collapse.getReassociationIndices()) {
        bool hasInner = false, hasOuter = false;
        for (int64_t dim : group) {
          if (collapse.getSrcType().getDimSize(dim) == 1)
            continue;
          (dim >= rank - inner ? hasInner : hasOuter) = true;
        }
        if (hasInner && hasOuter)
          return false;
        innerTo += hasInner;
      }
      if (!canBeSlice(collapse.getResult(), std::max<int64_t>(innerTo, 1)))
        return false;
    } else if (auto gemm = dyn_cast<GemmOp>(user)) {
      if (gemm.getWindow() || gemm.isDpsInit(&use))
        return false;
    } else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(user)) {
      if (linalgOp.isDpsInit(&use))
        return false;
    } else {
      return false;
    }
  }
  return true;
}

/// The source of a constant b without batches, packed only.
static ElementsAttr getWeights(GemmOp gemm) {
  auto pack = gemm.getB().getDefiningOp<PackOp>();
  auto type = cast<RankedTensorType>(gemm.getB().getType());
  if (!pack || type.getRank() != 2 ||
      type.getShape() != ArrayRef({gemm.getN(), gemm.getK()}))
    return nullptr;
  return getConstantElements(pack.getSource());
}

static int64_t getResultAlignment(GemmOp gemm) {
  constexpr int64_t kMaxAlignment = 16;
  int64_t bits =
      getElementTypeOrSelf(gemm.getInit().getType()).getIntOrFloatBitWidth();
  return std::gcd(kMaxAlignment, gemm.getN() * ((bits + 7) / 8));
}

static bool isCandidate(GemmOp gemm) {
  return gemm.getNumResults() == 1 && !gemm.getWindow() && !gemm.getConfig() &&
         getWeights(gemm) && gemm.getN() > 1 &&
         canBeSlice(gemm.getResult(0), /*inner=*/1);
}

/// Everything but the columns and the epilogue.
static bool areAlike(GemmOp x, GemmOp y) {
  auto element = [](GemmOp gemm) {
    return getElementTypeOrSelf(gemm.getInit().getType());
  };
  auto permutation = [](GemmOp gemm) {
    return gemm.getB().getDefiningOp<PackOp>().getPermutation();
  };
  return x->getBlock() == y->getBlock() && isSameView(x.getA(), y.getA()) &&
         x.getAUnsigned() == y.getAUnsigned() &&
         x.getBUnsigned() == y.getBUnsigned() &&
         x.getBatchShape() == y.getBatchShape() && x.getM() == y.getM() &&
         x.getK() == y.getK() && x.getMapA() == y.getMapA() &&
         x.getMapB() == y.getMapB() && x.getMapD() == y.getMapD() &&
         element(x) == element(y) && permutation(x) == permutation(y) &&
         getResultAlignment(x) == getResultAlignment(y);
}

//===----------------------------------------------------------------------===//
// Merging
//===----------------------------------------------------------------------===//

static std::string joinNames(ArrayRef<GemmOp> gemms) {
  std::string name;
  for (GemmOp gemm : gemms) {
    if (!name.empty())
      name += '+';
    name += gemm.getName().value_or("gemm");
  }
  return name;
}

/// False if the epilogues differ, or a constant is not readable.
static bool merge(ArrayRef<GemmOp> gemms) {
  GemmOp first = gemms.front();
  std::unique_ptr<MergedEpilogue> epilogue = MergedEpilogue::create(gemms);
  if (!epilogue)
    return false;
  auto pack = first.getB().getDefiningOp<PackOp>();
  SmallVector<ElementsAttr> weights;
  int64_t columns = 0;
  for (GemmOp gemm : gemms) {
    weights.push_back(getWeights(gemm));
    columns += gemm.getN();
  }
  ElementsAttr joined =
      joinConstants(weights, pack.getPermutation().front(), "weights");
  if (!joined)
    return false;

  OpBuilder builder(first);
  SmallVector<Location> locations;
  for (GemmOp gemm : gemms)
    locations.push_back(gemm.getLoc());
  Location loc = builder.getFusedLoc(locations);
  Value source = makeConstant(builder, loc, joined);
  auto typeB = cast<RankedTensorType>(first.getB().getType());
  Value b = PackOp::create(builder, loc, typeB.clone({columns, first.getK()}),
                           source, pack.getPermutation());
  auto resultType = cast<RankedTensorType>(first.getInit().getType());
  SmallVector<int64_t> shape(resultType.getShape());
  shape.back() = columns;
  Value init =
      tensor::EmptyOp::create(builder, loc, shape, resultType.getElementType());
  auto merged = GemmOp::create(
      builder, loc, TypeRange{init.getType()}, first.getA(), b,
      epilogue->buildOperands(builder, loc), init,
      builder.getAffineMapArrayAttr(epilogue->getMaps()), first.getAUnsigned(),
      first.getBUnsigned(), first.getOperandMapsAttr(), WindowAttr(),
      builder.getStringAttr(joinNames(gemms)), GemmConfigAttr());
  epilogue->moveBody(merged.getBody());

  SmallVector<OpFoldResult> offsets(shape.size(), builder.getIndexAttr(0)),
      sizes, strides(shape.size(), builder.getIndexAttr(1));
  for (int64_t extent : shape)
    sizes.push_back(builder.getIndexAttr(extent));
  int64_t offset = 0;
  for (GemmOp gemm : gemms) {
    offsets.back() = builder.getIndexAttr(offset);
    sizes.back() = builder.getIndexAttr(gemm.getN());
    offset += gemm.getN();
    Value slice = tensor::ExtractSliceOp::create(
        builder, loc, merged.getResult(0), offsets, sizes, strides);
    gemm.getResult(0).replaceAllUsesWith(slice);
  }
  for (GemmOp gemm : gemms)
    gemm.erase();
  remark::passed(loc, remark::RemarkOpts::name("merged-gemms").category("qopt"))
      << merged.getName()->str() + ": one gemm of " + std::to_string(columns) +
             " columns";
  return true;
}

namespace {
struct MergeGemms : public qopt::impl::MergeGemmsBase<MergeGemms> {
  using MergeGemmsBase::MergeGemmsBase;

  void runOnOperation() override {
    SmallVector<GemmOp> rest;
    getOperation().walk([&](GemmOp op) {
      if (isCandidate(op))
        rest.push_back(op);
    });
    bool changed = false;
    while (!rest.empty()) {
      // The first one with all that are like it; where not all can be merged,
      // with those that can one by one.
      GemmOp first = rest.front();
      SmallVector<GemmOp> group = {first}, others;
      for (GemmOp gemm : llvm::drop_begin(rest)) {
        bool joins = areAlike(first, gemm);
        if (joins) {
          group.push_back(gemm);
          joins = MergedEpilogue::create(group) != nullptr;
          if (!joins)
            group.pop_back();
        }
        if (!joins)
          others.push_back(gemm);
      }
      if (group.size() > 1)
        changed |= merge(group);
      rest = std::move(others);
    }
    if (changed)
      eraseUnusedOps(getOperation());
  }
};
} // namespace

//===- MatrixProduct.cpp - Contractions as matrix products -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loops are sorted by the operands they index: batch (all three), m (lhs and
// result), n (rhs and result), k (lhs and rhs). Loops of extent 1 belong
// nowhere: they may stand anywhere and cost nothing.
//
//===----------------------------------------------------------------------===//
#include "MatrixProduct.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/MulAdd.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

/// The loops that index the dims of an operand.
static SmallVector<LoopParts> getLoops(AffineMap map,
                                       ArrayRef<int64_t> extents) {
  SmallVector<LoopParts> dims;
  for (AffineExpr expr : map.getResults()) {
    unsigned loop = cast<AffineDimExpr>(expr).getPosition();
    LoopParts &parts = dims.emplace_back();
    if (extents[loop] != 1)
      parts.push_back({loop, 1, extents[loop]});
  }
  return dims;
}

/// The kinds of all loops, where operand `aIndex` has the rows. Nothing if a
/// loop fits none (a sum over one operand only).
static std::optional<SmallVector<LoopKind>>
getKinds(linalg::LinalgOp op, ArrayRef<int64_t> extents, unsigned aIndex) {
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  SmallVector<LoopKind> kinds;
  for (unsigned loop = 0; loop < extents.size(); ++loop) {
    bool inA = maps[aIndex].isFunctionOfDim(loop);
    bool inB = maps[1 - aIndex].isFunctionOfDim(loop);
    bool inResult = maps[2].isFunctionOfDim(loop);
    kinds.push_back(!inResult    ? LoopKind::K
                    : inA && inB ? LoopKind::Batch
                    : inA        ? LoopKind::M
                                 : LoopKind::N);
    if (extents[loop] != 1 && inA + inB + inResult < 2)
      return std::nullopt;
  }
  return kinds;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// A constant whose dims are each in order and in one piece is packed to their
/// order.
static bool packConstant(MatrixOperand &operand, const OperandMemory &memory) {
  ArrayRef<LoopParts> dims = operand.dims.dims;
  LoopParts stored;
  for (const StridedPart &strided : memory.parts)
    stored.push_back(strided.part);
  SmallVector<int64_t> order =
      llvm::to_vector(llvm::seq<int64_t>(0, dims.size()));
  do {
    LoopParts permuted;
    for (int64_t i : order)
      permuted.append(dims[i]);
    if (permuted != stored)
      continue;
    operand.storedShape = applyPermutation(operand.dims.shape, order);
    operand.packing = invertPermutationVector(order);
    return true;
  } while (std::next_permutation(order.begin(), order.end()));
  return false;
}

/// True if a transpose of `value` becomes a part of what makes it.
static bool isFreeToTranspose(Value value) {
  while (value.hasOneUse()) {
    Operation *op = value.getDefiningOp();
    if (isa_and_nonnull<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op)) {
      value = op->getOperand(0);
      continue;
    }
    auto linalgOp = dyn_cast_or_null<linalg::LinalgOp>(op);
    return linalgOp && linalgOp.getNumParallelLoops() == linalgOp.getNumLoops();
  }
  return false;
}

/// Plans a transpose of the operand's view to `wanted`.
static void planTranspose(MatrixOperand &operand, const OperandMemory &memory,
                          ArrayRef<LoopPart> wanted) {
  // Parts that stay together are one dim.
  SmallVector<LoopParts> units;
  for (const StridedPart &strided : memory.parts) {
    const LoopPart *it = llvm::find(wanted, strided.part);
    bool joins = !units.empty() && it != wanted.begin() &&
                 *std::prev(it) == units.back().back();
    if (!joins)
      units.emplace_back();
    units.back().push_back(strided.part);
  }
  operand.splitShape.clear();
  for (const LoopParts &unit : units)
    operand.splitShape.push_back(getNumPoints(unit));
  operand.transpose.clear();
  for (const LoopPart &part : wanted)
    for (auto [i, unit] : llvm::enumerate(units))
      if (unit.front() == part)
        operand.transpose.push_back(i);
}

Value mlir::qopt::buildMatrixOperand(OpBuilder &builder, Location loc,
                                     const MatrixOperand &operand) {
  if (operand.isConstant) {
    Value value =
        buildReshape(builder, loc, operand.view.value, operand.storedShape);
    auto type = cast<RankedTensorType>(value.getType());
    auto packed =
        RankedTensorType::get(operand.dims.shape, type.getElementType());
    return PackOp::create(builder, loc, packed, value, operand.packing);
  }
  Value value = buildSlice(builder, loc, operand.view);
  if (!operand.transpose.empty()) {
    value = buildReshape(builder, loc, value, operand.splitShape);
    auto type = cast<RankedTensorType>(value.getType());
    Value empty = tensor::EmptyOp::create(
        builder, loc, applyPermutation(type.getShape(), operand.transpose),
        type.getElementType());
    value = linalg::TransposeOp::create(builder, loc, value, empty,
                                        operand.transpose)
                ->getResult(0);
  }
  return buildReshape(builder, loc, value, operand.dims.partExtents,
                      operand.dims.shape);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Sums start from +0 as the kernels' do, or `init` is what they start from.
static bool startsFromZero(OpOperand *init) {
  Value start = init->get();
  if (auto fill = start.getDefiningOp<linalg::FillOp>())
    start = fill.value();
  return matchPattern(start, m_PosZeroFloat()) || matchPattern(start, m_Zero());
}

bool mlir::qopt::isHalfMulAdd(linalg::LinalgOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() == 0)
    return false;
  Block *body = op.getBlock();
  Type type = body->getArgument(0).getType();
  if (!(type.isF16() || type.isBF16()) ||
      body->getArgument(1).getType() != type ||
      !body->getArgument(2).getType().isF32())
    return false;
  auto sum =
      body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  Value out = body->getArgument(2);
  if (!sum || (sum.getLhs() == out) == (sum.getRhs() == out))
    return false;
  auto product = (sum.getLhs() == out ? sum.getRhs() : sum.getLhs())
                     .getDefiningOp<arith::MulFOp>();
  if (!product)
    return false;
  auto getInput = [&](Value value) -> Value {
    auto extension = value.getDefiningOp<arith::ExtFOp>();
    return extension ? extension.getIn() : Value();
  };
  Value lhs = getInput(product.getLhs()), rhs = getInput(product.getRhs());
  Value x = body->getArgument(0), y = body->getArgument(1);
  return (lhs == x && rhs == y) || (lhs == y && rhs == x);
}

static StringRef explain(GemmMisfit misfit) {
  switch (misfit) {
  case GemmMisfit::DepthOfA:
    return "the operand with the rows is not contiguous along the summed dims, "
           "and too small to be transposed";
  case GemmMisfit::DepthOfB:
    return "the operand with the columns is not contiguous along the summed "
           "dims, and too small to be transposed";
  case GemmMisfit::Columns:
    return "the last dim of the result is neither of the rows nor of the "
           "columns";
  case GemmMisfit::ManyBatches:
    return "its operands have more than two dims of batches that are not next "
           "to each other";
  case GemmMisfit::None:
    return "";
  }
  llvm_unreachable("all misfits are handled");
}

namespace {
/// Finds a way to read the operands of a contraction with given roles.
class RoleMatcher {
public:
  RoleMatcher(linalg::LinalgOp op, const MulAdd &types, unsigned aIndex,
              SmallVector<LoopKind> kinds, int64_t minTransposedMacs);

  std::optional<MatrixProduct> run(std::string &reason);

private:
  struct Operand {
    SmallVector<TensorView> views;
    bool isConstant = false, isUnsigned = false;
    bool mayTranspose = false;
  };
  /// With view number `viewA` and `viewB`; `transposeA` and `transposeB`: a
  /// transpose of it.
  bool fit(size_t viewA, size_t viewB, bool transposeA, bool transposeB);
  bool plan(MatrixOperand &planned, const Operand &operand, size_t view,
            const OperandMemory &memory, GemmOperand role);

  linalg::LinalgOp op;
  SmallVector<int64_t> extents;
  SmallVector<LoopKind> kinds;
  Operand a, b;
  SmallVector<LoopParts> resultDims;
  MatrixProduct product;
  GemmMisfit misfit = GemmMisfit::None;
  bool isInterleaved = false;
};
} // namespace

RoleMatcher::RoleMatcher(linalg::LinalgOp op, const MulAdd &types,
                         unsigned aIndex, SmallVector<LoopKind> kinds,
                         int64_t minTransposedMacs)
    : op(op), extents(op.getStaticLoopRanges()), kinds(std::move(kinds)) {
  int64_t macs = 1;
  for (int64_t extent : extents)
    macs *= extent;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  MulAdd::Factor factors[] = {types.lhs, types.rhs};
  for (unsigned index : {aIndex, 1 - aIndex}) {
    Operand &operand = index == aIndex ? a : b;
    Value value = op->getOperand(index);
    operand.isConstant = getConstantElements(value) != nullptr;
    operand.isUnsigned = factors[index] == MulAdd::Factor::U8;
    operand.views = getViews(value, getLoops(maps[index], extents));
    if (operand.isConstant)
      operand.views.truncate(1);
    operand.mayTranspose = !operand.isConstant && (macs >= minTransposedMacs ||
                                                   operand.views.size() > 1 ||
                                                   isFreeToTranspose(value));
  }
  resultDims = getLoops(maps[2], extents);
  product.op = op;
  OpOperand *init = op.getDpsInitOperand(0);
  product.init = startsFromZero(init) ? nullptr : init;
}

bool RoleMatcher::plan(MatrixOperand &planned, const Operand &operand,
                       size_t view, const OperandMemory &memory,
                       GemmOperand role) {
  planned.view = operand.views[view];
  planned.isConstant = operand.isConstant;
  planned.isUnsigned = operand.isUnsigned;
  if (!operand.isConstant)
    return true;
  isInterleaved = !packConstant(planned, memory);
  return !isInterleaved;
}

/// `parts` of a kind, in the order of `memory`.
static void appendParts(LoopParts &parts, const OperandMemory &memory,
                        ArrayRef<LoopKind> kinds, LoopKind kind) {
  for (const StridedPart &strided : memory.parts)
    if (kinds[strided.part.loop] == kind)
      parts.push_back(strided.part);
}

bool RoleMatcher::fit(size_t viewA, size_t viewB, bool transposeA,
                      bool transposeB) {
  OperandMemory memoryA{getStridedParts(a.views[viewA]), a.isConstant};
  OperandMemory memoryB{getStridedParts(b.views[viewB]), b.isConstant};
  OperandMemory memoryD{getStridedParts(resultDims)};
  if (!refineParts({&memoryA, &memoryB, &memoryD}))
    return false;
  product.a = {};
  product.b = {};
  // Transposed, an operand has its dims in the order of the others.
  auto transpose = [&](OperandMemory &memory, MatrixOperand &operand,
                       LoopKind rows, const OperandMemory &depth) {
    LoopParts wanted;
    appendParts(wanted, memoryD, kinds, LoopKind::Batch);
    appendParts(wanted, memoryD, kinds, rows);
    appendParts(wanted, depth, kinds, LoopKind::K);
    planTranspose(operand, memory, wanted);
    memory.parts = getStridedParts(LoopParts(wanted));
  };
  if (transposeA)
    transpose(memoryA, product.a, LoopKind::M,
              b.isConstant ? memoryA : memoryB);
  if (transposeB)
    transpose(memoryB, product.b, LoopKind::N, memoryA);
  std::optional<GemmDims> dims =
      groupLoops(memoryA, memoryB, memoryD, kinds, misfit);
  if (!dims)
    return false;
  MLIRContext *context = op.getContext();
  product.a.dims = getOperandDims(context, *dims, memoryA, GemmOperand::A);
  product.b.dims = getOperandDims(context, *dims, memoryB, GemmOperand::B);
  product.result = getOperandDims(context, *dims, memoryD, GemmOperand::Result);
  return plan(product.a, a, viewA, memoryA, GemmOperand::A) &&
         plan(product.b, b, viewB, memoryB, GemmOperand::B);
}

std::optional<MatrixProduct> RoleMatcher::run(std::string &reason) {
  // The farthest views leave the least to transpose.
  for (size_t viewA = a.views.size(); viewA-- > 0;)
    for (size_t viewB = b.views.size(); viewB-- > 0;)
      if (fit(viewA, viewB, false, false))
        return std::move(product);
  reason = isInterleaved ? "the dims of the constant are interleaved"
                         : explain(misfit);
  if (b.mayTranspose)
    for (size_t viewA = a.views.size(); viewA-- > 0;)
      if (fit(viewA, b.views.size() - 1, false, true))
        return std::move(product);
  if (a.mayTranspose)
    for (size_t viewB = b.views.size(); viewB-- > 0;)
      if (fit(a.views.size() - 1, viewB, true, false))
        return std::move(product);
  if (a.mayTranspose && b.mayTranspose &&
      fit(a.views.size() - 1, b.views.size() - 1, true, true))
    return std::move(product);
  return std::nullopt;
}

std::optional<MatrixProduct>
mlir::qopt::matchMatrixProduct(linalg::LinalgOp op, int64_t minTransposedMacs,
                               std::string &reason) {
  std::optional<MulAdd> types = matchMulAdd(op);
  if (isHalfMulAdd(op))
    types = MulAdd{MulAdd::Factor::F32, MulAdd::Factor::F32};
  if (!types || !op.hasPureTensorSemantics()) {
    reason = "it is no sum of products on tensors";
    return std::nullopt;
  }
  if (op.hasDynamicShape()) {
    reason = "its shapes are dynamic";
    return std::nullopt;
  }
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  if (!llvm::all_of(
          maps, [](AffineMap map) { return map.isProjectedPermutation(); })) {
    reason = "its operands are not indexed by plain loops (a convolution)";
    return std::nullopt;
  }
  // With one row or column both roles may fit: columns are the constant's.
  unsigned first = getConstantElements(op->getOperand(0)) ? 1 : 0;
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  std::string firstReason;
  for (unsigned aIndex : {first, 1 - first}) {
    auto kinds = getKinds(op, extents, aIndex);
    if (!kinds || llvm::is_contained(extents, 0)) {
      reason = "a loop belongs to neither batch, rows, columns nor sum";
      return std::nullopt;
    }
    if (auto product = RoleMatcher(op, *types, aIndex, std::move(*kinds),
                                   minTransposedMacs)
                           .run(reason))
      return product;
    if (aIndex == first)
      firstReason = reason;
  }
  reason = firstReason;
  return std::nullopt;
}

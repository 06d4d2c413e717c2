//===- MatrixProduct.cpp - Contractions as matrix products -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loops are sorted by the operands they index: batch (all three), m (lhs and
// result), n (rhs and result), k (lhs and rhs). An operand has the wanted
// layout if its dims, without those of extent 1, are the loops of its groups in
// the wanted order: extent 1 may stand anywhere and costs nothing to move.
//
//===----------------------------------------------------------------------===//
#include "MatrixProduct.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/MulAdd.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"
#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

static Value reshapeConstant(OpBuilder &builder, Location loc,
                             ElementsAttr attr, RankedTensorType type) {
  if (auto dense = dyn_cast<DenseElementsAttr>(attr))
    return makeConstant(builder, loc, dense.reshape(type));
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    return makeConstant(
        builder, loc,
        DenseResourceElementsAttr::get(type, resource.getRawHandle()));
  return nullptr;
}

Value mlir::qopt::buildReshape(OpBuilder &builder, Location loc, Value value,
                               ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(value.getType());
  auto target = RankedTensorType::get(shape, type.getElementType());
  if (type == target)
    return value;
  if (ElementsAttr attr = getConstantElements(value))
    if (Value constant = reshapeConstant(builder, loc, attr, target))
      return constant;
  if (auto groups = getReassociationIndicesForReshape(type, target)) {
    if (type.getRank() > target.getRank())
      return tensor::CollapseShapeOp::create(builder, loc, target, value,
                                             *groups);
    return tensor::ExpandShapeOp::create(builder, loc, target, value, *groups);
  }
  return buildReshape(
      builder, loc, buildReshape(builder, loc, value, {type.getNumElements()}),
      shape);
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

namespace {
using Loops = SmallVector<unsigned>;

/// The loops of a contraction by what they index, in the order in which the
/// result (k: the left operand) has them, without those of extent 1.
struct LoopGroups {
  Loops batch, m, n, k;
  SmallVector<int64_t> extents;

  int64_t getSize(const Loops &loops) const {
    int64_t size = 1;
    for (unsigned loop : loops)
      size *= extents[loop];
    return size;
  }
};
} // namespace

/// The loops that index the dims of an operand, those of extent 1 left out.
static Loops getLoops(AffineMap map, ArrayRef<int64_t> extents) {
  Loops loops;
  for (AffineExpr expr : map.getResults()) {
    unsigned loop = cast<AffineDimExpr>(expr).getPosition();
    if (extents[loop] != 1)
      loops.push_back(loop);
  }
  return loops;
}

/// Nothing if a loop fits no group (a sum over one operand only).
static std::optional<LoopGroups> groupLoops(linalg::LinalgOp op) {
  LoopGroups groups;
  groups.extents = op.getStaticLoopRanges();
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  Loops lhs = getLoops(maps[0], groups.extents);
  Loops rhs = getLoops(maps[1], groups.extents);
  Loops out = getLoops(maps[2], groups.extents);
  for (unsigned loop : out) {
    bool inLhs = llvm::is_contained(lhs, loop);
    bool inRhs = llvm::is_contained(rhs, loop);
    if (!inLhs && !inRhs)
      return std::nullopt;
    (inLhs && inRhs ? groups.batch
     : inLhs        ? groups.m
                    : groups.n)
        .push_back(loop);
  }
  for (unsigned loop : lhs)
    if (!llvm::is_contained(out, loop)) {
      if (!llvm::is_contained(rhs, loop))
        return std::nullopt;
      groups.k.push_back(loop);
    }
  bool isSumOverRhs = llvm::any_of(rhs, [&](unsigned loop) {
    return !llvm::is_contained(out, loop) && !llvm::is_contained(lhs, loop);
  });
  if (isSumOverRhs)
    return std::nullopt;
  return groups;
}

static Loops concatenate(ArrayRef<Loops> groups) {
  Loops all;
  for (const Loops &group : groups)
    all.append(group);
  return all;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// The dims of an operand in the order in which its loops are `wanted`; those
/// of extent 1 come first. The loops of `map` and `wanted` are the same set.
static SmallVector<int64_t> getDimOrder(AffineMap map, const Loops &wanted) {
  SmallVector<int64_t> order;
  for (auto [dim, expr] : llvm::enumerate(map.getResults()))
    if (!llvm::is_contained(wanted, cast<AffineDimExpr>(expr).getPosition()))
      order.push_back(dim);
  for (unsigned loop : wanted)
    order.push_back(
        *map.getResultPosition(getAffineDimExpr(loop, map.getContext())));
  return order;
}

/// An operand that is a transpose, perhaps with dims collapsed after it, could
/// as well be transposed to have its dims in `order`.
static bool reorderTranspose(MatrixOperand &operand, ArrayRef<int64_t> order) {
  SmallVector<int64_t> transposedOrder(order);
  Value transposed = operand.value;
  if (auto collapse = transposed.getDefiningOp<tensor::CollapseShapeOp>()) {
    transposed = collapse.getSrc();
    transposedOrder.clear();
    for (int64_t dim : order)
      llvm::append_range(transposedOrder,
                         collapse.getReassociationIndices()[dim]);
  }
  auto transpose = transposed.getDefiningOp<linalg::TransposeOp>();
  if (!transpose || !transpose.hasPureTensorSemantics())
    return false;
  operand.value = transpose.getInput();
  for (int64_t dim : transposedOrder)
    operand.transpose.push_back(transpose.getPermutation()[dim]);
  if (isIdentityPermutation(operand.transpose))
    operand.transpose.clear();
  return true;
}

/// A constant whose groups are each in order and in one piece is packed to the
/// order of `wanted`.
static bool packConstant(MatrixOperand &operand, const Loops &stored,
                         ArrayRef<Loops> wanted, const LoopGroups &groups) {
  SmallVector<int64_t> order =
      llvm::to_vector(llvm::seq<int64_t>(0, wanted.size()));
  do {
    SmallVector<Loops> permuted;
    for (int64_t i : order)
      permuted.push_back(wanted[i]);
    if (concatenate(permuted) != stored)
      continue;
    operand.shape.clear();
    for (const Loops &group : permuted)
      operand.shape.push_back(groups.getSize(group));
    operand.packing = invertPermutationVector(order);
    return true;
  } while (std::next_permutation(order.begin(), order.end()));
  return false;
}

/// Plans how `operand` comes to the order of `wanted`; by a transpose of its
/// own only if `mayTranspose`.
static bool planOperand(MatrixOperand &operand, AffineMap map,
                        ArrayRef<Loops> wanted, const LoopGroups &groups,
                        bool mayTranspose) {
  Loops stored = getLoops(map, groups.extents), all = concatenate(wanted);
  for (const Loops &group : wanted)
    operand.shape.push_back(groups.getSize(group));
  if (operand.isConstant)
    return packConstant(operand, stored, wanted, groups);
  if (stored == all)
    return true;
  SmallVector<int64_t> order = getDimOrder(map, all);
  if (reorderTranspose(operand, order))
    return true;
  operand.transpose = order;
  return mayTranspose;
}

Value mlir::qopt::buildMatrixOperand(OpBuilder &builder, Location loc,
                                     const MatrixOperand &operand) {
  Value value = operand.value;
  auto type = cast<RankedTensorType>(value.getType());
  if (!operand.transpose.empty()) {
    Value empty = tensor::EmptyOp::create(
        builder, loc, applyPermutation(type.getShape(), operand.transpose),
        type.getElementType());
    value = linalg::TransposeOp::create(builder, loc, value, empty,
                                        operand.transpose)
                ->getResult(0);
  }
  value = buildReshape(builder, loc, value, operand.shape);
  if (!operand.isConstant)
    return value;
  auto packed = RankedTensorType::get(
      applyPermutation(operand.shape, operand.packing), type.getElementType());
  return PackOp::create(builder, loc, packed, value, operand.packing);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

bool mlir::qopt::startsFromZero(OpOperand *init) {
  Value start = init->get();
  if (auto fill = start.getDefiningOp<linalg::FillOp>())
    start = fill.value();
  return matchPattern(start, m_PosZeroFloat()) || matchPattern(start, m_Zero());
}

/// Operand `aIndex` of the contraction as `a`, the other as `b`; `groups` has m
/// for `a`.
static std::optional<MatrixProduct>
matchRoles(linalg::LinalgOp op, const MulAdd &types, const LoopGroups &groups,
           unsigned aIndex, int64_t minTransposedMacs, std::string &reason) {
  int64_t macs = 1;
  for (int64_t extent : groups.extents)
    macs *= extent;
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  MatrixProduct product;
  product.op = op;
  MulAdd::Factor factors[] = {types.lhs, types.rhs};
  auto plan = [&](MatrixOperand &operand, unsigned index, const Loops &rows) {
    operand.value = op->getOperand(index);
    operand.isUnsigned = factors[index] == MulAdd::Factor::U8;
    SmallVector<Loops, 3> wanted = {rows, groups.k};
    if (!groups.batch.empty())
      wanted.insert(wanted.begin(), groups.batch);
    return planOperand(operand, maps[index], wanted, groups,
                       macs >= minTransposedMacs);
  };
  bool aIsConstant = getConstantElements(op->getOperand(aIndex)) != nullptr;
  product.b.isConstant =
      getConstantElements(op->getOperand(1 - aIndex)) != nullptr;
  if (aIsConstant && !product.b.isConstant) {
    reason = "its rows are those of a constant";
    return std::nullopt;
  }
  if (!plan(product.a, aIndex, groups.m)) {
    reason = "the operand with the rows is not contiguous along the summed "
             "dims, and too small to be transposed";
    return std::nullopt;
  }
  if (!plan(product.b, 1 - aIndex, groups.n)) {
    reason = product.b.isConstant
                 ? "the dims of the constant are interleaved"
                 : "the operand with the columns is not contiguous along the "
                   "summed dims, and too small to be transposed";
    return std::nullopt;
  }
  if (!groups.batch.empty())
    product.shape.push_back(groups.getSize(groups.batch));
  product.shape.push_back(groups.getSize(groups.m));
  product.shape.push_back(groups.getSize(groups.n));
  OpOperand *init = op.getDpsInitOperand(0);
  product.init = startsFromZero(init) ? nullptr : init;
  return product;
}

std::optional<MatrixProduct>
mlir::qopt::matchMatrixProduct(linalg::LinalgOp op, int64_t minTransposedMacs,
                               std::string &reason) {
  std::optional<MulAdd> types = matchMulAdd(op);
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
  std::optional<LoopGroups> groups = groupLoops(op);
  if (!groups || llvm::is_contained(groups->extents, 0)) {
    reason = "a loop belongs to neither batch, rows, columns nor sum";
    return std::nullopt;
  }

  reason = "the dims of the result are not in the order batch, rows, columns";
  // With one row or column both roles may fit: columns are the constant's.
  unsigned first = getConstantElements(op->getOperand(0)) ? 1 : 0;
  for (unsigned aIndex : {first, 1 - first}) {
    LoopGroups roles = *groups;
    if (aIndex == 1)
      std::swap(roles.m, roles.n);
    llvm::sort(roles.k, [&](unsigned x, unsigned y) {
      return maps[aIndex].getResultPosition(
                 getAffineDimExpr(x, op.getContext())) <
             maps[aIndex].getResultPosition(
                 getAffineDimExpr(y, op.getContext()));
    });
    if (getLoops(maps[2], roles.extents) !=
        concatenate({roles.batch, roles.m, roles.n}))
      continue;
    if (auto product =
            matchRoles(op, *types, roles, aIndex, minTransposedMacs, reason))
      return product;
  }
  return std::nullopt;
}

//===- MergeEpilogues.cpp - One epilogue of several gemms ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "MergeEpilogues.h"

#include "EpilogueEmitter.h"
#include "QuantOpt/Analysis/Constants.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::qopt;

bool mlir::qopt::isSameView(Value x, Value y) {
  if (x == y)
    return true;
  Operation *opX = x.getDefiningOp(), *opY = y.getDefiningOp();
  if (!opX || !opY || x.getType() != y.getType() ||
      !isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp,
           tensor::ExtractSliceOp>(opX))
    return false;
  return OperationEquivalence::isEquivalentTo(
      opX, opY, [](Value x, Value y) { return success(isSameView(x, y)); },
      /*markEquivalent=*/nullptr, OperationEquivalence::IgnoreLocations);
}

ElementsAttr mlir::qopt::joinConstants(ArrayRef<ElementsAttr> constants,
                                       int64_t dim, StringRef hint) {
  auto first = cast<RankedTensorType>(constants.front().getType());
  SmallVector<int64_t> shape(first.getShape());
  shape[dim] = 0;
  // Each constant gives pieces of `dim` and what is inside of it.
  int64_t outer = 1;
  for (int64_t extent : first.getShape().take_front(dim))
    outer *= extent;
  SmallVector<std::vector<char>> sources;
  size_t size = 0;
  for (ElementsAttr constant : constants) {
    FailureOr<std::vector<char>> bytes = readRawBytes(constant);
    if (failed(bytes))
      return nullptr;
    shape[dim] += cast<RankedTensorType>(constant.getType()).getDimSize(dim);
    size += bytes->size();
    sources.push_back(std::move(*bytes));
  }
  std::vector<char> joined;
  joined.reserve(size);
  for (int64_t i = 0; i < outer; ++i)
    for (const std::vector<char> &source : sources) {
      auto piece = static_cast<std::ptrdiff_t>(source.size()) / outer;
      joined.insert(joined.end(), source.begin() + i * piece,
                    source.begin() + (i + 1) * piece);
    }
  return makeConstantElements(
      RankedTensorType::get(shape, first.getElementType()), std::move(joined),
      hint);
}

//===----------------------------------------------------------------------===//
// Matching
//===----------------------------------------------------------------------===//

/// The operand of the epilogue that a block argument is an element of, and its
/// map.
static std::pair<Value, AffineMap> getOperand(GemmOp gemm,
                                              BlockArgument argument) {
  unsigned index = argument.getArgNumber() - 1;
  return {gemm.getEpilogueInputs()[index],
          cast<AffineMapAttr>(gemm.getEpilogueMaps()[index]).getValue()};
}

ElementsAttr MergedEpilogue::getColumns(size_t index, Value value) const {
  GemmOp gemm = gemms[index];
  auto type = RankedTensorType::get({gemm.getN()}, value.getType());
  TypedAttr scalar;
  if (matchPattern(value, m_Constant(&scalar)))
    return DenseElementsAttr::get(type, ArrayRef<Attribute>(scalar));
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || argument.getArgNumber() == 0)
    return nullptr;
  auto [operand, map] = getOperand(gemm, argument);
  ElementsAttr elements = getConstantElements(operand);
  bool perColumn =
      map.getNumResults() == 1 && map.getDimPosition(0) + 1 == map.getNumDims();
  return elements && perColumn && elements.getType() == type ? elements
                                                             : nullptr;
}

Value MergedEpilogue::addOperand(Value shared, ElementsAttr columns,
                                 AffineMap map, Type element) {
  sharedOperands.push_back(shared);
  columnOperands.push_back(columns);
  maps.push_back(map);
  return region.front().addArgument(element, first.getLoc());
}

Value MergedEpilogue::mergeOperands(OpBuilder &builder,
                                    ArrayRef<Value> values) {
  // Results of ops, and the accumulator.
  if (Value known = merged.lookup(values.front())) {
    for (auto [value, map] : llvm::zip(values, corresponding))
      if (map.lookup(value) != values.front())
        return nullptr;
    return known;
  }
  for (const auto &[leaf, value] : leaves)
    if (ArrayRef<Value>(leaf) == values)
      return value;
  Type element = values.front().getType();
  auto add = [&](Value value) {
    leaves.push_back({SmallVector<Value>(values), value});
    return value;
  };
  auto isOfType = [&](Value value) { return value.getType() == element; };
  if (!llvm::all_of(values, isOfType))
    return nullptr;
  // One constant, or one operand.
  TypedAttr scalar;
  bool isConstant = matchPattern(values.front(), m_Constant(&scalar));
  bool isEqual = true;
  for (auto [gemm, value] : llvm::zip(gemms, values)) {
    TypedAttr other;
    if (isConstant) {
      isEqual &= matchPattern(value, m_Constant(&other)) && other == scalar;
      continue;
    }
    auto x = dyn_cast<BlockArgument>(values.front());
    auto y = dyn_cast<BlockArgument>(value);
    if (!x || !y || y.getArgNumber() == 0)
      return nullptr;
    auto [operandX, mapX] = getOperand(first, x);
    auto [operandY, mapY] = getOperand(gemm, y);
    bool perColumn = mapX.isFunctionOfDim(mapX.getNumDims() - 1);
    isEqual &= !perColumn && mapX == mapY && isSameView(operandX, operandY);
  }
  if (isEqual && isConstant)
    return add(arith::ConstantOp::create(builder, first.getLoc(), scalar));
  if (isEqual) {
    auto [operand, map] =
        getOperand(first, cast<BlockArgument>(values.front()));
    return add(addOperand(operand, nullptr, map, element));
  }
  // A number for each column.
  SmallVector<ElementsAttr> columns;
  for (size_t i = 0; i < gemms.size(); ++i) {
    columns.push_back(getColumns(i, values[i]));
    if (!columns.back())
      return nullptr;
  }
  ElementsAttr joined = joinConstants(columns, 0, "columns");
  if (!joined)
    return nullptr;
  unsigned rank = first.getMapD().getNumDims();
  AffineMap map = AffineMap::get(rank, 0, builder.getAffineDimExpr(rank - 1));
  return add(addOperand(nullptr, joined, map, element));
}

/// The ops of an epilogue without constants; the terminator is the last one.
static SmallVector<Operation *> getOps(GemmOp gemm) {
  SmallVector<Operation *> ops;
  for (Operation &op : *gemm.getEpilogue())
    if (!op.hasTrait<OpTrait::ConstantLike>())
      ops.push_back(&op);
  return ops;
}

bool MergedEpilogue::build() {
  OpBuilder builder(first.getContext());
  Block *block = builder.createBlock(&region);
  Value accumulator = block->addArgument(
      first.getEpilogue()->getArgument(0).getType(), first.getLoc());
  SmallVector<SmallVector<Operation *>> ops;
  corresponding.resize(gemms.size());
  for (auto [gemm, map] : llvm::zip(gemms, corresponding)) {
    ops.push_back(getOps(gemm));
    map[gemm.getEpilogue()->getArgument(0)] =
        first.getEpilogue()->getArgument(0);
    if (ops.back().size() != ops.front().size())
      return false;
  }
  merged[first.getEpilogue()->getArgument(0)] = accumulator;
  auto ignore = [](Value, Value) { return success(); };
  for (size_t i = 0; i < ops.front().size(); ++i) {
    Operation *op = ops.front()[i];
    for (ArrayRef<Operation *> others : ops)
      if (!OperationEquivalence::isEquivalentTo(
              op, others[i], ignore, /*markEquivalent=*/nullptr,
              OperationEquivalence::IgnoreLocations))
        return false;
    SmallVector<Value> operands;
    for (unsigned index = 0; index < op->getNumOperands(); ++index) {
      SmallVector<Value> values;
      for (ArrayRef<Operation *> others : ops)
        values.push_back(others[i]->getOperand(index));
      operands.push_back(mergeOperands(builder, values));
      if (!operands.back())
        return false;
    }
    Operation *clone = builder.clone(*op);
    clone->setOperands(operands);
    for (unsigned result = 0; result < op->getNumResults(); ++result) {
      merged[op->getResult(result)] = clone->getResult(result);
      for (auto [map, others] : llvm::zip(corresponding, ops))
        map[others[i]->getResult(result)] = op->getResult(result);
    }
  }
  // Bounds and zero points that differ would cost more than a launch.
  return llvm::any_of(
             gemms,
             [](GemmOp gemm) {
               return !EpilogueEmitter(*gemm.getEpilogue()).isQuantization();
             }) ||
         EpilogueEmitter(*block).isQuantization();
}

MergedEpilogue::~MergedEpilogue() = default;

std::unique_ptr<MergedEpilogue> MergedEpilogue::create(ArrayRef<GemmOp> gemms) {
  std::unique_ptr<MergedEpilogue> result(new MergedEpilogue(gemms));
  return result->build() ? std::move(result) : nullptr;
}

//===----------------------------------------------------------------------===//
// Building
//===----------------------------------------------------------------------===//

SmallVector<Value> MergedEpilogue::buildOperands(OpBuilder &builder,
                                                 Location loc) const {
  SmallVector<Value> operands;
  for (auto [shared, columns] : llvm::zip(sharedOperands, columnOperands))
    operands.push_back(shared ? shared : makeConstant(builder, loc, columns));
  return operands;
}

void MergedEpilogue::moveBody(Region &target) {
  // Constants first.
  Block &block = region.front();
  Operation *last = nullptr;
  for (auto constant :
       llvm::make_early_inc_range(block.getOps<arith::ConstantOp>())) {
    if (last)
      constant->moveAfter(last);
    else if (constant != &block.front())
      constant->moveBefore(&block.front());
    last = constant;
  }
  target.takeBody(region);
}

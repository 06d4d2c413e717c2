//===- Embedding.cpp - Rows of a constant table ----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// table[i, ...] for run-time integers i: a generic whose body extracts from a
// constant. The ops that count negative indices from the end (i < 0 ? i + n :
// i) and checks of the bounds belong to the idiom. Its operands are the table
// and the indices.
//
//===----------------------------------------------------------------------===//
#include "Idiom.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Elementwise.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::qopt;

/// A constant, or one of integers under the casts of an imported model.
static bool isConstantTable(Value table) {
  if (auto dequantize = table.getDefiningOp<quant::DequantizeCastOp>())
    if (auto storage =
            dequantize.getInput().getDefiningOp<quant::StorageCastOp>())
      table = storage.getInput();
  return static_cast<bool>(getConstantElements(table));
}

/// The input of `op` that is the index along dimension 0 of what `extract`
/// reads; null if other indices are not those of loops.
static OpOperand *matchRowIndex(linalg::GenericOp op,
                                tensor::ExtractOp extract) {
  for (Value index : extract.getIndices().drop_front())
    if (!index.getDefiningOp<linalg::IndexOp>())
      return nullptr;
  Value row = extract.getIndices().front();
  if (auto cast = row.getDefiningOp<arith::IndexCastOp>())
    row = cast.getIn();
  else if (auto cast = row.getDefiningOp<arith::IndexCastUIOp>())
    row = cast.getIn();
  auto arg = dyn_cast<BlockArgument>(row);
  if (!arg || arg.getOwner() != op.getBody() ||
      arg.getArgNumber() >= op.getNumDpsInputs())
    return nullptr;
  return op.getDpsInputOperand(arg.getArgNumber());
}

/// An elementwise generic of integers, all read as they lie.
static linalg::GenericOp getIntegerOp(Value value) {
  auto op = value.getDefiningOp<linalg::GenericOp>();
  if (!op || !isElementwise(op) || op.hasIndexSemantics())
    return {};
  for (OpOperand *input : op.getDpsInputOperands())
    if (!op.getMatchingIndexingMap(input).isIdentity())
      return {};
  return op;
}

/// The single body op of an integer generic, if it is an `OpT`.
template <typename OpT> static OpT getBodyOp(linalg::GenericOp op) {
  if (!op || !llvm::hasNItems(*op.getBody(), 2))
    return {};
  auto bodyOp = dyn_cast<OpT>(op.getBody()->front());
  bool yieldsIt = bodyOp && op.getBody()->getTerminator()->getOperand(0) ==
                                bodyOp->getResult(0);
  return yieldsIt ? bodyOp : OpT();
}

/// i of `i < 0 ? i + rows : i`; `indices` itself if it is no such selection.
static Value stripWrap(Value indices, int64_t rows) {
  linalg::GenericOp op = getIntegerOp(indices);
  auto select = getBodyOp<arith::SelectOp>(op);
  if (!select)
    return indices;
  auto outer = [&](Value value) -> Value {
    auto arg = dyn_cast<BlockArgument>(value);
    return arg && arg.getOwner() == op.getBody() &&
                   arg.getArgNumber() < op.getNumDpsInputs()
               ? op.getDpsInputs()[arg.getArgNumber()]
               : Value();
  };
  Value condition = outer(select.getCondition());
  Value wrapped = outer(select.getTrueValue());
  Value plain = outer(select.getFalseValue());
  if (!condition || !wrapped || !plain)
    return indices;
  linalg::GenericOp compareOp = getIntegerOp(condition);
  linalg::GenericOp addOp = getIntegerOp(wrapped);
  auto compare = getBodyOp<arith::CmpIOp>(compareOp);
  auto add = getBodyOp<arith::AddIOp>(addOp);
  bool isWrap = compare && add && compareOp.getNumDpsInputs() == 1 &&
                addOp.getNumDpsInputs() == 1 &&
                compareOp.getDpsInputs()[0] == plain &&
                addOp.getDpsInputs()[0] == plain &&
                compare.getPredicate() == arith::CmpIPredicate::slt &&
                compare.getLhs() == compareOp.getBody()->getArgument(0) &&
                matchPattern(compare.getRhs(), m_Zero());
  APInt added;
  bool addsRows =
      isWrap &&
      llvm::is_contained(add->getOperands(), addOp.getBody()->getArgument(0)) &&
      (matchPattern(add.getLhs(), m_ConstantInt(&added)) ||
       matchPattern(add.getRhs(), m_ConstantInt(&added))) &&
      added.getSExtValue() == rows;
  return addsRows ? plain : indices;
}

Idioms mlir::qopt::matchEmbedding(Operation *op) {
  auto generic = dyn_cast<linalg::GenericOp>(op);
  if (!generic || !isElementwise(generic))
    return {};
  auto extract = generic.getBody()
                     ->getTerminator()
                     ->getOperand(0)
                     .getDefiningOp<tensor::ExtractOp>();
  if (!extract || extract->getBlock() != generic.getBody())
    return {};
  Value table = extract.getTensor();
  auto type = cast<RankedTensorType>(table.getType());
  if (!isConstantTable(table) || type.getRank() < 2)
    return {};
  OpOperand *row = matchRowIndex(generic, extract);
  if (!row || getConstantElements(row->get()))
    return {};

  Value result = op->getResult(0);
  Idioms found;
  Value indices = row->get();
  // The indices are often reshaped between the wrap and the gather.
  Value beforeReshape = indices;
  while (Operation *def = beforeReshape.getDefiningOp()) {
    if (!isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(def))
      break;
    beforeReshape = def->getOperand(0);
  }
  Value unwrapped = stripWrap(beforeReshape, type.getDimSize(0));
  if (unwrapped != beforeReshape)
    found.push_back({"embedding", result, {table, unwrapped}});
  found.push_back({"embedding", result, {table, indices}});
  return found;
}

//===- MulAdd.cpp - Ops whose body is a sum of products --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Matches the body op by op from its terminator: anything else in between
// (zero points, casts, epilogues) is no match.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/MulAdd.h"

#include "QuantOpt/Analysis/OrderedSum.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::qopt;

bool mlir::qopt::isZeroScalar(Value value) {
  return matchPattern(value, m_AnyZeroFloat()) || matchPattern(value, m_Zero());
}

/// The block argument that `value` is or extends, and how.
static std::optional<std::pair<BlockArgument, MulAdd::Factor>>
matchFactor(Value value) {
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    if (arg.getType().isF32())
      return std::pair(arg, MulAdd::Factor::F32);
    return std::nullopt;
  }
  Operation *extension = value.getDefiningOp();
  if (!isa<arith::ExtSIOp, arith::ExtUIOp>(extension))
    return std::nullopt;
  auto arg = dyn_cast<BlockArgument>(extension->getOperand(0));
  if (!arg || !arg.getType().isInteger(8))
    return std::nullopt;
  return std::pair(arg, isa<arith::ExtSIOp>(extension) ? MulAdd::Factor::S8
                                                       : MulAdd::Factor::U8);
}

std::optional<MulAdd> mlir::qopt::matchMulAdd(linalg::LinalgOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() == 0)
    return std::nullopt;
  Block *body = op.getBlock();
  Type type = body->getArgument(2).getType();
  if (!type.isF32() && !type.isInteger(32))
    return std::nullopt;

  Operation *sum = body->getTerminator()->getOperand(0).getDefiningOp();
  if (!sum || sum->getBlock() != body ||
      !(type.isF32() ? isa<arith::AddFOp>(sum) : isa<arith::AddIOp>(sum)) ||
      sum->hasAttr(kOrderedSumAttr))
    return std::nullopt;
  bool accumulatorFirst = sum->getOperand(0) == body->getArgument(2);
  if (!accumulatorFirst && sum->getOperand(1) != body->getArgument(2))
    return std::nullopt;

  Operation *product =
      sum->getOperand(accumulatorFirst ? 1 : 0).getDefiningOp();
  if (!product || !(type.isF32() ? isa<arith::MulFOp>(product)
                                 : isa<arith::MulIOp>(product)))
    return std::nullopt;
  auto first = matchFactor(product->getOperand(0));
  auto second = matchFactor(product->getOperand(1));
  if (!first || !second)
    return std::nullopt;
  if (first->first.getArgNumber() != 0)
    std::swap(first, second);
  if (first->first != body->getArgument(0) ||
      second->first != body->getArgument(1))
    return std::nullopt;
  // f32 factors come with f32 sums, i8 factors with i32 ones.
  if ((first->second == MulAdd::Factor::F32) != type.isF32() ||
      (second->second == MulAdd::Factor::F32) != type.isF32())
    return std::nullopt;
  return MulAdd{first->second, second->second};
}

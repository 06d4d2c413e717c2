//===- EvaluateLinalg.cpp - Linalg ops on known tensors ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One routine for all structured ops: loops in the order of the iteration
// space, operands at positions that are linear in the loops. Sums are therefore
// added up in increasing order. (Sums at run time have another one, which all
// targets share; what is folded here none of them sees.)
//
//===----------------------------------------------------------------------===//
#include "ConstantEvaluator.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// An operand's element as a function of the loops: offset + Σ index·stride.
struct Access {
  int64_t offset = 0;
  SmallVector<int64_t> strides;
};
} // namespace

/// Adds `factor`·expr to `access`; failure where expr is not linear.
static LogicalResult addLinear(AffineExpr expr, int64_t factor,
                               Access &access) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    access.offset += factor * constant.getValue();
    return success();
  }
  if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
    access.strides[dim.getPosition()] += factor;
    return success();
  }
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  if (!binary)
    return failure();
  if (expr.getKind() == AffineExprKind::Add)
    return success(succeeded(addLinear(binary.getLHS(), factor, access)) &&
                   succeeded(addLinear(binary.getRHS(), factor, access)));
  auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (expr.getKind() != AffineExprKind::Mul || !constant)
    return failure();
  return addLinear(binary.getLHS(), factor * constant.getValue(), access);
}

/// How `map` reads a tensor of `shape`. Failure where it is not linear or
/// leaves the tensor.
static FailureOr<Access> getAccess(AffineMap map, ArrayRef<int64_t> shape,
                                   ArrayRef<int64_t> ranges) {
  Access access;
  access.strides.assign(map.getNumDims(), 0);
  SmallVector<int64_t> strides = getRowMajorStrides(shape);
  for (auto [expr, size, stride] :
       llvm::zip(map.getResults(), shape, strides)) {
    Access position;
    position.strides.assign(map.getNumDims(), 0);
    if (failed(addLinear(expr, 1, position)))
      return failure();
    int64_t low = position.offset, high = position.offset;
    for (auto [range, factor] : llvm::zip(ranges, position.strides))
      (factor < 0 ? low : high) += factor * (range - 1);
    if (low < 0 || high >= size)
      return failure();
    access.offset += position.offset * stride;
    for (auto [sum, factor] : llvm::zip(access.strides, position.strides))
      sum += factor * stride;
  }
  return access;
}

/// The operand an op copies to its only result in the result's order, or null.
static OpOperand *getCopiedOperand(linalg::LinalgOp op) {
  if (op.getNumDpsInits() != 1 || op->getNumResults() != 1 ||
      !op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() ||
      !llvm::hasSingleElement(*op.getBlock()))
    return nullptr;
  auto argument =
      dyn_cast<BlockArgument>(op.getBlock()->getTerminator()->getOperand(0));
  if (!argument || argument.getOwner() != op.getBlock() ||
      argument.getArgNumber() >= op.getNumDpsInputs())
    return nullptr;
  return op.getMatchingOpOperand(argument);
}

namespace {
/// An operand of a structured op in the loops.
struct Operand {
  ConstantTensor tensor;
  Access access;
  unsigned argument;
  /// Where its next value comes from; an input has none.
  std::optional<unsigned> yielded;
  int64_t position = 0;
};
} // namespace

LogicalResult ConstantEvaluator::evaluateLinalg(linalg::LinalgOp op) {
  SmallVector<int64_t> ranges = op.getStaticLoopRanges();
  int64_t count = ShapedType::getNumElements(ranges);
  if (OpOperand *copied = getCopiedOperand(op);
      copied && getTensor(copied->get()).getType()) {
    const ConstantTensor &source = getTensor(copied->get());
    FailureOr<Access> access =
        getAccess(op.getMatchingIndexingMap(copied), source.getShape(), ranges);
    if (failed(access) || failed(charge(count)))
      return failure();
    auto type = cast<RankedTensorType>(op->getResult(0).getType());
    setTensor(op->getResult(0),
              source.gather(type, access->offset, access->strides));
    return success();
  }

  Block &body = *op.getBlock();
  ScalarProgram program;
  program.setNumIndices(ranges.size());
  SmallVector<Operand> operands;
  for (OpOperand &operand : op->getOpOperands()) {
    unsigned argument =
        program.getRegister(op.getMatchingBlockArgument(&operand));
    const ConstantValue &value = lookup(operand.get());
    if (!value.getTensorType()) {
      program[argument] = value.scalar;
      continue;
    }
    Operand entry{value.tensor, {}, argument, {}};
    FailureOr<Access> access = getAccess(op.getMatchingIndexingMap(&operand),
                                         value.tensor.getShape(), ranges);
    if (failed(access))
      return failure();
    entry.access = *access;
    entry.position = access->offset;
    if (op.isDpsInit(&operand)) {
      entry.tensor = value.tensor.clone();
      OpOperand *yielded = op.getMatchingYieldValue(&operand);
      entry.yielded = program.getRegister(yielded->get());
    }
    operands.push_back(std::move(entry));
  }
  if (failed(program.compile(body, body.without_terminator(), known)) ||
      failed(charge(count * (program.getNumSteps() + operands.size()))))
    return failure();

  SmallVector<int64_t> index(ranges.size(), 0);
  for (int64_t iteration = 0; iteration < count; ++iteration) {
    for (const Operand &operand : operands)
      program[operand.argument] = operand.tensor.load(operand.position);
    if (failed(program.run()))
      return failure();
    for (Operand &operand : operands)
      if (operand.yielded)
        operand.tensor.store(operand.position, program[*operand.yielded]);
    for (size_t d = ranges.size(); d-- > 0;) {
      bool wraps = ++index[d] == ranges[d];
      for (Operand &operand : operands)
        operand.position +=
            operand.access.strides[d] * (wraps ? 1 - ranges[d] : 1);
      if (wraps)
        index[d] = 0;
      program.setIndex(d, index[d]);
      if (!wraps)
        break;
    }
  }
  for (auto [i, result] : llvm::enumerate(op->getResults()))
    for (const Operand &operand : operands)
      if (operand.argument == program.getRegister(op.getMatchingBlockArgument(
                                  op.getDpsInitOperand(i))))
        setTensor(result, operand.tensor);
  return success();
}

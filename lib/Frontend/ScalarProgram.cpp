//===- ScalarProgram.cpp - Compiled bodies of constant ops ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ScalarProgram.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

FailureOr<ScalarBits> mlir::qopt::getScalarConstant(Attribute attr) {
  auto typed = dyn_cast<TypedAttr>(attr);
  if (!typed || getScalarBytes(typed.getType()) == 0)
    return failure();
  if (auto number = dyn_cast<FloatAttr>(attr))
    return number.getValue().bitcastToAPInt().getZExtValue();
  if (auto number = dyn_cast<IntegerAttr>(attr))
    return number.getValue().getZExtValue();
  return failure();
}

TypedAttr mlir::qopt::getScalarAttr(Type type, ScalarBits bits) {
  unsigned width = type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
  APInt integer(width, bits);
  if (auto floatType = dyn_cast<FloatType>(type))
    return FloatAttr::get(type,
                          APFloat(floatType.getFloatSemantics(), integer));
  return IntegerAttr::get(type, integer);
}

bool ScalarProgram::isSupported(Operation *op) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return succeeded(getScalarConstant(constant.getValue()));
  if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    return getScalarBytes(extract.getType()) != 0;
  if (isa<linalg::IndexOp, linalg::YieldOp, tensor::YieldOp, cf::AssertOp>(op))
    return true;
  SmallVector<unsigned> operands(op->getNumOperands(), 0);
  return static_cast<bool>(makeScalarStep(op, 0, operands));
}

unsigned ScalarProgram::getRegister(Value value) {
  auto [entry, isNew] = numbers.try_emplace(value, registers.size());
  if (isNew)
    registers.push_back(0);
  return entry->second;
}

/// `tensor.extract` from a known tensor; out of bounds it has no result.
static ScalarStep makeExtractStep(const ConstantTensor &tensor, unsigned result,
                                  SmallVector<unsigned> positions) {
  SmallVector<int64_t> shape(tensor.getShape());
  return [=](ScalarBits *r) {
    int64_t flat = 0;
    for (auto [position, size] : llvm::zip(positions, shape)) {
      if (r[position] >= static_cast<uint64_t>(size))
        return false;
      flat = flat * size + r[position];
    }
    r[result] = tensor.load(flat);
    return true;
  };
}

FailureOr<ScalarStep> ScalarProgram::makeStep(Operation &op,
                                              const ConstantValues &known) {
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    auto source = known.find(extract.getTensor());
    if (source == known.end())
      return failure();
    SmallVector<unsigned> positions;
    for (Value index : extract.getIndices())
      positions.push_back(getRegister(index));
    return makeExtractStep(source->second.tensor,
                           getRegister(extract.getResult()), positions);
  }
  SmallVector<unsigned> operands;
  for (Value operand : op.getOperands())
    operands.push_back(getRegister(operand));
  if (isa<cf::AssertOp>(op)) {
    unsigned condition = operands[0];
    return ScalarStep([=](ScalarBits *r) { return r[condition] != 0; });
  }
  if (op.getNumResults() != 1)
    return failure();
  unsigned result = getRegister(op.getResult(0));
  if (auto index = dyn_cast<linalg::IndexOp>(op)) {
    uint64_t dim = index.getDim();
    return ScalarStep([this, dim, result](ScalarBits *r) {
      r[result] = indices[dim];
      return true;
    });
  }
  if (ScalarStep step = makeScalarStep(&op, result, operands))
    return step;
  return failure();
}

LogicalResult ScalarProgram::compile(Block &block,
                                     iterator_range<Block::iterator> ops,
                                     const ConstantValues &known) {
  for (Operation &op : ops) {
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      FailureOr<ScalarBits> bits = getScalarConstant(constant.getValue());
      if (failed(bits))
        return failure();
      registers[getRegister(constant)] = *bits;
      continue;
    }
    FailureOr<ScalarStep> step = makeStep(op, known);
    if (failed(step))
      return failure();
    steps.push_back(std::move(*step));
  }
  // Values from outside have been given registers on their first use.
  for (auto [value, number] : numbers) {
    if (auto it = known.find(value); it != known.end())
      registers[number] = it->second.scalar;
    else if (auto argument = dyn_cast<BlockArgument>(value);
             argument ? argument.getOwner() != &block
                      : !llvm::is_contained(llvm::make_pointer_range(ops),
                                            value.getDefiningOp()))
      return failure();
  }
  return success();
}

LogicalResult ScalarProgram::run() {
  for (const ScalarStep &step : steps)
    if (!step(registers.data()))
      return failure();
  return success();
}

//===- LoopsProgram.cpp - The body of qopt.loops in passes -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "LoopsProgram.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Passes
//===----------------------------------------------------------------------===//

LoopsProgram::LoopsProgram(LoopsOp op) : op(op), varying(op.getVarying()) {
  for (BlockArgument argument : op.getProgram()->getArguments())
    levels[argument] = 0;
  for (Operation &inner : *op.getProgram()) {
    unsigned level = 0;
    for (Value operand : inner.getOperands())
      level = std::max(level, levels.lookup(operand));
    if (auto reduce = dyn_cast<ReduceOp>(inner)) {
      if (reduce->use_empty())
        continue;
      if (passes.size() == level)
        passes.emplace_back();
      passes[level].push_back(reduce);
      ++level;
    }
    for (Value result : inner.getResults())
      levels[result] = level;
  }
}

bool LoopsProgram::isOrdered(unsigned pass) const {
  return llvm::any_of(passes[pass], [](ReduceOp reduce) {
    return reduce.getKind() == ReduceKind::AddF;
  });
}

bool LoopsProgram::isOrdered() const {
  return llvm::any_of(llvm::seq(getNumPasses()),
                      [&](unsigned pass) { return isOrdered(pass); });
}

bool LoopsProgram::hasVaryingResult() const {
  return llvm::any_of(llvm::seq<unsigned>(op.getInits().size()),
                      [&](unsigned result) { return isVarying(result); });
}

SmallVector<BlockArgument>
LoopsProgram::getVaryingInputs(ArrayRef<Value> values) const {
  DenseSet<Value> seen;
  SmallVector<Value> stack(values);
  while (!stack.empty()) {
    Value value = stack.pop_back_val();
    if (!isVarying(value) || !seen.insert(value).second)
      continue;
    if (Operation *definition = value.getDefiningOp())
      llvm::append_range(stack, definition->getOperands());
  }
  SmallVector<BlockArgument> inputs;
  for (BlockArgument argument : op.getProgram()->getArguments())
    if (seen.contains(argument))
      inputs.push_back(argument);
  return inputs;
}

SmallVector<BlockArgument> LoopsProgram::getUniformInputs() const {
  SmallVector<BlockArgument> inputs;
  for (BlockArgument argument : op.getProgram()->getArguments())
    if (!argument.use_empty() && !isVarying(argument))
      inputs.push_back(argument);
  return inputs;
}

void LoopsProgram::emitUniform(DeviceBuilder &builder, unsigned pass,
                               IRMapping &mapping) const {
  for (Operation &inner : op.getProgram()->without_terminator()) {
    if (isa<ReduceOp>(inner) || inner.getNumResults() == 0)
      continue;
    Value result = inner.getResult(0);
    if (!isVarying(result) && levels.lookup(result) == pass)
      builder.clone(inner, mapping);
  }
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Value qopt::getIdentity(DeviceBuilder &b, ReduceOp reduce) {
  Type type = reduce.getType();
  auto makeFloat = [&](const llvm::APFloat &value) -> Value {
    return arith::ConstantOp::create(b, b.getFloatAttr(type, value));
  };
  auto makeInteger = [&](const APInt &value) -> Value {
    return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
  };
  using llvm::APFloat;
  if (auto floatType = dyn_cast<FloatType>(type)) {
    const llvm::fltSemantics &semantics = floatType.getFloatSemantics();
    switch (reduce.getKind()) {
    case ReduceKind::MaximumF:
      return makeFloat(APFloat::getInf(semantics, /*Negative=*/true));
    case ReduceKind::MinimumF:
      return makeFloat(APFloat::getInf(semantics));
    case ReduceKind::MaxNumF:
    case ReduceKind::MinNumF:
      return makeFloat(APFloat::getNaN(semantics));
    default:
      return makeFloat(APFloat::getZero(semantics, /*Negative=*/true));
    }
  }
  unsigned width = type.getIntOrFloatBitWidth();
  switch (reduce.getKind()) {
  case ReduceKind::MaxSI:
    return makeInteger(APInt::getSignedMinValue(width));
  case ReduceKind::MinSI:
    return makeInteger(APInt::getSignedMaxValue(width));
  case ReduceKind::MinUI:
  case ReduceKind::AndI:
    return makeInteger(APInt::getAllOnes(width));
  default:
    return makeInteger(APInt::getZero(width));
  }
}

Value qopt::combine(DeviceBuilder &builder, ReduceOp reduce, Value a, Value b) {
  switch (reduce.getKind()) {
  case ReduceKind::AddF:
    return builder.createOrFold<arith::AddFOp>(a, b);
  case ReduceKind::AddI:
    return builder.createOrFold<arith::AddIOp>(a, b);
  case ReduceKind::MaximumF:
    return builder.createOrFold<arith::MaximumFOp>(a, b);
  case ReduceKind::MinimumF:
    return builder.createOrFold<arith::MinimumFOp>(a, b);
  case ReduceKind::MaxNumF:
    return builder.createOrFold<arith::MaxNumFOp>(a, b);
  case ReduceKind::MinNumF:
    return builder.createOrFold<arith::MinNumFOp>(a, b);
  case ReduceKind::MaxSI:
    return builder.createOrFold<arith::MaxSIOp>(a, b);
  case ReduceKind::MinSI:
    return builder.createOrFold<arith::MinSIOp>(a, b);
  case ReduceKind::MaxUI:
    return builder.createOrFold<arith::MaxUIOp>(a, b);
  case ReduceKind::MinUI:
    return builder.createOrFold<arith::MinUIOp>(a, b);
  case ReduceKind::OrI:
    return builder.createOrFold<arith::OrIOp>(a, b);
  case ReduceKind::AndI:
    return builder.createOrFold<arith::AndIOp>(a, b);
  }
  llvm_unreachable("all kinds are handled");
}

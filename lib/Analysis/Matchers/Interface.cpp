//===- Interface.cpp - Matches ops of other dialects by their interface ---*-
// C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Quantizable.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
class InterfaceMatcher : public Matcher {
public:
  std::optional<Quantizable> match(Operation *operation) const override {
    auto op = dyn_cast<QuantizableOpInterface>(operation);
    if (!op || operation->getNumResults() != 1)
      return std::nullopt;
    Quantizable match;
    match.op = operation;
    match.matcher = this;
    match.kind = operation->getName().stripDialect();
    match.reductionSize = op.getReductionSize();
    for (OpOperand &operand : operation->getOpOperands()) {
      switch (op.getOperandRole(operand.getOperandNumber())) {
      case OperandRole::Activation:
        match.activation = &operand;
        break;
      case OperandRole::Weight:
        if (isConstantWeight(operand.get()))
          match.weight = &operand;
        break;
      case OperandRole::Init:
        match.init = &operand;
        break;
      case OperandRole::Float:
        break;
      }
    }
    if (!match.activation)
      return std::nullopt;
    if (match.weight) {
      match.weightChannelDims =
          op.getWeightChannelDims(match.weight->getOperandNumber());
      match.resultChannelDims = op.getResultChannelDims();
    }
    return match;
  }

  Value buildAccumulator(OpBuilder &builder, const Quantizable &match,
                         Value activation, bool unsignedActivation,
                         Value weight, bool) const override {
    return cast<QuantizableOpInterface>(match.op).buildIntegerAccumulator(
        builder, activation, unsignedActivation, weight);
  }
};
} // namespace

const Matcher &mlir::qopt::getInterfaceMatcher() {
  static const InterfaceMatcher matcher;
  return matcher;
}

//===- Quantizable.cpp - The matcher registry ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Quantizable.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Elementwise.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

Matcher::~Matcher() = default;

ArrayRef<const Matcher *> mlir::qopt::getMatchers() {
  static const Matcher *const matchers[] = {&getInterfaceMatcher(),
                                            &getContractionMatcher()};
  return matchers;
}

std::optional<Quantizable> mlir::qopt::matchQuantizable(Operation *op) {
  for (const Matcher *matcher : getMatchers())
    if (std::optional<Quantizable> match = matcher->match(op))
      return match;
  return std::nullopt;
}

OpOperand *mlir::qopt::getMovedOperand(Operation *op) {
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, linalg::TransposeOp>(
          op))
    return &op->getOpOperand(0);
  // Zero is exact in every storage kind, so padding with it commutes.
  if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    Value padding = pad.getConstantPaddingValue();
    std::optional<double> constant =
        padding ? getConstantScalar(padding) : std::nullopt;
    if (constant && *constant == 0.0 &&
        pad.getResult().getType().hasStaticShape())
      return &op->getOpOperand(0);
  }
  return nullptr;
}

Value mlir::qopt::getMovementSource(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    OpOperand *moved = getMovedOperand(op);
    if (!moved)
      break;
    value = moved->get();
  }
  return value;
}

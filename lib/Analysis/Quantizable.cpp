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

#include <cfloat>
#include <cmath>

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

/// True if `value` is a fill with -inf or the lowest finite value: what a max
/// pool starts from.
static bool isLowest(Value value) {
  std::optional<double> c = value ? getConstantScalar(value) : std::nullopt;
  return c && (*c == -INFINITY || *c == -FLT_MAX);
}

/// True if no window of a pool lies in padding alone.
static bool isPaddedLessThanWindow(tensor::PadOp pad,
                                   ArrayRef<int64_t> window) {
  if (!pad.getLow().empty() || !pad.getHigh().empty())
    return false;
  for (auto [i, size] : llvm::enumerate(window))
    if (pad.getStaticLow()[i + 1] >= size || pad.getStaticHigh()[i + 1] >= size)
      return false;
  return true;
}

/// A max pool picks among values of one scale, so it works on integers as it
/// is. Padding with -inf in front of it belongs to it: no window sees only
/// padding, and the lowest integer never wins over a value.
static OpOperand *getPooledOperand(linalg::LinalgOp pool) {
  if (!pool.hasPureTensorSemantics())
    return nullptr;
  auto fill = pool.getDpsInitOperand(0)->get().getDefiningOp<linalg::FillOp>();
  if (!fill || !isLowest(fill.getInputs()[0]))
    return nullptr;
  OpOperand *input = pool.getDpsInputOperand(0);
  auto pad = input->get().getDefiningOp<tensor::PadOp>();
  if (!pad || !isLowest(pad.getConstantPaddingValue()))
    return input;
  ArrayRef<int64_t> window =
      cast<RankedTensorType>(pool.getDpsInputOperand(1)->get().getType())
          .getShape();
  return isPaddedLessThanWindow(pad, window) ? &pad.getSourceMutable()
                                             : nullptr;
}

OpOperand *mlir::qopt::getMovedOperand(Operation *op) {
  if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, linalg::TransposeOp>(
          op))
    return &op->getOpOperand(0);
  if (isa<linalg::PoolingNhwcMaxOp, linalg::PoolingNwcMaxOp>(op))
    return getPooledOperand(cast<linalg::LinalgOp>(op));
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

bool mlir::qopt::startsFromZero(const Quantizable &match) {
  if (!match.init)
    return true;
  Value init = match.init->get();
  if (auto fill = init.getDefiningOp<linalg::FillOp>())
    init = fill.getInputs()[0];
  std::optional<double> start = getConstantScalar(init);
  return start && *start == 0.0;
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

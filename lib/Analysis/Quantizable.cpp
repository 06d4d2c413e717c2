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

bool mlir::qopt::startsFromZero(const Quantizable &match) {
  if (!match.init)
    return true;
  Value init = match.init->get();
  if (auto fill = init.getDefiningOp<linalg::FillOp>())
    init = fill.getInputs()[0];
  std::optional<double> start = getConstantScalar(init);
  return start && *start == 0.0;
}

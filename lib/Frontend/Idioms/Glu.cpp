//===- Glu.cpp - Gated linear unit -----------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// a * sigmoid(b), where a and b are the halves of one tensor along a dimension.
//
//===----------------------------------------------------------------------===//
#include "Idiom.h"

#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

/// b of 1 / (1 + exp(-b)), an element.
static std::optional<Term> matchSigmoid(TermGraph &graph, Term term) {
  auto quotient = graph.matchPair(term, TermKind::Div);
  if (!quotient || graph.matchConstant(quotient->first) != 1.0)
    return std::nullopt;
  auto sum = graph.matchPair(quotient->second, TermKind::Add);
  if (!sum)
    return std::nullopt;
  for (auto [one, other] : {*sum, std::pair(sum->second, sum->first)}) {
    if (graph.matchConstant(one) != 1.0)
      continue;
    const TermNode *exp = graph.match(other, TermKind::Exp);
    if (!exp)
      continue;
    auto negated = graph.matchScaled(exp->operands[0]);
    if (negated && negated->second == -1.0 &&
        graph[negated->first].kind == TermKind::Element)
      return negated->first;
  }
  return std::nullopt;
}

/// True if `first` and `second` are the halves of one tensor, in this order.
static bool areHalves(tensor::ExtractSliceOp first,
                      tensor::ExtractSliceOp second) {
  if (!first || !second || first.getSource() != second.getSource() ||
      first.getType() != second.getType() || !first.hasUnitStride() ||
      !second.hasUnitStride() ||
      first.getSourceType().getRank() != first.getResultType().getRank())
    return false;
  unsigned halved = 0;
  for (auto [size, half, begin, middle] : llvm::zip_equal(
           first.getSourceType().getShape(), first.getResultType().getShape(),
           first.getStaticOffsets(), second.getStaticOffsets())) {
    if (begin != 0)
      return false;
    if (size == half && middle == 0)
      continue;
    if (size != 2 * half || middle != half)
      return false;
    ++halved;
  }
  return halved == 1;
}

Idioms mlir::qopt::matchGlu(Operation *op) {
  TermGraph graph(op->getContext());
  auto product =
      graph.matchPair(graph.getRoot(op->getResult(0)), TermKind::Mul);
  if (!product)
    return {};
  for (auto [value, gate] :
       {*product, std::pair(product->second, product->first)}) {
    std::optional<Term> gateInput = matchSigmoid(graph, gate);
    if (!gateInput || graph[value].kind != TermKind::Element ||
        graph[value].at != graph[*gateInput].at)
      continue;
    auto first = graph[value].value.getDefiningOp<tensor::ExtractSliceOp>();
    auto second =
        graph[*gateInput].value.getDefiningOp<tensor::ExtractSliceOp>();
    if (areHalves(first, second))
      return {Idiom{"glu", op->getResult(0), {first.getSource()}}};
  }
  return {};
}

//===- RmsNorm.cpp - Root mean square normalization ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// x / sqrt(mean(x * x) + eps) [* gamma]: layer norm without the mean. Exporters
// check the divisor of the reciprocal with a `cf.assert` in its body; the check
// moves along.
//
//===----------------------------------------------------------------------===//
#include "Normalization.h"

using namespace mlir;
using namespace mlir::qopt;

/// The value that is normalized, if `affine` is an RMS norm.
static Value matchInput(TermGraph &graph, Term root, const AffineTerm &affine) {
  auto normalized = matchNormalized(graph, affine.normalized);
  if (!normalized || graph[normalized->numerator].kind != TermKind::Element)
    return {};
  Term x = normalized->numerator;
  std::optional<TermNode> mean = graph.matchMean(normalized->moment);
  if (!mean)
    return {};
  auto square = graph.matchPair(mean->operands[0], TermKind::Mul);
  if (!square || square->first != square->second)
    return {};
  auto dims = graph.matchIndices(x, square->first, mean->variables);
  if (!dims || !hasParameters(graph, affine, *dims))
    return {};

  Term sum = graph.getReduction(
      TermKind::Sum, graph.substitute(graph.get(TermKind::Mul, {x, x}), *dims),
      mean->variables, mean->count);
  Term moment =
      graph.get(TermKind::Mul, {sum, graph.getConstant(1.0 / mean->count)});
  Term stabilized =
      graph.get(TermKind::Add, {moment, graph.getConstant(normalized->eps)});
  Term definition = applyAffine(
      graph,
      graph.get(TermKind::Div, {x, graph.get(TermKind::Sqrt, {stabilized})}),
      affine);
  Value input = graph[x].value;
  return graph.expandAll(root, input) == definition ? input : Value();
}

Idioms mlir::qopt::matchRmsNorm(Operation *op) {
  TermGraph graph(op->getContext());
  Term root = graph.getRoot(op->getResult(0));
  for (const AffineTerm &affine : splitAffine(graph, root))
    if (Value input = matchInput(graph, root, affine))
      return {Idiom{"rms_norm", op->getResult(0), {input}}};
  return {};
}

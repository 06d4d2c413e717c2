//===- LayerNorm.cpp - Layer normalization ---------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// d / sqrt(mean(d * d) + eps) [* gamma] [+ beta], where d = x - mean(x), over
// any dimensions. Gamma and beta are constants along the normalized dimensions;
// others (group norm's, say) are elementwise ops after the idiom.
//
//===----------------------------------------------------------------------===//
#include "Normalization.h"

#include "QuantOpt/Analysis/Constants.h"

using namespace mlir;
using namespace mlir::qopt;

std::optional<NormalizedTerm> mlir::qopt::matchNormalized(TermGraph &graph,
                                                          Term term) {
  // x / sqrt(v), or x * (1 / sqrt(v)) with the reciprocal in another op.
  auto makeResult = [&](Term numerator,
                        Term root) -> std::optional<NormalizedTerm> {
    const TermNode *sqrt = graph.match(root, TermKind::Sqrt);
    if (!sqrt)
      return std::nullopt;
    auto sum = graph.matchPair(sqrt->operands[0], TermKind::Add);
    if (!sum)
      return std::nullopt;
    for (auto [moment, eps] : {*sum, std::pair(sum->second, sum->first)})
      if (std::optional<double> number = graph.matchConstant(eps))
        return NormalizedTerm{numerator, moment, *number};
    return std::nullopt;
  };
  if (auto quotient = graph.matchPair(term, TermKind::Div))
    return makeResult(quotient->first, quotient->second);
  auto product = graph.matchPair(term, TermKind::Mul);
  if (!product)
    return std::nullopt;
  for (auto [numerator, factor] :
       {*product, std::pair(product->second, product->first)})
    if (auto inverse = graph.matchPair(factor, TermKind::Div))
      if (graph.matchConstant(inverse->first) == 1.0)
        if (auto result = makeResult(numerator, inverse->second))
          return result;
  return std::nullopt;
}

/// A constant element that only depends on the dimensions of `along`; numbers
/// count as constants along all.
static bool isParameter(TermGraph &graph, Term term,
                        const Substitution &along) {
  const TermNode &node = graph[term];
  if (node.kind == TermKind::Constant)
    return true;
  return node.kind == TermKind::Element && getConstantElements(node.value) &&
         llvm::all_of(node.at, [&](AffineExpr expr) {
           return isa<AffineConstantExpr>(expr) || along.contains(expr);
         });
}

SmallVector<AffineTerm> mlir::qopt::splitAffine(TermGraph &graph, Term term) {
  using Splits = SmallVector<std::pair<Term, Term>>;
  auto split = [&](Term term, TermKind kind) -> Splits {
    auto pair = graph.matchPair(term, kind);
    if (!pair)
      return {};
    return {*pair, {pair->second, pair->first}};
  };
  SmallVector<AffineTerm> result;
  for (auto [scaled, beta] : split(term, TermKind::Add)) {
    for (auto [normalized, gamma] : split(scaled, TermKind::Mul))
      result.push_back({normalized, gamma, beta});
    result.push_back({scaled, std::nullopt, beta});
  }
  for (auto [normalized, gamma] : split(term, TermKind::Mul))
    result.push_back({normalized, gamma, std::nullopt});
  result.push_back({term, std::nullopt, std::nullopt});
  return result;
}

bool mlir::qopt::hasParameters(TermGraph &graph, const AffineTerm &affine,
                               const Substitution &along) {
  return (!affine.gamma || isParameter(graph, *affine.gamma, along)) &&
         (!affine.beta || isParameter(graph, *affine.beta, along));
}

Term mlir::qopt::applyAffine(TermGraph &graph, Term term,
                             const AffineTerm &affine) {
  if (affine.gamma)
    term = graph.get(TermKind::Mul, {term, *affine.gamma});
  if (affine.beta)
    term = graph.get(TermKind::Add, {term, *affine.beta});
  return term;
}

/// The value that is normalized, if `affine` is a layer norm.
static Value matchInput(TermGraph &graph, Term root, const AffineTerm &affine) {
  auto normalized = matchNormalized(graph, affine.normalized);
  if (!normalized)
    return {};
  auto difference = graph.matchPair(normalized->numerator, TermKind::Sub);
  if (!difference || graph[difference->first].kind != TermKind::Element)
    return {};
  Term x = difference->first;
  std::optional<TermNode> mean = graph.matchMean(difference->second);
  if (!mean || !graph.matchMean(normalized->moment))
    return {};
  auto dims = graph.matchIndices(x, mean->operands[0], mean->variables);
  if (!dims || !hasParameters(graph, affine, *dims))
    return {};

  auto getMean = [&](Term term) {
    Term sum = graph.getReduction(TermKind::Sum, graph.substitute(term, *dims),
                                  mean->variables, mean->count);
    return graph.get(TermKind::Mul,
                     {sum, graph.getConstant(1.0 / mean->count)});
  };
  Term d = graph.get(TermKind::Sub, {x, getMean(x)});
  Term variance = getMean(graph.get(TermKind::Mul, {d, d}));
  Term stabilized =
      graph.get(TermKind::Add, {variance, graph.getConstant(normalized->eps)});
  Term definition = applyAffine(
      graph,
      graph.get(TermKind::Div, {d, graph.get(TermKind::Sqrt, {stabilized})}),
      affine);
  Value input = graph[x].value;
  return graph.expandAll(root, input) == definition ? input : Value();
}

Idioms mlir::qopt::matchLayerNorm(Operation *op) {
  TermGraph graph(op->getContext());
  Term root = graph.getRoot(op->getResult(0));
  for (const AffineTerm &affine : splitAffine(graph, root))
    if (Value input = matchInput(graph, root, affine))
      return {Idiom{"layer_norm", op->getResult(0), {input}}};
  return {};
}

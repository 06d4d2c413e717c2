//===- Softmax.cpp - Softmax, masked softmax, log-softmax ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// softmax(x) = e / sum(e), log_softmax(x) = (x - m) - log(sum(e)), where
// m = max(x) and e = exp(x - m), along any dimensions. m may be the first
// result of a generic that also computes the index of the maximum. A guard that
// turns the NaN of fully masked rows into 0 belongs to the idiom.
//
//===----------------------------------------------------------------------===//
#include "Idiom.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// What the ops that are looked at first say; the definition says the rest.
struct SoftmaxParts {
  Term scores; ///< x, an element
  TermNode maximum;
};
} // namespace

/// exp(x - max(x)).
static std::optional<SoftmaxParts> matchExponentials(TermGraph &graph,
                                                     Term term) {
  const TermNode *exp = graph.match(term, TermKind::Exp);
  if (!exp)
    return std::nullopt;
  auto difference = graph.matchPair(exp->operands[0], TermKind::Sub);
  if (!difference)
    return std::nullopt;
  const TermNode *maximum = graph.match(difference->second, TermKind::Maximum);
  if (!maximum || graph[difference->first].kind != TermKind::Element)
    return std::nullopt;
  return SoftmaxParts{difference->first, *maximum};
}

/// `select(isnan(y), 0, y)` -> y.
static Term stripNaNGuard(TermGraph &graph, Term term) {
  const TermNode *select = graph.match(term, TermKind::Select);
  if (!select)
    return term;
  Term condition = select->operands[0], onTrue = select->operands[1],
       onFalse = select->operands[2];
  const TermNode *isNaN = graph.match(condition, TermKind::IsNaN);
  bool isGuard = isNaN && isNaN->operands[0] == onFalse &&
                 graph.matchConstant(onTrue) == 0.0;
  return isGuard ? onFalse : term;
}

/// e and s of e / s, or of log(e / s).
static std::optional<SoftmaxParts> matchQuotient(TermGraph &graph, Term term) {
  if (auto quotient = graph.matchPair(term, TermKind::Div))
    return matchExponentials(graph, quotient->first);
  // A reciprocal in an op of its own.
  if (auto product = graph.matchPair(term, TermKind::Mul))
    for (Term factor : {product->first, product->second})
      if (auto parts = matchExponentials(graph, factor))
        return parts;
  return std::nullopt;
}

/// (x - m) - log(s): the exponentials are in s.
static std::optional<SoftmaxParts> matchLogSoftmax(TermGraph &graph,
                                                   Term term) {
  auto difference = graph.matchPair(term, TermKind::Sub);
  if (!difference)
    return std::nullopt;
  bool hasLog = graph.match(difference->second, TermKind::Log);
  auto shifted = graph.matchPair(difference->first, TermKind::Sub);
  if (!hasLog || !shifted || graph[shifted->first].kind != TermKind::Element)
    return std::nullopt;
  const TermNode *maximum = graph.match(shifted->second, TermKind::Maximum);
  if (!maximum)
    return std::nullopt;
  return SoftmaxParts{shifted->first, *maximum};
}

Idioms mlir::qopt::matchSoftmax(Operation *op) {
  TermGraph graph(op->getContext());
  Term root = graph.getRoot(op->getResult(0));
  Term inner = stripNaNGuard(graph, root);
  bool isLog = false;
  std::optional<SoftmaxParts> parts = matchQuotient(graph, inner);
  if (!parts) {
    parts = matchLogSoftmax(graph, inner);
    isLog = true;
  }
  if (!parts)
    return {};
  auto dims = graph.matchIndices(parts->scores, parts->maximum.operands[0],
                                 parts->maximum.variables);
  if (!dims)
    return {};

  // The definition, to be equal to what was found.
  Value scores = graph[parts->scores].value;
  ArrayRef<AffineExpr> variables = parts->maximum.variables;
  int64_t count = parts->maximum.count;
  auto reduce = [&](TermKind kind, Term term) {
    return graph.getReduction(kind, graph.substitute(term, *dims), variables,
                              count);
  };
  Term x = parts->scores;
  Term shifted = graph.get(TermKind::Sub, {x, reduce(TermKind::Maximum, x)});
  Term e = graph.get(TermKind::Exp, {shifted});
  Term sum = reduce(TermKind::Sum, e);
  Term definition =
      isLog
          ? graph.get(TermKind::Sub, {shifted, graph.get(TermKind::Log, {sum})})
          : graph.get(TermKind::Div, {e, sum});
  if (graph.expandAll(inner, scores) != definition)
    return {};

  Value result = op->getResult(0);
  if (isLog)
    return {Idiom{"log_softmax", result, {scores}}};
  Idioms found;
  Idiom masked{"masked_softmax", result, {scores}};
  if (matchAttentionMask(graph, x, masked)) {
    masked.inputs[0] = graph[x].value;
    found.push_back(masked);
  }
  found.push_back({"softmax", result, {scores}});
  return found;
}

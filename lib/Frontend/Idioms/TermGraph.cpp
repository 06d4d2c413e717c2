//===- TermGraph.cpp - What an element of a tensor is ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Terms and their algebra. Reading them from the IR is in ReadTerms.cpp.
//
//===----------------------------------------------------------------------===//
#include "TermGraph.h"

#include "llvm/ADT/SetVector.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace mlir::qopt;

/// An idiom has some ten ops; a graph of this size has left it.
static constexpr size_t kMaxTerms = 4096;

Term TermGraph::intern(TermNode node) {
  std::vector<const void *> key;
  auto add = [&](uint64_t word) {
    key.push_back(reinterpret_cast<const void *>(uintptr_t(word)));
  };
  add(static_cast<uint64_t>(node.kind));
  for (Term operand : node.operands)
    add(operand);
  if (node.kind == TermKind::Constant) {
    float rounded = node.number;
    uint32_t bits;
    memcpy(&bits, &rounded, sizeof(bits));
    // Half of the last 6 bits is added, so that neighbours of round numbers,
    // which are the common ones, agree.
    add((bits + 32) >> 6);
  }
  key.push_back(node.value.getAsOpaquePointer());
  for (AffineExpr expr : node.at)
    key.push_back(expr.getAsOpaquePointer());
  for (AffineExpr expr : node.variables)
    key.push_back(expr.getAsOpaquePointer());
  auto [it, isNew] = numbers.try_emplace(std::move(key), nodes.size());
  if (isNew)
    nodes.push_back(std::move(node));
  return it->second;
}

Term TermGraph::getConstant(double number) {
  TermNode node{TermKind::Constant};
  node.number = number;
  return intern(std::move(node));
}

Term TermGraph::getReduction(TermKind kind, Term body,
                             ArrayRef<AffineExpr> variables, int64_t count) {
  TermNode node{kind, {body}};
  node.variables.assign(variables.begin(), variables.end());
  node.count = count;
  return intern(std::move(node));
}

/// `kind` applied to numbers; nullopt for kinds that are not folded.
static std::optional<double> fold(TermKind kind, ArrayRef<double> in) {
  switch (kind) {
  case TermKind::Add:
    return in[0] + in[1];
  case TermKind::Sub:
    return in[0] - in[1];
  case TermKind::Mul:
    return in[0] * in[1];
  case TermKind::Div:
    return in[0] / in[1];
  case TermKind::Max:
    return std::max(in[0], in[1]);
  case TermKind::Sqrt:
    return std::sqrt(in[0]);
  default:
    return std::nullopt;
  }
}

Term TermGraph::get(TermKind kind, ArrayRef<Term> operands) {
  SmallVector<Term, 3> in(operands);
  auto isConstant = [&](Term term) {
    return nodes[term].kind == TermKind::Constant;
  };
  if (llvm::all_of(in, isConstant)) {
    SmallVector<double> values;
    for (Term term : in)
      values.push_back(nodes[term].number);
    if (std::optional<double> value = fold(kind, values))
      return getConstant(*value);
  }
  bool commutes =
      kind == TermKind::Add || kind == TermKind::Mul || kind == TermKind::Max;
  if (commutes && in[0] > in[1])
    std::swap(in[0], in[1]);
  // c - x = c + -1 * x for 0 only; x - c = x + -c; x / c = x * (1 / c).
  if (kind == TermKind::Sub && isConstant(in[0]) && nodes[in[0]].number == 0)
    return get(TermKind::Mul, {in[1], getConstant(-1)});
  if (kind == TermKind::Sub && isConstant(in[1]))
    return get(TermKind::Add, {in[0], getConstant(-nodes[in[1]].number)});
  if (kind == TermKind::Div && isConstant(in[1]))
    return get(TermKind::Mul, {in[0], getConstant(1 / nodes[in[1]].number)});
  // x * (1 / y) = x / y, which spells reciprocals and rsqrt.
  if (kind == TermKind::Mul)
    for (unsigned i : {0u, 1u}) {
      const TermNode &factor = nodes[in[i]];
      if (factor.kind == TermKind::Div && isConstant(factor.operands[0]) &&
          nodes[factor.operands[0]].number == 1)
        return get(TermKind::Div, {in[1 - i], factor.operands[1]});
    }
  return intern({kind, in});
}

Term TermGraph::expand(Term term) {
  if (nodes[term].kind != TermKind::Element || nodes.size() > kMaxTerms)
    return term;
  if (auto it = expanded.find(term); it != expanded.end())
    return it->second;
  // A conversion leads from one element to another.
  Term result = term;
  TermNode node = nodes[term];
  if (std::optional<Term> definition = expandElement(node.value, node.at))
    result = expand(*definition);
  expanded[term] = result;
  return result;
}

Term TermGraph::expandAll(Term term, ArrayRef<Value> stops) {
  DenseMap<Term, Term> done;
  auto visit = [&](auto &&self, Term term) -> Term {
    if (auto it = done.find(term); it != done.end())
      return it->second;
    TermNode node = nodes[term];
    Term result = term;
    if (node.kind == TermKind::Element) {
      Term definition =
          llvm::is_contained(stops, node.value) ? term : expand(term);
      result = definition == term ? term : self(self, definition);
    } else if (!node.operands.empty()) {
      for (Term &operand : node.operands)
        operand = self(self, operand);
      bool reduces =
          node.kind == TermKind::Sum || node.kind == TermKind::Maximum;
      result = reduces ? getReduction(node.kind, node.operands[0],
                                      node.variables, node.count)
                       : get(node.kind, node.operands);
    }
    return done[term] = result;
  };
  return visit(visit, term);
}

Term TermGraph::substitute(Term term, const Substitution &substitution) {
  DenseMap<AffineExpr, AffineExpr> map;
  for (auto [from, to] : substitution)
    map[from] = to;
  DenseMap<Term, Term> done;
  auto visit = [&](auto &&self, Term term) -> Term {
    if (auto it = done.find(term); it != done.end())
      return it->second;
    TermNode node = nodes[term];
    Term result = term;
    if (node.kind == TermKind::Element || node.kind == TermKind::Opaque) {
      for (AffineExpr &expr : node.at)
        expr = expr.replace(map);
      result = node.kind == TermKind::Element ? getElement(node.value, node.at)
                                              : intern(node);
    } else if (!node.operands.empty()) {
      for (Term &operand : node.operands)
        operand = self(self, operand);
      bool reduces =
          node.kind == TermKind::Sum || node.kind == TermKind::Maximum;
      result = reduces ? getReduction(node.kind, node.operands[0],
                                      node.variables, node.count)
                       : get(node.kind, node.operands);
    }
    return done[term] = result;
  };
  return visit(visit, term);
}

//===----------------------------------------------------------------------===//
// Matching
//===----------------------------------------------------------------------===//

const TermNode *TermGraph::match(Term term, TermKind kind) {
  const TermNode &node = nodes[expand(term)];
  return node.kind == kind ? &node : nullptr;
}

std::optional<double> TermGraph::matchConstant(Term term) {
  const TermNode *node = match(term, TermKind::Constant);
  return node ? std::optional(node->number) : std::nullopt;
}

std::optional<std::pair<Term, Term>> TermGraph::matchPair(Term term,
                                                          TermKind kind) {
  const TermNode *node = match(term, kind);
  if (!node)
    return std::nullopt;
  return std::pair(node->operands[0], node->operands[1]);
}

std::optional<std::pair<Term, double>> TermGraph::matchScaled(Term term) {
  auto factors = matchPair(term, TermKind::Mul);
  if (!factors)
    return std::nullopt;
  if (std::optional<double> number = matchConstant(factors->second))
    return std::pair(factors->first, *number);
  if (std::optional<double> number = matchConstant(factors->first))
    return std::pair(factors->second, *number);
  return std::nullopt;
}

std::optional<TermNode> TermGraph::matchMean(Term term) {
  auto scaled = matchScaled(term);
  if (!scaled)
    return std::nullopt;
  const TermNode *sum = match(scaled->first, TermKind::Sum);
  constexpr double kTolerance = 1e-4;
  if (!sum || std::abs(scaled->second * sum->count - 1) > kTolerance)
    return std::nullopt;
  return *sum;
}

SmallVector<Value> TermGraph::getLeaves(Term term) {
  llvm::SmallSetVector<Value, 4> leaves;
  llvm::SmallDenseSet<Term> done;
  auto visit = [&](auto &&self, Term term) -> void {
    if (!done.insert(term).second)
      return;
    const TermNode &node = nodes[term];
    if (node.kind == TermKind::Element)
      leaves.insert(node.value);
    for (Term operand : SmallVector<Term, 3>(node.operands))
      self(self, operand);
  };
  visit(visit, term);
  return leaves.takeVector();
}

std::optional<Substitution>
TermGraph::matchIndices(Term element, Term reduced,
                        ArrayRef<AffineExpr> variables) {
  const TermNode &from = nodes[element], &to = nodes[reduced];
  if (from.kind != TermKind::Element || to.kind != TermKind::Element ||
      from.value != to.value)
    return std::nullopt;
  Substitution result;
  for (auto [a, b] : llvm::zip_equal(from.at, to.at)) {
    if (a == b)
      continue;
    if (!isa<AffineDimExpr>(a) || !llvm::is_contained(variables, b) ||
        !result.try_emplace(a, b).second)
      return std::nullopt;
  }
  return result.size() == variables.size() ? std::optional(result)
                                           : std::nullopt;
}

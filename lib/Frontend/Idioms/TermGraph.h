//===- TermGraph.h - What an element of a tensor is ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Exporters spread one idiom over any number of ops, with copies, broadcasts
// and reshapes between them. Matchers therefore do not look at ops but at
// terms: the scalar expression that defines element (d0, d1, ...) of a tensor
// in terms of elements of others. Movement disappears in the indices; equal
// terms have equal numbers, up to the order of commuting operands, so that an
// idiom is recognised by building its definition and comparing numbers.
//
// Terms are expanded on demand, one op at a time: an element is a leaf until
// `expand` looks at the op that computes it. A graph is valid only as long as
// the IR does not change.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_IDIOMS_TERMGRAPH_H
#define QUANTOPT_LIB_FRONTEND_IDIOMS_TERMGRAPH_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/DenseMap.h"

#include <map>
#include <optional>

namespace mlir::qopt {

/// The number of a term in its graph.
using Term = unsigned;

enum class TermKind {
  Element,  ///< an element of a tensor, not (yet) expanded
  Constant, ///< the same number for all elements
  Add,
  Sub,
  Mul,
  Div,
  Max,
  Exp,
  Log,
  Sqrt,
  Select,  ///< of a condition and two terms
  IsNaN,   ///< of one term
  Sum,     ///< of one term, over `variables`
  Maximum, ///< likewise
  Opaque   ///< anything else; equal to itself only
};

struct TermNode {
  TermKind kind;
  SmallVector<Term, 3> operands = {};
  double number = 0; ///< Constant
  Value value = {};  ///< Element, Opaque
  /// Element, Opaque: the index along each dimension of the value, in terms of
  /// the loops of the root and the variables of reductions around it.
  SmallVector<AffineExpr> at = {};
  /// Sum, Maximum: the dimensions that run over all their indices.
  SmallVector<AffineExpr> variables = {};
  /// Sum, Maximum: the number of elements.
  int64_t count = 0;
};

/// Which dimensions of the root are replaced by what.
using Substitution = llvm::SmallDenseMap<AffineExpr, AffineExpr>;

class TermGraph {
public:
  explicit TermGraph(MLIRContext *context) : context(context) {}

  const TermNode &operator[](Term term) const { return nodes[term]; }

  /// Element (d0, d1, ...) of `value`, a ranked tensor.
  Term getRoot(Value value);
  /// The element of `value` at `at`, followed through data movement to where it
  /// comes from.
  Term getElement(Value value, ArrayRef<AffineExpr> at);
  /// Numbers that agree to about 17 bits are the same constant: 1/N may come as
  /// a factor or as a divisor, and eps in f32 or f64.
  Term getConstant(double number);
  /// Simplified: divisions by constants and by roots, squares, negations.
  Term get(TermKind kind, ArrayRef<Term> operands);
  Term getReduction(TermKind kind, Term body, ArrayRef<AffineExpr> variables,
                    int64_t count);

  /// What `term` is once the ops that define it have been looked at, up to the
  /// first that computes; itself where that is not possible.
  Term expand(Term term);
  /// All elements in `term` expanded except those of `stops`.
  Term expandAll(Term term, ArrayRef<Value> stops);
  Term substitute(Term term, const Substitution &substitution);

  /// `expand(term)` if it is of this kind, else null. The node is valid until
  /// the next term is made.
  const TermNode *match(Term term, TermKind kind);
  std::optional<double> matchConstant(Term term);
  /// The two operands of a term of this kind.
  std::optional<std::pair<Term, Term>> matchPair(Term term, TermKind kind);
  /// a and c of `a * c` (or `a / (1/c)`) with a constant c.
  std::optional<std::pair<Term, double>> matchScaled(Term term);
  /// The body b of `(sum of b over some dimensions) / their number`, with the
  /// variables it is summed over.
  std::optional<TermNode> matchMean(Term term);

  /// The values whose elements `term` is made of, in the order of their first
  /// use; constants that are not splats are among them.
  SmallVector<Value> getLeaves(Term term);

  /// If element `reduced` is element `element` of the same value with some
  /// dimensions of the root replaced by all of `variables`: which.
  std::optional<Substitution> matchIndices(Term element, Term reduced,
                                           ArrayRef<AffineExpr> variables);

private:
  Term intern(TermNode node);
  /// The scalar `value` in the body of `op`, whose loops have these indices.
  Term getScalar(linalg::LinalgOp op, Value value, ArrayRef<AffineExpr> loops);
  Term getOpaque(Value value, ArrayRef<AffineExpr> loops);
  /// Body op -> term; nullopt for ops without a kind.
  std::optional<Term> applyOp(linalg::LinalgOp op, Operation *bodyOp,
                              ArrayRef<AffineExpr> loops);
  std::optional<Term> expandElement(Value value, ArrayRef<AffineExpr> at);
  std::optional<Term> expandReduction(linalg::LinalgOp op, unsigned result,
                                      SmallVector<AffineExpr> loops);

  MLIRContext *context;
  SmallVector<TermNode> nodes;
  std::map<std::vector<const void *>, Term> numbers;
  DenseMap<Term, Term> expanded;
};

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_IDIOMS_TERMGRAPH_H

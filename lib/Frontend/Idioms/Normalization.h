//===- Normalization.h - What layer and RMS norm share ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_IDIOMS_NORMALIZATION_H
#define QUANTOPT_LIB_FRONTEND_IDIOMS_NORMALIZATION_H

#include "Idiom.h"

namespace mlir::qopt {

/// numerator / sqrt(moment + eps)
struct NormalizedTerm {
  Term numerator;
  Term moment;
  double eps;
};
std::optional<NormalizedTerm> matchNormalized(TermGraph &graph, Term term);

/// normalized [* gamma] [+ beta]
struct AffineTerm {
  Term normalized;
  std::optional<Term> gamma, beta;
};

/// Every way to read `term` as one, with the most parameters first.
SmallVector<AffineTerm> splitAffine(TermGraph &graph, Term term);

/// True if gamma and beta, where there are any, are constants that only vary
/// along the (normalized) dimensions that `along` replaces.
bool hasParameters(TermGraph &graph, const AffineTerm &affine,
                   const Substitution &along);

/// `term * gamma + beta`.
Term applyAffine(TermGraph &graph, Term term, const AffineTerm &affine);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_IDIOMS_NORMALIZATION_H

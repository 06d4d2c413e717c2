//===- Idiom.h - What a matcher finds --------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One matcher per idiom, in a file of its own. A matcher is given the op that
// may compute an idiom's result and says where the idiom ends; which ops lie
// between, and whether they may move, is the same question for all.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_IDIOMS_IDIOM_H
#define QUANTOPT_LIB_FRONTEND_IDIOMS_IDIOM_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "TermGraph.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::qopt {

struct Idiom {
  StringRef name;
  Value result;
  /// Where the idiom begins: the operands of its composite, in this order.
  SmallVector<Value> inputs;
  /// Ops that other ops may also use: these get a copy. (Constants, initial
  /// values and data movement may always be shared.)
  llvm::SmallDenseSet<Operation *> shared = {};
  /// All ops are elementwise functions of one value and become one op.
  bool isElementwise = false;
};

/// The idioms that `op` may compute, the largest first: where some of its ops
/// are needed elsewhere, too, a smaller one remains. `op` has one result, a
/// ranked float tensor.
using Idioms = SmallVector<Idiom, 2>;
using IdiomMatcher = Idioms (*)(Operation *op);

Idioms matchSoftmax(Operation *op);
Idioms matchLayerNorm(Operation *op);
Idioms matchRmsNorm(Operation *op);
Idioms matchGlu(Operation *op);
Idioms matchUnaryFunction(Operation *op);
Idioms matchEmbedding(Operation *op);

/// Extends a softmax of element `scores` by what masks it: `scores` becomes the
/// element behind the mask (and the scale in front of that), the values that
/// the mask is made from are appended to `idiom`. False if nothing masks it.
bool matchAttentionMask(TermGraph &graph, Term &scores, Idiom &idiom);

/// Reshapes, transposes, broadcasts and copies.
bool isMovement(Operation *op);

/// The values that `op` uses, those captured by its regions included.
SmallVector<Value> getUsedValues(Operation *op);

/// Replaces the ops of `idiom` by a composite; failure, with nothing changed,
/// if one of them is also needed elsewhere.
FailureOr<CompositeOp> raiseIdiom(RewriterBase &rewriter, const Idiom &idiom);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_IDIOMS_IDIOM_H

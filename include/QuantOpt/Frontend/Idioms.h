//===- Idioms.h - Multi-op idioms as qopt.composite ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the phases between import and lower need to know of composites. The
// names and operands of the idioms are in docs/Contracts.md.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_FRONTEND_IDIOMS_H
#define QUANTOPT_FRONTEND_IDIOMS_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/PatternMatch.h"

namespace mlir::qopt {

/// The op inside `op` if all it computes is one elementwise `linalg.generic`
/// that reads the only operand with the identity map (GELU, SiLU, sigmoid, ...)
/// and otherwise scalar constants; else null.
linalg::GenericOp getElementwiseBody(CompositeOp op);

/// True if `op` counts as an elementwise op with identity maps: it may join the
/// epilogue of the contraction before it, or become a table.
inline bool isElementwiseComposite(CompositeOp op) {
  return static_cast<bool>(getElementwiseBody(op));
}

/// Replaces `op` by the ops it holds. Its `qopt.name` goes to the op that
/// computes its (first) result; the others lose theirs.
void inlineComposite(RewriterBase &rewriter, CompositeOp op);

/// The same for all composites in `root`, inner ones first.
void inlineComposites(Operation *root);

} // namespace mlir::qopt

#endif // QUANTOPT_FRONTEND_IDIOMS_H

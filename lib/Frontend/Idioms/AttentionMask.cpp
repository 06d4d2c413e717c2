//===- AttentionMask.cpp - The mask in front of a softmax ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// `x * scale + mask`, or `select(mask, x, -inf)`, any number of them. Values
// that mean "never" (-inf, -FLT_MAX, -1e4) would spoil the range of any
// quantized edge, hence they may only exist within the composite: the float ops
// that make the mask are copied into it, back to the booleans and integers they
// start from.
//
//===----------------------------------------------------------------------===//
#include "Idiom.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Elementwise.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

/// e^x of a score this far below the others is nothing.
static constexpr double kSentinel = -50;

namespace {
/// What the addend of the scores is made from.
struct MaskOrigin {
  /// Integers and booleans, or values that mean "never".
  bool isMask = false;
  bool hasArgument = false, hasOther = false;
  SmallVector<Value> inputs;
  SmallVector<Operation *> ops;

  void trace(Value value, Block *block);
};
} // namespace

/// Computes each element from elements of its operands (not by an index that
/// comes from data).
static bool isTraceable(Operation *op) {
  if (isMovement(op) || isa<tensor::ExtractSliceOp>(op))
    return true;
  auto generic = dyn_cast<linalg::GenericOp>(op);
  return generic && isElementwise(generic) &&
         llvm::none_of(*generic.getBody(), [](Operation &bodyOp) {
           return isa<tensor::ExtractOp>(bodyOp);
         });
}

void MaskOrigin::trace(Value value, Block *block) {
  Operation *def = value.getDefiningOp();
  if (def && llvm::is_contained(ops, def))
    return;
  bool isFloat = isa<FloatType>(getElementTypeOrSelf(value.getType()));
  if (ElementsAttr constant = getConstantElements(value)) {
    if (!isFloat) {
      isMask = true;
    } else if (FailureOr<std::vector<float>> values = readFloats(constant);
               succeeded(values)) {
      isMask |= llvm::any_of(*values, [](float x) { return x <= kSentinel; });
    }
    return;
  }
  bool isInside = isFloat && def && def->getBlock() == block;
  if (isInside && isa<tensor::EmptyOp, linalg::FillOp>(def))
    return;
  if (isInside && isTraceable(def)) {
    ops.push_back(def);
    for (Value operand : def->getOperands())
      if (isa<RankedTensorType>(operand.getType()))
        trace(operand, block);
    return;
  }
  isMask |= !isFloat;
  hasArgument |= isFloat && !def;
  hasOther |= isFloat && def;
  if (!llvm::is_contained(inputs, value))
    inputs.push_back(value);
}

static MaskOrigin traceTerm(TermGraph &graph, Term term, Block *block) {
  MaskOrigin origin;
  for (Value leaf : graph.getLeaves(term))
    origin.trace(leaf, block);
  return origin;
}

/// True if `candidate` masks scores that come from `rest`.
static bool masks(const MaskOrigin &candidate, const MaskOrigin &rest) {
  // Scores may be made from masked values themselves.
  if (candidate.isMask)
    return !rest.isMask || (rest.hasOther && !candidate.hasOther);
  // A float argument that is added to scores computed here.
  return !rest.isMask && candidate.hasArgument && !candidate.hasOther &&
         rest.hasOther;
}

static void addMask(const MaskOrigin &origin, Idiom &idiom) {
  for (Value input : origin.inputs)
    if (!llvm::is_contained(idiom.inputs, input))
      idiom.inputs.push_back(input);
  idiom.shared.insert(origin.ops.begin(), origin.ops.end());
}

/// The term behind one mask; `scores` itself if there is none. What the mask is
/// made from is added to `idiom`.
static Term stripMask(TermGraph &graph, Term scores, Block *block,
                      Idiom &idiom) {
  if (auto sum = graph.matchPair(scores, TermKind::Add)) {
    MaskOrigin first = traceTerm(graph, sum->first, block);
    MaskOrigin second = traceTerm(graph, sum->second, block);
    if (masks(second, first)) {
      addMask(second, idiom);
      return sum->first;
    }
    if (masks(first, second)) {
      addMask(first, idiom);
      return sum->second;
    }
  }
  if (const TermNode *select = graph.match(scores, TermKind::Select)) {
    Term condition = select->operands[0];
    Term onTrue = select->operands[1], onFalse = select->operands[2];
    for (auto [rest, never] :
         {std::pair(onTrue, onFalse), std::pair(onFalse, onTrue)}) {
      std::optional<double> number = graph.matchConstant(never);
      if (number && *number <= kSentinel) {
        addMask(traceTerm(graph, condition, block), idiom);
        return rest;
      }
    }
  }
  return scores;
}

bool mlir::qopt::matchAttentionMask(TermGraph &graph, Term &scores,
                                    Idiom &idiom) {
  Block *block = idiom.result.getParentBlock();
  Term rest = scores;
  for (Term next; (next = stripMask(graph, rest, block, idiom)) != rest;)
    rest = next;
  if (rest == scores)
    return false;
  if (auto scaled = graph.matchScaled(rest))
    rest = scaled->first;
  // The composite begins at a value.
  if (graph[rest].kind != TermKind::Element)
    return false;
  scores = rest;
  return true;
}

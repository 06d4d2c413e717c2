//===- ReadTerms.cpp - Terms from ops --------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Indices along dimensions of extent 1 are always 0, so that reshapes that add
// or drop such dimensions leave terms as they are. Reshapes that merge or split
// others are leaves.
//
//===----------------------------------------------------------------------===//
#include "TermGraph.h"

#include "QuantOpt/Analysis/Elementwise.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

/// Variables of reductions are dimensions from here on; no tensor has as many.
static constexpr unsigned kFirstVariable = 64;

//===----------------------------------------------------------------------===//
// Movement
//===----------------------------------------------------------------------===//

/// Element `at` of `op`'s result as an element of its source.
using MovedIndices = std::optional<SmallVector<AffineExpr>>;

/// Groups of dimensions with at most one of an extent other than 1: calls
/// `each(i, dim)` with that dimension for every group i that has one.
static bool matchUnitReshape(ArrayRef<ReassociationIndices> groups,
                             ArrayRef<int64_t> shape,
                             function_ref<void(unsigned, int64_t)> each) {
  for (auto [i, group] : llvm::enumerate(groups)) {
    int64_t found = -1;
    for (int64_t dim : group) {
      if (shape[dim] == 1)
        continue;
      if (found >= 0)
        return false;
      found = dim;
    }
    if (found >= 0)
      each(i, found);
  }
  return true;
}

/// The loops of `op` at element `at` of its init `init`; null expressions for
/// reduction loops. Nullopt where the output map is no projection.
static MovedIndices getLoops(linalg::LinalgOp op, unsigned init,
                             ArrayRef<AffineExpr> at) {
  AffineMap map = op.getMatchingIndexingMap(op.getDpsInitOperand(init));
  SmallVector<AffineExpr> loops(op.getNumLoops());
  for (auto [expr, index] : llvm::zip_equal(map.getResults(), at)) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      loops[dim.getPosition()] = index;
    else if (!isa<AffineConstantExpr>(expr))
      return std::nullopt;
  }
  SmallVector<utils::IteratorType> types = op.getIteratorTypesArray();
  for (auto [loop, type] : llvm::zip_equal(loops, types))
    if (!loop && type == utils::IteratorType::parallel)
      return std::nullopt;
  return loops;
}

static bool isCopy(linalg::LinalgOp op) {
  if (op.getNumParallelLoops() != op.getNumLoops() ||
      op.getNumDpsInits() != 1 || !op->getNumRegions())
    return false;
  Block *body = op.getBlock();
  auto arg = dyn_cast<BlockArgument>(body->getTerminator()->getOperand(0));
  return llvm::hasSingleElement(*body) && arg && arg.getOwner() == body &&
         arg.getArgNumber() < op.getNumDpsInputs();
}

/// If `value` is moved from elsewhere, one step back: changes `value` and `at`.
static bool stepBack(Value &value, SmallVector<AffineExpr> &at) {
  Operation *def = value.getDefiningOp();
  if (!def)
    return false;
  AffineExpr zero = getAffineConstantExpr(0, value.getContext());
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(def)) {
    SmallVector<AffineExpr> moved(expand.getSrcType().getRank(), zero);
    if (!matchUnitReshape(expand.getReassociationIndices(),
                          expand.getResultType().getShape(),
                          [&](unsigned i, int64_t dim) { moved[i] = at[dim]; }))
      return false;
    value = expand.getSrc();
    at = std::move(moved);
    return true;
  }
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(def)) {
    SmallVector<AffineExpr> moved(collapse.getSrcType().getRank(), zero);
    if (!matchUnitReshape(collapse.getReassociationIndices(),
                          collapse.getSrcType().getShape(),
                          [&](unsigned i, int64_t dim) { moved[dim] = at[i]; }))
      return false;
    value = collapse.getSrc();
    at = std::move(moved);
    return true;
  }
  auto linalgOp = dyn_cast<linalg::LinalgOp>(def);
  if (!linalgOp || !linalgOp.hasPureTensorSemantics() || !isCopy(linalgOp))
    return false;
  MovedIndices loops = getLoops(linalgOp, 0, at);
  if (!loops)
    return false;
  Value yielded = linalgOp.getBlock()->getTerminator()->getOperand(0);
  OpOperand *source =
      linalgOp.getDpsInputOperand(cast<BlockArgument>(yielded).getArgNumber());
  at.clear();
  for (AffineExpr expr : linalgOp.getMatchingIndexingMap(source).getResults())
    at.push_back(expr.replaceDims(*loops));
  value = source->get();
  return isa<RankedTensorType>(value.getType());
}

Term TermGraph::getElement(Value value, ArrayRef<AffineExpr> at) {
  SmallVector<AffineExpr> indices(at);
  while (stepBack(value, indices)) {
  }
  if (std::optional<double> number = getConstantScalar(value))
    return getConstant(*number);
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    if (std::optional<double> number = getConstantScalar(fill.getInputs()[0]))
      return getConstant(*number);
  TermNode node{TermKind::Element};
  node.value = value;
  auto type = cast<RankedTensorType>(value.getType());
  for (auto [index, size] : llvm::zip_equal(indices, type.getShape()))
    node.at.push_back(size == 1 ? getAffineConstantExpr(0, context) : index);
  return intern(std::move(node));
}

Term TermGraph::getRoot(Value value) {
  SmallVector<AffineExpr> at;
  for (int64_t i : llvm::seq(cast<RankedTensorType>(value.getType()).getRank()))
    at.push_back(getAffineDimExpr(i, context));
  return getElement(value, at);
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Term TermGraph::getOpaque(Value value, ArrayRef<AffineExpr> loops) {
  TermNode node{TermKind::Opaque};
  node.value = value;
  for (AffineExpr loop : loops)
    node.at.push_back(loop ? loop : getAffineConstantExpr(0, context));
  return intern(std::move(node));
}

Term TermGraph::getScalar(linalg::LinalgOp op, Value value,
                          ArrayRef<AffineExpr> loops) {
  if (std::optional<double> number = getConstantScalar(value))
    return getConstant(*number);
  Block *body = op.getBlock();
  if (auto arg = dyn_cast<BlockArgument>(value)) {
    if (arg.getOwner() != body || arg.getArgNumber() >= op.getNumDpsInputs())
      return getOpaque(value, loops);
    OpOperand *input = op.getDpsInputOperand(arg.getArgNumber());
    if (!isa<RankedTensorType>(input->get().getType())) {
      std::optional<double> number = getConstantScalar(input->get());
      return number ? getConstant(*number) : getOpaque(value, loops);
    }
    SmallVector<AffineExpr> at;
    for (AffineExpr expr : op.getMatchingIndexingMap(input).getResults())
      at.push_back(expr.replaceDims(loops));
    return getElement(input->get(), at);
  }
  Operation *def = value.getDefiningOp();
  if (def->getBlock() == body)
    if (std::optional<Term> term = applyOp(op, def, loops))
      return *term;
  return getOpaque(value, loops);
}

/// `x > y` and the like, for ordered and unordered comparisons alike.
static bool isGreater(arith::CmpFPredicate predicate) {
  return llvm::is_contained(
      {arith::CmpFPredicate::OGT, arith::CmpFPredicate::OGE,
       arith::CmpFPredicate::UGT, arith::CmpFPredicate::UGE},
      predicate);
}

/// The exponent of a power, if it is constant.
static std::optional<double> getExponent(Value value) {
  APInt integer;
  if (matchPattern(value, m_ConstantInt(&integer)))
    return integer.getSExtValue();
  return getConstantScalar(value);
}

std::optional<Term> TermGraph::applyOp(linalg::LinalgOp op, Operation *bodyOp,
                                       ArrayRef<AffineExpr> loops) {
  auto in = [&](unsigned i) {
    return getScalar(op, bodyOp->getOperand(i), loops);
  };
  auto unary = [&](TermKind kind) { return get(kind, {in(0)}); };
  auto binary = [&](TermKind kind) {
    Term first = in(0), second = in(1);
    return get(kind, {first, second});
  };
  using Result = std::optional<Term>;
  return llvm::TypeSwitch<Operation *, Result>(bodyOp)
      .Case<arith::AddFOp>([&](auto) { return binary(TermKind::Add); })
      .Case<arith::SubFOp>([&](auto) { return binary(TermKind::Sub); })
      .Case<arith::MulFOp>([&](auto) { return binary(TermKind::Mul); })
      .Case<arith::DivFOp>([&](auto) { return binary(TermKind::Div); })
      .Case<arith::MaximumFOp, arith::MaxNumFOp>(
          [&](auto) { return binary(TermKind::Max); })
      .Case<arith::NegFOp>(
          [&](auto) { return get(TermKind::Mul, {in(0), getConstant(-1)}); })
      .Case<math::ExpOp>([&](auto) { return unary(TermKind::Exp); })
      .Case<math::LogOp>([&](auto) { return unary(TermKind::Log); })
      .Case<math::SqrtOp>([&](auto) { return unary(TermKind::Sqrt); })
      .Case<math::RsqrtOp>([&](auto) {
        return get(TermKind::Div, {getConstant(1), unary(TermKind::Sqrt)});
      })
      .Case<math::PowFOp, math::FPowIOp>([&](Operation *power) -> Result {
        if (getExponent(power->getOperand(1)) != 2.0)
          return std::nullopt;
        Term base = in(0);
        return get(TermKind::Mul, {base, base});
      })
      // Wider or narrower, the value is the same.
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto) { return in(0); })
      .Case<arith::CmpFOp>([&](arith::CmpFOp compare) -> Result {
        bool isUnordered =
            compare.getPredicate() == arith::CmpFPredicate::UNO ||
            compare.getPredicate() == arith::CmpFPredicate::UNE;
        Term lhs = in(0), rhs = in(1);
        if (isUnordered && lhs == rhs)
          return get(TermKind::IsNaN, {lhs});
        return std::nullopt;
      })
      .Case<arith::SelectOp>([&](arith::SelectOp select) -> Result {
        auto compare = select.getCondition().getDefiningOp<arith::CmpFOp>();
        if (compare && isGreater(compare.getPredicate()) &&
            compare.getLhs() == select.getTrueValue() &&
            compare.getRhs() == select.getFalseValue())
          return get(TermKind::Max, {in(1), in(2)});
        Term condition = in(0), onTrue = in(1), onFalse = in(2);
        return get(TermKind::Select, {condition, onTrue, onFalse});
      })
      .Default([](Operation *) -> Result { return std::nullopt; });
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// True if `value`, the init of a reduction, is the identity of `combiner`, or,
/// for maxima, as low as f32 can be.
static bool isIdentity(Value value, Operation *combiner) {
  if (auto fill = value.getDefiningOp<linalg::FillOp>())
    value = fill.getInputs()[0];
  std::optional<double> number = getConstantScalar(value);
  if (!number)
    return false;
  constexpr double kLowest = -3.4e38;
  return isa<arith::AddFOp>(combiner) ? *number == 0 : *number <= kLowest;
}

std::optional<Term> TermGraph::expandReduction(linalg::LinalgOp op,
                                               unsigned result,
                                               SmallVector<AffineExpr> loops) {
  Block *body = op.getBlock();
  Value accumulator = body->getArgument(op.getNumDpsInputs() + result);
  Operation *combiner =
      body->getTerminator()->getOperand(result).getDefiningOp();
  if (!isa_and_nonnull<arith::AddFOp, arith::MaximumFOp, arith::MaxNumFOp>(
          combiner) ||
      !isIdentity(op.getDpsInitOperand(result)->get(), combiner))
    return std::nullopt;
  unsigned position = combiner->getOperand(0) == accumulator ? 1 : 0;
  if (combiner->getOperand(1 - position) != accumulator ||
      combiner->getOperand(position) == accumulator)
    return std::nullopt;

  // Outside of the variables that are in use around it.
  unsigned next = kFirstVariable;
  for (AffineExpr loop : loops)
    if (loop)
      loop.walk([&](AffineExpr expr) {
        if (auto dim = dyn_cast<AffineDimExpr>(expr))
          next = std::max(next, dim.getPosition() + 1);
      });
  SmallVector<int64_t> extents = op.getStaticLoopRanges();
  SmallVector<AffineExpr> variables;
  int64_t count = 1;
  for (auto [loop, extent] : llvm::zip_equal(loops, extents)) {
    if (loop)
      continue;
    if (ShapedType::isDynamic(extent))
      return std::nullopt;
    loop = getAffineDimExpr(next, context);
    if (extent != 1) {
      variables.push_back(loop);
      ++next;
    }
    count *= extent;
  }
  if (variables.empty())
    return std::nullopt;
  Term term = getScalar(op, combiner->getOperand(position), loops);
  return getReduction(isa<arith::AddFOp>(combiner) ? TermKind::Sum
                                                   : TermKind::Maximum,
                      term, variables, count);
}

std::optional<Term> TermGraph::expandElement(Value value,
                                             ArrayRef<AffineExpr> at) {
  auto op = value.getDefiningOp<linalg::LinalgOp>();
  if (!op || !op.hasPureTensorSemantics() || op->getNumRegions() != 1 ||
      linalg::isaContractionOpInterface(op) ||
      linalg::isaConvolutionOpInterface(op))
    return std::nullopt;
  unsigned result = cast<OpResult>(value).getResultNumber();
  MovedIndices loops = getLoops(op, result, at);
  if (!loops)
    return std::nullopt;
  if (op.getNumReductionLoops())
    return expandReduction(op, result, std::move(*loops));
  Value yielded = op.getBlock()->getTerminator()->getOperand(result);
  Term term = getScalar(op, yielded, *loops);
  return (*this)[term].kind == TermKind::Opaque ? std::nullopt
                                                : std::optional(term);
}

//===- ExpandLoops.cpp - qopt.loops back to linalg -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ExpandLoops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

/// What a reduction may start from without changing it.
static TypedAttr getIdentity(Builder &b, ReduceKind kind, Type type) {
  if (auto floatType = dyn_cast<FloatType>(type)) {
    const llvm::fltSemantics &semantics = floatType.getFloatSemantics();
    switch (kind) {
    case ReduceKind::AddF:
      return b.getFloatAttr(type, APFloat::getZero(semantics, true));
    case ReduceKind::MaximumF:
      return b.getFloatAttr(type, APFloat::getInf(semantics, true));
    case ReduceKind::MinimumF:
      return b.getFloatAttr(type, APFloat::getInf(semantics));
    default: // The number of a number and NaN is the number.
      return b.getFloatAttr(type, APFloat::getNaN(semantics));
    }
  }
  unsigned width = type.getIntOrFloatBitWidth();
  switch (kind) {
  case ReduceKind::MaxSI:
    return b.getIntegerAttr(type, APInt::getSignedMinValue(width));
  case ReduceKind::MinSI:
    return b.getIntegerAttr(type, APInt::getSignedMaxValue(width));
  case ReduceKind::MinUI:
  case ReduceKind::AndI:
    return b.getIntegerAttr(type, APInt::getAllOnes(width));
  default:
    return b.getIntegerAttr(type, APInt::getZero(width));
  }
}

static Value combine(OpBuilder &b, Location loc, ReduceKind kind, Value out,
                     Value element) {
  switch (kind) {
  case ReduceKind::AddF:
    return arith::AddFOp::create(b, loc, out, element);
  case ReduceKind::AddI:
    return arith::AddIOp::create(b, loc, out, element);
  case ReduceKind::MaximumF:
    return arith::MaximumFOp::create(b, loc, out, element);
  case ReduceKind::MinimumF:
    return arith::MinimumFOp::create(b, loc, out, element);
  case ReduceKind::MaxNumF:
    return arith::MaxNumFOp::create(b, loc, out, element);
  case ReduceKind::MinNumF:
    return arith::MinNumFOp::create(b, loc, out, element);
  case ReduceKind::MaxSI:
    return arith::MaxSIOp::create(b, loc, out, element);
  case ReduceKind::MinSI:
    return arith::MinSIOp::create(b, loc, out, element);
  case ReduceKind::MaxUI:
    return arith::MaxUIOp::create(b, loc, out, element);
  case ReduceKind::MinUI:
    return arith::MinUIOp::create(b, loc, out, element);
  case ReduceKind::OrI:
    return arith::OrIOp::create(b, loc, out, element);
  case ReduceKind::AndI:
    return arith::AndIOp::create(b, loc, out, element);
  }
  llvm_unreachable("all kinds are handled");
}

//===----------------------------------------------------------------------===//
// Expansion
//===----------------------------------------------------------------------===//

namespace {
class LoopsExpander {
public:
  explicit LoopsExpander(LoopsOp op) : op(op), b(op), loc(op.getLoc()) {
    for (auto [loop, isReduced] : llvm::enumerate(op.getReductions()))
      (isReduced ? reduced : parallel).push_back(loop);
  }

  void run();

private:
  /// An input, padded as far as the loops reach out of it.
  std::pair<Value, AffineMap> getInput(unsigned index);
  /// A generic that computes `value`, over the loops in `loops`, into a tensor
  /// of its own; combined over the reduced ones if `reduce` is there.
  Value build(Value value, ArrayRef<unsigned> loops, Type elementType,
              AffineMap map, ReduceOp reduce);
  SmallVector<int64_t> getShape(AffineMap map) {
    SmallVector<int64_t> shape;
    for (AffineExpr expr : map.getResults())
      shape.push_back(op.getExtents()[cast<AffineDimExpr>(expr).getPosition()]);
    return shape;
  }
  AffineMap getLoopsMap(ArrayRef<unsigned> loops) {
    return AffineMap::getMultiDimMapWithTargets(op.getExtents().size(), loops,
                                                op.getContext());
  }

  LoopsOp op;
  OpBuilder b;
  Location loc;
  SmallVector<unsigned> parallel, reduced;
  /// Tensors over the parallel loops, by reduction.
  DenseMap<Value, Value> totals;
};
} // namespace

/// Least and greatest value of a sum of multiples of loops.
static std::pair<int64_t, int64_t> getRange(AffineExpr expr,
                                            ArrayRef<int64_t> extents) {
  SmallVector<int64_t> coefficients;
  MLIRContext *context = expr.getContext();
  SmallVector<AffineExpr> zeros(extents.size(),
                                getAffineConstantExpr(0, context));
  auto evaluate = [&](ArrayRef<AffineExpr> dims) {
    return cast<AffineConstantExpr>(
               simplifyAffineExpr(expr.replaceDims(dims), 0, 0))
        .getValue();
  };
  int64_t base = evaluate(zeros), low = base, high = base;
  for (auto [loop, extent] : llvm::enumerate(extents)) {
    SmallVector<AffineExpr> last = zeros;
    last[loop] = getAffineConstantExpr(extent - 1, context);
    int64_t step = evaluate(last) - base;
    (step < 0 ? low : high) += step;
  }
  return {low, high};
}

std::pair<Value, AffineMap> LoopsExpander::getInput(unsigned index) {
  Value value = op.getInputs()[index];
  AffineMap map = op.getMap(index);
  TypedAttr pad = op.getPad(index);
  if (!pad)
    return {value, map};
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> low, high;
  SmallVector<AffineExpr> exprs;
  SmallVector<int64_t> shape;
  for (auto [expr, extent] : llvm::zip(map.getResults(), type.getShape())) {
    auto [first, last] = getRange(expr, op.getExtents());
    int64_t before = std::max<int64_t>(0, -first);
    int64_t after = std::max<int64_t>(0, last + 1 - extent);
    low.push_back(b.getIndexAttr(before));
    high.push_back(b.getIndexAttr(after));
    exprs.push_back(expr + before);
    shape.push_back(extent + before + after);
  }
  Value padding = arith::ConstantOp::create(b, loc, pad);
  Value padded = tensor::PadOp::create(
      b, loc, RankedTensorType::get(shape, type.getElementType()), value, low,
      high, padding);
  return {padded, AffineMap::get(map.getNumDims(), 0, exprs, b.getContext())};
}

/// What `value` depends on in the body up to reductions, in order: arguments,
/// scalar ops, reductions.
static void getSlice(Value value, llvm::SetVector<Value> &slice) {
  if (slice.contains(value))
    return;
  Operation *definition = value.getDefiningOp();
  if (definition && !isa<ReduceOp>(definition))
    for (Value operand : definition->getOperands())
      getSlice(operand, slice);
  slice.insert(value);
}

Value LoopsExpander::build(Value value, ArrayRef<unsigned> loops,
                           Type elementType, AffineMap map, ReduceOp reduce) {
  llvm::SetVector<Value> slice;
  getSlice(value, slice);
  // Loops of this generic: those in `loops`, in the op's order.
  SmallVector<AffineExpr> dims(op.getExtents().size(),
                               b.getAffineConstantExpr(0));
  for (auto [i, loop] : llvm::enumerate(loops))
    dims[loop] = b.getAffineDimExpr(i);
  auto restrict = [&](AffineMap full) {
    return full.replaceDimsAndSymbols(dims, {}, loops.size(), 0);
  };
  SmallVector<Value> inputs, sources;
  SmallVector<AffineMap> maps;
  for (Value used : slice) {
    if (auto argument = dyn_cast<BlockArgument>(used)) {
      auto [input, inputMap] = getInput(argument.getArgNumber());
      inputs.push_back(input);
      maps.push_back(restrict(inputMap));
    } else if (Value total = totals.lookup(used)) {
      inputs.push_back(total);
      maps.push_back(restrict(getLoopsMap(parallel)));
    } else {
      continue;
    }
    sources.push_back(used);
  }
  // Only shows the extents of reduced loops, which may be windows.
  SmallVector<unsigned> counted;
  for (unsigned loop : loops)
    if (!map.isFunctionOfDim(loop))
      counted.push_back(loop);
  if (!counted.empty()) {
    AffineMap countedMap = getLoopsMap(counted);
    inputs.push_back(
        tensor::EmptyOp::create(b, loc, getShape(countedMap), b.getI1Type()));
    maps.push_back(restrict(countedMap));
  }
  maps.push_back(restrict(map));
  SmallVector<utils::IteratorType> iterators;
  for (unsigned loop : loops)
    iterators.push_back(reduce && op.getReductions()[loop]
                            ? utils::IteratorType::reduction
                            : utils::IteratorType::parallel);
  Value init = tensor::EmptyOp::create(b, loc, getShape(map), elementType);
  if (reduce) {
    Value identity = arith::ConstantOp::create(
        b, loc, getIdentity(b, reduce.getKind(), elementType));
    init = linalg::FillOp::create(b, loc, identity, init).getResult(0);
  }
  auto body = [&](OpBuilder &b, Location loc, ValueRange args) {
    IRMapping mapping;
    for (auto [source, argument] :
         llvm::zip(sources, args.take_front(sources.size())))
      mapping.map(source, argument);
    for (Value used : slice)
      if (!mapping.contains(used))
        b.clone(*used.getDefiningOp(), mapping);
    Value result = mapping.lookup(value);
    if (reduce)
      result = combine(b, loc, reduce.getKind(), args.back(), result);
    linalg::YieldOp::create(b, loc, result);
  };
  return linalg::GenericOp::create(b, loc, init.getType(), inputs, init, maps,
                                   iterators, body)
      .getResult(0);
}

void LoopsExpander::run() {
  SmallVector<unsigned> all =
      llvm::to_vector(llvm::seq<unsigned>(0, op.getExtents().size()));
  for (auto reduce : op.getProgram()->getOps<ReduceOp>())
    totals[reduce] = build(reduce.getValue(), all, reduce.getType(),
                           getLoopsMap(parallel), reduce);
  auto yield = cast<YieldOp>(op.getProgram()->getTerminator());
  for (auto [i, value] : llvm::enumerate(yield.getValues())) {
    AffineMap map = op.getMap(op.getInputs().size() + i);
    bool isVarying = llvm::any_of(
        reduced, [&](unsigned loop) { return map.isFunctionOfDim(loop); });
    Value result = build(value, isVarying ? all : parallel, value.getType(),
                         map, ReduceOp());
    op.getResult(i).replaceAllUsesWith(result);
  }
  op.erase();
}

void mlir::qopt::expandLoops(LoopsOp op) { LoopsExpander(op).run(); }

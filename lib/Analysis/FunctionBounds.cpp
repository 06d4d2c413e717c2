//===- FunctionBounds.cpp - Bounds of what a function computes ----*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One walk in program order: operands are known before their readers. Two facts
// that plain intervals cannot see are added, those that softmax rests on.
// Values carried by loops are unknown.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/FunctionBounds.h"

#include "ValueRelations.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/MulAdd.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

static constexpr double kInfinity = std::numeric_limits<double>::infinity();

//===----------------------------------------------------------------------===//
// Bounds arithmetic
//===----------------------------------------------------------------------===//

/// The interval of four corner values, of which 0 times infinity counts as 0.
static Bounds hull(std::initializer_list<double> corners) {
  Bounds result{kInfinity, -kInfinity};
  for (double corner : corners)
    result = result.join(Bounds::point(std::isnan(corner) ? 0 : corner));
  return result;
}

static Bounds add(Bounds a, Bounds b) {
  return {a.low + b.low, a.high + b.high};
}
static Bounds negate(Bounds a) { return {-a.high, -a.low}; }
static Bounds multiply(Bounds a, Bounds b) {
  return hull({a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high});
}
static Bounds square(Bounds a) {
  double magnitude = a.getMagnitude();
  bool hasZero = a.low <= 0 && a.high >= 0;
  double least = hasZero ? 0 : std::min(std::abs(a.low), std::abs(a.high));
  return {least * least, magnitude * magnitude};
}
static Bounds divide(Bounds a, Bounds b) {
  // A sum of exponentials or squares may be 0 in theory only: its quotient is
  // unbounded, but keeps its sign.
  if (b.low < 0 && b.high > 0)
    return {};
  if (b.low == 0 && b.high == 0)
    return {};
  double low = b.low == 0 ? std::copysign(0.0, b.high) : b.low;
  double high = b.high == 0 ? std::copysign(0.0, b.low) : b.high;
  return hull({a.low / low, a.low / high, a.high / low, a.high / high});
}
/// A function that does not decrease.
template <typename Fn> static Bounds monotone(Bounds a, Fn fn) {
  return {fn(a.low), fn(a.high)};
}
static double squareRoot(double x) { return x <= 0 ? 0 : std::sqrt(x); }

/// All values of an integer type, as signed.
static Bounds rangeOfType(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (element.isF16())
    return Bounds::upTo(65504);
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer || integer.getWidth() > 64)
    return {};
  double half = std::ldexp(1.0, integer.getWidth() - 1);
  return {-half, half - 1};
}

/// Integer results wrap where they leave their type.
static Bounds wrapped(Bounds value, Type type) {
  Bounds limits = rangeOfType(type);
  bool fits = value.low >= limits.low && value.high <= limits.high;
  return fits ? value : limits;
}

static Bounds rangeOfConstant(ElementsAttr elements) {
  if (!elements.getElementType().isF32())
    return rangeOfType(elements.getElementType());
  FailureOr<FloatElements> floats = FloatElements::get(elements);
  if (failed(floats))
    return {};
  Bounds result{kInfinity, -kInfinity};
  for (float value : floats->getValues())
    if (!std::isnan(value))
      result = result.join(Bounds::point(value));
  return result.low <= result.high ? result : Bounds::point(0);
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

Bounds FunctionBounds::get(Value value) const {
  auto it = known.find(value);
  return it == known.end() ? rangeOfType(value.getType()) : it->second;
}

/// Integer arithmetic and conversions; nothing for other ops.
static std::optional<Bounds> evaluateIntegers(Operation *op, Bounds a,
                                              Bounds b) {
  Type type = op->getResult(0).getType();
  if (isa<arith::ExtUIOp, arith::UIToFPOp>(op)) {
    Type source = op->getOperand(0).getType();
    if (a.low >= 0)
      return a;
    return Bounds{0, std::ldexp(1.0, source.getIntOrFloatBitWidth()) - 1};
  }
  if (isa<arith::ExtSIOp, arith::SIToFPOp>(op))
    return a;
  if (isa<arith::AddIOp>(op))
    return wrapped(add(a, b), type);
  if (isa<arith::SubIOp>(op))
    return wrapped(add(a, negate(b)), type);
  if (isa<arith::MulIOp>(op))
    return wrapped(multiply(a, b), type);
  return std::nullopt;
}

/// Functions of one float; nothing for other ops.
static std::optional<Bounds> evaluateFunction(Operation *op, Bounds a) {
  auto within = [&](double low, double high) { return Bounds{low, high}; };
  if (isa<math::ExpOp>(op))
    return monotone(a, [](double x) { return std::exp(x); });
  if (isa<math::Exp2Op>(op))
    return monotone(a, [](double x) { return std::exp2(x); });
  if (isa<math::ErfOp>(op))
    return monotone(a, [](double x) { return std::erf(x); });
  if (isa<math::TanhOp>(op))
    return monotone(a, [](double x) { return std::tanh(x); });
  if (isa<math::SqrtOp>(op))
    return monotone(a, squareRoot);
  if (isa<math::RsqrtOp>(op))
    return divide(Bounds::point(1), monotone(a, squareRoot));
  if (isa<math::RoundEvenOp, math::RoundOp>(op))
    return monotone(a, [](double x) { return std::nearbyint(x); });
  if (isa<math::FloorOp>(op))
    return monotone(a, [](double x) { return std::floor(x); });
  if (isa<math::CeilOp>(op))
    return monotone(a, [](double x) { return std::ceil(x); });
  if (isa<math::SinOp, math::CosOp>(op))
    return within(-1, 1);
  if (isa<math::AbsFOp>(op))
    return monotone(square(a), squareRoot);
  if (isa<arith::NegFOp>(op))
    return negate(a);
  if (isa<arith::ExtFOp>(op))
    return a;
  return std::nullopt;
}

Bounds FunctionBounds::evaluate(Operation *op, linalg::LinalgOp owner) const {
  auto at = [&](unsigned i) {
    return i < op->getNumOperands() ? get(op->getOperand(i)) : Bounds();
  };
  Type type = op->getResult(0).getType();
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    if (auto number = dyn_cast<FloatAttr>(constant.getValue()))
      return Bounds::point(number.getValueAsDouble());
    if (auto number = dyn_cast<IntegerAttr>(constant.getValue()))
      return Bounds::point(number.getValue().roundToDouble(/*isSigned=*/true));
    return {};
  }
  if (auto cast = dyn_cast<arith::TruncFOp>(op)) {
    // What calibration saw is believed.
    if (auto range = cast->getAttrOfType<DenseF64ArrayAttr>(kRangeAttr);
        range && range.size() == 2)
      return {range[0], range[1]};
    return at(0);
  }
  if (auto fma = dyn_cast<math::FmaOp>(op))
    return add(multiply(at(0), at(1)), at(2));
  if (isa<arith::AddFOp>(op))
    return add(at(0), at(1));
  if (isa<arith::SubFOp>(op)) {
    Bounds difference = add(at(0), negate(at(1)));
    if (subtractsMaximum(op, owner))
      difference.high = std::min(difference.high, 0.0);
    return difference;
  }
  if (isa<arith::MulFOp>(op))
    return isSquare(op, owner) ? square(at(0)) : multiply(at(0), at(1));
  if (isa<arith::DivFOp>(op))
    return at(0).low >= 0 && dividesBySum(op, owner) ? Bounds{0, 1}
                                                     : divide(at(0), at(1));
  if (isMaximum(op))
    return {std::max(at(0).low, at(1).low), std::max(at(0).high, at(1).high)};
  if (isa<arith::MinimumFOp, arith::MinNumFOp>(op))
    return {std::min(at(0).low, at(1).low), std::min(at(0).high, at(1).high)};
  if (isa<arith::SelectOp>(op))
    return at(1).join(at(2));
  if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    return get(extract.getTensor());
  if (auto result = evaluateFunction(op, at(0)))
    return *result;
  if (auto result = evaluateIntegers(op, at(0), at(1)))
    return *result;
  return rangeOfType(type);
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

/// The largest sum of |weight| over the summed indices, of any channel.
static std::optional<double> getLargestSum(linalg::LinalgOp op,
                                           OpOperand *weight) {
  ElementsAttr elements = getConstantElements(weight->get());
  AffineMap map = op.getMatchingIndexingMap(weight);
  FailureOr<std::vector<int8_t>> values =
      elements ? readInt8s(elements) : FailureOr<std::vector<int8_t>>();
  if (failed(values) || !map.isProjectedPermutation())
    return std::nullopt;
  auto type = cast<RankedTensorType>(weight->get().getType());
  auto iterators = op.getIteratorTypesArray();
  // The channel of an element: its index along the dimensions of the result.
  SmallVector<int64_t> strides(type.getRank(), 0);
  int64_t channels = 1;
  for (int64_t d = type.getRank() - 1; d >= 0; --d)
    if (iterators[map.getDimPosition(d)] == utils::IteratorType::parallel) {
      strides[d] = channels;
      channels *= type.getDimSize(d);
    }
  std::vector<double> sums(channels, 0);
  SmallVector<int64_t> index(type.getRank(), 0);
  int64_t channel = 0;
  for (int8_t value : *values) {
    sums[channel] += std::abs(int(value));
    for (int64_t d = type.getRank() - 1; d >= 0; --d) {
      channel += strides[d];
      if (++index[d] < type.getDimSize(d))
        break;
      channel -= strides[d] * type.getDimSize(d);
      index[d] = 0;
    }
  }
  return *llvm::max_element(sums);
}

/// |sum| of products of 8-bit integers.
static std::optional<double> boundProducts(linalg::LinalgOp op,
                                           double numElements) {
  std::optional<MulAdd> mulAdd = matchMulAdd(op);
  if (!mulAdd || mulAdd->lhs == MulAdd::Factor::F32)
    return std::nullopt;
  auto limit = [](MulAdd::Factor factor) {
    return factor == MulAdd::Factor::U8 ? 255.0 : 128.0;
  };
  if (auto sum = getLargestSum(op, op.getDpsInputOperand(1));
      sum && mulAdd->rhs == MulAdd::Factor::S8)
    return *sum * limit(mulAdd->lhs);
  if (auto sum = getLargestSum(op, op.getDpsInputOperand(0));
      sum && mulAdd->lhs == MulAdd::Factor::S8)
    return *sum * limit(mulAdd->rhs);
  return numElements * limit(mulAdd->lhs) * limit(mulAdd->rhs);
}

void FunctionBounds::visitReduction(linalg::LinalgOp op, OpResult result) {
  auto [combiner, element] = matchCombiner(op, result.getResultNumber());
  if (!combiner)
    return;
  double count = 1;
  for (auto [iterator, extent] :
       llvm::zip(op.getIteratorTypesArray(), op.getStaticLoopRanges()))
    if (iterator == utils::IteratorType::reduction)
      count *= extent < 0 ? kInfinity : extent;
  Bounds one = get(element);
  Bounds start = get(op.getDpsInits()[result.getResultNumber()]);
  Bounds sum = add(start, multiply(one, Bounds::point(count)));
  Type type = getElementTypeOrSelf(result.getType());
  Bounds bounds = rangeOfType(type);
  if (std::optional<double> bound = boundProducts(op, count))
    bounds = wrapped(add(start, Bounds::upTo(*bound)), type);
  else if (isa<arith::AddFOp>(combiner))
    bounds = sum;
  else if (isa<arith::AddIOp>(combiner))
    bounds = wrapped(sum, type);
  else if (isMaximum(combiner))
    bounds = {std::max(start.low, one.low), std::max(start.high, one.high)};
  else if (isa<arith::MinimumFOp, arith::MinNumFOp>(combiner))
    bounds = {std::min(start.low, one.low), std::min(start.high, one.high)};
  known[result] = bounds;
}

void FunctionBounds::visitLinalg(linalg::LinalgOp op) {
  Block *body = op.getBlock();
  for (auto [argument, operand] :
       llvm::zip(body->getArguments(), op->getOperands()))
    known[argument] = get(operand);
  for (Operation &inner : body->without_terminator())
    if (inner.getNumResults() == 1)
      known[inner.getResult(0)] = evaluate(&inner, op);
  if (op.getNumReductionLoops() != 0) {
    for (OpResult result : op->getResults())
      visitReduction(op, result);
    return;
  }
  for (auto [result, value] :
       llvm::zip(op->getResults(), body->getTerminator()->getOperands()))
    known[result] = get(value);
}

void FunctionBounds::visit(Operation *op) {
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return visitLinalg(linalgOp);
  if (op->getNumResults() != 1)
    return;
  Value result = op->getResult(0);
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto elements = dyn_cast<ElementsAttr>(constant.getValue());
    known[result] =
        elements ? rangeOfConstant(elements) : evaluate(op, nullptr);
  } else if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp, tensor::CastOp,
                 tensor::ExtractSliceOp>(op)) {
    known[result] = get(op->getOperand(0));
  } else if (auto pad = dyn_cast<tensor::PadOp>(op)) {
    Value value = pad.getConstantPaddingValue();
    Bounds padding = value && value.getDefiningOp()
                         ? evaluate(value.getDefiningOp(), nullptr)
                         : Bounds();
    known[result] = get(pad.getSource()).join(padding);
  } else if (auto concat = dyn_cast<tensor::ConcatOp>(op)) {
    Bounds all = get(concat.getInputs().front());
    for (Value input : concat.getInputs())
      all = all.join(get(input));
    known[result] = all;
  } else if (auto insert = dyn_cast<tensor::InsertSliceOp>(op)) {
    known[result] = get(insert.getSource()).join(get(insert.getDest()));
  }
}

FunctionBounds::FunctionBounds(func::FuncOp function) {
  function.walk<WalkOrder::PreOrder>([&](Operation *op) {
    visit(op);
    // Bodies of linalg ops are done.
    return isa<linalg::LinalgOp>(op) ? WalkResult::skip()
                                     : WalkResult::advance();
  });
}

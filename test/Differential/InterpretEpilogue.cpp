//===- InterpretEpilogue.cpp - What follows an exact sum ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/Numerics.md, section 4. A sum is a real number at once, by the formula
// for longer epilogues; as long as nothing but a bias and clamps follow, the
// integers stay with the value, so that a quantization that comes next can
// requantize them instead.
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include <random>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::differential;

//===----------------------------------------------------------------------===//
// Contracts
//===----------------------------------------------------------------------===//

/// The constants of `fused-i32` for element `i`.
static quantmath::FusedI32Params getExact(const Accumulator &acc, size_t i,
                                          float scale, int32_t zeroPoint) {
  quantmath::FusedI32Params params = quantmath::makeFusedI32(
      acc.activationScale[i], acc.weightScale[i], scale, acc.bias[i],
      acc.activationZeroPoint, acc.sumWeights[i], zeroPoint);
  if (acc.isSum)
    params.fused.M = float(double(acc.activationScale[i]) * acc.factor /
                           (double(scale) * acc.divisor));
  return params;
}

float differential::toReal(const Accumulator &acc, size_t i) {
  if (acc.isDynamic) {
    // The scales are multiplied when they are known: at run time.
    float scale = acc.activationScale[i] * acc.weightScale[i];
    return quantmath::accumulatePart(int32_t(acc.corrected[i]), scale,
                                     acc.bias[i]);
  }
  quantmath::FusedI32Params params = getExact(acc, i, /*scale=*/1.0f, 0);
  return quantmath::accumulatePart(int32_t(acc.raw[i]) + params.correction,
                                   params.fused.M, params.fused.B);
}

std::vector<int32_t> differential::requantize(const Accumulator &acc,
                                              float scale, int32_t zeroPoint,
                                              quantmath::IntRange range) {
  float r = quantmath::reciprocalScale(scale);
  quantmath::IntRange clamp = {
      quantmath::quantizeMul(acc.low, r, zeroPoint, range),
      quantmath::quantizeMul(acc.high, r, zeroPoint, range)};
  auto getFused = [&](size_t i) {
    return quantmath::makeFused(acc.activationScale[i], acc.weightScale[i],
                                scale, acc.bias[i], acc.activationZeroPoint,
                                acc.sumWeights[i], zeroPoint);
  };
  // One contract serves all channels.
  bool needsI32 = acc.isSum;
  size_t count = acc.raw.size();
  for (size_t i = 0; i < count && acc.activationZeroPoint != 0; ++i)
    needsI32 |= quantmath::needsI32(
        quantmath::maxMagnitude(acc.activationRange) * acc.sumAbsWeights[i],
        getFused(i));
  std::vector<int32_t> result;
  for (size_t i = 0; i < count; ++i) {
    auto raw = int32_t(acc.raw[i]);
    result.push_back(needsI32
                         ? quantmath::requantizeFused(
                               raw, getExact(acc, i, scale, zeroPoint), clamp)
                         : quantmath::requantizeFused(raw, getFused(i), clamp));
  }
  return result;
}

bool differential::isCompensated(const Accumulator &acc) {
  if (acc.isSum || acc.isDynamic)
    return false;
  if (!acc.hasBias)
    return true;
  if (acc.biasScale.size() != acc.raw.size())
    return false;
  for (size_t i = 0; i < acc.raw.size(); ++i)
    if (acc.biasScale[i] != acc.activationScale[i] * acc.weightScale[i])
      return false;
  return true;
}

std::vector<int32_t>
differential::requantizeCompensated(const Accumulator &acc, float scale,
                                    int32_t zeroPoint,
                                    quantmath::IntRange range) {
  quantmath::IntRange clamp = {
      quantmath::quantizeDiv(acc.low, scale, zeroPoint, range),
      quantmath::quantizeDiv(acc.high, scale, zeroPoint, range)};
  std::vector<int32_t> result;
  for (size_t i = 0; i < acc.raw.size(); ++i)
    result.push_back(quantmath::requantizeCompensated(
        int32_t(acc.raw[i]),
        quantmath::makeCompensated(
            acc.activationScale[i], acc.weightScale[i], scale,
            acc.biasIntegers.empty() ? 0 : acc.biasIntegers[i],
            acc.activationZeroPoint, acc.sumWeights[i]),
        zeroPoint, clamp));
  return result;
}

//===----------------------------------------------------------------------===//
// What a body does
//===----------------------------------------------------------------------===//

/// If the body adds to the argument `main` nothing but other arguments and
/// constants: those, with the sign of each.
static bool matchSum(linalg::GenericOp op, Value main,
                     SmallVectorImpl<std::pair<Value, double>> &terms) {
  SmallVector<std::pair<Value, double>> open = {
      {op.getBody()->getTerminator()->getOperand(0), 1.0}};
  unsigned seen = 0;
  while (!open.empty()) {
    auto [value, sign] = open.pop_back_val();
    if (value == main) {
      if (sign < 0)
        return false;
      ++seen;
    } else if (auto add = value.getDefiningOp<arith::AddFOp>()) {
      open.push_back({add.getRhs(), sign});
      open.push_back({add.getLhs(), sign});
    } else if (auto sub = value.getDefiningOp<arith::SubFOp>()) {
      open.push_back({sub.getRhs(), -sign});
      open.push_back({sub.getLhs(), sign});
    } else if (isa<BlockArgument>(value) || matchPattern(value, m_Constant())) {
      terms.push_back({value, sign});
    } else {
      return false;
    }
  }
  return seen == 1;
}

/// True if a constant read through `map` differs between channels only.
static bool isPerChannel(AffineMap map, ArrayRef<int64_t> channelDims) {
  return !map || llvm::all_of(map.getResults(), [&](AffineExpr expr) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    return dim ? llvm::is_contained(channelDims, int64_t(dim.getPosition()))
               : isa<AffineConstantExpr>(expr);
  });
}

/// True if the function of one float limits it to [low, high]: found out by
/// trying, since there are many spellings.
static bool isClampFunction(function_ref<double(double)> function, float &low,
                            float &high) {
  low = float(function(-INFINITY));
  high = float(function(INFINITY));
  if (!(low <= high) || (low == -INFINITY && high == INFINITY))
    return false;
  std::mt19937 random(1);
  auto agrees = [&](float x) {
    float expected = x < low ? low : x > high ? high : x;
    return float(function(x)) == expected;
  };
  for (float x : {low, high, 0.0f, 1.0f, -1.0f, 1e30f, -1e30f, 1e-30f})
    if (!agrees(x) || !agrees(std::nextafter(x, INFINITY)) ||
        !agrees(std::nextafter(x, -INFINITY)))
      return false;
  for (int i = 0; i < 100; ++i)
    if (!agrees(std::ldexp(float(int32_t(random())), -int(random() % 60))))
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Ops that join
//===----------------------------------------------------------------------===//

/// A constant, or one of integers under casts.
static bool isConstantTensor(Value value) {
  if (auto dequantize = value.getDefiningOp<quant::DequantizeCastOp>())
    if (auto cast = dequantize.getInput().getDefiningOp<quant::StorageCastOp>())
      return matchPattern(cast.getInput(), m_Constant());
  return matchPattern(value, m_Constant());
}

TensorRef Interpreter::getConstant(linalg::GenericOp op, Value value) {
  if (auto arg = dyn_cast<BlockArgument>(value))
    value = op->getOperand(arg.getArgNumber());
  if (get(value) && isConstantTensor(value))
    return get(value);
  if (!matchPattern(value, m_Constant()))
    return nullptr;
  if (!get(value) && !runOp(*value.getDefiningOp()))
    return nullptr;
  return get(value);
}

bool Interpreter::addBias(linalg::GenericOp op, OpOperand *main,
                          Tensor &result) {
  TensorRef input = get(main->get());
  SmallVector<std::pair<Value, double>> terms;
  if (input->accumulator->isSum ||
      !matchSum(op, op.getMatchingBlockArgument(main), terms))
    return false;
  auto next = std::make_shared<Accumulator>(*input->accumulator);
  std::vector<double> sums(input->size(), 0.0);
  for (auto [term, sign] : terms) {
    TensorRef constant = getConstant(op, term);
    if (!constant)
      return false;
    LinearMap position;
    if (auto arg = dyn_cast<BlockArgument>(term)) {
      AffineMap map =
          op.getMatchingIndexingMap(&op->getOpOperand(arg.getArgNumber()));
      std::optional<LinearMap> linear = LinearMap::get(map, constant->shape);
      if (!linear || !isPerChannel(map, next->channelDims))
        return false;
      position = *linear;
    }
    const Quantized *integers = constant->quantized.get();
    bool keepsIntegers =
        terms.size() == 1 && sign > 0 && integers &&
        llvm::all_of(integers->zeroPoint, [](int32_t z) { return z == 0; });
    forEachIndex(input->shape, [&](int64_t flat, ArrayRef<int64_t> index) {
      int64_t at = isa<BlockArgument>(term) ? position(index) : 0;
      sums[flat] += sign * constant->data[at].f;
      if (!keepsIntegers)
        return;
      next->biasIntegers.push_back(integers->q[at]);
      next->biasScale.push_back(integers->scale[at]);
    });
  }
  result = *input;
  result.type = op.getResult(0).getType();
  next->isOpen = false;
  next->hasBias = true;
  for (size_t i = 0; i < input->size(); ++i)
    next->bias[i] = float(sums[i]);
  for (size_t i = 0; i < input->size(); ++i)
    result.data[i] = ofFloat(toReal(*next, i));
  result.accumulator = std::move(next);
  return true;
}

bool Interpreter::addFactor(linalg::GenericOp op, OpOperand *main,
                            Tensor &result) {
  TensorRef input = get(main->get());
  Operation *scalar = &op.getBody()->front();
  Value x = op.getMatchingBlockArgument(main);
  bool isProduct = isa<arith::MulFOp>(scalar);
  if (!input->accumulator->isSum || !llvm::hasNItems(*op.getBody(), 2) ||
      (!isProduct && !isa<arith::DivFOp>(scalar)))
    return false;
  Value other = scalar->getOperand(1);
  if (isProduct && other == x)
    other = scalar->getOperand(0);
  else if (scalar->getOperand(0) != x)
    return false;
  TensorRef constant = getConstant(op, other);
  if (!constant || llvm::any_of(constant->data, [&](Scalar s) {
        return s.f != constant->data[0].f;
      }))
    return false;
  double c = constant->data.front().f;
  if (!(c > 0) || !std::isfinite(c))
    return false;
  auto next = std::make_shared<Accumulator>(*input->accumulator);
  (isProduct ? next->factor : next->divisor) *= c;
  result = *input;
  result.type = op.getResult(0).getType();
  for (size_t i = 0; i < input->size(); ++i)
    result.data[i] = ofFloat(toReal(*next, i));
  result.accumulator = std::move(next);
  return true;
}

bool Interpreter::addClamp(linalg::GenericOp op, OpOperand *main,
                           Tensor &result) {
  TensorRef input = get(main->get());
  ScalarProgram program;
  std::string problem;
  if (llvm::any_of(op.getBody()->without_terminator(), [](Operation &inner) {
        return !isa<arith::CmpFOp, arith::SelectOp, arith::MaximumFOp,
                    arith::MinimumFOp, arith::MaxNumFOp, arith::MinNumFOp,
                    arith::ConstantOp>(inner);
      }))
    return false;
  if (!program.compile(*op.getBody(), [&](Value v) { return get(v); }, problem))
    return false;
  // Constants may be operands, too.
  std::vector<Scalar> arguments;
  for (Value operand : op->getOperands()) {
    arguments.push_back(get(operand)->data.front());
    if (operand != main->get() && operand != op->getOperands().back() &&
        llvm::any_of(get(operand)->data,
                     [&](Scalar s) { return s.f != arguments.back().f; }))
      return false;
  }
  auto function = [&](double x) {
    ScalarError undefined;
    arguments[main->getOperandNumber()] = ofFloat(x);
    return program.run(arguments.data(), nullptr, undefined)->f;
  };
  float low, high;
  if (!isClampFunction(function, low, high))
    return false;
  result = *input;
  result.type = op.getResult(0).getType();
  for (Scalar &s : result.data)
    s.f = function(s.f);
  auto next = std::make_shared<Accumulator>(*input->accumulator);
  auto clamp = [&](float x) { return std::min(std::max(x, low), high); };
  next->low = clamp(next->low);
  next->high = clamp(next->high);
  next->isOpen = false;
  result.accumulator = std::move(next);
  return true;
}

/// True if each element of the result is computed from elements at one place.
static bool isElementwise(linalg::GenericOp op) {
  return op.getNumParallelLoops() == op.getNumLoops() &&
         op.getNumDpsInits() == 1 &&
         op.getMatchingIndexingMap(op.getDpsInitOperand(0)).isIdentity() &&
         op.getBody()->getArguments().back().use_empty();
}

bool Interpreter::extendEpilogue(linalg::GenericOp op, Tensor &result) {
  if (!isElementwise(op))
    return false;
  OpOperand *main = nullptr;
  for (OpOperand *input : op.getDpsInputOperands()) {
    if (isConstantTensor(input->get()))
      continue;
    if (main || !op.getMatchingIndexingMap(input).isIdentity())
      return false;
    main = input;
  }
  TensorRef input = main ? get(main->get()) : nullptr;
  if (!input || !input->accumulator || !main->get().hasOneUse())
    return false;
  return (input->accumulator->isOpen &&
          (addBias(op, main, result) || addFactor(op, main, result))) ||
         addClamp(op, main, result);
}

//===----------------------------------------------------------------------===//
// Residuals
//===----------------------------------------------------------------------===//

bool Interpreter::runResidual(linalg::GenericOp op, Tensor &result) {
  if (!isElementwise(op) ||
      !llvm::all_of(op.getBody()->without_terminator(), [](Operation &inner) {
        return isMemoryEffectFree(&inner) && inner.getNumRegions() == 0 &&
               !isa<tensor::ExtractOp>(inner);
      }))
    return false;
  // Which scalars of the body come from an accumulator.
  DenseSet<Value> accumulated;
  for (OpOperand *input : op.getDpsInputOperands())
    if (TensorRef tensor = get(input->get()); tensor && tensor->isAccumulated)
      accumulated.insert(op.getMatchingBlockArgument(input));
  for (Operation &inner : op.getBody()->without_terminator())
    if (llvm::any_of(inner.getOperands(), [&](Value operand) {
          return operand.getType().isF32() && accumulated.contains(operand);
        }))
      for (Value value : inner.getResults())
        accumulated.insert(value);

  SmallVector<TensorRef> operands;
  for (Value operand : op->getOperands())
    operands.push_back(get(operand));
  auto getEdge = [&](Value value) -> const Quantized * {
    auto arg = dyn_cast<BlockArgument>(value);
    if (!arg || arg.getOwner() != op.getBody())
      return nullptr;
    const Quantized *edge = operands[arg.getArgNumber()]->quantized.get();
    return edge && edge->isPerTensor ? edge : nullptr;
  };
  ScalarProgram::Residuals residuals;
  for (Operation &inner : op.getBody()->without_terminator()) {
    auto add = dyn_cast<arith::AddFOp>(inner);
    if (!add || add.getLhs() == add.getRhs())
      continue;
    for (auto [edge, other] : {std::pair(add.getLhs(), add.getRhs()),
                               std::pair(add.getRhs(), add.getLhs())})
      if (const Quantized *from = getEdge(edge);
          from && accumulated.contains(other))
        residuals[&inner] = {edge, other, from->scale.front()};
  }
  std::vector<Tensor> results;
  if (!evaluateBody(
          op, operands, [&](Value v) { return get(v); },
          /*withSteps=*/false, results, &residuals))
    return false;
  result = std::move(results.front());
  result.isAccumulated =
      accumulated.contains(op.getBody()->getTerminator()->getOperand(0));
  return true;
}

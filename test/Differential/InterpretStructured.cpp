//===- InterpretStructured.cpp - linalg ops by their loops and bodies -----===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Named and generic ops alike have indexing maps, loops and a body. Sums of
// floats have the order of docs/Numerics.md, other reductions run in increasing
// order of the loops.
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::differential;

std::optional<LinearMap> LinearMap::get(AffineMap map,
                                        ArrayRef<int64_t> shape) {
  bool linear = true;
  map.walkExprs([&](AffineExpr expr) {
    if (expr.getKind() != AffineExprKind::Add &&
        expr.getKind() != AffineExprKind::Mul &&
        !isa<AffineDimExpr, AffineConstantExpr>(expr))
      linear = false;
  });
  if (!linear)
    return std::nullopt;
  auto evaluate = [&](ArrayRef<int64_t> loops) {
    int64_t flat = 0;
    SmallVector<int64_t> index = map.compose(loops);
    for (auto [i, size] : llvm::zip(index, shape))
      flat = flat * size + i;
    return flat;
  };
  LinearMap result;
  SmallVector<int64_t> loops(map.getNumDims(), 0);
  result.constant = evaluate(loops);
  for (int64_t &loop : loops) {
    loop = 1;
    result.coefficients.push_back(evaluate(loops) - result.constant);
    loop = 0;
  }
  return result;
}

namespace {
/// One sum under way: element i is in partial sum i mod 256.
class PartialSums {
public:
  Scalar &next() { return partials[count++ % partials.size()]; }
  /// The upper half is added to the lower one until one number is left.
  float finish() const {
    std::vector<float> values;
    for (Scalar partial : partials)
      values.push_back(float(partial.f));
    while (values.size() > 1) {
      size_t half = values.size() / 2;
      for (size_t i = 0; i < half; ++i)
        values[i] = values[i] + values[half + i];
      values.resize(half);
    }
    return values.front();
  }

private:
  std::vector<Scalar> partials = std::vector<Scalar>(256, ofFloat(-0.0));
  size_t count = 0;
};
} // namespace

/// True if the only result is `out + e` in binary32 and no running value is
/// part of e.
static bool isFloatSum(linalg::LinalgOp op) {
  if (op.getNumReductionLoops() == 0 || op.getNumDpsInits() != 1)
    return false;
  Block &body = *op.getBlock();
  Value out = body.getArguments().back();
  auto add = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  return add && add.getType().isF32() && out.hasOneUse() &&
         *out.user_begin() == add;
}

bool Interpreter::evaluateBody(linalg::LinalgOp op,
                               ArrayRef<TensorRef> operands,
                               const ScalarProgram::Lookup &lookup,
                               bool withSteps, std::vector<Tensor> &results,
                               const ScalarProgram::Residuals *residuals) {
  ScalarProgram program;
  std::string problem;
  if (!program.compile(*op.getBlock(), lookup, problem, residuals))
    return fail(*op, problem);
  std::vector<LinearMap> maps;
  for (OpOperand &operand : op->getOpOperands()) {
    std::optional<LinearMap> map =
        LinearMap::get(op.getMatchingIndexingMap(&operand),
                       operands[operand.getOperandNumber()]->shape);
    if (!map)
      return fail(*op, "indexing map that is not linear");
    maps.push_back(*map);
  }
  size_t numInputs = op.getNumDpsInputs(), numOutputs = op.getNumDpsInits();
  results.clear();
  for (size_t o = 0; o < numOutputs; ++o) {
    results.push_back(*operands[numInputs + o]);
    results.back().quantized = nullptr;
    results.back().accumulator = nullptr;
    results.back().isAccumulated = false;
  }
  bool hasSteps = withSteps && llvm::any_of(operands, [](const TensorRef &t) {
                    return !t->step.empty();
                  });
  if (hasSteps)
    for (Tensor &result : results)
      result.step.resize(result.size(), 0.0);

  bool reduces = op.getNumReductionLoops() != 0;
  std::vector<PartialSums> sums(isFloatSum(op) ? results[0].size() : 0);
  ScalarError undefined;
  // With the distances q - z of the edges behind them, for residuals.
  std::vector<Scalar> arguments(2 * operands.size(), ofInt(0));
  std::vector<double> change(numOutputs);
  SmallVector<int64_t> positions(operands.size());
  auto visit = [&](int64_t, ArrayRef<int64_t> loops) {
    Scalar *partial = nullptr;
    for (size_t i = 0; i < operands.size(); ++i) {
      positions[i] = maps[i](loops);
      arguments[i] = i < numInputs ? operands[i]->data[positions[i]]
                                   : results[i - numInputs].data[positions[i]];
      if (const Quantized *edge = operands[i]->quantized.get();
          edge && residuals && i < numInputs)
        arguments[operands.size() + i] =
            ofFloat(edge->q[positions[i]] - edge->zeroPoint[positions[i]]);
    }
    if (!sums.empty()) {
      partial = &sums[positions[numInputs]].next();
      arguments[numInputs] = *partial;
    }
    const Scalar *yielded =
        program.run(arguments.data(), loops.data(), undefined);
    SmallVector<Scalar> values(yielded, yielded + numOutputs);
    if (hasSteps) {
      // The change of each output when one input moves by a step.
      change.assign(numOutputs, 0.0);
      for (size_t i = 0; i < numInputs; ++i) {
        double step = operands[i]->getStep(positions[i]);
        if (step == 0.0)
          continue;
        double most[2] = {0.0, 0.0};
        for (double sign : {-1.0, 1.0}) {
          Scalar kept = arguments[i];
          arguments[i].f += sign * step;
          ScalarError ignored;
          const Scalar *moved =
              program.run(arguments.data(), loops.data(), ignored);
          for (size_t o = 0; o < std::min<size_t>(numOutputs, 2); ++o)
            most[o] = std::max(most[o], std::fabs(moved[o].f - values[o].f));
          arguments[i] = kept;
        }
        for (size_t o = 0; o < std::min<size_t>(numOutputs, 2); ++o)
          change[o] += most[o];
      }
    }
    for (size_t o = 0; o < numOutputs; ++o) {
      int64_t at = positions[numInputs + o];
      (partial ? *partial : results[o].data[at]) = values[o];
      if (hasSteps)
        results[o].step[at] =
            reduces ? std::max(results[o].step[at], change[o]) : change[o];
    }
  };
  forEachIndex(op.getStaticLoopRanges(), visit);
  for (auto [i, sum] : llvm::enumerate(sums))
    results[0].data[i] = ofFloat(float(results[0].data[i].f) + sum.finish());
  if (!undefined.message.empty())
    return fail(*op, undefined.message);
  bool isInexact = llvm::any_of(
      operands, [](const TensorRef &operand) { return operand->isInexact; });
  for (auto [result, value] : llvm::zip(results, op->getResults())) {
    result.type = value.getType();
    result.isInexact = isInexact;
    if (!isa<FloatType>(getElementTypeOrSelf(result.type)))
      result.step.clear();
  }
  return true;
}

/// True if the body is the maximum of an input and the running value.
static bool isMaximum(linalg::LinalgOp op) {
  Block &body = *op.getBlock();
  return op.getNumReductionLoops() != 0 && op.getNumDpsInits() == 1 &&
         llvm::hasNItems(body, 2) &&
         isa<arith::MaximumFOp, arith::MaxNumFOp>(body.front());
}

void Interpreter::poolIntegers(linalg::LinalgOp op, Tensor &result) {
  TensorRef input = get(op.getDpsInputOperand(0)->get());
  const Quantized *from = input->quantized.get();
  if (!isMaximum(op) || !from || !llvm::all_equal(from->scale))
    return;
  Tensor integers = *input;
  for (auto [i, q] : llvm::enumerate(from->q))
    integers.data[i] = ofFloat(q);
  SmallVector<TensorRef> operands;
  for (Value operand : op->getOperands())
    operands.push_back(get(operand));
  operands[0] = std::make_shared<const Tensor>(std::move(integers));
  std::vector<Tensor> pooled;
  if (!evaluateBody(
          op, operands, [&](Value v) { return get(v); },
          /*withSteps=*/false, pooled))
    return;
  auto quantized = std::make_shared<Quantized>();
  quantized->range = from->range;
  quantized->isDynamic = from->isDynamic;
  for (Scalar q : pooled[0].data) {
    // A window of padding only has no integer.
    if (!std::isfinite(q.f))
      return;
    quantized->q.push_back(static_cast<int32_t>(q.f));
  }
  quantized->scale.assign(result.size(), from->scale.front());
  quantized->zeroPoint.assign(result.size(), from->zeroPoint.front());
  result.quantized = std::move(quantized);
}

/// True if the body is `out + lhs * rhs` on floats.
static bool isContraction(linalg::LinalgOp op) {
  if (op.getNumDpsInputs() != 2 || op.getNumDpsInits() != 1 ||
      op.getNumReductionLoops() == 0)
    return false;
  Block &body = *op.getBlock();
  auto add = body.getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
  if (!add)
    return false;
  for (auto [sum, product] : {std::pair(add.getLhs(), add.getRhs()),
                              std::pair(add.getRhs(), add.getLhs())}) {
    auto mul = product.getDefiningOp<arith::MulFOp>();
    if (sum != body.getArgument(2) || !mul)
      continue;
    Value a = body.getArgument(0), b = body.getArgument(1);
    if ((mul.getLhs() == a && mul.getRhs() == b) ||
        (mul.getLhs() == b && mul.getRhs() == a))
      return true;
  }
  return false;
}

bool Interpreter::runStructured(linalg::LinalgOp op) {
  if (!op.hasPureTensorSemantics())
    return fail(*op, "works on buffers");
  if (isContraction(op))
    return runContraction(op);
  if (auto generic = dyn_cast<linalg::GenericOp>(op.getOperation());
      generic && arithmetic == Arithmetic::Integer) {
    Tensor result;
    if (extendEpilogue(generic, result) || runResidual(generic, result)) {
      set(op->getResult(0), std::move(result));
      return true;
    }
    if (!error->empty())
      return false;
  }
  if (Tensor sum; arithmetic == Arithmetic::Integer &&
                  op->getNumResults() == 1 && sumIntegers(op, sum)) {
    set(op->getResult(0), std::move(sum));
    return true;
  }
  SmallVector<TensorRef> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(get(operand));
    if (!isa<ShapedType>(operand.getType())) {
      // linalg.fill takes a scalar.
      if (!operands.back())
        return fail(*op, "operand without a value");
    }
  }
  std::vector<Tensor> results;
  if (!evaluateBody(
          op, operands, [&](Value v) { return get(v); },
          arithmetic == Arithmetic::Float, results))
    return false;
  if (results.size() == 1 && op.getNumDpsInputs() >= 1)
    poolIntegers(op, results[0]);
  for (auto [value, result] : llvm::zip(op->getResults(), results))
    set(value, std::move(result));
  return true;
}

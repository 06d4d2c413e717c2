//===- InterpretContraction.cpp - Contractions and sums -------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/Numerics.md, sections 3 and 5: what comes from integers is summed
// exactly.
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::differential;

//===----------------------------------------------------------------------===//
// Contractions
//===----------------------------------------------------------------------===//

/// Calls `visit(position in lhs, rhs, result)` for each product, in the order
/// of the loops.
static bool
forEachProduct(linalg::LinalgOp op, ArrayRef<TensorRef> operands,
               function_ref<void(int64_t, int64_t, int64_t)> visit) {
  std::optional<LinearMap> maps[3];
  for (int i = 0; i < 3; ++i) {
    maps[i] = LinearMap::get(op.getIndexingMapsArray()[i], operands[i]->shape);
    if (!maps[i])
      return false;
  }
  forEachIndex(op.getStaticLoopRanges(), [&](int64_t, ArrayRef<int64_t> loops) {
    visit((*maps[0])(loops), (*maps[1])(loops), (*maps[2])(loops));
  });
  return true;
}

bool Interpreter::contractFloats(linalg::LinalgOp op, Tensor &result) {
  SmallVector<TensorRef> operands;
  for (Value operand : op->getOperands())
    operands.push_back(get(operand));
  const Tensor &a = *operands[0], &b = *operands[1];
  bool hasSteps = !a.step.empty() || !b.step.empty() || !result.step.empty();
  if (hasSteps)
    result.step.resize(result.size(), 0.0);
  std::vector<double> sums(result.size());
  for (size_t i = 0; i < result.size(); ++i)
    sums[i] = operands[2]->data[i].f;
  bool known =
      forEachProduct(op, operands, [&](int64_t i, int64_t j, int64_t o) {
        sums[o] += a.data[i].f * b.data[j].f;
        if (hasSteps)
          result.step[o] = std::max(result.step[o],
                                    a.getStep(i) * std::fabs(b.data[j].f) +
                                        b.getStep(j) * std::fabs(a.data[i].f));
      });
  for (size_t i = 0; i < result.size(); ++i)
    result.data[i] = ofFloat(float(sums[i]));
  return known || fail(*op, "indexing map that is not linear");
}

/// True if no loop runs along a window.
static bool isMatrixProduct(linalg::LinalgOp op) {
  return llvm::all_of(op.getIndexingMapsArray(), [](AffineMap map) {
    return map.isProjectedPermutation();
  });
}

bool Interpreter::contractIntegers(linalg::LinalgOp op, const Quantized &lhs,
                                   const Quantized &rhs, Tensor &result) {
  SmallVector<TensorRef> operands;
  for (Value operand : op->getOperands())
    operands.push_back(get(operand));
  bool isWeightFirst = lhs.isConstant && !rhs.isConstant;
  bool isProduct = !lhs.isConstant && !rhs.isConstant;
  const Quantized &activation = isWeightFirst ? rhs : lhs;
  const Quantized &weight = isWeightFirst ? lhs : rhs;
  auto acc = std::make_shared<Accumulator>();
  size_t count = result.size();
  acc->raw.resize(count);
  acc->corrected.resize(count);
  acc->sumWeights.resize(count);
  acc->sumAbsWeights.resize(count);
  acc->bias.resize(count);
  acc->activationScale.resize(count);
  acc->weightScale.resize(count);
  acc->activationRange = activation.range;
  // A weight with a zero point is treated like a second activation.
  if (weight.isConstant && weight.isPerTensor &&
      weight.zeroPoint.front() != 0 && isMatrixProduct(op))
    isProduct = true;
  // The zero points of two activations are taken care of in the sums.
  acc->activationZeroPoint = isProduct ? 0 : activation.zeroPoint.front();
  acc->isDynamic = activation.isDynamic || weight.isDynamic;
  std::vector<bool> seen(count);
  bool uniform = llvm::all_equal(activation.zeroPoint);
  bool known =
      forEachProduct(op, operands, [&](int64_t i, int64_t j, int64_t o) {
        if (isWeightFirst)
          std::swap(i, j);
        int64_t qa = activation.q[i], qw = weight.q[j];
        acc->raw[o] += qa * qw;
        acc->corrected[o] +=
            (qa - activation.zeroPoint[i]) * (qw - weight.zeroPoint[j]);
        acc->sumWeights[o] += qw;
        acc->sumAbsWeights[o] += std::abs(qw);
        float sa = activation.scale[i], sw = weight.scale[j];
        uniform &= (isProduct || weight.zeroPoint[j] == 0) &&
                   (!seen[o] || (acc->activationScale[o] == sa &&
                                 acc->weightScale[o] == sw));
        seen[o] = true;
        acc->activationScale[o] = sa;
        acc->weightScale[o] = sw;
      });
  if (!known || !uniform)
    return false;
  if (isProduct)
    acc->raw = acc->corrected;
  for (size_t i = 0; i < count; ++i)
    if (acc->raw[i] != int32_t(acc->raw[i]) ||
        acc->corrected[i] != int32_t(acc->corrected[i]))
      return fail(*op, "an accumulator leaves i32");
  for (size_t i = 0; i < count; ++i)
    result.data[i] = ofFloat(toReal(*acc, i));
  AffineMap weightMap = op.getIndexingMapsArray()[isWeightFirst ? 0 : 1];
  for (auto [dim, expr] :
       llvm::enumerate(op.getIndexingMapsArray()[2].getResults()))
    if (!isProduct && llvm::is_contained(weightMap.getResults(), expr))
      acc->channelDims.push_back(dim);
  // With two run-time operands of which one has a run-time scale nothing joins.
  acc->isOpen = !isProduct || !acc->isDynamic;
  result.accumulator = std::move(acc);
  result.isAccumulated = true;
  return true;
}

/// True if the body adds its first argument to the running value.
static bool isSum(linalg::LinalgOp op) {
  Block &body = *op.getBlock();
  auto add = dyn_cast<arith::AddFOp>(body.front());
  return add && llvm::hasNItems(body, 2) && op.getNumDpsInits() == 1 &&
         op.getNumReductionLoops() != 0 &&
         llvm::is_contained(add->getOperands(), Value(body.getArgument(0))) &&
         llvm::is_contained(add->getOperands(),
                            Value(body.getArguments().back()));
}

bool Interpreter::sumIntegers(linalg::LinalgOp op, Tensor &result) {
  bool isPool = isa<linalg::PoolingNhwcSumOp, linalg::PoolingNwcSumOp>(op);
  if (!isSum(op) || op.getNumDpsInputs() != (isPool ? 2 : 1))
    return false;
  TensorRef input = get(op->getOperand(0)),
            init = get(op->getOperands().back());
  const Quantized *from = input->quantized.get();
  std::optional<LinearMap> in =
      LinearMap::get(op.getIndexingMapsArray().front(), input->shape);
  std::optional<LinearMap> out =
      LinearMap::get(op.getIndexingMapsArray().back(), init->shape);
  if (!from || from->isDynamic || !from->isPerTensor || !in || !out ||
      !llvm::all_of(init->data, [](Scalar s) { return s.f == 0.0; }))
    return false;
  auto acc = std::make_shared<Accumulator>();
  size_t count = init->size();
  acc->isSum = true;
  acc->raw.resize(count);
  acc->corrected.resize(count);
  acc->sumWeights.resize(count);
  acc->sumAbsWeights.resize(count);
  acc->bias.resize(count);
  acc->activationScale.assign(count, from->scale.front());
  acc->weightScale.assign(count, 1.0f);
  acc->activationRange = from->range;
  acc->activationZeroPoint = from->zeroPoint.front();
  forEachIndex(op.getStaticLoopRanges(), [&](int64_t, ArrayRef<int64_t> loops) {
    int64_t o = (*out)(loops);
    acc->raw[o] += from->q[(*in)(loops)];
    ++acc->sumWeights[o];
  });
  int64_t most = acc->sumWeights.front();
  if (most * quantmath::maxMagnitude(from->range) > quantmath::kInt32Max ||
      most * quantmath::maxDistance(from->range, acc->activationZeroPoint) >
          quantmath::kInt32Max)
    return false;
  result = makeTensor(op->getResult(0).getType());
  result.isInexact = input->isInexact;
  result.isAccumulated = true;
  for (size_t i = 0; i < count; ++i)
    result.data[i] = ofFloat(toReal(*acc, i));
  result.accumulator = std::move(acc);
  return true;
}

/// True for the integers of 8 bits that contractions take.
static bool isInteger8(const Quantized *quantized) {
  return quantized && quantized->range.hi - quantized->range.lo < 256;
}

bool Interpreter::runContraction(linalg::LinalgOp op) {
  TensorRef lhs = get(op->getOperand(0)), rhs = get(op->getOperand(1));
  TensorRef init = get(op->getOperand(2));
  Tensor result = *init;
  result.accumulator = nullptr;
  result.quantized = nullptr;
  result.isAccumulated = false;
  result.type = op->getResult(0).getType();
  result.isInexact = lhs->isInexact || rhs->isInexact || init->isInexact;
  bool startsFromZero =
      llvm::all_of(init->data, [](Scalar s) { return s.f == 0.0; });
  bool isInteger =
      arithmetic == Arithmetic::Integer && startsFromZero &&
      isInteger8(lhs->quantized.get()) && isInteger8(rhs->quantized.get()) &&
      !(lhs->quantized->isConstant && rhs->quantized->isConstant) &&
      contractIntegers(op, *lhs->quantized, *rhs->quantized, result);
  if (!error->empty())
    return false;
  if (!isInteger) {
    if (!contractFloats(op, result))
      return false;
    result.isInexact = true;
  }
  set(op->getResult(0), std::move(result));
  return true;
}

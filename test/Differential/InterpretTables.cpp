//===- InterpretTables.cpp - Functions of one 8-bit value -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/Numerics.md, section 5, "Unary functions": between two 8-bit edges a
// function with a division or a transcendental operation is evaluated in f64.
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"

#include "QuantOpt/Support/QuantMathFunctions.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::differential;

/// What `op` computes of `in`, in f64; nothing for ops that tables do not have.
static std::optional<double> apply(Operation *op, ArrayRef<double> in) {
  using Result = std::optional<double>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<arith::AddFOp>([&](auto) { return in[0] + in[1]; })
      .Case<arith::SubFOp>([&](auto) { return in[0] - in[1]; })
      .Case<arith::MulFOp>([&](auto) { return in[0] * in[1]; })
      .Case<arith::DivFOp>([&](auto) { return in[0] / in[1]; })
      .Case<arith::NegFOp>([&](auto) { return -in[0]; })
      .Case<arith::MaximumFOp>([&](auto) { return std::max(in[0], in[1]); })
      .Case<arith::MinimumFOp>([&](auto) { return std::min(in[0], in[1]); })
      .Case<arith::SelectOp>([&](auto) { return in[0] != 0 ? in[1] : in[2]; })
      .Case<arith::CmpFOp>([&](arith::CmpFOp compare) -> Result {
        switch (compare.getPredicate()) {
        case arith::CmpFPredicate::OGT:
        case arith::CmpFPredicate::UGT:
          return double(in[0] > in[1]);
        case arith::CmpFPredicate::OLT:
        case arith::CmpFPredicate::ULT:
          return double(in[0] < in[1]);
        default:
          return std::nullopt;
        }
      })
      .Case<math::AbsFOp>([&](auto) { return std::fabs(in[0]); })
      .Case<math::ExpOp>([&](auto) { return quantmath::exp(in[0]); })
      .Case<math::LogOp>([&](auto) { return quantmath::log(in[0]); })
      .Case<math::ErfOp>([&](auto) { return quantmath::erf(in[0]); })
      .Case<math::TanhOp>([&](auto) { return quantmath::tanh(in[0]); })
      .Case<math::SqrtOp>([&](auto) { return __builtin_sqrt(in[0]); })
      .Case<math::RsqrtOp>([&](auto) { return 1 / __builtin_sqrt(in[0]); })
      .Default([](Operation *) { return Result(); });
}

/// Division and transcendental operations are what makes a table worth while.
static bool isCostly(Operation &op) {
  return isa<arith::DivFOp, math::ExpOp, math::LogOp, math::ErfOp, math::TanhOp,
             math::SqrtOp, math::RsqrtOp>(op);
}

/// The 8-bit per-tensor type behind a cast to floats that is `value`, or null.
static quant::UniformQuantizedType getByteType(Value value) {
  auto cast = value.getDefiningOp<quant::DequantizeCastOp>();
  auto type = cast ? dyn_cast<quant::UniformQuantizedType>(
                         getElementTypeOrSelf(cast.getInput().getType()))
                   : quant::UniformQuantizedType();
  return type && type.getStorageTypeIntegralWidth() == 8
             ? type
             : quant::UniformQuantizedType();
}

bool Interpreter::evaluateTable(quant::QuantizeCastOp op,
                                std::vector<double> &results) {
  auto generic = op.getInput().getDefiningOp<linalg::GenericOp>();
  auto out = dyn_cast<quant::UniformQuantizedType>(
      getElementTypeOrSelf(op.getResult().getType()));
  if (arithmetic != Arithmetic::Integer || !generic || !generic->hasOneUse() ||
      !out || out.getStorageTypeIntegralWidth() != 8 ||
      generic.getNumLoops() != generic.getNumParallelLoops() ||
      generic.getNumDpsInits() != 1 ||
      !generic.getMatchingIndexingMap(generic.getDpsInitOperand(0))
           .isIdentity() ||
      llvm::none_of(generic.getBody()->without_terminator(), isCostly))
    return false;
  DenseMap<Value, double> constants;
  Value main;
  TensorRef edge;
  for (OpOperand *input : generic.getDpsInputOperands()) {
    TensorRef tensor = get(input->get());
    Value arg = generic.getMatchingBlockArgument(input);
    bool isConstant = input->get().getDefiningOp<arith::ConstantOp>();
    if (isConstant) {
      for (const Scalar &s : tensor->data)
        if (s.f != tensor->data[0].f)
          return false;
      constants[arg] = tensor->data[0].f;
    } else if (!main && getByteType(input->get()) &&
               !tensor->quantized->isConstant &&
               generic.getMatchingIndexingMap(input).isIdentity()) {
      main = arg;
      edge = tensor;
    } else {
      return false;
    }
  }
  if (!main)
    return false;
  for (const Scalar &x : edge->data) {
    DenseMap<Value, double> known = constants;
    known[main] = x.f;
    for (Operation &inner : generic.getBody()->without_terminator()) {
      if (isa<arith::ConstantOp>(inner))
        continue;
      SmallVector<double> in;
      for (Value operand : inner.getOperands()) {
        auto it = known.find(operand);
        auto constant = operand.getDefiningOp<arith::ConstantOp>();
        if (it == known.end() &&
            !(constant && isa<FloatAttr>(constant.getValue())))
          return false;
        in.push_back(
            it != known.end()
                ? it->second
                : cast<FloatAttr>(constant.getValue()).getValueAsDouble());
      }
      std::optional<double> y = apply(&inner, in);
      if (!y)
        return false;
      known[inner.getResult(0)] = *y;
    }
    auto it = known.find(generic.getBody()->getTerminator()->getOperand(0));
    if (it == known.end())
      return false;
    results.push_back(it->second);
  }
  return true;
}

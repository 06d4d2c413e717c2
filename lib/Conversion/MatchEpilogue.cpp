//===- MatchEpilogue.cpp - What joins the epilogue of an accumulator ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Conversion/IntegerLowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

/// The integers of an addition of an i32 constant under casts, per channel.
static void readBiasIntegers(linalg::GenericOp bias, EpilogueChain &chain) {
  OpOperand *main = getMainInput(bias);
  if (bias.getNumDpsInputs() != 2 || !main)
    return;
  OpOperand *other = bias.getDpsInputOperand(1 - main->getOperandNumber());
  std::optional<QuantizedConstant> constant =
      getQuantizedConstant(other->get());
  if (!constant)
    return;
  FailureOr<QuantizedParameters> parameters =
      QuantizedParameters::get(constant->type);
  FailureOr<std::vector<int32_t>> integers =
      succeeded(parameters) && parameters->isSymmetric()
          ? readIntegers(constant->elements, parameters->isSigned)
          : FailureOr<std::vector<int32_t>>(failure());
  if (failed(integers) || integers->size() != chain.bias.size())
    return;
  chain.biasIntegers.assign(integers->begin(), integers->end());
  chain.biasScales.resize(integers->size());
  forEachElement(*parameters, constant->elements.getShapedType().getShape(),
                 [&](int64_t element, int64_t scale) {
                   chain.biasScales[element] = parameters->scales[scale];
                 });
}

bool mlir::qopt::isCompensated(const EpilogueChain &chain,
                               ArrayRef<double> scales) {
  if (!chain.quantize || !chain.quantize->hasAttr(kDivideAttr))
    return false;
  if (chain.bias.empty())
    return true;
  if (chain.biasScales.size() != scales.size())
    return false;
  return llvm::all_of(llvm::zip(chain.biasScales, scales), [](auto pair) {
    return std::get<0>(pair) == static_cast<float>(std::get<1>(pair));
  });
}

void mlir::qopt::endInRealUnits(EpilogueChain &chain) {
  chain.end = chain.realEnd;
  chain.quantize = nullptr;
  chain.clamps.clear();
  chain.reshapes.clear();
  chain.low = -INFINITY;
  chain.high = INFINITY;
}

EpilogueChain mlir::qopt::matchEpilogue(Value start,
                                        ArrayRef<int64_t> channelDims,
                                        bool scaled) {
  EpilogueChain chain;
  chain.end = start;
  auto getOnlyUser = [](Value value) -> Operation * {
    return value.hasOneUse() ? *value.user_begin() : nullptr;
  };
  while (auto scaling = dyn_cast_or_null<linalg::GenericOp>(
             scaled ? getOnlyUser(chain.end) : nullptr)) {
    std::optional<Scaling> c = matchScaling(scaling);
    if (!c)
      break;
    chain.factor *= c->factor;
    chain.divisor *= c->divisor;
    chain.scalings.push_back(scaling);
    chain.end = scaling.getResult(0);
  }
  if (auto bias = dyn_cast_or_null<linalg::GenericOp>(
          scaled ? nullptr : getOnlyUser(chain.end))) {
    std::optional<ChannelAffine> affine = matchChannelAffine(bias, channelDims);
    if (affine &&
        llvm::all_of(affine->scale, [](double s) { return s == 1.0; })) {
      chain.bias.assign(affine->shift.begin(), affine->shift.end());
      chain.biasOp = bias;
      chain.end = bias.getResult(0);
      readBiasIntegers(bias, chain);
    }
  }
  chain.realEnd = chain.end;
  // Clamps and reshapes only join when a quantization follows.
  EpilogueChain quantized = chain;
  Value value = chain.end;
  while (Operation *user = getOnlyUser(value)) {
    if (auto quantize = dyn_cast<quant::QuantizeCastOp>(user)) {
      auto type = dyn_cast<quant::UniformQuantizedType>(
          getElementTypeOrSelf(quantize.getResult().getType()));
      if (!type || type.getStorageTypeIntegralWidth() != 8)
        break;
      quantized.quantize = quantize;
      quantized.end = quantize.getResult();
      return quantized;
    }
    if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(user)) {
      quantized.reshapes.push_back(user);
    } else if (auto generic = dyn_cast<linalg::GenericOp>(user)) {
      std::optional<Clamp> clamp = matchClamp(generic);
      if (!clamp)
        break;
      quantized.low =
          std::min(std::max(quantized.low, clamp->low), clamp->high);
      quantized.high =
          std::min(std::max(quantized.high, clamp->low), clamp->high);
      quantized.clamps.push_back(user);
    } else {
      break;
    }
    value = user->getResult(0);
  }
  return chain;
}

Value mlir::qopt::replayReshape(OpBuilder &builder, Operation *op,
                                Value integers) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType())
                  .clone(getElementTypeOrSelf(integers.getType()));
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return tensor::ExpandShapeOp::create(builder, op->getLoc(), type, integers,
                                         expand.getReassociationIndices());
  return tensor::CollapseShapeOp::create(
      builder, op->getLoc(), type, integers,
      cast<tensor::CollapseShapeOp>(op).getReassociationIndices());
}

//===- VerifyQDQForm.cpp - The contract between quantize and lower ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

#include "mlir/IR/Matchers.h"

#include <cmath>

namespace mlir::qopt {
#define GEN_PASS_DEF_VERIFYQDQFORM
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

static bool isUsableScale(double scale) {
  return std::isfinite(scale) && scale > 0;
}

/// Scales and zero points of the three uniform types; failure for any other.
static LogicalResult getParameters(quant::QuantizedType type,
                                   SmallVectorImpl<double> &scales,
                                   SmallVectorImpl<int64_t> &zeroPoints) {
  if (auto uniform = dyn_cast<quant::UniformQuantizedType>(type)) {
    scales.push_back(uniform.getScale());
    zeroPoints.push_back(uniform.getZeroPoint());
    return success();
  }
  if (auto axis = dyn_cast<quant::UniformQuantizedPerAxisType>(type)) {
    scales.append(axis.getScales().begin(), axis.getScales().end());
    zeroPoints.append(axis.getZeroPoints().begin(), axis.getZeroPoints().end());
    return success();
  }
  if (auto block = dyn_cast<quant::UniformQuantizedSubChannelType>(type)) {
    for (const APFloat &scale : block.getScales().getValues<APFloat>())
      scales.push_back(scale.convertToDouble());
    for (const APInt &zeroPoint : block.getZeroPoints().getValues<APInt>())
      zeroPoints.push_back(zeroPoint.getSExtValue());
    return success();
  }
  return failure();
}

/// A uniform type over 8 bits and f32, with usable parameters.
static LogicalResult verifyQuantizedType(Operation *op, Type type) {
  auto quantized = dyn_cast<quant::QuantizedType>(getElementTypeOrSelf(type));
  if (!quantized)
    return success();
  SmallVector<double> scales;
  SmallVector<int64_t> zeroPoints;
  if (failed(getParameters(quantized, scales, zeroPoints)))
    return op->emitError() << "has the type " << quantized
                           << ", which is not a !quant.uniform type";
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape())
    return op->emitError() << "casts " << type
                           << "; QDQ form casts tensors of static shape";
  if (quantized.getStorageTypeIntegralWidth() != 8)
    return op->emitError() << "has storage of "
                           << quantized.getStorageTypeIntegralWidth()
                           << " bits; QDQ form has 8";
  if (!quantized.getExpressedType().isF32())
    return op->emitError() << "expresses " << quantized.getExpressedType()
                           << "; QDQ form expresses f32";
  if (!llvm::all_of(scales, isUsableScale))
    return op->emitError("has a scale that is not positive and finite");
  for (int64_t zeroPoint : zeroPoints)
    if (zeroPoint < quantized.getStorageTypeMin() ||
        zeroPoint > quantized.getStorageTypeMax())
      return op->emitError() << "has the zero point " << zeroPoint
                             << ", which its storage cannot hold";
  return success();
}

static bool isPerChannel(Type type) {
  return isa<quant::UniformQuantizedPerAxisType,
             quant::UniformQuantizedSubChannelType>(getElementTypeOrSelf(type));
}

/// True for the casts of `dcast(scast(constant))`.
static bool isConstantWeight(Operation *op) {
  if (isa<quant::DequantizeCastOp>(op))
    op = op->getOperand(0).getDefiningOp<quant::StorageCastOp>();
  return isa_and_nonnull<quant::StorageCastOp>(op) &&
         matchPattern(op->getOperand(0), m_Constant());
}

static LogicalResult verifyOp(Operation *op) {
  if (isa<ObserveOp>(op))
    return op->emitError("is an observer: QDQ form has casts in its place");
  if (!isa<quant::QuantizeCastOp, quant::DequantizeCastOp,
           quant::StorageCastOp>(op))
    return success();
  if (failed(verifyQuantizedType(op, op->getOperand(0).getType())))
    return failure();
  // Scales per channel are for weights.
  bool perChannel = llvm::any_of(op->getResultTypes(), isPerChannel) ||
                    llvm::any_of(op->getOperandTypes(), isPerChannel);
  if (perChannel && !isConstantWeight(op))
    return op->emitError(
        "is quantized per channel, which only constant weights "
        "may be: activations have one scale per tensor");
  return verifyQuantizedType(op, op->getResult(0).getType());
}

namespace {
struct VerifyQDQForm : public qopt::impl::VerifyQDQFormBase<VerifyQDQForm> {
  void runOnOperation() override {
    markAllAnalysesPreserved();
    WalkResult result = getOperation().walk([](Operation *op) {
      return failed(verifyOp(op)) ? WalkResult::interrupt()
                                  : WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};
} // namespace

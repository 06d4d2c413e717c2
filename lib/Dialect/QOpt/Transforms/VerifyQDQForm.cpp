//===- VerifyQDQForm.cpp - The contract between quantize and lower ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Conversion/QuantizedParameters.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

#include <cmath>

namespace mlir::qopt {
#define GEN_PASS_DEF_VERIFYQDQFORM
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

static bool isUsableScale(float scale) {
  return std::isfinite(scale) && scale > 0;
}

/// True if `op` casts a constant: a weight, or the int32 bias of an imported
/// model.
static bool isConstantCast(Operation *op) {
  if (auto dequantize = dyn_cast<quant::DequantizeCastOp>(op))
    op = dequantize.getInput().getDefiningOp();
  return op && isa<quant::StorageCastOp>(op) &&
         getConstantElements(op->getOperand(0));
}

/// A uniform type over f32 with usable parameters: 8 or 16 bits, for constants
/// also 32 bits and blocks.
static LogicalResult verifyQuantizedType(Operation *op, Type type) {
  auto quantized = dyn_cast<quant::QuantizedType>(getElementTypeOrSelf(type));
  if (!quantized)
    return success();
  bool isConstant = isConstantCast(op);
  FailureOr<QuantizedParameters> parameters =
      QuantizedParameters::get(quantized, /*allowBlocks=*/isConstant);
  if (failed(parameters))
    return op->emitError() << "has the type " << quantized
                           << ", which is not a !quant.uniform type with one "
                              "scale per tensor or per channel";
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape())
    return op->emitError() << "casts " << type
                           << "; QDQ form casts tensors of static shape";
  unsigned bits = quantized.getStorageTypeIntegralWidth();
  if (bits != 8 && bits != 16 && !(bits == 32 && isConstant))
    return op->emitError() << "has storage of " << bits
                           << " bits; QDQ form has 8 or 16, and 32 for "
                              "constants";
  if (!quantized.getExpressedType().isF32())
    return op->emitError() << "expresses " << quantized.getExpressedType()
                           << "; QDQ form expresses f32";
  if (!llvm::all_of(parameters->scales, isUsableScale))
    return op->emitError("has a scale that is not positive and finite");
  for (int32_t zeroPoint : parameters->zeroPoints)
    if (zeroPoint < quantized.getStorageTypeMin() ||
        zeroPoint > quantized.getStorageTypeMax())
      return op->emitError() << "has the zero point " << zeroPoint
                             << ", which its storage cannot hold";
  if (isa<quant::QuantizeCastOp>(op) && !parameters->hasOneZeroPoint())
    return op->emitError(
        "quantizes with a zero point per channel; only weights "
        "may be asymmetric per channel");
  return success();
}

static LogicalResult verifyOp(Operation *op) {
  if (isa<ObserveOp>(op))
    return op->emitError("is an observer: QDQ form has casts in its place");
  for (NamedAttribute attr : op->getAttrs())
    if (auto elements = dyn_cast<ElementsAttr>(attr.getValue()))
      if (failed(verifyResource(elements, [&] { return op->emitError(); })))
        return failure();
  if (!isa<quant::QuantizeCastOp, quant::DequantizeCastOp,
           quant::StorageCastOp>(op))
    return success();
  if (failed(verifyQuantizedType(op, op->getOperand(0).getType())))
    return failure();
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

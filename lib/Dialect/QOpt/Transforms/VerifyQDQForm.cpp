//===- VerifyQDQForm.cpp - The contract between quantize and lower ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

#include <cmath>

namespace mlir::qopt {
#define GEN_PASS_DEF_VERIFYQDQFORM
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h.inc"
} // namespace mlir::qopt

using namespace mlir;
using namespace mlir::qopt;

/// Scales must be positive and finite, storage 8 bits, expressed type f32.
static LogicalResult verifyQuantizedType(Operation *op, Type type) {
  auto quantized = dyn_cast<quant::QuantizedType>(getElementTypeOrSelf(type));
  if (!quantized)
    return success();
  if (quantized.getStorageTypeIntegralWidth() != 8)
    return op->emitError() << "has storage of "
                           << quantized.getStorageTypeIntegralWidth()
                           << " bits; QDQ form has 8";
  if (!quantized.getExpressedType().isF32())
    return op->emitError() << "expresses " << quantized.getExpressedType()
                           << "; QDQ form expresses f32";
  auto isUsable = [](double s) { return std::isfinite(s) && s > 0; };
  bool usable = true;
  if (auto uniform = dyn_cast<quant::UniformQuantizedType>(quantized))
    usable = isUsable(uniform.getScale());
  else if (auto axis = dyn_cast<quant::UniformQuantizedPerAxisType>(quantized))
    usable = llvm::all_of(axis.getScales(), isUsable);
  else if (auto block =
               dyn_cast<quant::UniformQuantizedSubChannelType>(quantized))
    usable = llvm::all_of(
        block.getScales().getValues<APFloat>(),
        [&](const APFloat &s) { return isUsable(s.convertToDouble()); });
  else
    return op->emitError() << "has the type " << quantized
                           << ", which is not a !quant.uniform type";
  if (!usable)
    return op->emitError("has a scale that is not positive and finite");
  return success();
}

static LogicalResult verifyOp(Operation *op) {
  if (isa<ObserveOp>(op))
    return op->emitError("is an observer: QDQ form has casts in its place");
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

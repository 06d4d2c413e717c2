//===- LowerCasts.cpp - Casts to elementwise ops ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Conversion/DynamicQuantization.h"
#include "QuantOpt/Conversion/Epilogue.h"
#include "QuantOpt/Conversion/IntegerLowering.h"
#include "QuantOpt/Support/QuantMath.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::qopt;

Value mlir::qopt::getStorage(OpBuilder &builder,
                             quant::DequantizeCastOp dequantize) {
  Value quantized = dequantize.getInput();
  if (auto cast = quantized.getDefiningOp<quant::StorageCastOp>())
    return cast.getInput();
  auto type = cast<RankedTensorType>(quantized.getType());
  Type storage =
      cast<quant::QuantizedType>(type.getElementType()).getStorageType();
  return quant::StorageCastOp::create(builder, quantized.getLoc(),
                                      type.clone(storage), quantized);
}

Value mlir::qopt::castToQuantized(OpBuilder &builder, Location loc,
                                  Value integers, Type like) {
  return quant::StorageCastOp::create(builder, loc, like, integers);
}

quant::UniformQuantizedType mlir::qopt::getUniformType(Value dequantized) {
  auto dequantize = dequantized.getDefiningOp<quant::DequantizeCastOp>();
  if (!dequantize)
    return nullptr;
  return dyn_cast<quant::UniformQuantizedType>(
      getElementTypeOrSelf(dequantize.getInput().getType()));
}

/// The parameters of the quantized type of `value`, if lowering knows them.
static FailureOr<QuantizedParameters> getParameters(Value value) {
  return QuantizedParameters::get(
      cast<quant::QuantizedType>(getElementTypeOrSelf(value.getType())));
}

/// Q of every element of a constant, as storage; null for other values.
static Value quantizeConstant(OpBuilder &builder, quant::QuantizeCastOp op,
                              const QuantizedParameters &type, bool divide) {
  ElementsAttr attr = getConstantElements(op.getInput());
  if (!attr || !type.channelDims.empty() || type.bits > 16)
    return nullptr;
  FailureOr<FloatElements> values = FloatElements::get(attr);
  if (failed(values))
    return nullptr;
  float scale = type.scales.front();
  float reciprocal = quantmath::reciprocalScale(scale);
  int32_t z = type.zeroPoints.front();
  quantmath::IntRange range{type.low, type.high};
  size_t bytes = type.bits / 8, count = values->getValues().size();
  std::vector<char> stored(count * bytes);
  for (auto [i, x] : llvm::enumerate(values->getValues())) {
    int32_t q = divide ? quantmath::quantizeDiv(x, scale, z, range)
                       : quantmath::quantizeMul(x, reciprocal, z, range);
    for (size_t b = 0; b < bytes; ++b)
      stored[i * bytes + b] = static_cast<char>(q >> (8 * b));
  }
  auto tensor = cast<RankedTensorType>(op.getInput().getType());
  return makeConstant(
      builder, op.getLoc(),
      makeConstantElements(
          RankedTensorType::get(tensor.getShape(),
                                builder.getIntegerType(type.bits)),
          std::move(stored), "constant_i8"));
}

static void lowerQuantize(OpBuilder &builder, quant::QuantizeCastOp op) {
  FailureOr<QuantizedParameters> type = getParameters(op.getResult());
  if (failed(type) || !type->hasOneZeroPoint())
    return;
  bool divide = op->hasAttr(kDivideAttr);
  Value integers = quantizeConstant(builder, op, *type, divide);
  if (!integers)
    integers =
        buildQuantize(builder, op.getLoc(), op.getInput(), *type, divide);
  op.replaceAllUsesWith(castToQuantized(builder, op.getLoc(), integers,
                                        op.getResult().getType()));
}

static void lowerDequantize(OpBuilder &builder, quant::DequantizeCastOp op) {
  FailureOr<QuantizedParameters> type = getParameters(op.getInput());
  if (failed(type) || op->use_empty())
    return;
  op.replaceAllUsesWith(
      buildDequantize(builder, op.getLoc(), getStorage(builder, op), *type));
}

void mlir::qopt::lowerCasts(ModuleOp module) {
  SmallVector<Operation *> casts;
  module.walk([&](Operation *op) {
    if (isa<quant::QuantizeCastOp, quant::DequantizeCastOp, DynamicQuantizeOp,
            DynamicDequantizeOp>(op))
      casts.push_back(op);
  });
  for (Operation *op : casts) {
    OpBuilder builder(op);
    if (auto dynamic = dyn_cast<DynamicQuantizeOp>(op)) {
      auto [quantized, scale] = expandDynamicQuantize(builder, dynamic);
      dynamic.replaceAllUsesWith(ValueRange{quantized, scale});
    } else if (auto dynamic = dyn_cast<DynamicDequantizeOp>(op)) {
      if (!dynamic->use_empty())
        dynamic.replaceAllUsesWith(expandDynamicDequantize(builder, dynamic));
    } else if (auto quantize = dyn_cast<quant::QuantizeCastOp>(op)) {
      lowerQuantize(builder, quantize);
    } else if (auto dequantize = dyn_cast<quant::DequantizeCastOp>(op)) {
      lowerDequantize(builder, dequantize);
    }
  }
  // What is left of scast comes in inverse pairs.
  module.walk([&](quant::StorageCastOp op) {
    auto inner = op.getInput().getDefiningOp<quant::StorageCastOp>();
    if (inner && inner.getInput().getType() == op.getResult().getType())
      op.replaceAllUsesWith(inner.getInput());
  });
}

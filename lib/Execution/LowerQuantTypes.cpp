//===- LowerQuantTypes.cpp - Quantized values of imported models -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The float form of a model that came quantized computes what its producer
// computes: casts round, and so do observers whose type is the producer's.
//
//===----------------------------------------------------------------------===//
#include "CpuCompiler.h"

#include "QuantOpt/Conversion/Epilogue.h"
#include "QuantOpt/Conversion/QuantizedParameters.h"
#include "QuantOpt/Support/QuantMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

static Value makeF32(OpBuilder &b, Location loc, float value) {
  return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
}

/// clamp(rne(x / s)) or clamp(rne(x · r)) around 0: the integer less its zero
/// point, as f32. NaN gives 0.
static Value roundToSteps(OpBuilder &b, Location loc, Value x,
                          const QuantizedParameters &type, bool divides) {
  float scale = type.scales.front();
  int32_t zeroPoint = type.zeroPoints.front();
  if (divides)
    x = arith::DivFOp::create(b, loc, x, makeF32(b, loc, scale));
  else
    x = arith::MulFOp::create(
        b, loc, x, makeF32(b, loc, quantmath::reciprocalScale(scale)));
  x = math::RoundEvenOp::create(b, loc, x);
  Value isNaN = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
  x = arith::SelectOp::create(b, loc, isNaN, makeF32(b, loc, 0), x);
  x = arith::MaximumFOp::create(b, loc, x,
                                makeF32(b, loc, type.low - zeroPoint));
  return arith::MinimumFOp::create(b, loc, x,
                                   makeF32(b, loc, type.high - zeroPoint));
}

static AffineMap getIdentity(OpBuilder &builder, Value value) {
  return builder.getMultiDimIdentityMap(
      cast<RankedTensorType>(value.getType()).getRank());
}

Value cpu::buildFakeQuantize(OpBuilder &builder, ObserveOp op) {
  QuantizedParameters type =
      *QuantizedParameters::get(cast<quant::QuantizedType>(*op.getType()));
  Value input = op.getInput();
  return buildElementwise(
      builder, op.getLoc(), cast<RankedTensorType>(input.getType()).getShape(),
      builder.getF32Type(), ValueRange{input}, {getIdentity(builder, input)},
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Value steps = roundToSteps(b, loc, args[0], type, op.getDivide());
        // Integers have one zero.
        steps = arith::AddFOp::create(b, loc, steps, makeF32(b, loc, 0));
        return arith::MulFOp::create(b, loc, steps,
                                     makeF32(b, loc, type.scales.front()));
      });
}

/// f32 -> integers of the storage.
static Value buildIntegers(OpBuilder &builder, Location loc, Value input,
                           const QuantizedParameters &type, bool divides) {
  Type storage = builder.getIntegerType(type.storageBits);
  return buildElementwise(
      builder, loc, cast<RankedTensorType>(input.getType()).getShape(), storage,
      ValueRange{input}, {getIdentity(builder, input)},
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Value q = roundToSteps(b, loc, args[0], type, divides);
        Type i32 = b.getI32Type();
        q = arith::FPToSIOp::create(b, loc, i32, q);
        q = arith::AddIOp::create(
            b, loc, q,
            arith::ConstantOp::create(
                b, loc, b.getI32IntegerAttr(type.zeroPoints.front())));
        return arith::TruncIOp::create(b, loc, storage, q);
      });
}

static LogicalResult refuse(Operation *op) {
  return op->emitError() << kRefusal << ": '" << op->getName() << "' from "
                         << op->getOperand(0).getType() << " to "
                         << op->getResult(0).getType();
}

static FailureOr<QuantizedParameters> getParameters(Value value) {
  return QuantizedParameters::get(
      cast<quant::QuantizedType>(getElementTypeOrSelf(value.getType())),
      /*allowBlocks=*/true);
}

/// The integers of a value of a quantized type, if they are there.
static Value getStorage(Value quantized) {
  auto cast = quantized.getDefiningOp<quant::StorageCastOp>();
  return cast ? cast.getInput() : Value();
}

LogicalResult cpu::lowerQuantTypes(func::FuncOp function) {
  SmallVector<Operation *> casts;
  function.walk([&](Operation *op) {
    if (isa<quant::QuantizeCastOp, quant::DequantizeCastOp,
            quant::StorageCastOp>(op))
      casts.push_back(op);
  });
  for (Operation *op : casts) {
    OpBuilder builder(op);
    if (auto quantize = dyn_cast<quant::QuantizeCastOp>(op)) {
      FailureOr<QuantizedParameters> type = getParameters(quantize.getResult());
      if (failed(type) || !type->channelDims.empty() || type->storageBits > 16)
        return refuse(op);
      Value integers = buildIntegers(builder, op->getLoc(), quantize.getInput(),
                                     *type, quantize->hasAttr("qopt.divide"));
      quantize.replaceAllUsesWith(
          quant::StorageCastOp::create(builder, op->getLoc(),
                                       quantize.getResult().getType(), integers)
              .getResult());
    } else if (auto dequantize = dyn_cast<quant::DequantizeCastOp>(op)) {
      Value real;
      FailureOr<std::vector<float>> values =
          readRealValues(dequantize.getResult());
      FailureOr<QuantizedParameters> type =
          getParameters(dequantize.getInput());
      Value integers = getStorage(dequantize.getInput());
      if (succeeded(values))
        real = makeConstant(
            builder, op->getLoc(),
            makeFloatElements(cast<RankedTensorType>(dequantize.getType()),
                              *values, "dequantized"));
      else if (succeeded(type) && !type->hasBlocks() && integers &&
               type->storageBits <= 16)
        real = buildDequantize(builder, op->getLoc(), integers, *type);
      else
        return refuse(op);
      dequantize.replaceAllUsesWith(real);
    }
  }
  // What is left of scast comes in inverse pairs.
  function.walk([](quant::StorageCastOp op) {
    Value integers = getStorage(op.getInput());
    if (integers && integers.getType() == op.getResult().getType())
      op.replaceAllUsesWith(integers);
  });
  for (Operation *op : llvm::reverse(casts))
    if (op->use_empty())
      op->erase();
  WalkResult result = function.walk([](quant::StorageCastOp op) {
    if (!op->use_empty())
      return failed(refuse(op)) ? WalkResult::interrupt()
                                : WalkResult::advance();
    op.erase();
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

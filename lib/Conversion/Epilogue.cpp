//===- Epilogue.cpp - From i32 accumulators to real or quantized values ---*-
// C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Conversion/Epilogue.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Support/QuantMath.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// Scalar building blocks
//===----------------------------------------------------------------------===//

static Value constantF32(OpBuilder &b, Location loc, float value) {
  return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
}

static Value constantI32(OpBuilder &b, Location loc, int32_t value) {
  return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(value));
}

/// clamp(x, low, high) of an f32 that is not NaN.
static Value clamp(OpBuilder &b, Location loc, Value x, float low, float high) {
  x = arith::MaximumFOp::create(b, loc, x, constantF32(b, loc, low));
  return arith::MinimumFOp::create(b, loc, x, constantF32(b, loc, high));
}

/// An integral f32 inside the storage range to storage of `bits`.
static Value toStorage(OpBuilder &b, Location loc, Value x, bool isSigned,
                       unsigned bits = 8) {
  Type type = b.getIntegerType(bits);
  if (isSigned)
    return arith::FPToSIOp::create(b, loc, type, x);
  return arith::FPToUIOp::create(b, loc, type, x);
}

Value mlir::qopt::buildElementwise(
    OpBuilder &builder, Location loc, ArrayRef<int64_t> shape, Type resultType,
    ValueRange inputs, ArrayRef<AffineMap> maps,
    function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
  Value empty = tensor::EmptyOp::create(builder, loc, shape, resultType);
  SmallVector<AffineMap> allMaps(maps);
  allMaps.push_back(builder.getMultiDimIdentityMap(shape.size()));
  SmallVector<utils::IteratorType> iterators(shape.size(),
                                             utils::IteratorType::parallel);
  return linalg::GenericOp::create(
             builder, loc, TypeRange{empty.getType()}, inputs,
             ValueRange{empty}, allMaps, iterators,
             [&](OpBuilder &b, Location loc, ValueRange args) {
               linalg::YieldOp::create(b, loc, body(b, loc, args));
             })
      .getResult(0);
}

//===----------------------------------------------------------------------===//
// Epilogues
//===----------------------------------------------------------------------===//

namespace {
/// The operands of an elementwise generic over a main value and constants per
/// channel, collected one by one.
class Operands {
public:
  Operands(OpBuilder &builder, Location loc, Value main,
           ArrayRef<int64_t> channelDims)
      : builder(builder), loc(loc),
        shape(cast<RankedTensorType>(main.getType()).getShape()) {
    for (int64_t dim : channelDims) {
      channelShape.push_back(shape[dim]);
      channelExprs.push_back(builder.getAffineDimExpr(dim));
    }
    add(main, builder.getMultiDimIdentityMap(shape.size()));
  }

  /// Index of the new block argument.
  unsigned add(Value value, AffineMap map) {
    values.push_back(value);
    maps.push_back(map);
    return values.size() - 1;
  }
  unsigned addChannels(ArrayRef<float> numbers) {
    auto type = RankedTensorType::get(channelShape, builder.getF32Type());
    return add(makeConstant(builder, loc,
                            makeFloatElements(type, numbers, "epilogue")),
               getChannelMap());
  }
  unsigned addChannels(ArrayRef<int32_t> numbers) {
    auto type = RankedTensorType::get(channelShape, builder.getI32Type());
    const char *data = reinterpret_cast<const char *>(numbers.data());
    return add(makeConstant(
                   builder, loc,
                   makeConstantElements(
                       type, std::vector<char>(data, data + numbers.size() * 4),
                       "epilogue")),
               getChannelMap());
  }
  Value build(Type resultType,
              function_ref<Value(OpBuilder &, Location, ValueRange)> body) {
    return buildElementwise(builder, loc, shape, resultType, values, maps,
                            body);
  }

private:
  AffineMap getChannelMap() {
    return AffineMap::get(shape.size(), 0, channelExprs, builder.getContext());
  }

  OpBuilder &builder;
  Location loc;
  ArrayRef<int64_t> shape;
  SmallVector<int64_t> channelShape;
  SmallVector<AffineExpr> channelExprs;
  SmallVector<Value> values;
  SmallVector<AffineMap> maps;
};
} // namespace

/// An error for the first channel whose constants f32 cannot hold: NaN could
/// arise. Scales that we choose never cause it; imported ones and huge biases
/// may.
static LogicalResult verifyConstants(Location loc, const EpilogueInputs &inputs,
                                     float resultScale,
                                     ArrayRef<quantmath::FusedParams> params) {
  for (auto [channel, p] : llvm::enumerate(params))
    if (!p.isValid())
      return emitError(loc)
             << "the requantization of output channel " << channel
             << " has no finite positive multiplier and finite offset (M = "
             << p.M << ", B = " << p.B << ") from the scales "
             << inputs.activationScale << " of the activation, "
             << inputs.weightScales[channel] << " of the weight and "
             << resultScale << " of the result, and the bias "
             << inputs.bias[channel]
             << ": keep the op float or correct the scales";
  return success();
}

/// The `fused-i32` constants of a channel for results in steps of `sy`.
static quantmath::FusedI32Params
makeExact(const EpilogueInputs &inputs, size_t channel, float sy, int32_t zy) {
  quantmath::FusedI32Params params = quantmath::makeFusedI32(
      inputs.activationScale, inputs.weightScales[channel], sy,
      inputs.bias[channel], inputs.activationZeroPoint,
      inputs.weightSums[channel], zy);
  if (inputs.isSum)
    params.fused.M = float(double(inputs.activationScale) * inputs.factor /
                           (double(sy) * inputs.divisor));
  return params;
}

/// The contract `compensated`: the accumulator with an i32 bias times M in two
/// f32 parts, so that roundings are those of the exact product.
static Value buildCompensatedEpilogue(OpBuilder &builder, Location loc,
                                      const EpilogueInputs &inputs,
                                      quant::UniformQuantizedType type,
                                      float low, float high) {
  float sy = type.getScale();
  int32_t zy = type.getZeroPoint();
  quantmath::IntRange range{static_cast<int32_t>(type.getStorageTypeMin()),
                            static_cast<int32_t>(type.getStorageTypeMax())};
  SmallVector<quantmath::FusedParams> params;
  SmallVector<float> highs, lows;
  SmallVector<int32_t> offsets;
  for (auto [c, weightScale] : llvm::enumerate(inputs.weightScales)) {
    quantmath::CompensatedParams p = quantmath::makeCompensated(
        inputs.activationScale, weightScale, sy,
        inputs.biasIntegers.empty() ? 0 : inputs.biasIntegers[c],
        inputs.activationZeroPoint, inputs.weightSums[c]);
    params.push_back({p.high, 0.0f});
    highs.push_back(p.high);
    lows.push_back(p.low);
    offsets.push_back(p.offset);
  }
  if (failed(verifyConstants(loc, inputs, sy, params)))
    return Value();
  int32_t clampLow = quantmath::quantizeDiv(low, sy, zy, range) - zy;
  int32_t clampHigh = quantmath::quantizeDiv(high, sy, zy, range) - zy;
  Operands operands(builder, loc, inputs.accumulator, inputs.channelDims);
  unsigned h = operands.addChannels(highs), l = operands.addChannels(lows);
  unsigned o = operands.addChannels(offsets);
  return operands.build(
      builder.getI8Type(),
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Value acc = arith::AddIOp::create(b, loc, args[0], args[o]);
        Value a = arith::SIToFPOp::create(b, loc, b.getF32Type(), acc);
        Value product = arith::MulFOp::create(b, loc, a, args[h]);
        Value r = math::RoundEvenOp::create(b, loc, product);
        Value negated = arith::NegFOp::create(b, loc, r);
        Value rest = math::FmaOp::create(b, loc, a, args[h], negated);
        rest = math::FmaOp::create(b, loc, a, args[l], rest);
        rest = math::RoundEvenOp::create(b, loc, rest);
        Value x = arith::AddFOp::create(b, loc, r, rest);
        x = clamp(b, loc, x, clampLow, clampHigh);
        if (zy == 0)
          return toStorage(b, loc, x, type.isSigned());
        Value q = arith::FPToSIOp::create(b, loc, b.getI32Type(), x);
        q = arith::AddIOp::create(b, loc, q, constantI32(b, loc, zy));
        return arith::TruncIOp::create(b, loc, b.getI8Type(), q);
      });
}

Value mlir::qopt::buildFusedEpilogue(OpBuilder &builder, Location loc,
                                     const EpilogueInputs &inputs,
                                     quant::UniformQuantizedType type,
                                     float low, float high) {
  if (inputs.compensated)
    return buildCompensatedEpilogue(builder, loc, inputs, type, low, high);
  float sy = type.getScale();
  int32_t zy = type.getZeroPoint();
  quantmath::IntRange range{static_cast<int32_t>(type.getStorageTypeMin()),
                            static_cast<int32_t>(type.getStorageTypeMax())};
  SmallVector<quantmath::FusedParams> params;
  SmallVector<quantmath::FusedI32Params> paramsI32;
  bool needsI32 = inputs.isSum;
  for (size_t c = 0; c < inputs.weightScales.size(); ++c) {
    int64_t maxAbsAccumulator =
        inputs.maxAbsActivation * inputs.weightAbsoluteSums[c];
    params.push_back(quantmath::makeFused(
        inputs.activationScale, inputs.weightScales[c], sy, inputs.bias[c],
        inputs.activationZeroPoint, inputs.weightSums[c], zy));
    paramsI32.push_back(makeExact(inputs, c, sy, zy));
    needsI32 |= inputs.activationZeroPoint != 0 &&
                quantmath::needsI32(maxAbsAccumulator, params.back());
  }
  SmallVector<float> multipliers, offsets;
  SmallVector<int32_t> corrections;
  for (auto [plain, exact] : llvm::zip(params, paramsI32)) {
    quantmath::FusedParams &p = plain;
    if (needsI32)
      p = exact.fused;
    multipliers.push_back(p.M);
    offsets.push_back(p.B);
    corrections.push_back(exact.correction);
  }
  if (failed(verifyConstants(loc, inputs, sy, params)))
    return Value();
  // The clamp of the fused activation, in steps.
  float r = quantmath::reciprocalScale(sy);
  int32_t clampLow = quantmath::quantizeMul(low, r, zy, range);
  int32_t clampHigh = quantmath::quantizeMul(high, r, zy, range);

  Operands operands(builder, loc, inputs.accumulator, inputs.channelDims);
  unsigned m = operands.addChannels(multipliers);
  unsigned b0 = operands.addChannels(offsets);
  // Without a zero point there is nothing to correct.
  needsI32 &= inputs.activationZeroPoint != 0;
  unsigned c = needsI32 ? operands.addChannels(corrections) : 0;
  return operands.build(
      builder.getI8Type(), [&](OpBuilder &b, Location loc, ValueRange args) {
        Value acc = args[0];
        if (needsI32)
          acc = arith::AddIOp::create(b, loc, acc, args[c]);
        Value x = arith::SIToFPOp::create(b, loc, b.getF32Type(), acc);
        x = math::FmaOp::create(b, loc, x, args[m], args[b0]);
        x = math::RoundEvenOp::create(b, loc, x);
        x = clamp(b, loc, x, clampLow, clampHigh);
        return toStorage(b, loc, x, type.isSigned());
      });
}

Value mlir::qopt::buildFloatEpilogue(OpBuilder &builder, Location loc,
                                     const EpilogueInputs &inputs) {
  SmallVector<quantmath::FusedParams> constants;
  SmallVector<float> multipliers, offsets;
  SmallVector<int32_t> corrections;
  for (size_t c = 0; c < inputs.weightScales.size(); ++c) {
    quantmath::FusedI32Params params =
        makeExact(inputs, c, /*sy=*/1.0f, /*zy=*/0);
    constants.push_back(params.fused);
    multipliers.push_back(params.fused.M);
    offsets.push_back(params.fused.B);
    corrections.push_back(params.correction);
  }
  if (failed(verifyConstants(loc, inputs, /*resultScale=*/1.0f, constants)))
    return Value();
  bool corrected = inputs.activationZeroPoint != 0;
  Operands operands(builder, loc, inputs.accumulator, inputs.channelDims);
  unsigned m = operands.addChannels(multipliers);
  unsigned bias = operands.addChannels(offsets);
  unsigned c = corrected ? operands.addChannels(corrections) : 0;
  return operands.build(
      builder.getF32Type(), [&](OpBuilder &b, Location loc, ValueRange args) {
        Value acc = args[0];
        if (corrected)
          acc = arith::AddIOp::create(b, loc, acc, args[c]);
        Value x = arith::SIToFPOp::create(b, loc, b.getF32Type(), acc);
        return math::FmaOp::create(b, loc, x, args[m], args[bias]).getResult();
      });
}

Value mlir::qopt::buildDynamicEpilogue(OpBuilder &builder, Location loc,
                                       const EpilogueInputs &inputs,
                                       Value activationScale,
                                       AffineMap scaleMap) {
  Operands operands(builder, loc, inputs.accumulator, inputs.channelDims);
  unsigned s = operands.add(activationScale, scaleMap);
  unsigned w = operands.addChannels(inputs.weightScales);
  unsigned bias = operands.addChannels(inputs.bias);
  return operands.build(
      builder.getF32Type(), [&](OpBuilder &b, Location loc, ValueRange args) {
        Value x = arith::SIToFPOp::create(b, loc, b.getF32Type(), args[0]);
        Value m = arith::MulFOp::create(b, loc, args[s], args[w]);
        return math::FmaOp::create(b, loc, x, m, args[bias]).getResult();
      });
}

Value mlir::qopt::buildProductEpilogue(OpBuilder &builder, Location loc,
                                       Value accumulator, Value aScale,
                                       AffineMap aMap, Value bScale,
                                       AffineMap bMap) {
  Operands operands(builder, loc, accumulator, {});
  unsigned a = operands.add(aScale, aMap), b0 = operands.add(bScale, bMap);
  return operands.build(
      builder.getF32Type(), [&](OpBuilder &b, Location loc, ValueRange args) {
        Value x = arith::SIToFPOp::create(b, loc, b.getF32Type(), args[0]);
        Value m = arith::MulFOp::create(b, loc, args[a], args[b0]);
        return math::FmaOp::create(b, loc, x, m, constantF32(b, loc, 0.0f))
            .getResult();
      });
}

//===----------------------------------------------------------------------===//
// Quantize and dequantize
//===----------------------------------------------------------------------===//

Value mlir::qopt::buildQuantize(OpBuilder &builder, Location loc, Value input,
                                const QuantizedParameters &type, bool divide) {
  SmallVector<float> factors;
  for (float scale : type.scales)
    factors.push_back(divide ? scale : quantmath::reciprocalScale(scale));
  int32_t z = type.zeroPoints.front();
  Operands operands(builder, loc, input, type.channelDims);
  unsigned r = type.channelDims.empty() ? 0 : operands.addChannels(factors);
  return operands.build(
      builder.getIntegerType(type.bits),
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Value factor = r ? args[r] : constantF32(b, loc, factors.front());
        Value x =
            divide ? arith::DivFOp::create(b, loc, args[0], factor).getResult()
                   : arith::MulFOp::create(b, loc, args[0], factor);
        x = math::RoundEvenOp::create(b, loc, x);
        // NaN becomes real 0.
        Value isNaN =
            arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
        x = arith::SelectOp::create(b, loc, isNaN, constantF32(b, loc, 0.0f),
                                    x);
        x = clamp(b, loc, x, type.low - z, type.high - z);
        if (z == 0)
          return toStorage(b, loc, x, type.isSigned, type.bits);
        Value q = arith::FPToSIOp::create(b, loc, b.getI32Type(), x);
        q = arith::AddIOp::create(b, loc, q, constantI32(b, loc, z));
        return arith::TruncIOp::create(b, loc, b.getIntegerType(type.bits), q);
      });
}

/// f32(q - z) of stored integers.
static Value fromStorage(OpBuilder &b, Location loc, Value stored,
                         const QuantizedParameters &type, Value zeroPoint) {
  Type i32 = b.getI32Type();
  Value q = stored;
  if (type.bits < 32)
    q = type.isSigned ? arith::ExtSIOp::create(b, loc, i32, stored).getResult()
                      : arith::ExtUIOp::create(b, loc, i32, stored).getResult();
  if (zeroPoint)
    q = arith::SubIOp::create(b, loc, q, zeroPoint);
  return arith::SIToFPOp::create(b, loc, b.getF32Type(), q);
}

Value mlir::qopt::buildDistance(OpBuilder &builder, Location loc,
                                Value integers,
                                const QuantizedParameters &type) {
  int32_t z = type.zeroPoints.front();
  Operands operands(builder, loc, integers, {});
  return operands.build(
      builder.getF32Type(), [&](OpBuilder &b, Location loc, ValueRange args) {
        return fromStorage(b, loc, args[0], type,
                           z ? constantI32(b, loc, z) : Value());
      });
}

Value mlir::qopt::buildDequantize(OpBuilder &builder, Location loc,
                                  Value integers,
                                  const QuantizedParameters &type) {
  bool perChannel = !type.channelDims.empty();
  bool perChannelZero = perChannel && !type.hasOneZeroPoint();
  int32_t zeroPoint = type.zeroPoints.front();
  Operands operands(builder, loc, integers, type.channelDims);
  unsigned s = perChannel ? operands.addChannels(type.scales) : 0;
  unsigned z = perChannelZero ? operands.addChannels(type.zeroPoints) : 0;
  return operands.build(
      builder.getF32Type(),
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Value zero;
        if (perChannelZero)
          zero = args[z];
        else if (zeroPoint != 0)
          zero = constantI32(b, loc, zeroPoint);
        Value x = fromStorage(b, loc, args[0], type, zero);
        Value scale =
            perChannel ? args[s] : constantF32(b, loc, type.scales.front());
        return arith::MulFOp::create(b, loc, x, scale);
      });
}

//===- DynamicQuantization.cpp - Run-time scales as linalg ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// amax ignores NaN and is capped at FLT_MAX; s = f32(amax / 127),
// r = f32(127 / amax); below 2^-100 both are 1. docs/Numerics.md, "Dynamic
// quantization".
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Conversion/DynamicQuantization.h"

#include "QuantOpt/Conversion/Epilogue.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cfloat>

using namespace mlir;
using namespace mlir::qopt;

static Value constantF32(OpBuilder &b, Location loc, float value) {
  return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
}

AffineMap mlir::qopt::getScaleMap(MLIRContext *context, int64_t rank,
                                  Granularity per) {
  SmallVector<AffineExpr> exprs;
  if (per == Granularity::Row)
    for (int64_t dim = 0; dim + 1 < rank; ++dim)
      exprs.push_back(getAffineDimExpr(dim, context));
  return AffineMap::get(rank, 0, exprs, context);
}

/// max |x| over what one scale covers.
static Value buildAbsoluteMax(OpBuilder &builder, Location loc, Value input,
                              RankedTensorType scaleType, AffineMap scaleMap) {
  int64_t rank = cast<RankedTensorType>(input.getType()).getRank();
  Value empty = tensor::EmptyOp::create(builder, loc, scaleType.getShape(),
                                        builder.getF32Type());
  Value init = linalg::FillOp::create(builder, loc,
                                      ValueRange{constantF32(builder, loc, 0)},
                                      ValueRange{empty})
                   .getResult(0);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::reduction);
  for (AffineExpr expr : scaleMap.getResults())
    iterators[cast<AffineDimExpr>(expr).getPosition()] =
        utils::IteratorType::parallel;
  return linalg::GenericOp::create(
             builder, loc, TypeRange{scaleType}, ValueRange{input},
             ValueRange{init},
             ArrayRef<AffineMap>{builder.getMultiDimIdentityMap(rank),
                                 scaleMap},
             iterators,
             [](OpBuilder &b, Location loc, ValueRange args) {
               Value x = math::AbsFOp::create(b, loc, args[0]);
               // maxnum ignores NaN; the accumulator itself is never NaN.
               Value max = arith::MaxNumFOp::create(b, loc, args[1], x);
               max = arith::MinNumFOp::create(b, loc, max,
                                              constantF32(b, loc, FLT_MAX));
               linalg::YieldOp::create(b, loc, max);
             })
      .getResult(0);
}

/// `amax < 2^-100 ? 1 : value(amax)` elementwise.
static Value mapAmax(OpBuilder &builder, Location loc, Value amax,
                     bool inverse) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(amax.getType()).getShape();
  return buildElementwise(
      builder, loc, shape, builder.getF32Type(), amax,
      builder.getMultiDimIdentityMap(shape.size()),
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Value levels = constantF32(b, loc, 127.0f);
        Value quotient = inverse
                             ? arith::DivFOp::create(b, loc, levels, args[0])
                             : arith::DivFOp::create(b, loc, args[0], levels);
        Value tiny =
            arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, args[0],
                                  constantF32(b, loc, 0x1p-100f));
        return arith::SelectOp::create(b, loc, tiny, constantF32(b, loc, 1.0f),
                                       quotient);
      });
}

std::pair<Value, Value>
mlir::qopt::expandDynamicQuantize(OpBuilder &builder, DynamicQuantizeOp op) {
  Location loc = op.getLoc();
  auto inputType = op.getInput().getType();
  AffineMap scaleMap =
      getScaleMap(builder.getContext(), inputType.getRank(), op.getPer());
  Value amax = buildAbsoluteMax(builder, loc, op.getInput(),
                                op.getScale().getType(), scaleMap);
  Value scale = mapAmax(builder, loc, amax, /*inverse=*/false);
  Value reciprocal = mapAmax(builder, loc, amax, /*inverse=*/true);
  Value quantized = buildElementwise(
      builder, loc, inputType.getShape(), builder.getI8Type(),
      {op.getInput(), reciprocal},
      {builder.getMultiDimIdentityMap(inputType.getRank()), scaleMap},
      [](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Value x = arith::MulFOp::create(b, loc, args[0], args[1]);
        x = math::RoundEvenOp::create(b, loc, x);
        Value isNaN =
            arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
        x = arith::SelectOp::create(b, loc, isNaN, constantF32(b, loc, 0.0f),
                                    x);
        x = arith::MaximumFOp::create(b, loc, x, constantF32(b, loc, -128.0f));
        x = arith::MinimumFOp::create(b, loc, x, constantF32(b, loc, 127.0f));
        return arith::FPToSIOp::create(b, loc, b.getI8Type(), x);
      });
  return {quantized, scale};
}

Value mlir::qopt::expandDynamicDequantize(OpBuilder &builder,
                                          DynamicDequantizeOp op) {
  auto type = op.getResult().getType();
  AffineMap scaleMap =
      getScaleMap(builder.getContext(), type.getRank(), op.getPer());
  return buildElementwise(
      builder, op.getLoc(), type.getShape(), builder.getF32Type(),
      {op.getQuantized(), op.getScale()},
      {builder.getMultiDimIdentityMap(type.getRank()), scaleMap},
      [](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Value x = arith::SIToFPOp::create(b, loc, b.getF32Type(), args[0]);
        return arith::MulFOp::create(b, loc, x, args[1]);
      });
}

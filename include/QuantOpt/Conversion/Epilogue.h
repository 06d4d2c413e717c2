//===- Epilogue.h - From i32 accumulators to real or quantized values ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Builds the one elementwise op that follows an integer contraction. Formulas
// and rounding are those of docs/Numerics.md, "Requantization"; constants are
// computed by QuantMath.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_CONVERSION_EPILOGUE_H
#define QUANTOPT_CONVERSION_EPILOGUE_H

#include "QuantOpt/Conversion/QuantizedParameters.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/Builders.h"

namespace mlir::qopt {

/// Everything known at compile time about a statically quantized contraction
/// with a result of shape [.., channels, ..].
struct EpilogueInputs {
  /// i32 accumulator Σ qa·qw, without zero-point terms.
  Value accumulator;
  /// The accumulator's dimensions that are output channels; the arrays below
  /// are row-major over them. Empty for a single output channel.
  SmallVector<int64_t> channelDims;
  /// Scale and zero point of the activation.
  float activationScale = 1;
  int32_t activationZeroPoint = 0;
  SmallVector<float> weightScales;
  SmallVector<int64_t> weightSums;         ///< Σ qw per channel
  SmallVector<int64_t> weightAbsoluteSums; ///< Σ|qw| per channel
  SmallVector<float> bias;
  int32_t maxAbsActivation = 128; ///< bound of |qa|
  /// Of an imported model that divides by the result's scale: i32 biases at the
  /// accumulator's scale (empty for none), and the contract `compensated`.
  bool compensated = false;
  SmallVector<int32_t> biasIntegers;
  /// Of a sum: multiplied and divided by these (a mean's count), and always
  /// corrected in i32.
  bool isSum = false;
  double factor = 1, divisor = 1;
};

/// `fused`: y = clamp(rne(fma(f32(acc), M, B))) as i8 storage of `type`,
/// clamped to the real interval [low, high] as well. Uses the `fused-i32`
/// variant where large zero-point terms would cancel. Null, with an error,
/// where a channel's M is 0 or M or B is not finite.
/// Where `inputs` say so, the contract `compensated` is used instead.
Value buildFusedEpilogue(OpBuilder &builder, Location loc,
                         const EpilogueInputs &inputs,
                         quant::UniformQuantizedType type, float low,
                         float high);

/// d = fma(f32(acc - za·Σqw), sa·sw, bias) as f32; the zero-point term is
/// exact, in i32. Null, with an error, as above.
Value buildFloatEpilogue(OpBuilder &builder, Location loc,
                         const EpilogueInputs &inputs);

/// The same with a run-time activation scale, `scaleMap` giving its index from
/// the accumulator's dimensions.
Value buildDynamicEpilogue(OpBuilder &builder, Location loc,
                           const EpilogueInputs &inputs, Value activationScale,
                           AffineMap scaleMap);

/// d = fma(f32(acc), sa·sb, 0) with scales that are run-time values, the maps
/// giving their indices from the accumulator's dimensions.
Value buildProductEpilogue(OpBuilder &builder, Location loc, Value accumulator,
                           Value aScale, AffineMap aMap, Value bScale,
                           AffineMap bMap);

/// Q_mul(x; 1/s, z), or Q_div(x; s, z), elementwise: f32 -> storage. One zero
/// point for all channels.
Value buildQuantize(OpBuilder &builder, Location loc, Value input,
                    const QuantizedParameters &type, bool divide = false);

/// f32(q - z) elementwise, per tensor: storage -> f32.
Value buildDistance(OpBuilder &builder, Location loc, Value integers,
                    const QuantizedParameters &type);

/// D(q; s, z) elementwise: storage -> f32.
Value buildDequantize(OpBuilder &builder, Location loc, Value integers,
                      const QuantizedParameters &type);

/// An all-parallel generic over `shape` with result element type `resultType`;
/// `maps` are those of `inputs`, the result's is the identity.
Value buildElementwise(
    OpBuilder &builder, Location loc, ArrayRef<int64_t> shape, Type resultType,
    ValueRange inputs, ArrayRef<AffineMap> maps,
    function_ref<Value(OpBuilder &, Location, ValueRange)> body);

} // namespace mlir::qopt

#endif // QUANTOPT_CONVERSION_EPILOGUE_H

//===- QuantMath.h - The arithmetic of quantized models ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every result of a quantized model is defined by these scalar functions, bit
// for bit; docs/Numerics.md is the same in prose. The compiler chooses scales
// and folds constants with them, and tests take them as the truth for all
// generated code. Header-only, without LLVM, so that any tool can use them. The
// assumptions of FloatingPoint.h apply (-ffp-contract=off, see `selfCheck`).
//
// Names: s scale, z zero point, r reciprocal scale, q stored integer; a
// activation, w weight, y result; real value = (q - z) * s. Scales are in real
// units per step. Nothing here throws or reports: what can fail returns a bound
// or has a predicate.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_SUPPORT_QUANTMATH_H
#define QUANTOPT_SUPPORT_QUANTMATH_H

#include "QuantOpt/Support/FloatingPoint.h"
#include "QuantOpt/Support/QuantMathFunctions.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace mlir::qopt::quantmath {

//===----------------------------------------------------------------------===//
// Storage
//===----------------------------------------------------------------------===//

inline constexpr int32_t kInt4Max = 7;
inline constexpr int32_t kInt8Min = -128;
inline constexpr int32_t kInt8Max = 127;
inline constexpr int32_t kUInt8Max = 255;
inline constexpr int32_t kInt16Min = -32768;
inline constexpr int32_t kInt16Max = 32767;
inline constexpr int64_t kInt32Max = 2147483647;

/// The integers a quantized value may take, both ends included.
struct IntRange {
  int32_t lo, hi;
};
constexpr bool operator==(IntRange a, IntRange b) {
  return a.lo == b.lo && a.hi == b.hi;
}
constexpr bool operator!=(IntRange a, IntRange b) { return !(a == b); }

/// How a quantized value is stored.
enum class Storage : uint8_t { S4, S8, U8, S16 };

/// The whole range of a storage type; activations use it.
constexpr IntRange rangeOf(Storage storage) {
  switch (storage) {
  case Storage::S4:
    return {-kInt4Max - 1, kInt4Max};
  case Storage::S8:
    return {kInt8Min, kInt8Max};
  case Storage::U8:
    return {0, kUInt8Max};
  case Storage::S16:
    break;
  }
  return {kInt16Min, kInt16Max};
}

/// The narrow range of symmetric weights: [-127, 127] for s8, [-7, 7] for s4.
/// Unsigned storage has none and gives the whole range.
constexpr IntRange weightRangeOf(Storage storage) {
  IntRange range = rangeOf(storage);
  return {range.lo < 0 ? -range.hi : 0, range.hi};
}

/// max |q| over the range.
constexpr int32_t maxMagnitude(IntRange range) {
  return range.hi > -range.lo ? range.hi : -range.lo;
}

/// max |q - z| over the range.
constexpr int32_t maxDistance(IntRange range, int32_t z) {
  return range.hi - z > z - range.lo ? range.hi - z : z - range.lo;
}

//===----------------------------------------------------------------------===//
// Quantize and dequantize
//===----------------------------------------------------------------------===//

/// clamp(rounded + z, lo, hi) for an integral or infinite `rounded`: NaN counts
/// as 0 (and so gives z), then the clamp is to [lo - z, hi - z], before z is
/// added, as in generated code. |lo|, |hi| and |z| at most 2^16.
template <typename Float>
inline int32_t saturate(Float rounded, int32_t z, IntRange range) {
  Float lo = Float(range.lo - z), hi = Float(range.hi - z);
  Float value = rounded != rounded ? Float(0) : rounded;
  value = value < lo ? lo : value;
  value = value > hi ? hi : value;
  return int32_t(value) + z;
}

/// Q_div(x; s, z) = clamp(rne(x / s) + z, lo, hi). ONNX QuantizeLinear.
inline int32_t quantizeDiv(float x, float s, int32_t z, IntRange range) {
  return saturate(roundHalfEven(x / s), z, range);
}

/// Q_mul(x; r, z) = clamp(rne(x * r) + z, lo, hi). PyTorch's and PT2E's
/// quantizers and the ones we create; r is `reciprocalScale(s)` or came with
/// the import.
inline int32_t quantizeMul(float x, float r, int32_t z, IntRange range) {
  return saturate(roundHalfEven(x * r), z, range);
}

/// r = f32(1 / f64(s)), two roundings.
inline float reciprocalScale(float s) { return float(1.0 / double(s)); }

/// D(q; s, z) = f32(q - z) * s, the difference in i32.
inline float dequantize(int32_t q, float s, int32_t z) {
  return float(q - z) * s;
}

//===----------------------------------------------------------------------===//
// Choosing scale and zero point: in f64, rounded once to f32
//===----------------------------------------------------------------------===//

/// Scales we choose lie in [2^-40, 2^40], so that products of them are normal.
inline constexpr double kMinScale = 0x1p-40;
inline constexpr double kMaxScale = 0x1p40;

/// A chosen scale and zero point. A dead tensor or channel (all zero) has scale
/// 1; the caller reports it.
struct ScaleChoice {
  float scale;
  int32_t zeroPoint;
  bool dead;
};

/// f32(width / levels) within the limits; 1 and dead where the width is 0 (or
/// negative or NaN, which no statistics yield).
inline ScaleChoice scaleForWidth(double width, int32_t levels) {
  if (!(width > 0))
    return {1.0f, 0, true};
  double s = std::min(std::max(width / levels, kMinScale), kMaxScale);
  return {float(s), 0, false};
}

/// Symmetric: s = amax / levels, z = 0, where amax = max |x| and levels is the
/// greatest integer (127, or 7 for s4 weights).
inline ScaleChoice symmetricScale(double amax, int32_t levels = kInt8Max) {
  return scaleForWidth(amax, levels);
}

/// One-sided, for values that are never negative, in u8: s = max / 255, z = 0.
inline ScaleChoice oneSidedScale(double max, int32_t levels = kUInt8Max) {
  return scaleForWidth(max, levels);
}

/// Asymmetric: [min, max] widened to contain 0, s = (max - min) / (hi - lo),
/// then with the rounded s: z = clamp(rne(lo - min / s), lo, hi). Real 0 is
/// exact.
inline ScaleChoice asymmetricScale(double min, double max, IntRange range) {
  min = min < 0 ? min : 0;
  max = max > 0 ? max : 0;
  ScaleChoice choice = scaleForWidth(max - min, range.hi - range.lo);
  double z = double(range.lo) - min / double(choice.scale);
  choice.zeroPoint = saturate(roundHalfEven(z), 0, range);
  return choice;
}

//===----------------------------------------------------------------------===//
// Integer contraction
//===----------------------------------------------------------------------===//

/// sum_k (a_k - za)(w_k - zw) exactly, in i64: the meaning of a contraction.
/// Strides in elements.
template <typename A, typename W>
inline int64_t dotExact(const A *a, const W *w, int64_t count, int32_t za = 0,
                        int32_t zw = 0, int64_t strideA = 1,
                        int64_t strideW = 1) {
  int64_t sum = 0;
  for (int64_t k = 0; k < count; ++k)
    sum += (int64_t(a[k * strideA]) - za) * (int64_t(w[k * strideW]) - zw);
  return sum;
}

/// The same in i32 as kernels compute it, with wrapping arithmetic:
/// sum a*w - za sum w - zw sum a + count*za*zw. Equal to `dotExact` wherever
/// `AccumulatorBound::fitsInt32` holds.
template <typename A, typename W>
inline int32_t dot(const A *a, const W *w, int64_t count, int32_t za = 0,
                   int32_t zw = 0, int64_t strideA = 1, int64_t strideW = 1) {
  uint32_t products = 0, sumA = 0, sumW = 0;
  for (int64_t k = 0; k < count; ++k) {
    uint32_t qa = uint32_t(int32_t(a[k * strideA]));
    uint32_t qw = uint32_t(int32_t(w[k * strideW]));
    products += qa * qw;
    sumA += qa;
    sumW += qw;
  }
  return int32_t(products - uint32_t(za) * sumW - uint32_t(zw) * sumA +
                 uint32_t(count) * uint32_t(za) * uint32_t(zw));
}

/// Upper bounds of the magnitudes an i32 accumulator of one output channel can
/// take, for any activations and in any order of summation.
struct AccumulatorBound {
  int64_t raw;       ///< of acc' = initial + sum qa*qw and its partial sums.
  int64_t corrected; ///< of initial + sum (qa - za)(qw - zw).

  /// The proof that the channel cannot overflow.
  bool fitsInt32() const { return raw <= kInt32Max && corrected <= kInt32Max; }
};

/// The bound of a channel of known weights: raw = max|qa| sum|qw|, corrected =
/// max(za - lo, hi - za) sum|qw - zw|, each plus |initial| (the value the
/// accumulator starts from). Count up to 2^30.
template <typename W>
inline AccumulatorBound
boundAccumulator(const W *w, int64_t count, IntRange a, int32_t za = 0,
                 int32_t zw = 0, int64_t initial = 0, int64_t stride = 1) {
  int64_t sumAbs = 0, sumAbsCorrected = 0;
  for (int64_t k = 0; k < count; ++k) {
    int64_t q = w[k * stride], centred = q - zw;
    sumAbs += q < 0 ? -q : q;
    sumAbsCorrected += centred < 0 ? -centred : centred;
  }
  int64_t start = initial < 0 ? -initial : initial;
  return {maxMagnitude(a) * sumAbs + start,
          maxDistance(a, za) * sumAbsCorrected + start};
}

/// The longest contraction that fits i32 whatever the values: weights unknown,
/// zero points known only to be 0 (symmetric) or anything in the range
/// (asymmetric). s8*s8 132,104 and u8*s8 66,311 with narrow weights; 33,025
/// both asymmetric.
constexpr int64_t maxProvenLength(IntRange a, bool asymmetricA, IntRange w,
                                  bool asymmetricW) {
  int64_t worstA = asymmetricA ? a.hi - a.lo : maxMagnitude(a);
  int64_t worstW = asymmetricW ? w.hi - w.lo : maxMagnitude(w);
  return kInt32Max / (worstA * worstW);
}

//===----------------------------------------------------------------------===//
// Requantization
//===----------------------------------------------------------------------===//

/// Constants of the `fused` contracts of one output channel: d = fma(f32(acc),
/// M, B). Also, with the result's scale left out, of longer epilogues.
struct FusedParams {
  float M; ///< Multiplier: result steps (or real units) per accumulator step.
  float B; ///< Bias and zero points, in result steps (or real units).

  /// M normal or subnormal but positive, B finite. Anything else, which only
  /// imported scales can cause, is an error; then NaN could arise.
  bool isValid() const {
    return M > 0 && M <= FLT_MAX && B >= -FLT_MAX && B <= FLT_MAX;
  }
};

/// `fused`: y = clamp(rne(fma(f32(acc'), M, B))), acc' = sum qa*qw not
/// corrected. M = f32(sa*sw/sy); B = f32((bias/sy - (za*sumQw)*M) + zy),
/// evaluated in f64 in this order with the rounded M. `bias` in real units;
/// weights symmetric (zw = 0).
inline FusedParams makeFused(float sa, float sw, float sy, float bias,
                             int32_t za, int64_t sumQw, int32_t zy) {
  float M = float(double(sa) * double(sw) / double(sy));
  double zeroPoint = double(za * sumQw) * double(M);
  double B = (double(bias) / double(sy) - zeroPoint) + double(zy);
  return {M, float(B)};
}

/// Constants of `fused-i32`: the accumulator is corrected by an i32 addition.
struct FusedI32Params {
  FusedParams fused;
  int32_t correction; ///< c, added to acc'.
};

/// `fused-i32`: y = clamp(rne(fma(f32(acc' + c), M, B))), c = -za*sumQw,
/// B = f32(bias/sy + zy). c fits i32 wherever the channel was proven to.
inline FusedI32Params makeFusedI32(float sa, float sw, float sy, float bias,
                                   int32_t za, int64_t sumQw, int32_t zy) {
  float M = float(double(sa) * double(sw) / double(sy));
  double B = double(bias) / double(sy) + double(zy);
  return {{M, float(B)}, int32_t(uint32_t(uint64_t(-za * sumQw)))};
}

/// Where `fused` may err by more than this many steps, `fused-i32` is used.
inline constexpr double kMaxFusedError = 0x1p-8;

/// E = 2^-24 (2 maxAcc M + |B| + 255): the estimate, in steps of an 8-bit
/// result and before rounding, of how far `fused` is from exact arithmetic.
/// maxAcc is `AccumulatorBound::raw`. The error is below 1.5 E (see
/// docs/Numerics.md).
inline double fusedError(int64_t maxAcc, FusedParams params) {
  double B = __builtin_fabs(double(params.B));
  return 0x1p-24 * (2.0 * double(maxAcc) * double(params.M) + B + kUInt8Max);
}

/// True where the `fused` contract is too inexact for the channel.
inline bool needsI32(int64_t maxAcc, FusedParams params) {
  return fusedError(maxAcc, params) > kMaxFusedError;
}

/// d_j = fma(f32(acc_j), M, d_{j-1}): one part of a contraction that was split
/// because it could not be proven; d_0 = B, parts in increasing order.
inline float accumulatePart(int32_t acc, float M, float d) {
  return fusedMultiplyAdd(float(acc), M, d);
}

/// y = clamp(rne(fma(f32(acc), M, B)), lo, hi). A ReLU or clamp that followed
/// has moved into the range.
inline int32_t requantizeFused(int32_t acc, FusedParams params,
                               IntRange range) {
  return saturate(roundHalfEven(accumulatePart(acc, params.M, params.B)), 0,
                  range);
}

/// The same for `fused-i32`.
inline int32_t requantizeFused(int32_t acc, FusedI32Params params,
                               IntRange range) {
  int32_t corrected = int32_t(uint32_t(acc) + uint32_t(params.correction));
  return requantizeFused(corrected, params.fused, range);
}

/// Constants of an epilogue with more in it, in real units: M = f32(sa*sw), B =
/// f32(bias - (za*sumQw)*M). d = accumulatePart(acc', M, B), then float
/// operations in source order, then `quantizeMul`.
inline FusedParams makeReal(float sa, float sw, float bias, int32_t za,
                            int64_t sumQw) {
  return makeFused(sa, sw, 1.0f, bias, za, sumQw, 0);
}

/// Constants of `compensated`: M = sa*sw/sy in two parts, and what is added to
/// acc' in i32 (it wraps): the i32 bias at scale sa*sw and c = -za*sumQw.
struct CompensatedParams {
  float high, low;
  int32_t offset;
};
inline CompensatedParams makeCompensated(float sa, float sw, float sy,
                                         int32_t bias, int32_t za,
                                         int64_t sumQw) {
  double M = double(sa) * double(sw) / double(sy);
  float high = float(M);
  uint32_t offset = uint32_t(bias) + uint32_t(uint64_t(-za * sumQw));
  return {high, float(M - double(high)), int32_t(offset)};
}

/// `compensated`: y = clamp(r + rne(fma(a, low, fma(a, high, -r))) + zy), with
/// a = f32(acc' + offset), r = rne(a*high): the rounding of the exact product
/// wherever that is 6e-8 steps or more from a tie.
inline int32_t requantizeCompensated(int32_t acc, CompensatedParams params,
                                     int32_t zy, IntRange range) {
  float a = float(int32_t(uint32_t(acc) + uint32_t(params.offset)));
  float r = roundHalfEven(a * params.high);
  float rest = fusedMultiplyAdd(a, params.high, -r);
  rest = roundHalfEven(fusedMultiplyAdd(a, params.low, rest));
  return saturate(r + rest, zy, range);
}

/// Residual addition: fma(f32(qr - zr), sr, d).
inline float addResidual(float d, int32_t qr, float sr, int32_t zr) {
  return fusedMultiplyAdd(float(qr - zr), sr, d);
}

/// Mean or average pool of `count` stored integers: M = f32(sx / (sy * count))
/// in f64, c = -zx*count, B = zy; used as `fused-i32` on their exact i32 sum.
inline FusedI32Params makeMean(float sx, int32_t zx, float sy, int32_t zy,
                               int64_t count) {
  float M = float(double(sx) / (double(sy) * double(count)));
  return {{M, float(zy)}, int32_t(uint32_t(uint64_t(-zx * count)))};
}

/// `onnx`: M = f32(f32(sa*sw) / sy). onnxruntime CPU.
inline float onnxMultiplier(float sa, float sw, float sy) {
  return sa * sw / sy;
}

/// `onnx`: y = clamp(rne(f32(acc + b32) * M) + zy), acc the corrected sum, the
/// addition in wrapping i32. QLinearMatMul, QLinearConv and their fused QDQ
/// forms.
inline int32_t requantizeOnnx(int32_t acc, int32_t b32, float M, int32_t zy,
                              IntRange range) {
  int32_t biased = int32_t(uint32_t(acc) + uint32_t(b32));
  return saturate(roundHalfEven(float(biased) * M), zy, range);
}

/// Rounding of `tosa`: single adds one half; double, for shifts above 31, first
/// adds the half of the 31 upper bits, away from zero (gemmlowp, TFLite).
enum class TosaRounding : uint8_t { Single, Double };

/// TOSA's conditions on apply_scale_32: multiplier >= 0, 2 <= shift <= 62,
/// value within `shift` bits. The result must also fit i32; see
/// `tosaApplyScale`.
inline bool isTosaScaleDefined(int32_t value, int32_t multiplier,
                               int32_t shift) {
  if (multiplier < 0 || shift < 2 || shift > 62)
    return false;
  int64_t limit = int64_t(1) << (shift - 1);
  return value >= -limit && value < limit;
}

/// `tosa`: apply_scale_32, value * multiplier * 2^-shift, rounded half up
/// (Single) or twice (Double). TOSA specification, "Scaling of integer values".
/// In i64: a caller checks or clamps before i32, out of which TOSA leaves it
/// undefined.
inline int64_t tosaApplyScale(int32_t value, int32_t multiplier, int32_t shift,
                              TosaRounding rounding) {
  int64_t round = int64_t(1) << (shift - 1);
  if (rounding == TosaRounding::Double && shift > 31)
    round += value >= 0 ? int64_t(1) << 30 : -(int64_t(1) << 30);
  return (int64_t(value) * multiplier + round) >> shift;
}

/// tosa.rescale: clamp(apply_scale(value - zIn) + zOut, lo, hi).
inline int32_t requantizeTosa(int32_t value, int32_t zIn, int32_t multiplier,
                              int32_t shift, TosaRounding rounding,
                              int32_t zOut, IntRange range) {
  int32_t centred = int32_t(uint32_t(value) - uint32_t(zIn));
  int64_t scaled = tosaApplyScale(centred, multiplier, shift, rounding);
  return int32_t(
      std::min<int64_t>(std::max<int64_t>(scaled + zOut, range.lo), range.hi));
}

//===----------------------------------------------------------------------===//
// Tables and dynamic quantization
//===----------------------------------------------------------------------===//

/// The table of a unary function of one 8-bit value: entry q - in.lo holds T[q]
/// = clamp(rne(f(f64(D(q))) / f64(sy)) + zy, out). `f` maps f64 to f64 and is
/// made of the functions of QuantMathFunctions.h, never of libm's. `in` is a
/// whole 8-bit range.
template <typename Function>
inline std::array<int32_t, 256> buildTable(Function f, float sx, int32_t zx,
                                           IntRange in, float sy, int32_t zy,
                                           IntRange out) {
  std::array<int32_t, 256> table;
  for (int32_t i = 0; i < 256; ++i) {
    double y = f(double(dequantize(in.lo + i, sx, zx)));
    table[i] = saturate(roundHalfEven(y / double(sy)), zy, out);
  }
  return table;
}

/// Absolute maxima below this count as a dead row.
inline constexpr float kMinDynamicAmax = 0x1p-100f;

/// One step of max |x|, which ignores NaN and is capped at FLT_MAX. Order-free.
inline float combineAmax(float amax, float x) {
  float magnitude = __builtin_fabsf(x);
  magnitude = magnitude > FLT_MAX ? FLT_MAX : magnitude;
  return magnitude > amax ? magnitude : amax;
}

/// max |x| over a row or tensor; 0 where there is no number.
inline float dynamicAmax(const float *x, int64_t count) {
  float amax = 0;
  for (int64_t i = 0; i < count; ++i)
    amax = combineAmax(amax, x[i]);
  return amax;
}

/// The symmetric s8 scale found at run time, and its reciprocal for
/// `quantizeMul`.
struct DynamicScale {
  float scale, reciprocal;
};

/// s = f32(amax / 127), r = f32(127 / amax); both 1 where amax < 2^-100. `amax`
/// is what `dynamicAmax` gives.
inline DynamicScale dynamicScale(float amax) {
  if (amax < kMinDynamicAmax)
    return {1.0f, 1.0f};
  return {amax / float(kInt8Max), float(kInt8Max) / amax};
}

} // namespace mlir::qopt::quantmath

#endif // QUANTOPT_SUPPORT_QUANTMATH_H

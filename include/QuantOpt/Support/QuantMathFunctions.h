//===- QuantMathFunctions.h - f64 functions and sums, no libm ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// exp, expm1, log, log1p, erf and tanh in f64, from + - * / alone, so that a
// table or a folded constant is the same on every host: libms differ in the
// last bit. They are evaluated in double-double arithmetic (a value is the
// unevaluated sum of two doubles, about 100 bits), by series whose coefficients
// are small integers, and rounded once: every result is within 0.5001 ulp of
// the exact one (0.75 where it is subnormal), in practice the correctly rounded
// one. Speed is no aim: 0.5 to 3 us a call. Also the f32 sum in the order that
// all targets share. The assumptions of FloatingPoint.h apply.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_SUPPORT_QUANTMATHFUNCTIONS_H
#define QUANTOPT_SUPPORT_QUANTMATHFUNCTIONS_H

#include "QuantOpt/Support/FloatingPoint.h"

#include <array>

namespace mlir::qopt::quantmath {

namespace detail {

//===----------------------------------------------------------------------===//
// Double-double arithmetic. Dekker, "A floating-point technique for extending
// the available precision", Numer. Math. 18 (1971); Hida, Li, Bailey,
// "Algorithms for quad-double precision floating point arithmetic", ARITH 2001.
//===----------------------------------------------------------------------===//

/// The real number hi + lo, where hi is that number rounded to f64.
struct DoubleDouble {
  double hi, lo;
};

/// a + b exactly, for |a| >= |b| or a = 0.
inline DoubleDouble fastTwoSum(double a, double b) {
  double sum = a + b;
  return {sum, b - (sum - a)};
}

/// a + b exactly.
inline DoubleDouble twoSum(double a, double b) {
  double sum = a + b;
  double fromB = sum - a;
  return {sum, (a - (sum - fromB)) + (b - fromB)};
}

/// a * b exactly, for products within [2^-900, 2^900] and factors below 2^990.
inline DoubleDouble twoProduct(double a, double b) {
  constexpr double kSplit = 0x1p27 + 1; // Cuts 53 bits into 26 and 26.
  double ta = kSplit * a, tb = kSplit * b;
  double aHi = ta - (ta - a), bHi = tb - (tb - b);
  double aLo = a - aHi, bLo = b - bHi;
  double product = a * b;
  return {product, ((aHi * bHi - product) + aHi * bLo + aLo * bHi) + aLo * bLo};
}

inline DoubleDouble operator+(DoubleDouble a, DoubleDouble b) {
  DoubleDouble hi = twoSum(a.hi, b.hi), lo = twoSum(a.lo, b.lo);
  hi = fastTwoSum(hi.hi, hi.lo + lo.hi);
  return fastTwoSum(hi.hi, hi.lo + lo.lo);
}

inline DoubleDouble operator*(DoubleDouble a, DoubleDouble b) {
  DoubleDouble product = twoProduct(a.hi, b.hi);
  return fastTwoSum(product.hi, product.lo + (a.hi * b.lo + a.lo * b.hi));
}

inline DoubleDouble operator-(DoubleDouble a) { return {-a.hi, -a.lo}; }

/// Two steps of long division.
inline DoubleDouble operator/(DoubleDouble a, DoubleDouble b) {
  double quotient = a.hi / b.hi;
  DoubleDouble rest = a + -(DoubleDouble{quotient, 0} * b);
  return fastTwoSum(quotient, rest.hi / b.hi);
}

/// Exact multiplication by a power of two.
inline DoubleDouble scale(DoubleDouble a, double power) {
  return {a.hi * power, a.lo * power};
}

inline constexpr DoubleDouble kLn2 = {0x1.62e42fefa39efp-1,
                                      0x1.abc9e3b39803fp-56};
inline constexpr DoubleDouble kTwoOverSqrtPi = {0x1.20dd750429b6dp+0,
                                                0x1.1ae3a914fed80p-56};
inline constexpr double kInverseLn2 = 0x1.71547652b82fep+0;
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();
inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Below this magnitude the second term of erf and tanh, x^3/3 against x, is
/// under 2^-20 ulp.
inline constexpr double kLinearBelow = 0x1p-36;

/// e^a = 2^exponent * (1 + fraction).
struct ReducedExp {
  int exponent;
  DoubleDouble fraction;
};

/// Reduces |a| < 1100 to r = a - k ln 2, |r| <= ln(2) / 2; sums the Taylor
/// series of e^t - 1 at t = r / 256, which needs ten terms, and squares eight
/// times: (1 + p)^2 = 1 + (2p + p^2). The fraction is accurate relative to
/// itself.
inline ReducedExp reduceExp(DoubleDouble a) {
  constexpr int kTerms = 11, kSquarings = 8;
  double k = roundHalfEven(a.hi * kInverseLn2);
  DoubleDouble r = k == 0 ? a : a + -(DoubleDouble{k, 0} * kLn2);
  DoubleDouble t = scale(r, powerOfTwo(-kSquarings));
  // Horner: 1 + t/2 (1 + t/3 (1 + t/4 (...))).
  DoubleDouble series = {1, 0};
  for (int n = kTerms; n >= 2; --n)
    series = DoubleDouble{1, 0} + series * t / DoubleDouble{double(n), 0};
  DoubleDouble p = series * t;
  for (int i = 0; i < kSquarings; ++i)
    p = scale(p, 2) + p * p;
  return {int(k), p};
}

/// e^a - 1, for 2^-400 < |a| < 700.
inline DoubleDouble expm1(DoubleDouble a) {
  ReducedExp reduced = reduceExp(a);
  if (reduced.exponent == 0)
    return reduced.fraction;
  double power = powerOfTwo(reduced.exponent);
  return DoubleDouble{power, 0} + scale(reduced.fraction, power) +
         DoubleDouble{-1, 0};
}

/// The logarithm of 2^exponent * mantissa, mantissa within [1/2, 2]:
/// with f = mantissa - 1 and s = f / (2 + f), log(1 + f) = 2 atanh(s)
/// = 2s (1 + s^2/3 + s^4/5 + ...).
inline DoubleDouble log(DoubleDouble mantissa, int exponent) {
  constexpr int kTerms = 20; // |s| <= 0.172, so that s^40 / 41 < 2^-106.
  DoubleDouble f = mantissa + DoubleDouble{-1, 0};
  DoubleDouble s = f / (f + DoubleDouble{2, 0});
  DoubleDouble s2 = s * s, series = {0, 0};
  for (int n = kTerms; n >= 0; --n)
    series = s2 * series + DoubleDouble{1, 0} / DoubleDouble{2.0 * n + 1, 0};
  DoubleDouble result = scale(s * series, 2);
  if (exponent == 0)
    return result;
  return DoubleDouble{double(exponent), 0} * kLn2 + result;
}

/// The exponent e of a positive normal x that brings x / 2^e to within about
/// [0.707, 1.415], so that the logarithm of a number near 1 needs no e.
inline int balancedExponent(double x) {
  constexpr uint64_t kSqrtHalfBits = 0x3fe6a09e667f3bcd;
  return int(int64_t(bitCast<uint64_t>(x) - kSqrtHalfBits) >> 52);
}

} // namespace detail

/// e^x. Overflows to +inf, underflows gradually to 0; NaN gives NaN.
inline double exp(double x) {
  if (x != x)
    return x;
  if (x > 710)
    return detail::kInfinity;
  if (x < -746)
    return 0;
  if (__builtin_fabs(x) < 0x1p-60)
    return 1;
  detail::ReducedExp reduced = detail::reduceExp({x, 0});
  detail::DoubleDouble y = detail::DoubleDouble{1, 0} + reduced.fraction;
  // In two steps, since 2^k itself may be out of range.
  int half = reduced.exponent / 2;
  return y.hi * detail::powerOfTwo(half) *
         detail::powerOfTwo(reduced.exponent - half);
}

/// e^x - 1, accurate near 0. Tends to -1 and +inf; NaN gives NaN.
inline double expm1(double x) {
  if (x != x || __builtin_fabs(x) < 0x1p-54)
    return x;
  if (x > 690)
    return exp(x); // The 1 is far below the last bit.
  if (x < -50)
    return -1;
  return detail::expm1({x, 0}).hi;
}

/// The natural logarithm. log(+-0) = -inf, log(+inf) = +inf, NaN below 0.
inline double log(double x) {
  if (x == 0)
    return -detail::kInfinity;
  if (x < 0)
    return detail::kNaN;
  if (!(x < detail::kInfinity))
    return x;
  int exponent = 0;
  if (x < DBL_MIN) {
    x *= 0x1p54;
    exponent = -54;
  }
  int e = detail::balancedExponent(x);
  // |e| may be 1024, hence two steps, both exact.
  double mantissa =
      x * detail::powerOfTwo(-(e / 2)) * detail::powerOfTwo(-(e - e / 2));
  return detail::log({mantissa, 0}, exponent + e).hi;
}

/// log(1 + x), accurate near 0. -inf at -1, NaN below.
inline double log1p(double x) {
  if (x != x || __builtin_fabs(x) < 0x1p-54)
    return x;
  if (x <= -1)
    return x == -1 ? -detail::kInfinity : detail::kNaN;
  if (x > 0x1p200)
    return log(x); // The 1 is far below the last bit.
  detail::DoubleDouble y = detail::twoSum(1, x);
  int e = detail::balancedExponent(y.hi);
  return detail::log(detail::scale(y, detail::powerOfTwo(-e)), e).hi;
}

/// The error function, odd, by Kummer's series, all of whose terms have one
/// sign (Abramowitz and Stegun 7.1.6):
/// erf(x) = 2/sqrt(pi) x e^(-x^2) sum_n (2x^2)^n / (1*3*...*(2n+1)).
inline double erf(double x) {
  using detail::DoubleDouble;
  if (x != x || x == 0)
    return x;
  double a = __builtin_fabs(x);
  if (a >= 6)
    return x > 0 ? 1 : -1; // erfc(6) < 2^-55.
  // The linear term alone, scaled so that no error term is lost.
  if (a < detail::kLinearBelow)
    return (DoubleDouble{x * 0x1p200, 0} * detail::kTwoOverSqrtPi).hi *
           0x1p-200;
  DoubleDouble square = detail::twoProduct(x, x);
  DoubleDouble step = detail::scale(square, 2), term = {1, 0}, sum = {1, 0};
  for (int n = 1; term.hi > sum.hi * 0x1p-90; ++n) {
    term = term * step / DoubleDouble{2.0 * n + 1, 0};
    sum = sum + term;
  }
  detail::ReducedExp reduced = detail::reduceExp(-square);
  DoubleDouble decay = detail::scale(DoubleDouble{1, 0} + reduced.fraction,
                                     detail::powerOfTwo(reduced.exponent));
  return (sum * decay * DoubleDouble{x, 0} * detail::kTwoOverSqrtPi).hi;
}

/// The hyperbolic tangent, odd: (e^(2x) - 1) / (e^(2x) + 1).
inline double tanh(double x) {
  using detail::DoubleDouble;
  double a = __builtin_fabs(x);
  if (x != x || a < detail::kLinearBelow)
    return x;
  if (a > 20)
    return x > 0 ? 1 : -1; // 1 - tanh(20) < 2^-56.
  DoubleDouble numerator = detail::expm1({2 * a, 0});
  double y = (numerator / (numerator + DoubleDouble{2, 0})).hi;
  return x > 0 ? y : -y;
}

/// 1 / sqrt(x) in f32: two operations, each rounded.
inline float rsqrt(float x) { return 1.0f / __builtin_sqrtf(x); }

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Partial sums of the fixed-order f32 sum: 32 lanes of 8 elements on a GPU.
inline constexpr int kSumPartials = 256;

/// The f32 sum of `element(0)` .. `element(count - 1)` in the order common to
/// all targets: element i is added to partial i mod 256, in increasing i; then
/// the partials' halves are added pairwise (128, 64, ..., 1). Partials start at
/// -0.0, the additive identity, so that padding with -0.0 changes nothing and
/// an empty sum is -0.0.
template <typename Element>
inline float fixedOrderSum(int64_t count, Element element) {
  std::array<float, kSumPartials> partials;
  partials.fill(-0.0f);
  for (int64_t i = 0; i < count; ++i)
    partials[i % kSumPartials] += element(i);
  for (int half = kSumPartials / 2; half >= 1; half /= 2)
    for (int i = 0; i < half; ++i)
      partials[i] += partials[i + half];
  return partials[0];
}

/// The same over an array.
inline float fixedOrderSum(const float *values, int64_t count) {
  return fixedOrderSum(count, [values](int64_t i) { return values[i]; });
}

} // namespace mlir::qopt::quantmath

#endif // QUANTOPT_SUPPORT_QUANTMATHFUNCTIONS_H

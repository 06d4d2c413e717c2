//===- ScalarFunctions.cpp - Functions in binary32
//-------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The polynomials that docs/Numerics.md calls fixed, as scalar code. They are
// written down a second time on purpose: a change of one of them changes
// results.
//
//===----------------------------------------------------------------------===//
#include "ScalarProgram.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir::qopt;
using namespace mlir::qopt::differential;

static double limit(float x, float low, float high) {
  // NaN passes.
  if (x < low)
    return low;
  return x > high ? high : x;
}

template <size_t N>
static double polynomial(double x, const double (&coefficients)[N]) {
  double sum = coefficients[N - 1];
  for (size_t i = N - 1; i-- > 0;)
    sum = __builtin_fma(sum, x, coefficients[i]);
  return sum;
}

/// 2^k e^r, |r| <= ln(2) / 2, the Taylor series to r^11.
static double expF64(double x) {
  static constexpr double kTaylor[] = {
      1.0,         1.0,          1.0 / 2,       1.0 / 6,
      1.0 / 24,    1.0 / 120,    1.0 / 720,     1.0 / 5040,
      1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800};
  constexpr double kRound = 0x1.8p52;
  double shifted = __builtin_fma(x, 0x1.71547652b82fep+0, kRound);
  double r = __builtin_fma(shifted - kRound, -0x1.62e42fefa39efp-1, x);
  uint64_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits + 1023) << 52;
  double power;
  std::memcpy(&power, &bits, sizeof power);
  return polynomial(r, kTaylor) * power;
}

float differential::expF32(float x) {
  return float(expF64(limit(x, -104.0f, 89.0f)));
}

float differential::erfF32(float x) {
  static constexpr double kCoefficients[] = {
      0x1.6a040781a499cp-2,   -0x1.69a0ccda546f8p-3,  0x1.0dabaf061aaf4p-3,
      -0x1.b92e95b222de8p-4,  0x1.717efc7399f2bp-4,   -0x1.3215da47bcb8bp-4,
      0x1.ea97f23d8f9e6p-5,   -0x1.76e83f36d72e4p-5,  0x1.0ed520b2f4cabp-5,
      -0x1.7036e95f70717p-6,  0x1.d6365549c3702p-7,   -0x1.19f29a25d3e5ep-7,
      0x1.3e0b9b08580cfp-8,   -0x1.5290127053989p-9,  0x1.533b91aacf1bdp-10,
      -0x1.3d1f5c56a5bf3p-11, 0x1.1e5a335e8a56ep-12,  -0x1.09470d1cc5dc3p-13,
      0x1.a7c3511e4d84dp-15,  -0x1.a7f85d543368cp-17, 0x1.54370a7bf7a41p-18,
      -0x1.33ca61b9e9205p-18, 0x1.8f8424cd1b682p-20};
  double limited = limit(x, -4.0f, 4.0f);
  double s = __builtin_fma(limited * limited, 0.125, -1.0);
  return float(limited * polynomial(s, kCoefficients));
}

float differential::tanhF32(float x) {
  static constexpr double kSeries[] = {1.0, -1.0 / 3, 2.0 / 15, -17.0 / 315};
  double limited = limit(x, -10.0f, 10.0f);
  double square = limited * limited;
  if (square < 0x1p-12)
    return float(limited * polynomial(square, kSeries));
  double power = expF64(limited + limited);
  return float((power - 1.0) / (power + 1.0));
}

float differential::logF32(float x) {
  static constexpr double kSeries[] = {1.0,      1.0 / 3,  1.0 / 5,
                                       1.0 / 7,  1.0 / 9,  1.0 / 11,
                                       1.0 / 13, 1.0 / 15, 1.0 / 17};
  if (x == 0)
    return -std::numeric_limits<float>::infinity();
  if (x < 0)
    return std::numeric_limits<float>::quiet_NaN();
  if (!(x <= std::numeric_limits<float>::max()))
    return x;
  // x = 2^exponent (1 + fraction), halved as often as it exceeds sqrt(2).
  int exponent;
  double mantissa = std::frexp(double(x), &exponent);
  if (mantissa < 0x1.6a09e667f3bcdp-1) {
    mantissa *= 2;
    --exponent;
  }
  double fraction = mantissa - 1.0;
  double s = fraction / (fraction + 2.0);
  return float(__builtin_fma(double(exponent), 0x1.62e42fefa39efp-1,
                             (s + s) * polynomial(s * s, kSeries)));
}

float differential::powerF32(float x, int64_t n) {
  float result = 1.0f, square = x;
  for (uint64_t bits = n < 0 ? 0 - uint64_t(n) : uint64_t(n); bits != 0;
       bits /= 2, square *= square)
    if (bits % 2 != 0)
      result *= square;
  return n < 0 ? 1.0f / result : result;
}

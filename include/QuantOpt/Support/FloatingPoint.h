//===- FloatingPoint.h - Exact primitives and their environment -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What QuantMath assumes of floating point, and how to make sure of it: IEEE
// binary32 and binary64, one rounding per operation, to nearest even,
// subnormals kept, nothing contracted or reassociated. Compile users of this
// header with -ffp-contract=off; `selfCheck` finds out at run time whether that
// was so. No function of libm whose result is not exactly specified is called.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_SUPPORT_FLOATINGPOINT_H
#define QUANTOPT_SUPPORT_FLOATINGPOINT_H

#include <cfloat>
#include <cstdint>
#include <cstring>
#include <limits>

#if defined(__SSE2__) || defined(_M_X64)
#include <xmmintrin.h>
#define QUANTOPT_HAS_MXCSR 1
#else
#define QUANTOPT_HAS_MXCSR 0
#endif

#ifdef __FAST_MATH__
#error "QuantMath defines bits: do not compile it with -ffast-math"
#endif

namespace mlir::qopt::quantmath {

static_assert(std::numeric_limits<float>::is_iec559 &&
                  std::numeric_limits<double>::is_iec559,
              "binary32 and binary64 are needed");
// 16 concerns _Float16 only; 1, 2 and -1 would give floats extra precision.
static_assert(FLT_EVAL_METHOD == 0 || FLT_EVAL_METHOD == 16,
              "float operations must round to float");

namespace detail {

template <typename To, typename From> inline To bitCast(From from) {
  static_assert(sizeof(To) == sizeof(From), "bit casts keep the size");
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

/// Rounds half to even on the bits, so that neither the rounding mode nor
/// flush-to-zero matters. `Bits` is the unsigned integer as wide as `Float`.
template <typename Float, typename Bits>
inline Float roundHalfEvenBits(Float x) {
  constexpr int kMantissa = std::numeric_limits<Float>::digits - 1;
  constexpr int kBias = std::numeric_limits<Float>::max_exponent - 1;
  constexpr Bits kSign = Bits(1) << (sizeof(Bits) * 8 - 1);
  Bits bits = bitCast<Bits>(x);
  Bits magnitude = bits & ~kSign;
  int exponent = int(magnitude >> kMantissa) - kBias;
  if (exponent >= kMantissa)
    return x; // An integer, an infinity or NaN.
  if (exponent < -1)
    return bitCast<Float>(bits & kSign); // |x| < 1/2.
  if (exponent == -1) {                  // 1/2 <= |x| < 1: the tie goes to 0.
    Bits half = Bits(kBias - 1) << kMantissa;
    Bits one = Bits(kBias) << kMantissa;
    return bitCast<Float>((bits & kSign) | (magnitude == half ? Bits(0) : one));
  }
  // Add just under one half, one more if the integer part is odd, and truncate;
  // a carry into the exponent is right. The exponent's last bit, which is read
  // as the integer part's when exponent = 0, is 1 because the bias is odd.
  Bits unit = Bits(1) << (kMantissa - exponent);
  Bits odd = (magnitude & unit) ? 1 : 0;
  return bitCast<Float>((bits + (unit >> 1) - 1 + odd) & ~(unit - 1));
}

/// 2^exponent for -1022 <= exponent <= 1023.
inline double powerOfTwo(int exponent) {
  return bitCast<double>(uint64_t(exponent + 1023) << 52);
}

} // namespace detail

/// `rne`: the integer nearest to `x`, ties to even, as a float. Keeps the sign
/// of zero; infinities and NaN return themselves.
inline float roundHalfEven(float x) {
  return detail::roundHalfEvenBits<float, uint32_t>(x);
}
inline double roundHalfEven(double x) {
  return detail::roundHalfEvenBits<double, uint64_t>(x);
}

/// `fma`: a * b + c rounded once. Where the target has no instruction this
/// calls fmaf, which IEEE 754 specifies exactly; `selfCheck` tests it.
inline float fusedMultiplyAdd(float a, float b, float c) {
  return __builtin_fmaf(a, b, c);
}

/// Saves the thread's floating-point state, sets the one QuantMath assumes
/// (round to nearest even, subnormals kept, exceptions masked) and restores it
/// at the end of the scope. Every CPU entry point and every worker thread of
/// ours holds one: libraries built with -ffast-math leave FTZ and DAZ set.
/// Keep the arithmetic in a function called within the scope, since compilers
/// may move floating-point operations across the constructor. Does nothing
/// where there is no MXCSR.
class FloatEnvironment {
public:
#if QUANTOPT_HAS_MXCSR
  FloatEnvironment() : saved(_mm_getcsr()) { _mm_setcsr(kDefaultMxcsr); }
  ~FloatEnvironment() { _mm_setcsr(saved); }
#else
  FloatEnvironment() {}
  ~FloatEnvironment() {}
#endif
  FloatEnvironment(const FloatEnvironment &) = delete;
  FloatEnvironment &operator=(const FloatEnvironment &) = delete;

  /// All exceptions masked, round to nearest even, no FTZ, no DAZ, flags clear.
  static constexpr unsigned kDefaultMxcsr = 0x1F80;

private:
#if QUANTOPT_HAS_MXCSR
  unsigned saved;
#endif
};

/// True if this translation unit and the current environment do what this file
/// assumes: no contraction in f32 or f64, rounding to nearest even, subnormal
/// inputs and results kept, an exact fma. Each translation unit has its own
/// copy, so that each can check its own flags.
static inline bool selfCheck() {
  // The products round; only a contracted multiply-add sees the lost bits.
  volatile float a = 1.0f + 0x1p-12f, minusA2 = -(1.0f + 0x1p-11f);
  volatile double b = 1.0 + 0x1p-27, minusB2 = -(1.0 + 0x1p-26);
  float ra = a * a + minusA2;
  double rb = b * b + minusB2;
  bool uncontracted = ra == 0.0f && rb == 0.0;

  // Ties with an even and an odd neighbour below, of both signs, find out
  // every directed rounding mode.
  volatile float one = 1.0f, minusOne = -1.0f, halfUlp = 0x1p-24f;
  volatile float oneUp = 1.0f + 0x1p-23f;
  float tieEven = one + halfUlp, tieOdd = oneUp + halfUlp;
  float tieNegative = minusOne - halfUlp;
  bool nearest =
      tieEven == 1.0f && tieOdd == 1.0f + 0x1p-22f && tieNegative == -1.0f;

  // Compared as bits: a comparison would itself read subnormals as zero.
  volatile float tiny = FLT_MIN, tiniest = 0x1p-149f, two = 2.0f;
  float result = tiny / two, fromSubnormal = tiniest * two;
  bool gradual = detail::bitCast<uint32_t>(result) == 0x00400000u &&
                 detail::bitCast<uint32_t>(fromSubnormal) == 2u;

  // The exact value is 2^-70 below a tie, which an fma made of f64 operations
  // rounds to the tie and then up. The second one is a tie among subnormals.
  volatile float up = 0x1p-12f + 0x1p-35f, down = 0x1p-12f - 0x1p-35f;
  volatile float scale = 0x1p-24f;
  float product = fusedMultiplyAdd(a, a, minusA2);
  float belowTie = fusedMultiplyAdd(up, down, oneUp);
  float subnormal = fusedMultiplyAdd(tiny, scale, fromSubnormal);
  bool exactFma = product == 0x1p-24f && belowTie == 1.0f + 0x1p-23f &&
                  detail::bitCast<uint32_t>(subnormal) == 2u;
  return uncontracted && nearest && gradual && exactFma;
}

} // namespace mlir::qopt::quantmath

#endif // QUANTOPT_SUPPORT_FLOATINGPOINT_H

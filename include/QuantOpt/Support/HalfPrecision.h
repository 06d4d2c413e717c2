//===- HalfPrecision.h - f16 and bf16 as their bits ------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Conversions between binary32 and the 16-bit formats, in integer arithmetic:
// to nearest even, subnormals kept, whatever the instruction set and MXCSR say
// (AVX512-BF16's conversion flushes subnormals). Section 1 of docs/Numerics.md.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_SUPPORT_HALFPRECISION_H
#define QUANTOPT_SUPPORT_HALFPRECISION_H

#include "QuantOpt/Support/FloatingPoint.h"

namespace mlir::qopt::quantmath {

/// The largest finite numbers.
inline constexpr float kMaxF16 = 65504.0f;
inline constexpr float kMaxBF16 = 0x1.FEp127f;

/// `bf16(x)`: the upper half of `x`, rounded. NaN stays NaN, quiet.
inline uint16_t toBF16(float x) {
  uint32_t bits = detail::bitCast<uint32_t>(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u)
    return uint16_t(bits >> 16 | 0x40u);
  uint32_t odd = bits >> 16 & 1u;
  return uint16_t((bits + 0x7fffu + odd) >> 16);
}

/// Exact.
inline float fromBF16(uint16_t bits) {
  return detail::bitCast<float>(uint32_t(bits) << 16);
}

/// `f16(x)`. NaN stays NaN, quiet; from 65520 on the result is infinite.
inline uint16_t toF16(float x) {
  uint32_t bits = detail::bitCast<uint32_t>(x);
  uint32_t sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u)
    return uint16_t(sign | 0x7e00u);
  if (magnitude >= 0x47800000u) // 2^16
    return uint16_t(sign | 0x7c00u);
  // A normal result keeps 10 bits of the mantissa, a subnormal one those above
  // 2^-24; the carry of rounding goes into the exponent and to infinity.
  uint32_t shift = 13, kept = magnitude - (112u << 23);
  if (magnitude < 0x38800000u) { // 2^-14
    uint32_t exponent = magnitude >> 23;
    if (exponent < 102u) // Below 2^-25.
      return uint16_t(sign);
    shift = 126u - exponent;
    kept = (magnitude & 0x7fffffu) | 0x800000u;
  }
  uint32_t odd = kept >> shift & 1u;
  return uint16_t(sign | (kept + (1u << (shift - 1)) - 1u + odd) >> shift);
}

/// Exact.
inline float fromF16(uint16_t bits) {
  uint32_t sign = uint32_t(bits & 0x8000u) << 16, magnitude = bits & 0x7fffu;
  if (magnitude >= 0x7c00u)
    return detail::bitCast<float>(sign | 0x7f800000u |
                                  (magnitude & 0x3ffu) << 13);
  if (magnitude >= 0x400u)
    return detail::bitCast<float>(sign | ((magnitude << 13) + (112u << 23)));
  // The integer is exact, and so is its product with a power of two.
  float value = float(magnitude) * 0x1p-24f;
  return sign ? -value : value;
}

} // namespace mlir::qopt::quantmath

#endif // QUANTOPT_SUPPORT_HALFPRECISION_H

//===- ExactArithmetic.h - Correct rounding by integers ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The oracle of the QuantMath tests: finite binary floating-point numbers as
// integer mantissa and exponent, operations without rounding, and rounding to
// binary32, binary64 or an integer decided by comparing integers. It shares no
// code with QuantMath and performs no floating-point operation. Also the
// random numbers of the tests, the same on every platform.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_UNIT_EXACTARITHMETIC_H
#define QUANTOPT_TEST_UNIT_EXACTARITHMETIC_H

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <sstream>
#include <string>

namespace exact {

__extension__ typedef unsigned __int128 UInt128;
__extension__ typedef __int128 Int128;

inline uint32_t bitsOf(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits;
}
inline uint64_t bitsOf(double x) {
  uint64_t bits;
  std::memcpy(&bits, &x, sizeof(bits));
  return bits;
}
inline float floatOf(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}
inline double doubleOf(uint64_t bits) {
  double x;
  std::memcpy(&x, &bits, sizeof(x));
  return x;
}

/// +-mantissa * 2^exponent. Where a result was not representable in 126 bits
/// the last bit of the mantissa is sticky: set if anything was lost below it.
struct Number {
  bool negative;
  UInt128 mantissa;
  int exponent;
};

inline int bitLength(UInt128 x) {
  uint64_t hi = uint64_t(x >> 64), lo = uint64_t(x);
  return hi ? 128 - __builtin_clzll(hi) : lo ? 64 - __builtin_clzll(lo) : 0;
}

inline Number fromInteger(int64_t x) {
  return {x < 0, x < 0 ? UInt128(0) - UInt128(Int128(x)) : UInt128(x), 0};
}
/// Of a finite x.
inline Number fromFloat(float x) {
  uint32_t bits = bitsOf(x), fraction = bits & 0x7fffff;
  int field = int(bits >> 23 & 0xff);
  return {bits >> 31 != 0, field ? fraction | 0x800000 : fraction,
          (field ? field : 1) - 150};
}
inline Number fromDouble(double x) {
  uint64_t bits = bitsOf(x), fraction = bits & 0xfffffffffffff;
  int field = int(bits >> 52 & 0x7ff);
  return {bits >> 63 != 0, field ? fraction | 0x10000000000000 : fraction,
          (field ? field : 1) - 1075};
}

inline Number negate(Number a) { return {!a.negative, a.mantissa, a.exponent}; }

/// Exact for mantissas of up to 63 bits each.
inline Number multiply(Number a, Number b) {
  return {a.negative != b.negative, a.mantissa * b.mantissa,
          a.exponent + b.exponent};
}

/// a / b with at least 72 bits and a sticky bit, for mantissas of up to 53
/// bits and b not 0.
inline Number divide(Number a, Number b) {
  int up = 126 - bitLength(a.mantissa);
  UInt128 dividend = a.mantissa << up;
  UInt128 quotient = dividend / b.mantissa;
  bool rest = dividend % b.mantissa != 0;
  return {a.negative != b.negative, quotient << 1 | UInt128(rest),
          a.exponent - b.exponent - up - 1};
}

/// The mantissa of x at another exponent, bits dropped at the end sticky.
inline UInt128 mantissaAt(Number x, int exponent) {
  int shift = exponent - x.exponent;
  if (shift <= 0)
    return x.mantissa << -shift;
  if (shift > 127)
    return x.mantissa != 0;
  UInt128 kept = x.mantissa >> shift;
  return kept | UInt128((kept << shift) != x.mantissa);
}

/// a + b; exact if it fits in 124 bits, else with a sticky bit.
inline Number add(Number a, Number b) {
  if (a.mantissa == 0)
    return b;
  if (b.mantissa == 0)
    return a;
  int topA = bitLength(a.mantissa) + a.exponent;
  int topB = bitLength(b.mantissa) + b.exponent;
  int exponent = (topA > topB ? topA : topB) - 124;
  UInt128 x = mantissaAt(a, exponent), y = mantissaAt(b, exponent);
  if (a.negative == b.negative)
    return {a.negative, x + y, exponent};
  if (x == y)
    return {false, 0, 0};
  return x > y ? Number{a.negative, x - y, exponent}
               : Number{b.negative, y - x, exponent};
}

/// mantissa >> shift, to nearest, ties to even.
inline UInt128 shiftRightHalfEven(UInt128 x, int shift) {
  if (shift <= 0)
    return x << -shift;
  if (shift > 127)
    return 0;
  UInt128 kept = x >> shift, rest = x - (kept << shift);
  UInt128 half = UInt128(1) << (shift - 1);
  bool up = rest > half || (rest == half && (kept & 1));
  return kept + UInt128(up);
}

/// The IEEE bit pattern, sign apart, with `digits` bits of precision, the
/// subnormal step 2^lowest, and `fields` exponent fields, the last of them inf.
inline uint64_t roundToFormat(Number x, int digits, int lowest, int fields) {
  uint64_t hidden = uint64_t(1) << (digits - 1);
  uint64_t infinity = uint64_t(fields - 1) * hidden;
  if (x.mantissa == 0)
    return 0;
  int step = bitLength(x.mantissa) + x.exponent - digits;
  step = step < lowest ? lowest : step;
  if (step - lowest >= fields)
    return infinity;
  // The hidden bit, or a carry out of the fraction, counts up the field.
  uint64_t kept = uint64_t(shiftRightHalfEven(x.mantissa, step - x.exponent));
  uint64_t bits = uint64_t(step - lowest) * hidden + kept;
  return bits > infinity ? infinity : bits;
}

inline float toFloat(Number x) {
  uint64_t bits = roundToFormat(x, 24, -149, 256);
  return floatOf(uint32_t(bits) | uint32_t(x.negative) << 31);
}
inline double toDouble(Number x) {
  uint64_t bits = roundToFormat(x, 53, -1074, 2048);
  return doubleOf(bits | uint64_t(x.negative) << 63);
}

/// The nearest integer, ties to even, held within +-2^62.
inline int64_t toInteger(Number x) {
  constexpr int64_t kLimit = int64_t(1) << 62;
  if (x.mantissa == 0)
    return 0;
  UInt128 magnitude = bitLength(x.mantissa) + x.exponent > 63
                          ? UInt128(kLimit)
                          : shiftRightHalfEven(x.mantissa, -x.exponent);
  int64_t value = magnitude > UInt128(kLimit) ? kLimit : int64_t(magnitude);
  return x.negative ? -value : value;
}

inline int64_t clamp(int64_t x, int64_t lo, int64_t hi) {
  return x < lo ? lo : x > hi ? hi : x;
}

/// splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014).
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}

  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  /// An integer of [lo, hi], less than 2^32 of them.
  int64_t within(int64_t lo, int64_t hi) {
    return lo + int64_t((next() >> 32) * uint64_t(hi - lo + 1) >> 32);
  }
  /// A positive float with a random mantissa and an exponent of [lo, hi].
  float positive(int lo, int hi) {
    uint32_t field = uint32_t(within(lo, hi) + 127);
    return floatOf(field << 23 | uint32_t(next() >> 41));
  }
  /// Either sign.
  float real(int lo, int hi) {
    float x = positive(lo, hi);
    return next() & 1 ? -x : x;
  }
  /// Any bit pattern: NaN, infinities and subnormals too.
  float anything() { return floatOf(uint32_t(next() >> 32)); }

private:
  uint64_t state;
};

/// Counts mismatches, and keeps the first one's description.
struct Tally {
  int64_t wrong = 0;
  std::string first;
  template <typename... Parts> void check(bool good, const Parts &...parts) {
    if (good)
      return;
    if (wrong++ == 0) {
      std::ostringstream text;
      text << std::hexfloat;
      ((text << parts << ' '), ...);
      first = text.str();
    }
  }
  ~Tally() { EXPECT_EQ(wrong, 0) << "first: " << first; }
};

} // namespace exact

#endif // QUANTOPT_TEST_UNIT_EXACTARITHMETIC_H

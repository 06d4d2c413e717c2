//===- QuantMathTest.cpp - Quantize, scales, contraction ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compares the header with ExactArithmetic.h, which decides every rounding by
// integers: exhaustively over 8- and 16-bit domains, at ties, limits and
// special values, and with 10^7 random draws per formula. Mismatches are
// counted, and the first is printed.
//
//===----------------------------------------------------------------------===//

#include "QuantOpt/Support/QuantMath.h"
#include "ExactArithmetic.h"

#include <gtest/gtest.h>

#include <vector>

namespace qm = mlir::qopt::quantmath;
using exact::Number;
using exact::Random;
using exact::Tally;
using qm::IntRange;

namespace {

constexpr int kDraws = 10'000'000;
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr IntRange kS8 = {-128, 127}, kU8 = {0, 255}, kS16 = {-32768, 32767};

bool isNaN(float x) { return (exact::bitsOf(x) & 0x7fffffff) > 0x7f800000; }
bool isInf(float x) { return (exact::bitsOf(x) & 0x7fffffff) == 0x7f800000; }
bool isZero(float x) { return (exact::bitsOf(x) & 0x7fffffff) == 0; }
bool isNegative(float x) { return exact::bitsOf(x) >> 31; }

/// The quotient or product rounded to f32, specials by the rules of IEEE 754.
float divideOracle(float x, float s) {
  bool negative = isNegative(x) != isNegative(s);
  if (isNaN(x) || isNaN(s) || (isInf(x) && isInf(s)) ||
      (isZero(x) && isZero(s)))
    return kNaN;
  if (isInf(x) || isZero(s))
    return negative ? -kInf : kInf;
  if (isInf(s) || isZero(x))
    return 0;
  return exact::toFloat(
      exact::divide(exact::fromFloat(x), exact::fromFloat(s)));
}
float multiplyOracle(float x, float r) {
  bool negative = isNegative(x) != isNegative(r);
  if (isNaN(x) || isNaN(r) || (isInf(x) && isZero(r)) ||
      (isZero(x) && isInf(r)))
    return kNaN;
  if (isInf(x) || isInf(r))
    return negative ? -kInf : kInf;
  return exact::toFloat(
      exact::multiply(exact::fromFloat(x), exact::fromFloat(r)));
}

/// clamp(rne(x) + z), the zero point added before the clamp.
int64_t roundOracle(float x, int32_t z, IntRange range) {
  if (isNaN(x))
    return exact::clamp(z, range.lo, range.hi);
  if (isInf(x))
    return isNegative(x) ? range.lo : range.hi;
  return exact::clamp(exact::toInteger(exact::fromFloat(x)) + z, range.lo,
                      range.hi);
}

void checkQuantize(Tally &tally, float x, float s, int32_t z, IntRange range) {
  int64_t div = qm::quantizeDiv(x, s, z, range);
  tally.check(div == roundOracle(divideOracle(x, s), z, range), "div", x, s, z,
              div);
  // The same number as a reciprocal scale.
  int64_t mul = qm::quantizeMul(x, s, z, range);
  tally.check(mul == roundOracle(multiplyOracle(x, s), z, range), "mul", x, s,
              z, mul);
}

//===----------------------------------------------------------------------===//
// Environment and rounding
//===----------------------------------------------------------------------===//

TEST(FloatingPoint, selfCheckPasses) { EXPECT_TRUE(qm::selfCheck()); }

#if QUANTOPT_HAS_MXCSR
TEST(FloatingPoint, environmentIsSetAndRestored) {
  const unsigned saved = _mm_getcsr();
  // FTZ, DAZ, both, and the three directed roundings.
  for (unsigned mode : {0x8000u, 0x0040u, 0x8040u, 0x2000u, 0x4000u, 0x6000u}) {
    _mm_setcsr(0x1F80 | mode);
    bool before = qm::selfCheck(), inside;
    unsigned set;
    {
      qm::FloatEnvironment environment;
      set = _mm_getcsr();
      inside = qm::selfCheck();
    }
    unsigned restored = _mm_getcsr() & ~0x3fu; // Less the sticky flags.
    _mm_setcsr(saved);
    EXPECT_FALSE(before) << mode;
    EXPECT_TRUE(inside) << mode;
    EXPECT_EQ(set & ~0x3fu, 0x1F80u) << mode;
    EXPECT_EQ(restored, 0x1F80 | mode);
  }
}

TEST(FloatingPoint, roundingIgnoresTheMode) {
  const unsigned saved = _mm_getcsr();
  _mm_setcsr(0x1F80 | 0x6000);
  volatile float a = 1.5f, b = -2.5f;
  float up = qm::roundHalfEven(a), down = qm::roundHalfEven(b);
  _mm_setcsr(saved);
  EXPECT_EQ(up, 2.0f);
  EXPECT_EQ(down, -2.0f);
}
#endif

TEST(FloatingPoint, roundHalfEvenOfFloats) {
  Tally tally;
  auto check = [&](float x) {
    float y = qm::roundHalfEven(x);
    if (isNaN(x))
      return tally.check(isNaN(y), x, y);
    // Large floats are integers; the oracle's integers end at 2^62.
    bool large = (exact::bitsOf(x) >> 23 & 0xff) >= 127 + 24;
    float expected = x;
    if (!large)
      expected = exact::toFloat(
          exact::fromInteger(exact::toInteger(exact::fromFloat(x))));
    uint32_t sign = exact::bitsOf(x) & 0x80000000;
    tally.check(exact::bitsOf(y) == (exact::bitsOf(expected) | sign), x, y);
  };
  // All upper halves, with lower halves at and beside what decides.
  for (uint32_t upper = 0; upper < 0x10000; ++upper)
    for (uint32_t lower : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
      check(exact::floatOf(upper << 16 | lower));
  for (int32_t twice = -140000; twice <= 140000; ++twice) {
    float tie = float(twice) / 2;
    for (uint32_t step : {0u, 1u, ~0u})
      check(exact::floatOf(exact::bitsOf(tie) + step));
  }
  Random random(1);
  for (int i = 0; i < kDraws / 4; ++i)
    check(random.anything());
}

TEST(FloatingPoint, roundHalfEvenOfDoubles) {
  Tally tally;
  auto check = [&](double x) {
    int field = int(exact::bitsOf(x) >> 52 & 0x7ff);
    double expected = x;
    if (field < 1023 + 53)
      expected = exact::toDouble(
          exact::fromInteger(exact::toInteger(exact::fromDouble(x))));
    uint64_t sign = exact::bitsOf(x) & 0x8000000000000000;
    double y = qm::roundHalfEven(x);
    tally.check(exact::bitsOf(y) == (exact::bitsOf(expected) | sign), x, y);
  };
  for (int32_t twice = -140000; twice <= 140000; ++twice)
    for (uint64_t step : {0ull, 1ull, ~0ull})
      check(exact::doubleOf(exact::bitsOf(double(twice) / 2) + step));
  for (double x : {0x1p52 - 0.5, 0x1p52 + 1, 0x1p51 + 0.5, 0x1p51 + 1.5, 0x1p53,
                   1e300, double(kInf), -double(kInf), 0x1p-1074, -0x1p-1022})
    check(x);
  Random random(2);
  for (int i = 0; i < kDraws / 4; ++i) {
    uint64_t field = uint64_t(random.within(1023 - 5, 1023 + 55));
    check(exact::doubleOf(random.next() >> 12 | field << 52));
  }
}

//===----------------------------------------------------------------------===//
// Quantize and dequantize
//===----------------------------------------------------------------------===//

TEST(Quantize, literalVectors) {
  // Ties go to even, then the zero point is added.
  EXPECT_EQ(qm::quantizeDiv(0.5f, 1.0f, 0, kS8), 0);
  EXPECT_EQ(qm::quantizeDiv(1.5f, 1.0f, 0, kS8), 2);
  EXPECT_EQ(qm::quantizeDiv(2.5f, 1.0f, 0, kS8), 2);
  EXPECT_EQ(qm::quantizeDiv(-0.5f, 1.0f, 0, kS8), 0);
  EXPECT_EQ(qm::quantizeDiv(-1.5f, 1.0f, 0, kS8), -2);
  EXPECT_EQ(qm::quantizeDiv(0.5f, 1.0f, 3, kS8), 3);
  EXPECT_EQ(qm::quantizeDiv(1.5f, 1.0f, 3, kS8), 5);
  EXPECT_EQ(qm::quantizeDiv(126.5f, 1.0f, 0, kS8), 126);
  EXPECT_EQ(qm::quantizeDiv(127.5f, 1.0f, 0, kS8), 127);
  EXPECT_EQ(qm::quantizeDiv(-128.5f, 1.0f, 0, kS8), -128);
  EXPECT_EQ(qm::quantizeMul(254.5f, 1.0f, 1, kU8), 255);
  EXPECT_EQ(qm::quantizeMul(3e9f, 1.0f, 200, kU8), 255);
  EXPECT_EQ(qm::quantizeMul(-3e9f, 1.0f, 200, kU8), 0);
  EXPECT_EQ(qm::quantizeMul(kInf, 1.0f, -128, kS8), 127);
  EXPECT_EQ(qm::quantizeMul(-kInf, 1.0f, 127, kS8), -128);
  EXPECT_EQ(qm::quantizeDiv(kNaN, 1.0f, 17, kU8), 17);
  EXPECT_EQ(qm::quantizeMul(kNaN, 1.0f, -5, kS8), -5);
  // A zero scale saturates, and makes NaN of zero.
  EXPECT_EQ(qm::quantizeDiv(1.0f, 0.0f, 0, kS8), 127);
  EXPECT_EQ(qm::quantizeDiv(-1e-40f, 0.0f, 9, kU8), 0);
  EXPECT_EQ(qm::quantizeDiv(0.0f, 0.0f, 9, kU8), 9);
  // Division and multiplication differ next to ties: 45.5 / 7 is one.
  EXPECT_EQ(qm::reciprocalScale(7.0f), 0x1.24924ap-3f);
  EXPECT_EQ(qm::quantizeDiv(45.5f, 7.0f, 0, kS8), 6);
  EXPECT_EQ(qm::quantizeMul(45.5f, qm::reciprocalScale(7.0f), 0, kS8), 7);
  // Subnormal values and scales count.
  EXPECT_EQ(qm::quantizeDiv(0x1p-147f, 0x1p-149f, 0, kS8), 4);
  EXPECT_EQ(qm::quantizeMul(0x1p-147f, 0x1p127f, 0, kS8), 0);
  EXPECT_EQ(qm::quantizeMul(0x1p-126f, 0x1p127f, 0, kS8), 2);
  EXPECT_EQ(qm::dequantize(3, 0x1p-149f, 1), 0x1p-148f);
  EXPECT_EQ(qm::dequantize(-128, 0.5f, 127), -127.5f);
}

TEST(Quantize, everyUpperHalf) {
  Tally tally;
  const IntRange ranges[] = {kS8, kU8, kS16, {-127, 127}, {-8, 7}, {10, 90}};
  for (IntRange range : ranges)
    for (float s : {1.0f, 0.1f, 0x1p-40f, 0x1.fffffep+40f, 1e-38f, 0x1p-149f,
                    FLT_MAX, 0.0f, kInf, kNaN, -2.0f})
      for (int32_t z : {range.lo, (range.lo + range.hi) / 2, range.hi})
        for (uint32_t upper = 0; upper < 0x10000; upper += 7)
          checkQuantize(tally, exact::floatOf(upper << 16), s, z, range);
}

TEST(Quantize, everyTieOfEightBits) {
  Tally tally;
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    float s = random.positive(-40, 40);
    for (IntRange range : {kS8, kU8})
      for (int32_t z : {range.lo, 0, 100, range.hi})
        for (int32_t q = range.lo - 2; q <= range.hi + 2; ++q)
          for (int ulp = -2; ulp <= 2; ++ulp) {
            float tie = float(double(s) * (q - z + 0.5));
            float x = exact::floatOf(exact::bitsOf(tie) + uint32_t(ulp));
            int64_t got = qm::quantizeDiv(x, s, z, range);
            tally.check(got == roundOracle(divideOracle(x, s), z, range), x, s,
                        z, got);
          }
  }
}

TEST(Quantize, randomDraws) {
  Tally tally;
  Random random(4);
  for (int i = 0; i < kDraws; ++i) {
    // A quarter anything at all, the rest within reach of the range, half of
    // that next to ties.
    uint64_t kind = random.next() & 3;
    float s = kind == 0 ? random.anything() : random.positive(-40, 40);
    float x = kind == 0 ? random.anything() : s * random.real(-3, 9);
    if (kind >= 2)
      x = s * (float(random.within(-300, 300)) + 0.5f);
    IntRange range = random.next() & 1 ? kS8 : kU8;
    int32_t z = int32_t(random.within(range.lo, range.hi));
    checkQuantize(tally, x, s, z, range);
    if (kind == 3)
      checkQuantize(tally, x, qm::reciprocalScale(s), z, range);
  }
}

TEST(Quantize, reciprocalScale) {
  Tally tally;
  Random random(5);
  const Number one = exact::fromInteger(1);
  for (int i = 0; i < kDraws / 10; ++i) {
    float s = random.positive(-125, 125);
    double r = exact::toDouble(exact::divide(one, exact::fromFloat(s)));
    float expected = exact::toFloat(exact::fromDouble(r));
    tally.check(qm::reciprocalScale(s) == expected, s);
  }
}

TEST(Quantize, dequantizeExhaustively) {
  Tally tally;
  auto check = [&](int32_t q, float s, int32_t z) {
    Number difference = exact::fromInteger(q - z);
    float expected =
        exact::toFloat(exact::multiply(difference, exact::fromFloat(s)));
    tally.check(qm::dequantize(q, s, z) == expected, q, s, z);
  };
  for (float s : {0.1f, 0x1.fffffep-41f, 0x1p-149f, 0x1.abcdeep-130f, 3e38f}) {
    for (IntRange range : {kS8, kU8})
      for (int32_t q = range.lo; q <= range.hi; ++q)
        for (int32_t z = range.lo; z <= range.hi; ++z)
          check(q, s, z);
    for (int32_t q = kS16.lo; q <= kS16.hi; ++q)
      for (int32_t z : {kS16.lo, -1, 0, kS16.hi})
        check(q, s, z);
  }
}

TEST(Quantize, integersSurviveTheRoundTrip) {
  Tally tally;
  Random random(6);
  for (int round = 0; round < 24; ++round) {
    float s = random.positive(-40, 40), r = qm::reciprocalScale(s);
    auto check = [&](int32_t q, int32_t z, IntRange range) {
      float x = qm::dequantize(q, s, z);
      tally.check(qm::quantizeDiv(x, s, z, range) == q, "div", q, s, z);
      tally.check(qm::quantizeMul(x, r, z, range) == q, "mul", q, s, z);
    };
    for (IntRange range : {kS8, kU8})
      for (int32_t z = range.lo; z <= range.hi; z += 5)
        for (int32_t q = range.lo; q <= range.hi; ++q)
          check(q, z, range);
    for (int32_t q = kS16.lo; q <= kS16.hi; ++q)
      check(q, 0, kS16);
  }
}

//===----------------------------------------------------------------------===//
// Scales
//===----------------------------------------------------------------------===//

/// f32(width / levels) through f64, within the limits.
float scaleOracle(double width, int32_t levels) {
  double s = exact::toDouble(
      exact::divide(exact::fromDouble(width), exact::fromInteger(levels)));
  float scale = exact::toFloat(exact::fromDouble(s));
  return scale < 0x1p-40f ? 0x1p-40f : scale > 0x1p40f ? 0x1p40f : scale;
}

TEST(Scales, symmetricAndOneSided) {
  Tally tally;
  Random random(7);
  for (int i = 0; i < kDraws / 10; ++i) {
    double amax = random.positive(-60, 60);
    qm::ScaleChoice s8 = qm::symmetricScale(amax);
    qm::ScaleChoice s4 = qm::symmetricScale(amax, qm::kInt4Max);
    qm::ScaleChoice u8 = qm::oneSidedScale(amax);
    tally.check(s8.scale == scaleOracle(amax, 127), "s8", amax, s8.scale);
    tally.check(s4.scale == scaleOracle(amax, 7), "s4", amax, s4.scale);
    tally.check(u8.scale == scaleOracle(amax, 255), "u8", amax, u8.scale);
    tally.check(!s8.dead && !u8.dead && !s8.zeroPoint && !u8.zeroPoint, amax);
  }
}

TEST(Scales, limitsAndDeadTensors) {
  EXPECT_EQ(qm::symmetricScale(0).scale, 1.0f);
  EXPECT_TRUE(qm::symmetricScale(0).dead);
  EXPECT_TRUE(qm::symmetricScale(-0.0).dead);
  EXPECT_TRUE(qm::oneSidedScale(0).dead);
  EXPECT_TRUE(qm::symmetricScale(double(kNaN)).dead);
  EXPECT_EQ(qm::symmetricScale(1e-300).scale, 0x1p-40f);
  EXPECT_FALSE(qm::symmetricScale(1e-300).dead);
  EXPECT_EQ(qm::symmetricScale(1e300).scale, 0x1p40f);
  EXPECT_EQ(qm::symmetricScale(double(kInf)).scale, 0x1p40f);
  qm::ScaleChoice dead = qm::asymmetricScale(0, 0, kS8);
  EXPECT_TRUE(dead.dead);
  EXPECT_EQ(dead.scale, 1.0f);
  EXPECT_EQ(dead.zeroPoint, -128);
}

TEST(Scales, asymmetric) {
  Tally tally;
  Random random(8);
  for (int i = 0; i < kDraws / 10; ++i) {
    double min = random.real(-50, 50), max = random.real(-50, 50);
    IntRange range = random.next() & 1 ? kU8 : kS8;
    qm::ScaleChoice choice = qm::asymmetricScale(min, max, range);
    // Widened to contain 0; the width rounds to f64, then the quotient does.
    Number lo = exact::fromDouble(min < 0 ? min : 0);
    Number hi = exact::fromDouble(max > 0 ? max : 0);
    double width = exact::toDouble(exact::add(hi, exact::negate(lo)));
    if (width == 0) {
      tally.check(choice.dead && choice.scale == 1, min, max);
      continue;
    }
    float s = scaleOracle(width, 255);
    double steps = 0;
    if (lo.mantissa != 0)
      steps = exact::toDouble(exact::divide(lo, exact::fromFloat(s)));
    double z = exact::toDouble(exact::add(
        exact::fromInteger(range.lo), exact::negate(exact::fromDouble(steps))));
    int64_t expected = exact::clamp(exact::toInteger(exact::fromDouble(z)),
                                    range.lo, range.hi);
    tally.check(choice.scale == s && choice.zeroPoint == expected &&
                    !choice.dead,
                min, max, choice.scale, choice.zeroPoint);
    tally.check(qm::dequantize(choice.zeroPoint, choice.scale,
                               choice.zeroPoint) == 0.0f,
                min, max);
  }
  EXPECT_EQ(qm::asymmetricScale(-1, 1.55, kU8).zeroPoint, 100);
  EXPECT_EQ(qm::asymmetricScale(2, 5.1, kU8).zeroPoint, 0);
  EXPECT_EQ(qm::asymmetricScale(-5.1, -2, kU8).zeroPoint, 255);
  EXPECT_EQ(qm::asymmetricScale(-5.1, -2, kS8).zeroPoint, 127);
}

//===----------------------------------------------------------------------===//
// Contraction
//===----------------------------------------------------------------------===//

TEST(Contraction, storage) {
  using qm::Storage;
  EXPECT_EQ(qm::rangeOf(Storage::S4), (IntRange{-8, 7}));
  EXPECT_EQ(qm::rangeOf(Storage::S8), kS8);
  EXPECT_EQ(qm::rangeOf(Storage::U8), kU8);
  EXPECT_EQ(qm::rangeOf(Storage::S16), kS16);
  EXPECT_EQ(qm::weightRangeOf(Storage::S8), (IntRange{-127, 127}));
  EXPECT_EQ(qm::weightRangeOf(Storage::S4), (IntRange{-7, 7}));
  EXPECT_EQ(qm::weightRangeOf(Storage::U8), kU8);
}

TEST(Contraction, fourTermsEqualTheDefinition) {
  Tally tally;
  Random random(9);
  std::vector<int16_t> a(3 * 64), w(2 * 64);
  for (int round = 0; round < 20000; ++round) {
    IntRange rangeA = round & 1 ? kU8 : kS8, rangeW = round & 2 ? kU8 : kS8;
    int64_t count = random.within(0, 64), sum = 0;
    int32_t za = int32_t(random.within(rangeA.lo, rangeA.hi));
    int32_t zw = int32_t(random.within(rangeW.lo, rangeW.hi));
    for (int64_t k = 0; k < count; ++k) {
      a[3 * k] = int16_t(random.within(rangeA.lo, rangeA.hi));
      w[2 * k] = int16_t(random.within(rangeW.lo, rangeW.hi));
      sum += (a[3 * k] - za) * (w[2 * k] - zw);
    }
    int64_t exactly = qm::dotExact(a.data(), w.data(), count, za, zw, 3, 2);
    int32_t wrapped = qm::dot(a.data(), w.data(), count, za, zw, 3, 2);
    tally.check(exactly == sum && wrapped == sum, count, za, zw);
  }
}

TEST(Contraction, worstCaseLengths) {
  const IntRange weights = qm::weightRangeOf(qm::Storage::S8);
  EXPECT_EQ(qm::maxProvenLength(kS8, false, weights, false), 132104);
  EXPECT_EQ(qm::maxProvenLength(kU8, false, weights, false), 66311);
  EXPECT_EQ(qm::maxProvenLength(kS8, true, weights, false), 66311);
  EXPECT_EQ(qm::maxProvenLength(kU8, true, kU8, true), 33025);
  EXPECT_EQ(qm::maxProvenLength(kS8, true, kS8, true), 33025);
}

/// At the longest proven length the extreme sums are right, and one more
/// overflows.
TEST(Contraction, largestAccumulators) {
  struct Case {
    int32_t a, w, za, zw;
    IntRange rangeA;
    int64_t length;
  };
  const Case cases[] = {
      {-128, 127, 0, 0, kS8, 132104},    {-128, -127, 0, 0, kS8, 132104},
      {255, -127, 0, 0, kU8, 66311},     {0, 127, 255, 0, kU8, 66311},
      {127, 127, -128, 0, kS8, 66311},   {255, 255, 0, 0, kU8, 33025},
      {0, 255, 255, 0, kU8, 33025},      {255, 0, 0, 255, kU8, 33025},
      {-128, -128, 127, 127, kS8, 33025}};
  for (const Case &c : cases)
    for (int64_t extra : {0, 1}) {
      std::vector<int16_t> a(c.length + extra, int16_t(c.a));
      std::vector<int16_t> w(c.length + extra, int16_t(c.w));
      int64_t count = c.length + extra;
      qm::AccumulatorBound bound =
          qm::boundAccumulator(w.data(), count, c.rangeA, c.za, c.zw);
      int64_t sum = qm::dotExact(a.data(), w.data(), count, c.za, c.zw);
      int32_t wrapped = qm::dot(a.data(), w.data(), count, c.za, c.zw);
      EXPECT_EQ(bound.fitsInt32(), extra == 0) << c.a << ' ' << c.w;
      EXPECT_EQ(wrapped == sum, extra == 0) << c.a << ' ' << c.w;
      EXPECT_LE(sum < 0 ? -sum : sum, std::max(bound.raw, bound.corrected));
    }
}

TEST(Contraction, initialValueCounts) {
  const int8_t w[] = {127, -127};
  // 2 * 128 * 127 = 32512.
  EXPECT_EQ(qm::boundAccumulator(w, 2, kS8).raw, 32512);
  const int64_t room = 2147483647 - 32512;
  EXPECT_TRUE(qm::boundAccumulator(w, 2, kS8, 0, 0, room).fitsInt32());
  EXPECT_TRUE(qm::boundAccumulator(w, 2, kS8, 0, 0, -room).fitsInt32());
  EXPECT_FALSE(qm::boundAccumulator(w, 2, kS8, 0, 0, room + 1).fitsInt32());
  EXPECT_FALSE(qm::boundAccumulator(w, 2, kS8, 0, 0, -room - 1).fitsInt32());
  EXPECT_EQ(qm::boundAccumulator(w, 2, kS8, 127, 0, 5).corrected, 64775);
  EXPECT_EQ(qm::boundAccumulator(w, 1, kS8, 0, 0, 0, 1).raw, 16256);
}

/// All activations of a small range, all weights, all zero points: no sum
/// exceeds the bounds, and weights of one sign reach them.
TEST(Contraction, boundsHoldExhaustively) {
  Tally tally;
  const IntRange small = {-4, 3};
  for (int32_t w0 = -4; w0 <= 3; ++w0)
    for (int32_t w1 = -4; w1 <= 3; ++w1)
      for (int32_t za = -4; za <= 3; ++za)
        for (int32_t zw = -4; zw <= 3; ++zw) {
          const int32_t w[] = {w0, w1};
          qm::AccumulatorBound bound =
              qm::boundAccumulator(w, 2, small, za, zw, 6);
          int64_t raw = 0, corrected = 0;
          for (int32_t a0 = -4; a0 <= 3; ++a0)
            for (int32_t a1 = -4; a1 <= 3; ++a1)
              for (int64_t initial : {-6, 6}) {
                int64_t r = initial + a0 * w0 + a1 * w1;
                int64_t c =
                    initial + (a0 - za) * (w0 - zw) + (a1 - za) * (w1 - zw);
                raw = std::max(raw, r < 0 ? -r : r);
                corrected = std::max(corrected, c < 0 ? -c : c);
              }
          tally.check(raw <= bound.raw && corrected <= bound.corrected, w0, w1,
                      za, zw);
          if (w0 * w1 >= 0)
            tally.check(raw == bound.raw, "tight", w0, w1);
          if ((w0 - zw) * (w1 - zw) >= 0)
            tally.check(corrected == bound.corrected, "tight", w0, w1, za, zw);
        }
}

//===----------------------------------------------------------------------===//
// Dynamic quantization
//===----------------------------------------------------------------------===//

TEST(Dynamic, absoluteMaximum) {
  const float row[] = {kNaN, -3.0f, 2.5f, -0.0f, kNaN};
  EXPECT_EQ(qm::dynamicAmax(row, 5), 3.0f);
  EXPECT_EQ(qm::dynamicAmax(row, 1), 0.0f);
  EXPECT_EQ(qm::dynamicAmax(row, 0), 0.0f);
  const float infinite[] = {1.0f, -kInf, kNaN};
  EXPECT_EQ(qm::dynamicAmax(infinite, 3), FLT_MAX);
  const float subnormal[] = {-0x1p-149f};
  EXPECT_EQ(qm::dynamicAmax(subnormal, 1), 0x1p-149f);
}

TEST(Dynamic, scales) {
  Tally tally;
  Random random(10);
  const Number levels = exact::fromInteger(127);
  for (int i = 0; i < kDraws / 10; ++i) {
    float amax = random.positive(-100, 127);
    qm::DynamicScale scale = qm::dynamicScale(amax);
    Number a = exact::fromFloat(amax);
    tally.check(scale.scale == exact::toFloat(exact::divide(a, levels)), amax);
    tally.check(scale.reciprocal == exact::toFloat(exact::divide(levels, a)),
                amax);
    tally.check(qm::quantizeMul(-amax, scale.reciprocal, 0, kS8) == -127, amax);
  }
  for (float amax : {0.0f, 0x1p-149f, 0x1.fffffep-101f}) {
    EXPECT_EQ(qm::dynamicScale(amax).scale, 1.0f);
    EXPECT_EQ(qm::dynamicScale(amax).reciprocal, 1.0f);
  }
  EXPECT_NE(qm::dynamicScale(0x1p-100f).scale, 1.0f);
  EXPECT_EQ(qm::dynamicScale(FLT_MAX).scale, 0x1.020408p+121f);
}

} // namespace

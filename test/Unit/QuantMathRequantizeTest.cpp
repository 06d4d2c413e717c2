//===- QuantMathRequantizeTest.cpp - The requantization contracts ---------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compares each contract with ExactArithmetic.h, which decides every rounding
// by integers, on literal vectors and 10^7 random draws of which half are next
// to ties, and the error of `fused` with exact rational arithmetic.
//
//===----------------------------------------------------------------------===//

#include "ExactArithmetic.h"
#include "QuantOpt/Support/QuantMath.h"

#include <gtest/gtest.h>

namespace qm = mlir::qopt::quantmath;
using exact::Int128;
using exact::Number;
using exact::Random;
using exact::Tally;
using qm::FusedParams;
using qm::IntRange;

namespace {

constexpr int kDraws = 10'000'000;
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr IntRange kS8 = {-128, 127}, kU8 = {0, 255};

/// A number that has been rounded to f64 or f32.
Number f64(Number x) { return exact::fromDouble(exact::toDouble(x)); }
Number f32(Number x) { return exact::fromFloat(exact::toFloat(x)); }
Number real(float x) { return exact::fromFloat(x); }
Number integer(int64_t x) { return exact::fromInteger(x); }
Number minus(Number a, Number b) { return exact::add(a, exact::negate(b)); }

float fmaOracle(Number a, float b, Number c) {
  return exact::toFloat(exact::add(exact::multiply(a, real(b)), c));
}

/// f32(acc) times M, rounded or not, and what may be added.
int64_t fusedOracle(int64_t acc, float M, float B, IntRange range) {
  Number d = real(fmaOracle(f32(integer(acc)), M, real(B)));
  return exact::clamp(exact::toInteger(d), range.lo, range.hi);
}

/// An accumulator of up to 31 bits, of all magnitudes.
int32_t drawAccumulator(Random &random) {
  return int32_t(int64_t(random.next()) >> random.within(33, 62));
}

int64_t sign(Random &random) { return random.next() & 1 ? 1 : -1; }

//===----------------------------------------------------------------------===//
// fused and fused-i32
//===----------------------------------------------------------------------===//

TEST(Fused, literalVectors) {
  auto fused = [](int32_t acc, float M, float B, IntRange range) {
    return qm::requantizeFused(acc, FusedParams{M, B}, range);
  };
  EXPECT_EQ(fused(1, 0.5f, 0, kS8), 0);
  EXPECT_EQ(fused(3, 0.5f, 0, kS8), 2);
  EXPECT_EQ(fused(5, 0.5f, 0, kS8), 2);
  EXPECT_EQ(fused(-3, 0.5f, 0, kS8), -2);
  // B holds the zero point: the tie is that of the sum.
  EXPECT_EQ(fused(1, 0.5f, 1, kS8), 2);
  EXPECT_EQ(fused(1, 1, 0.5f, kS8), 2);
  EXPECT_EQ(fused(2147483647, 1, 0, kS8), 127);
  EXPECT_EQ(fused(-2147483647 - 1, 1, 0, kS8), -128);
  EXPECT_EQ(fused(2147483647, 0x1p-24f, 0, kU8), 128);
  // A ReLU that moved into the range.
  EXPECT_EQ(fused(-100, 1, 0, {-10, 127}), -10);
  // 2^24 + 1 rounds to 2^24 before the multiplication.
  EXPECT_EQ(fused(16777217, 1, -16777216, kS8), 0);
  EXPECT_EQ(fused(16777219, 1, -16777216, kS8), 4);
  // One rounding: 4097 * 4097 / 2^24 = 1 + 2^-11 + 2^-24; rounded, the product
  // would leave 2^-11 and so the tie 0.5.
  EXPECT_EQ(fused(4097, 4097 * 0x1p-24f, -0.5f - 0x1p-11f, kS8), 1);
  // Infinite products saturate, subnormal multipliers count.
  EXPECT_EQ(fused(2147483647, FLT_MAX, -FLT_MAX, kS8), 127);
  EXPECT_EQ(fused(1, 0x1p-149f, 0.5f, kS8), 0);
  EXPECT_EQ(fused(0, 0x1p-149f, 1.5f, kS8), 2);
}

TEST(Fused, validity) {
  EXPECT_TRUE((FusedParams{1, 0}.isValid()));
  EXPECT_TRUE((FusedParams{0x1p-149f, -FLT_MAX}.isValid()));
  for (float M : {0.0f, -1.0f, kInf, kNaN})
    EXPECT_FALSE((FusedParams{M, 0}.isValid())) << M;
  for (float B : {kInf, -kInf, kNaN})
    EXPECT_FALSE((FusedParams{1, B}.isValid())) << B;
  // Scales at our limits stay normal; imported ones may vanish or overflow.
  EXPECT_GE(qm::makeFused(0x1p-40f, 0x1p-40f, 0x1p40f, 0, 0, 0, 0).M, FLT_MIN);
  EXPECT_TRUE(qm::makeFused(0x1p40f, 0x1p40f, 0x1p-40f, 0, 0, 0, 0).isValid());
  EXPECT_FALSE(qm::makeFused(1e-30f, 1e-30f, 1, 0, 0, 0, 0).isValid());
  EXPECT_FALSE(qm::makeFused(1e30f, 1e30f, 1, 0, 0, 0, 0).isValid());
}

TEST(Fused, requantizeRandomDraws) {
  Tally tally;
  Random random(21);
  for (int i = 0; i < kDraws; ++i) {
    int32_t acc = drawAccumulator(random);
    float M = random.positive(-32, 0), B = random.real(-10, 9);
    if (random.next() & 1) // Next to a tie.
      B = float(double(random.within(-130, 260)) + 0.5 -
                double(acc) * double(M));
    IntRange range = random.next() & 1 ? kS8 : kU8;
    int64_t got = qm::requantizeFused(acc, FusedParams{M, B}, range);
    tally.check(got == fusedOracle(acc, M, B, range), acc, M, B, got);
  }
}

/// M and B by the order of the specification.
FusedParams paramsOracle(float sa, float sw, float sy, float bias, int64_t zero,
                         int32_t zy) {
  Number scales = exact::multiply(real(sa), real(sw));
  float M = exact::toFloat(f64(exact::divide(scales, real(sy))));
  Number bySy = f64(exact::divide(real(bias), real(sy)));
  Number zeroPoint = f64(exact::multiply(f64(integer(zero)), real(M)));
  Number difference = f64(minus(bySy, zeroPoint));
  return {M, exact::toFloat(f64(exact::add(difference, integer(zy))))};
}

/// Half of the draws let bias and zero points cancel almost wholly, because
/// only then the last bits of the f64 steps, and so their order, show in B.
TEST(Fused, constantsRandomDraws) {
  Tally tally;
  Random random(22);
  int64_t orderShows = 0;
  for (int i = 0; i < kDraws / 4; ++i) {
    float sa = random.positive(-20, 5), sw = random.positive(-20, 5);
    float sy = random.positive(-20, 5);
    int32_t za = int32_t(random.within(-128, 255));
    int64_t sumQw = drawAccumulator(random) >> 8;
    int32_t zy = int32_t(random.within(-128, 255));
    float bias = random.real(-20, 20);
    double M = double(float(double(sa) * double(sw) / double(sy)));
    double zeroPoint = double(za * sumQw) * M;
    if (random.next() & 1)
      bias = float((zeroPoint - zy) * double(sy));
    FusedParams expected = paramsOracle(sa, sw, sy, bias, za * sumQw, zy);
    FusedParams got = qm::makeFused(sa, sw, sy, bias, za, sumQw, zy);
    tally.check(got.M == expected.M && got.B == expected.B, sa, sw, sy, bias,
                za, sumQw, zy, got.M, got.B);
    orderShows +=
        float((double(bias) / double(sy) + zy) - zeroPoint) != expected.B;

    FusedParams noZero = paramsOracle(sa, sw, sy, bias, 0, zy);
    qm::FusedI32Params i32 = qm::makeFusedI32(sa, sw, sy, bias, za, sumQw, zy);
    tally.check(i32.fused.M == noZero.M && i32.fused.B == noZero.B &&
                    i32.correction == -za * sumQw,
                "i32", sa, sw, sy, bias, zy);

    FusedParams unscaled = paramsOracle(sa, sw, 1, bias, za * sumQw, 0);
    FusedParams units = qm::makeReal(sa, sw, bias, za, sumQw);
    tally.check(units.M == sa * sw && units.M == unscaled.M &&
                    units.B == unscaled.B,
                "real", sa, sw, bias);
  }
  // The draws do tell the orders apart.
  EXPECT_GT(orderShows, 1000);
}

TEST(Fused, correctionIsAddedInI32) {
  Tally tally;
  Random random(23);
  for (int i = 0; i < kDraws / 4; ++i) {
    int32_t c = drawAccumulator(random) / 2, acc = drawAccumulator(random) / 2;
    float M = random.positive(-32, 0), B = random.real(-3, 8);
    int64_t got = qm::requantizeFused(acc, qm::FusedI32Params{{M, B}, c}, kU8);
    tally.check(got == fusedOracle(acc + c, M, B, kU8), acc, c, M, B, got);
  }
  // The raw accumulator may be past i32 where the corrected one is not.
  EXPECT_EQ(qm::requantizeFused(-2147483647,
                                qm::FusedI32Params{{1, 0}, -2147483647}, kS8),
            2);
}

/// A channel and one accumulator; activations are within s8.
struct Channel {
  float sa, sw, sy, bias;
  int32_t za, zy;
  int64_t sumQw, maxAcc, acc;

  FusedParams params() const {
    return qm::makeFused(sa, sw, sy, bias, za, sumQw, zy);
  }
  float d() const {
    return qm::accumulatePart(int32_t(acc), params().M, params().B);
  }
  double E() const { return qm::fusedError(maxAcc, params()); }

  /// |d - exact| <= factor * E by rational arithmetic: all terms times sy.
  bool errsAtMost(double factor) const {
    Number scales = exact::multiply(real(sa), real(sw));
    Number exactly = exact::add(
        exact::multiply(scales, integer(acc - za * sumQw)),
        exact::add(real(bias), exact::multiply(integer(zy), real(sy))));
    Number error = minus(exact::multiply(real(d()), real(sy)), exactly);
    error.negative = false;
    Number bound =
        f64(exact::multiply(exact::fromDouble(E()), exact::fromDouble(factor)));
    return !minus(exact::multiply(bound, real(sy)), error).negative;
  }
};

TEST(Fused, errorBound) {
  Tally tally;
  Random random(24);
  int64_t checked = 0, chosen = 0;
  for (int i = 0; i < kDraws / 10; ++i) {
    Channel c;
    int64_t sumAbs = random.within(1, 127 * 4096);
    c.maxAcc = 128 * sumAbs;
    c.sumQw = random.within(-sumAbs, sumAbs);
    c.za = int32_t(random.within(-128, 127));
    c.zy = int32_t(random.within(-128, 127));
    c.acc = random.within(-c.maxAcc, c.maxAcc);
    c.sa = random.positive(-12, 0);
    c.sw = random.positive(-12, 0);
    // A result scale that brings the result into the range.
    double width = double(c.sa) * double(c.sw) * double(c.acc - c.za * c.sumQw);
    c.sy = float((width < 0 ? -width : width) / double(random.within(1, 300))) +
           0x1p-30f;
    c.bias = c.sy * random.real(-4, 6);
    if (!(c.d() >= -128.5f && c.d() <= 127.5f))
      continue; // Saturated: d may be far off and the result right.
    ++checked;
    chosen += qm::needsI32(c.maxAcc, c.params());
    tally.check(c.errsAtMost(1.5), c.sa, c.sw, c.sy, c.bias, c.za, c.sumQw,
                c.zy, c.acc, c.E());
  }
  EXPECT_GT(checked, kDraws / 40);
  EXPECT_GT(chosen, 100);
  // All roundings aligned: E alone is exceeded, by 22 %.
  Channel worst = {0x1.f2ac28p-16f,  0x1.1b0df6p+0f, 0x1.13afcp+0f,
                   -0x1.1e7d34p+11f, -128,           68,
                   264256,           128 * 264256,   33554446};
  EXPECT_FALSE(worst.errsAtMost(1.2));
  EXPECT_TRUE(worst.errsAtMost(1.5));
}

TEST(Fused, whenTheI32FormIsChosen) {
  // E = 2^-24 (2 * 2^20 * M + |B| + 255) against 2^-8 = 65536 * 2^-24.
  EXPECT_EQ(qm::fusedError(1 << 20, {0x1p-5f, -26.0f}), 0x1p-24 * 65817);
  EXPECT_TRUE(qm::needsI32(1 << 20, {0x1p-5f, -26.0f}));
  EXPECT_FALSE(qm::needsI32(1 << 19, {0x1p-5f, -26.0f}));
  EXPECT_FALSE(qm::needsI32(0, {1, 65281.0f}));
  EXPECT_TRUE(qm::needsI32(0, {1, 65282.0f}));
  EXPECT_TRUE(qm::needsI32(0, {1, -65282.0f}));
}

TEST(Fused, splitReductionsAndResiduals) {
  Tally tally;
  Random random(25);
  for (int i = 0; i < kDraws / 10; ++i) {
    float M = random.positive(-24, -8), d = random.real(-3, 8), e = d;
    for (int part = 0; part < 3; ++part) {
      int32_t acc = drawAccumulator(random);
      d = qm::accumulatePart(acc, M, d);
      e = fmaOracle(f32(integer(acc)), M, real(e));
      tally.check(d == e, acc, M, d, e);
    }
    int32_t qr = int32_t(random.within(-128, 127));
    int32_t zr = int32_t(random.within(-128, 127));
    float sr = random.positive(-10, 2);
    float sum = qm::addResidual(d, qr, sr, zr);
    tally.check(sum == fmaOracle(integer(qr - zr), sr, real(d)), d, qr, sr, zr);
  }
}

TEST(Fused, mean) {
  Tally tally;
  Random random(26);
  for (int i = 0; i < kDraws / 10; ++i) {
    int64_t count = random.within(1, 4096);
    int32_t zx = int32_t(random.within(0, 255));
    int32_t zy = int32_t(random.within(0, 255));
    float sx = random.positive(-10, 2), sy = random.positive(-10, 2);
    qm::FusedI32Params mean = qm::makeMean(sx, zx, sy, zy, count);
    Number divisor = f64(exact::multiply(real(sy), integer(count)));
    float M = exact::toFloat(f64(exact::divide(real(sx), divisor)));
    tally.check(mean.fused.M == M && mean.fused.B == float(zy) &&
                    mean.correction == -zx * count,
                sx, zx, sy, zy, count);
    int64_t sum = random.within(0, 255 * count);
    int64_t got = qm::requantizeFused(int32_t(sum), mean, kU8);
    tally.check(got == fusedOracle(sum - zx * count, M, float(zy), kU8), sum);
  }
  // Two f64 divisions, one after the other, would round this up.
  EXPECT_EQ(qm::makeMean(0x1.031ac2p+0f, 0, 0x1.12de4ap+0f, 0, 899).fused.M,
            0x1.12df3cp-10f);
  // 1 + 2 + 4 at one scale: 7/3 and zero point 10.
  EXPECT_EQ(qm::requantizeFused(7 + 30, qm::makeMean(1, 10, 1, 10, 3), kU8),
            12);
}

//===----------------------------------------------------------------------===//
// onnx and tosa
//===----------------------------------------------------------------------===//

TEST(Onnx, literalVectors) {
  EXPECT_EQ(qm::requantizeOnnx(1, 0, 0.5f, 3, kU8), 3);
  EXPECT_EQ(qm::requantizeOnnx(3, 0, 0.5f, 3, kU8), 5);
  EXPECT_EQ(qm::requantizeOnnx(1, 2, 0.5f, 3, kU8), 5);
  EXPECT_EQ(qm::requantizeOnnx(-1000, 0, 0.5f, 3, kU8), 0);
  EXPECT_EQ(qm::requantizeOnnx(2147483647, 0, 1, 255, kU8), 255);
  EXPECT_EQ(qm::requantizeOnnx(2147483647, 1, 1, 0, kS8), -128); // Wraps.
  // The product rounds to f32 first: the second is above 0.5, but by less than
  // half an ulp, and so becomes the tie.
  EXPECT_EQ(qm::requantizeOnnx(3, 0, 0x1.555554p-3f, 0, kS8), 0);
  EXPECT_EQ(qm::requantizeOnnx(3, 0, 0x1.555556p-3f, 0, kS8), 0);
  EXPECT_EQ(qm::requantizeOnnx(3, 0, 0x1.555558p-3f, 0, kS8), 1);
  // The two multipliers differ where the product of scales rounds.
  EXPECT_EQ(qm::onnxMultiplier(0.1f, 0.1f, 0.3f), 0x1.111112p-5f);
  EXPECT_EQ(qm::makeFused(0.1f, 0.1f, 0.3f, 0, 0, 0, 0).M, 0x1.11111p-5f);
}

TEST(Onnx, randomDraws) {
  Tally tally;
  Random random(27);
  for (int i = 0; i < kDraws; ++i) {
    float sa = random.positive(-20, 0), sw = random.positive(-20, 0);
    float sy = random.positive(-20, 0);
    float M = qm::onnxMultiplier(sa, sw, sy);
    Number scales = f32(exact::multiply(real(sa), real(sw)));
    tally.check(M == exact::toFloat(exact::divide(scales, real(sy))), sa, sw,
                sy);
    M = random.positive(-32, 0);
    int32_t acc = drawAccumulator(random) / 2;
    if (random.next() & 1) { // A result next to a tie.
      acc = int32_t(random.within(1, 1 << 20)) * int32_t(sign(random));
      M = (float(random.within(0, 200)) + 0.5f) / float(acc < 0 ? -acc : acc);
    }
    int32_t b32 = random.next() & 1 ? drawAccumulator(random) / 2 : 0;
    int32_t zy = int32_t(random.within(0, 255));
    Number product = f32(exact::multiply(f32(integer(acc + b32)), real(M)));
    int64_t expected = exact::clamp(exact::toInteger(product) + zy, 0, 255);
    int64_t got = qm::requantizeOnnx(acc, b32, M, zy, kU8);
    tally.check(got == expected, acc, b32, M, zy, got);
  }
}

/// Input and result of QuantizeLinear; `isUnsigned`: u8, else s8.
struct QuantizeVector {
  float x, s;
  int32_t z;
  bool isUnsigned;
  int32_t y;
};

/// One output of QLinearConv: u8 activations and results, s8 weights with a
/// scale per channel. `acc` is the corrected sum.
struct ConvolutionVector {
  int32_t acc, b32;
  float sa, sw, sy;
  int32_t zy, y;
};

#include "OnnxRuntimeVectors.inc"

TEST(Onnx, onnxruntimeVectors) {
  Tally tally;
  for (const QuantizeVector &v : kQuantizeVectors) {
    int32_t y = qm::quantizeDiv(v.x, v.s, v.z, v.isUnsigned ? kU8 : kS8);
    tally.check(y == v.y, "quantize", v.x, v.s, v.z, v.isUnsigned, v.y, y);
  }
  int fusedDiffers = 0;
  for (const ConvolutionVector &v : kConvolutionVectors) {
    float M = qm::onnxMultiplier(v.sa, v.sw, v.sy);
    int32_t y = qm::requantizeOnnx(v.acc, v.b32, M, v.zy, kU8);
    tally.check(y == v.y, "convolution", v.acc, v.b32, v.sa, v.sw, v.sy, v.zy,
                v.y, y);
    float B = float(double(v.b32) * double(v.sa) * double(v.sw));
    fusedDiffers +=
        v.y != qm::requantizeFused(
                   v.acc, qm::makeFused(v.sa, v.sw, v.sy, B, 0, 0, v.zy), kU8);
  }
  // The vectors do tell the contracts apart.
  EXPECT_GT(fusedDiffers, 10);
}

/// gemmlowp's two steps, which DOUBLE_ROUND must equal for shifts above 31:
/// SaturatingRoundingDoublingHighMul, then RoundingDivideByPOT.
int64_t gemmlowpOracle(int64_t value, int64_t multiplier, int shift) {
  int64_t product = value * multiplier;
  int64_t nudge = product >= 0 ? int64_t(1) << 30 : 1 - (int64_t(1) << 30);
  int64_t high = (product + nudge) / (int64_t(1) << 31);
  int exponent = shift - 31;
  int64_t mask = (int64_t(1) << exponent) - 1, rest = high & mask;
  int64_t threshold = (mask >> 1) + (high < 0 ? 1 : 0);
  return (high >> exponent) + (rest > threshold ? 1 : 0);
}

TEST(Tosa, literalVectors) {
  using qm::TosaRounding;
  auto scale = [](int32_t v, int32_t m, int32_t s, TosaRounding rounding) {
    return qm::tosaApplyScale(v, m, s, rounding);
  };
  const TosaRounding once = TosaRounding::Single, twice = TosaRounding::Double;
  EXPECT_EQ(scale(3, 1 << 30, 31, once), 2);   // 1.5, half up.
  EXPECT_EQ(scale(-3, 1 << 30, 31, once), -1); // -1.5, half up.
  EXPECT_EQ(scale(3, 1 << 30, 31, twice), 2);
  EXPECT_EQ(scale(-3, 1 << 30, 31, twice), -1); // Single up to shift 31.
  EXPECT_EQ(scale(-3, 1 << 30, 32, once), -1);  // -0.75.
  // -2.5: away from zero, then half up makes -3 of it, where single gives -2.
  EXPECT_EQ(scale(-10, 1 << 30, 32, once), -2);
  EXPECT_EQ(scale(-10, 1 << 30, 32, twice), -3);
  // 0.499..: twice rounded it becomes 1.
  EXPECT_EQ(scale(1, 2147483647, 32, once), 0);
  EXPECT_EQ(scale(1, 2147483647, 32, twice), 1);
  EXPECT_EQ(scale(2147483647, 2147483647, 62, once), 1);
  EXPECT_EQ(qm::requantizeTosa(130, 128, 1 << 30, 30, twice, 5, kU8), 7);
  EXPECT_EQ(qm::requantizeTosa(1000, 0, 1 << 30, 30, twice, -100, kS8), 127);
  EXPECT_EQ(qm::requantizeTosa(-1000, 0, 1 << 30, 30, twice, 0, kS8), -128);
}

TEST(Tosa, conditions) {
  EXPECT_TRUE(qm::isTosaScaleDefined(2147483647, 0, 32));
  EXPECT_TRUE(qm::isTosaScaleDefined(-2147483647 - 1, 1, 62));
  EXPECT_FALSE(qm::isTosaScaleDefined(0, -1, 32));
  EXPECT_FALSE(qm::isTosaScaleDefined(0, 1, 1));
  EXPECT_FALSE(qm::isTosaScaleDefined(0, 1, 63));
  EXPECT_TRUE(qm::isTosaScaleDefined(-128, 1, 8));
  EXPECT_TRUE(qm::isTosaScaleDefined(127, 1, 8));
  EXPECT_FALSE(qm::isTosaScaleDefined(128, 1, 8));
  EXPECT_FALSE(qm::isTosaScaleDefined(-129, 1, 8));
}

TEST(Tosa, randomDraws) {
  Tally tally;
  Random random(28);
  for (int i = 0; i < kDraws; ++i) {
    int32_t value = drawAccumulator(random);
    int32_t multiplier = int32_t(random.next() >> random.within(33, 48));
    int32_t shift = int32_t(random.within(2, 62));
    if (!qm::isTosaScaleDefined(value, multiplier, shift))
      continue;
    // result - 1/2 <= value * multiplier / 2^shift < result + 1/2.
    int64_t single =
        qm::tosaApplyScale(value, multiplier, shift, qm::TosaRounding::Single);
    Int128 twice = Int128(value) * multiplier * 2;
    Int128 unit = Int128(1) << shift;
    tally.check((2 * Int128(single) - 1) * unit <= twice &&
                    twice < (2 * Int128(single) + 1) * unit,
                "single", value, multiplier, shift, single);
    int64_t twofold =
        qm::tosaApplyScale(value, multiplier, shift, qm::TosaRounding::Double);
    int64_t expected =
        shift > 31 ? gemmlowpOracle(value, multiplier, shift) : single;
    tally.check(twofold == expected, "double", value, multiplier, shift,
                twofold, expected);
    int64_t clamped = qm::requantizeTosa(value, 0, multiplier, shift,
                                         qm::TosaRounding::Double, 3, kU8);
    tally.check(clamped == exact::clamp(expected + 3, 0, 255), value);
  }
}

} // namespace

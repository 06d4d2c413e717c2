//===- QuantMathFunctionsTest.cpp - f64 functions, tables, sums -----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Measures the error of the f64 functions in ulps against 113-bit arithmetic,
// with other algorithms than the header's and no constants of its own: exp by a
// power of e times a Taylor series, log by Halley's iteration on that, tanh by
// the series of sinh and cosh, erf by its alternating series and the continued
// fraction of erfc. Also tables of unary functions and the fixed-order sum.
//
//===----------------------------------------------------------------------===//

#include "ExactArithmetic.h"
#include "QuantOpt/Support/QuantMath.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace qm = mlir::qopt::quantmath;
using exact::bitsOf;
using exact::Random;
using exact::Tally;
using qm::IntRange;

namespace {

__extension__ typedef __float128 Quad;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr IntRange kS8 = {-128, 127}, kU8 = {0, 255};

/// The draws of one function: enough to see a wrong series or constant at once.
constexpr int kDraws = 8'000;

//===----------------------------------------------------------------------===//
// Functions in 113 bits
//===----------------------------------------------------------------------===//

Quad absolute(Quad x) { return x < 0 ? -x : x; }

/// x^n by repeated squaring, n >= 0.
Quad power(Quad x, int n) {
  Quad result = 1;
  for (; n > 0; n >>= 1, x *= x)
    if (n & 1)
      result *= x;
  return result;
}

/// sum_{k >= first} x^k / k!, in steps of `step`.
Quad factorialSeries(Quad x, int first, int step) {
  Quad term = 1, sum = first == 0 ? 1 : 0;
  for (int k = 1; k < 60; ++k) {
    term = term * x / k;
    if (k >= first && (k - first) % step == 0)
      sum += term;
  }
  return sum;
}

/// e^x = e^n e^(x - n) with n the integer part.
Quad expOracle(Quad x) {
  static const Quad e = factorialSeries(1, 0, 1);
  int n = int(absolute(x));
  Quad result = power(e, n) * factorialSeries(absolute(x) - n, 0, 1);
  return x < 0 ? 1 / result : result;
}

/// y' = y + 2 (x - e^y) / (x + e^y) triples the number of right digits.
Quad logOracle(Quad x) {
  Quad y = std::log(double(x));
  for (int i = 0; i < 2; ++i) {
    Quad ey = expOracle(y);
    y += 2 * (x - ey) / (x + ey);
  }
  return y;
}

/// log(1 + x); its own series near 0, where 1 + x would round.
Quad log1pOracle(Quad x) {
  if (absolute(x) > 0x1p-9)
    return logOracle(1 + x);
  Quad term = x, sum = x;
  for (int n = 2; n < 16; ++n) {
    term *= -x;
    sum += term / n;
  }
  return sum;
}

Quad expm1Oracle(Quad x) {
  return absolute(x) < 1 ? factorialSeries(x, 1, 1) : expOracle(x) - 1;
}

Quad tanhOracle(Quad x) {
  if (absolute(x) < 1) // sinh / cosh.
    return factorialSeries(x, 1, 2) / factorialSeries(x, 0, 2);
  return 1 - 2 / (expOracle(2 * x) + 1);
}

Quad squareRoot(Quad x) {
  Quad y = std::sqrt(double(x));
  for (int i = 0; i < 2; ++i)
    y = (y + x / y) / 2;
  return y;
}

/// arctan(1/n) by its series.
Quad inverseTangent(int n) {
  Quad term = Quad(1) / n, sum = term;
  for (int k = 3; k < 200; k += 2) {
    term /= -n * n;
    sum += term / k;
  }
  return sum;
}

Quad sqrtPi() { // Machin, 1706.
  static const Quad root =
      squareRoot(16 * inverseTangent(5) - 4 * inverseTangent(239));
  return root;
}

/// Abramowitz and Stegun 7.1.5, and 7.1.14 from 2.5 on, bottom up.
Quad erfOracle(Quad x) {
  if (x < 0)
    return -erfOracle(-x);
  if (x < 2.5) {
    Quad term = x, sum = x;
    for (int n = 1; n < 110; ++n) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
    }
    return 2 / sqrtPi() * sum;
  }
  Quad fraction = x;
  for (int n = 400; n >= 1; --n)
    fraction = x + Quad(n) / 2 / fraction;
  return 1 - expOracle(-x * x) / (sqrtPi() * fraction);
}

//===----------------------------------------------------------------------===//
// Error in ulps
//===----------------------------------------------------------------------===//

using Function = double (*)(double);
using Oracle = Quad (*)(Quad);

/// |y - exactly| in units of the last place that `exactly` has in f64.
double ulps(double y, Quad exactly) {
  int field = int(bitsOf(double(exactly)) >> 52 & 0x7ff);
  Quad unit = Quad(0x1p-1022) * 0x1p-52;
  for (int i = 1; i < field; ++i)
    unit *= 2;
  return double(absolute(Quad(y) - exactly) / unit);
}

/// Keeps the largest error and where it was.
struct Errors {
  Function function;
  Oracle oracle;
  double worst = 0, where = 0;

  void check(double x) {
    double error = ulps(function(x), oracle(x));
    if (error > worst) {
      worst = error;
      where = x;
    }
  }
  /// `x` and its neighbours.
  void checkAround(double x) {
    for (int step = -2; step <= 2; ++step)
      check(exact::doubleOf(bitsOf(x) + uint64_t(int64_t(step))));
  }
};

/// The error bound that QuantMathFunctions.h documents.
constexpr double kMaxUlps = 0.5001;

double uniform(Random &random, double lo, double hi) {
  return lo + (hi - lo) * (double(random.next() >> 11) * 0x1p-53);
}

/// A number of either sign with an exponent of [lo, hi].
double wide(Random &random, int lo, int hi) {
  uint64_t field = uint64_t(random.within(lo, hi) + 1023);
  uint64_t sign = random.next() & 1;
  return exact::doubleOf(random.next() >> 12 | field << 52 | sign << 63);
}

#define EXPECT_ACCURATE(errors)                                                \
  EXPECT_LE((errors).worst, kMaxUlps) << std::hexfloat << (errors).where

TEST(Functions, exp) {
  Errors errors{qm::exp, expOracle};
  Random random(41);
  for (int i = 0; i < kDraws; ++i) {
    errors.check(uniform(random, -708, 709.7));
    errors.check(wide(random, -60, 3));
  }
  // Around multiples of ln(2)/2, where the reduction changes.
  for (int k = -2040; k <= 2040; k += 17)
    errors.checkAround(0.34657359027997264 * k);
  EXPECT_ACCURATE(errors);

  Errors subnormal{qm::exp, expOracle};
  for (int i = 0; i < kDraws / 10; ++i)
    subnormal.check(uniform(random, -745, -708.4));
  EXPECT_LE(subnormal.worst, 0.75) << subnormal.where;

  EXPECT_EQ(qm::exp(0.0), 1.0);
  EXPECT_EQ(qm::exp(-0.0), 1.0);
  EXPECT_EQ(qm::exp(709.782712893384), 0x1.fffffffffff2ap1023);
  EXPECT_EQ(qm::exp(709.7827128933841), kInf);
  EXPECT_EQ(qm::exp(kInf), kInf);
  EXPECT_EQ(qm::exp(-745.1332191019411), 0x1p-1074);
  EXPECT_EQ(qm::exp(-745.1332191019412), 0.0);
  EXPECT_EQ(qm::exp(-kInf), 0.0);
  EXPECT_NE(qm::exp(kNaN), qm::exp(kNaN));
}

TEST(Functions, expm1) {
  Errors errors{qm::expm1, expm1Oracle};
  Random random(42);
  for (int i = 0; i < kDraws; ++i) {
    errors.check(uniform(random, -55, 709.7));
    errors.check(uniform(random, -2, 2));
    errors.check(wide(random, -70, 3));
  }
  for (double x : {0x1p-54, 0.34657359027997264, -0.34657359027997264, 690.0})
    errors.checkAround(x);
  EXPECT_ACCURATE(errors);
  EXPECT_EQ(bitsOf(qm::expm1(-0.0)), bitsOf(-0.0));
  EXPECT_EQ(qm::expm1(0x1p-1074), 0x1p-1074);
  EXPECT_EQ(qm::expm1(-kInf), -1.0);
  EXPECT_EQ(qm::expm1(kInf), kInf);
  EXPECT_NE(qm::expm1(kNaN), qm::expm1(kNaN));
}

TEST(Functions, log) {
  Errors errors{qm::log, logOracle};
  Random random(43);
  for (int i = 0; i < kDraws; ++i) {
    errors.check(std::fabs(wide(random, -1022, 1023)));
    errors.check(uniform(random, 0.5, 2));
  }
  for (int i = 1; i < 40; ++i) {
    errors.check(1 + std::ldexp(1.0, -i));
    errors.check(1 - std::ldexp(1.0, -i));
  }
  for (double x : {0.7071067811865476, 1.4142135623730951, 1.0, DBL_MIN,
                   0x1p-1070, 0x1.8p-1040, DBL_MAX / 2})
    errors.checkAround(x);
  EXPECT_ACCURATE(errors);
  EXPECT_EQ(bitsOf(qm::log(1.0)), 0u);
  EXPECT_EQ(qm::log(0.0), -kInf);
  EXPECT_EQ(qm::log(-0.0), -kInf);
  EXPECT_EQ(qm::log(kInf), kInf);
  EXPECT_EQ(qm::log(0x1p-1074), -0x1.74385446d71c3p+9);
  EXPECT_EQ(qm::log(DBL_MAX), 0x1.62e42fefa39efp+9);
  for (double x : {-1.0, -0x1p-1074, -kInf, kNaN})
    EXPECT_NE(qm::log(x), qm::log(x)) << x;
}

TEST(Functions, log1p) {
  Errors errors{qm::log1p, log1pOracle};
  Random random(44);
  for (int i = 0; i < kDraws; ++i) {
    errors.check(std::fabs(wide(random, -70, 1000)));
    errors.check(uniform(random, -1, 2));
    errors.check(wide(random, -70, -1));
  }
  for (double x : {0x1p-54, -0x1p-54, 0x1p-53, 0x1p53, 0x1p200, -1 + 0x1p-53,
                   0.41421356237309503, -0.29289321881345254})
    errors.checkAround(x);
  EXPECT_ACCURATE(errors);
  EXPECT_EQ(bitsOf(qm::log1p(-0.0)), bitsOf(-0.0));
  EXPECT_EQ(qm::log1p(-1.0), -kInf);
  EXPECT_EQ(qm::log1p(kInf), kInf);
  for (double x : {-1.0000000000000002, -kInf, kNaN})
    EXPECT_NE(qm::log1p(x), qm::log1p(x)) << x;
}

TEST(Functions, erf) {
  Errors errors{qm::erf, erfOracle};
  Random random(45);
  for (int i = 0; i < kDraws / 4; ++i) {
    errors.check(uniform(random, -6.5, 6.5));
    errors.check(uniform(random, -1, 1));
    errors.check(wide(random, -70, 1));
    errors.check(wide(random, -1020, -71));
    errors.check(wide(random, -38, -28));
  }
  for (double x : {0x1p-36, 0.5, 1.0, 2.5, 5.9, 5.921587195794508, 6.0})
    errors.checkAround(x);
  // Close to a tie, which the cubic term decides.
  errors.check(0x1.871b7295daf83p-31);
  EXPECT_ACCURATE(errors);
  for (double x : {6.0, 100.0, kInf}) {
    EXPECT_EQ(qm::erf(x), 1.0);
    EXPECT_EQ(qm::erf(-x), -1.0);
  }
  EXPECT_EQ(bitsOf(qm::erf(0.0)), bitsOf(0.0));
  EXPECT_EQ(bitsOf(qm::erf(-0.0)), bitsOf(-0.0));
  EXPECT_EQ(qm::erf(0x1p-1074), 0x1p-1074);
  EXPECT_EQ(qm::erf(0x10p-1074), 0x12p-1074);
  EXPECT_NE(qm::erf(kNaN), qm::erf(kNaN));
}

TEST(Functions, tanh) {
  Errors errors{qm::tanh, tanhOracle};
  Random random(46);
  for (int i = 0; i < kDraws; ++i) {
    errors.check(uniform(random, -22, 22));
    errors.check(wide(random, -38, -28));
    errors.check(uniform(random, -1, 1));
    errors.check(wide(random, -70, 4));
  }
  for (double x :
       {0x1p-36, 0.17328679513998632, 0.549306144334055, 19.06, 20.0})
    errors.checkAround(x);
  EXPECT_ACCURATE(errors);
  for (double x : {20.5, 1e300, kInf}) {
    EXPECT_EQ(qm::tanh(x), 1.0);
    EXPECT_EQ(qm::tanh(-x), -1.0);
  }
  EXPECT_EQ(bitsOf(qm::tanh(-0.0)), bitsOf(-0.0));
  EXPECT_EQ(qm::tanh(0x1p-1074), 0x1p-1074);
  EXPECT_NE(qm::tanh(kNaN), qm::tanh(kNaN));
}

TEST(Functions, rsqrtTakesTwoRoundings) {
  EXPECT_EQ(qm::rsqrt(4.0f), 0.5f);
  EXPECT_EQ(qm::rsqrt(0.0f), float(kInf));
  // 1 / sqrt(7) rounded once would be 0x1.83091ep-2.
  EXPECT_EQ(qm::rsqrt(7.0f), 0x1.83092p-2f);
}

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

/// The table by 113-bit functions and integer rounding.
void checkTable(Function f, Oracle oracle, float sx, int32_t zx, IntRange in,
                float sy, int32_t zy, IntRange out) {
  auto table = qm::buildTable(f, sx, zx, in, sy, zy, out);
  Tally tally;
  for (int32_t q = in.lo; q <= in.hi; ++q) {
    float x = exact::toFloat(
        exact::multiply(exact::fromInteger(q - zx), exact::fromFloat(sx)));
    exact::Number steps = exact::divide(exact::fromDouble(double(oracle(x))),
                                        exact::fromFloat(sy));
    double rounded = exact::toDouble(steps);
    int64_t expected = exact::clamp(
        exact::toInteger(exact::fromDouble(rounded)) + zy, out.lo, out.hi);
    tally.check(table[size_t(q - in.lo)] == expected, q, x, sx, sy);
  }
}

TEST(Tables, matchTheDefinition) {
  Random random(47);
  for (int i = 0; i < 40; ++i) {
    IntRange in = i & 1 ? kS8 : kU8, out = i & 2 ? kS8 : kU8;
    int32_t zx = int32_t(random.within(in.lo, in.hi));
    int32_t zy = int32_t(random.within(out.lo, out.hi));
    float sx = random.positive(-8, -3);
    checkTable(qm::exp, expOracle, sx, zx, in, random.positive(-8, 3), zy, out);
    checkTable(qm::tanh, tanhOracle, sx, zx, in, 0x1p-7f, zy, out);
    checkTable(qm::erf, erfOracle, sx, zx, in, 1.0f / 127, zy, out);
  }
}

TEST(Tables, limits) {
  // Row q of the table is entry q - lo; NaN gives the zero point.
  auto log = qm::buildTable(qm::log, 0.5f, 0, kS8, 0.25f, 7, kU8);
  EXPECT_EQ(log[0], 7);              // log(-64)
  EXPECT_EQ(log[128], 0);            // log(0) = -inf
  EXPECT_EQ(log[128 + 2], 7);        // log(1)
  EXPECT_EQ(log[128 + 127], 7 + 17); // log(63.5) / 0.25 = 16.6
  // In f64 throughout: 2^-40 above the tie is above it.
  auto above = qm::buildTable([](double x) { return x + 0x1p-40; }, 0.5f, 0,
                              kS8, 1, 0, kS8);
  EXPECT_EQ(above[128 + 1], 1);
  EXPECT_EQ(above[128 - 1], 0);
  // Ties to even: x / 2 of odd x, and saturation at the ends.
  auto half =
      qm::buildTable([](double x) { return x; }, 1, 0, kS8, 2, 0, {-60, 60});
  EXPECT_EQ(half[128 + 1], 0);
  EXPECT_EQ(half[128 + 3], 2);
  EXPECT_EQ(half[128 - 3], -2);
  EXPECT_EQ(half[0], -60);
  EXPECT_EQ(half[255], 60);
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// The sum of the partials p, p + stride, p + 2 stride, ... as the tree adds
/// it.
float treeOracle(const std::vector<float> &values, int p, int stride) {
  if (stride < 256)
    return treeOracle(values, p, 2 * stride) +
           treeOracle(values, p + stride, 2 * stride);
  float partial = -0.0f;
  for (size_t i = size_t(p); i < values.size(); i += 256)
    partial = partial + values[i];
  return partial;
}

TEST(Sums, orderIsFixed) {
  Random random(48);
  for (int64_t count : {0, 1, 2, 7, 255, 256, 257, 511, 768, 1000, 4099}) {
    for (int round = 0; round < 20; ++round) {
      std::vector<float> values(static_cast<size_t>(count));
      for (float &value : values)
        value = random.real(-12, 12);
      float sum = qm::fixedOrderSum(values.data(), count);
      EXPECT_EQ(bitsOf(sum), bitsOf(treeOracle(values, 0, 1))) << count;
      // Padding with the identity changes nothing.
      values.resize(size_t(count) + 300, -0.0f);
      EXPECT_EQ(bitsOf(qm::fixedOrderSum(values.data(), count + 300)),
                bitsOf(sum));
    }
  }
}

TEST(Sums, literalVectors) {
  EXPECT_EQ(bitsOf(qm::fixedOrderSum(nullptr, 0)), bitsOf(-0.0f));
  const float zeros[] = {-0.0f, -0.0f}, signs[] = {-0.0f, 0.0f};
  EXPECT_EQ(bitsOf(qm::fixedOrderSum(zeros, 2)), bitsOf(-0.0f));
  EXPECT_EQ(bitsOf(qm::fixedOrderSum(signs, 2)), bitsOf(0.0f));
  // One partial, in increasing order: 2^24 swallows each 1 that follows.
  std::vector<float> values(1024, -0.0f);
  values[5] = 0x1p24f;
  values[5 + 256] = values[5 + 512] = 1;
  EXPECT_EQ(qm::fixedOrderSum(values.data(), 1024), 0x1p24f);
  std::swap(values[5], values[5 + 512]);
  EXPECT_EQ(qm::fixedOrderSum(values.data(), 1024), 0x1p24f + 2);
  // The last step joins even with odd partials, so that the ones meet first.
  values.assign(256, -0.0f);
  values[0] = 0x1p24f;
  values[1] = values[3] = 1;
  EXPECT_EQ(qm::fixedOrderSum(values.data(), 256), 0x1p24f + 2);
  values[3] = -0.0f;
  values[2] = 1; // Meets 2^24 first and is lost; then the other one is.
  EXPECT_EQ(qm::fixedOrderSum(values.data(), 256), 0x1p24f);
}

} // namespace

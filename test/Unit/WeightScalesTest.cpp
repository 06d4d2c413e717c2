//===- WeightScalesTest.cpp - Scales of weights against brute force -------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The oracle tries every candidate with QuantMath's scalar functions and adds
// up in long double.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Statistics/WeightScales.h"

#include "QuantOpt/Support/QuantMath.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <thread>
#include <vector>

using namespace mlir::qopt;
using Weights = std::vector<float>;

namespace {
constexpr quantmath::IntRange kRange =
    quantmath::weightRangeOf(quantmath::Storage::S8);

long double getOracleError(const Weights &weights, float scale) {
  float r = quantmath::reciprocalScale(scale);
  long double sum = 0;
  for (float w : weights) {
    int32_t q = quantmath::quantizeMul(w, r, 0, kRange);
    long double d = (long double)w - quantmath::dequantize(q, scale, 0);
    sum += d * d;
  }
  return sum;
}

double getAmax(const Weights &weights) {
  double amax = 0;
  for (float w : weights)
    amax = std::max(amax, double(std::fabs(w)));
  return amax;
}

/// The least error over the candidates of `mse`: all of 1 - i/128 down to 1/4,
/// then all multiples of 1/1024 between the neighbours of the best one.
long double getOracleLeast(const Weights &weights) {
  double amax = getAmax(weights);
  auto errorOf = [&](int steps) {
    return getOracleError(
        weights, quantmath::symmetricScale(amax * (1 - steps / 1024.0)).scale);
  };
  int best = 0;
  long double least = errorOf(0);
  for (int steps = 8; steps <= 768; steps += 8)
    if (long double error = errorOf(steps); error < least) {
      least = error;
      best = steps;
    }
  for (int steps = std::max(best - 7, 0); steps <= std::min(best + 7, 768);
       ++steps)
    least = std::min(least, errorOf(steps));
  return least;
}

struct Shape {
  const char *name;
  Weights (*make)(size_t count, std::mt19937 &random);
};

/// Fixed sums of uniform draws: the same numbers with any standard library.
float drawBell(std::mt19937 &random) {
  float sum = 0;
  for (int i = 0; i < 6; ++i)
    sum += float(random() >> 8) * 0x1p-24f - 0.5f;
  return sum;
}

const Shape kShapes[] = {{"bell",
                          [](size_t count, std::mt19937 &random) {
                            Weights weights(count);
                            for (float &w : weights)
                              w = 0.05f * drawBell(random);
                            return weights;
                          }},
                         {"uniform",
                          [](size_t count, std::mt19937 &random) {
                            Weights weights(count);
                            for (float &w : weights)
                              w = float(random() >> 8) * 0x1p-24f - 0.5f;
                            return weights;
                          }},
                         {"heavy tails",
                          [](size_t count, std::mt19937 &random) {
                            Weights weights(count);
                            for (float &w : weights) {
                              float x = drawBell(random);
                              w = x * x * x * 100.0f;
                            }
                            return weights;
                          }},
                         {"one outlier",
                          [](size_t count, std::mt19937 &random) {
                            Weights weights(count);
                            for (float &w : weights)
                              w = 1e-3f * drawBell(random);
                            weights[count / 2] = 0.02f;
                            return weights;
                          }},
                         {"few levels", [](size_t count, std::mt19937 &random) {
                            Weights weights(count);
                            for (float &w : weights)
                              w = 0.25f * float(int(random() % 9) - 4);
                            return weights;
                          }}};

WeightScale choose(const Weights &weights, WeightMethod method,
                   const ForEachIndex &forEach = nullptr) {
  WeightScale result;
  EXPECT_TRUE(chooseWeightScale(weights.data(), weights.size(), method, result,
                                forEach));
  return result;
}

double relative(long double value, long double reference) {
  return reference == 0 ? double(value) : double(value / reference - 1);
}
} // namespace

TEST(WeightScales, LeastErrorOfAllCandidates) {
  std::mt19937 random(1);
  for (const Shape &shape : kShapes)
    // The more small weights, the smaller the best share: about 0.4 with 3e5.
    for (size_t count :
         {1, 2, 15, 16, 17, 100, 1024, 1025, 3000, 70000, 300000}) {
      if (count > 3000 && shape.name != std::string("one outlier"))
        continue;
      SCOPED_TRACE(std::string(shape.name) + " " + std::to_string(count));
      Weights weights = shape.make(count, random);
      WeightScale mse = choose(weights, WeightMethod::MSE);
      WeightScale max = choose(weights, WeightMethod::Max);
      long double error = getOracleError(weights, mse.scale);
      EXPECT_LE(relative(error, getOracleLeast(weights)), 1e-9);
      EXPECT_LE(std::fabs(relative(mse.squaredError, error)), 1e-12);
      EXPECT_LE(mse.squaredError, max.squaredError);
      EXPECT_LE(mse.scale, max.scale);
      EXPECT_EQ(getWeightError(weights.data(), count, mse.scale),
                mse.squaredError);
      EXPECT_EQ(mse.squaredSum, max.squaredSum);
    }
}

TEST(WeightScales, ClipsWhereThatPays) {
  std::mt19937 random(2);
  Weights weights = kShapes[2].make(4000, random);
  double gain = choose(weights, WeightMethod::Max).squaredError /
                choose(weights, WeightMethod::MSE).squaredError;
  EXPECT_GT(gain, 1.03);
  // Many small weights outvote one large one.
  weights = kShapes[3].make(100000, random);
  WeightScale outlier = choose(weights, WeightMethod::MSE);
  EXPECT_LT(outlier.scale, 0.9f * choose(weights, WeightMethod::Max).scale);
}

TEST(WeightScales, Max) {
  Weights weights = {1.0f, -4.0f, 0.5f, 0.0f, 2.0f};
  WeightScale scale = choose(weights, WeightMethod::Max);
  EXPECT_EQ(scale.scale, float(4.0 / 127));
  EXPECT_FALSE(scale.dead);
  EXPECT_FALSE(scale.limited);
  EXPECT_EQ(scale.squaredSum, 21.25);
  EXPECT_LE(relative(scale.squaredError, getOracleError(weights, scale.scale)),
            1e-12);
}

TEST(WeightScales, EqualErrorsKeepTheLargerScale) {
  // Every weight is exact with the scale of the largest one.
  for (const Weights &weights :
       {Weights{127.0f, 1.0f, -64.0f}, Weights{-254.0f}, Weights(5000, 0.5f)}) {
    WeightScale mse = choose(weights, WeightMethod::MSE);
    EXPECT_EQ(mse.scale, choose(weights, WeightMethod::Max).scale);
  }
}

TEST(WeightScales, DeadChannels) {
  for (WeightMethod method : {WeightMethod::Max, WeightMethod::MSE})
    for (const Weights &weights : {Weights(), Weights(7), Weights(9, -0.0f)}) {
      WeightScale scale = choose(weights, method);
      EXPECT_TRUE(scale.dead);
      EXPECT_FALSE(scale.limited);
      EXPECT_EQ(scale.scale, 1.0f);
      EXPECT_EQ(scale.squaredError, 0.0);
      EXPECT_EQ(scale.squaredSum, 0.0);
    }
}

TEST(WeightScales, Limits) {
  struct Case {
    float magnitude, scale;
    bool limited;
    int8_t integer;
  };
  const Case cases[] = {
      {1e-30f, 0x1p-40f, true, 0},
      {0x1p-149f, 0x1p-40f, true, 0},
      {0x1.fp-127f, 0x1p-40f, true, 0},
      {0x1p-35f, 0x1p-40f, true, 32},
      {127 * 0x1p-40f, 0x1p-40f, false, 127},
      {127 * 0x1p40f, 0x1p40f, false, 127},
      {1e30f, 0x1p40f, true, 127},
      {3.4028235e38f, 0x1p40f, true, 127},
  };
  for (const Case &c : cases)
    for (WeightMethod method : {WeightMethod::Max, WeightMethod::MSE}) {
      SCOPED_TRACE(c.magnitude);
      Weights weights = {c.magnitude, -c.magnitude, 0.0f};
      WeightScale scale = choose(weights, method);
      EXPECT_EQ(scale.scale, c.scale);
      EXPECT_EQ(scale.limited, c.limited);
      EXPECT_FALSE(scale.dead);
      int8_t integers[3];
      EXPECT_EQ(quantizeWeights(weights.data(), 3, scale.scale, integers),
                2 * c.integer);
      EXPECT_EQ(integers[0], c.integer);
      EXPECT_EQ(integers[1], -c.integer);
      EXPECT_EQ(integers[2], 0);
      EXPECT_TRUE(std::isfinite(scale.squaredError));
      EXPECT_EQ(scale.squaredSum, 2 * double(c.magnitude) * c.magnitude);
    }
}

TEST(WeightScales, NotFinite) {
  for (float bad : {INFINITY, -INFINITY, NAN, -NAN})
    for (size_t at : {0, 16, 99, 70000}) {
      Weights weights(70001, 1.0f);
      weights[at] = bad;
      WeightScale result;
      EXPECT_FALSE(chooseWeightScale(weights.data(), weights.size(),
                                     WeightMethod::MSE, result));
    }
}

TEST(WeightScales, QuantizesAsQuantMath) {
  std::mt19937 random(3);
  Weights weights(20000);
  for (float &w : weights) { // Any bits but NaN and infinities.
    uint32_t bits = random();
    if ((bits & 0x7f800000u) == 0x7f800000u)
      bits &= ~0x40000000u;
    w = quantmath::detail::bitCast<float>(bits);
  }
  for (int i = 0; i < 600; ++i) { // Ties, and what is next to them.
    float tie = 0.25f * (float(i % 300) - 150.5f);
    weights[i] = i < 300 ? tie : std::nextafter(tie, 0.0f);
  }
  for (float scale : {0x1p-40f, 0.25f, 0.1f, 3.0f, 0x1p40f}) {
    std::vector<int8_t> integers(weights.size());
    int64_t sum =
        quantizeWeights(weights.data(), weights.size(), scale, integers.data());
    int64_t expectedSum = 0;
    float r = quantmath::reciprocalScale(scale);
    for (size_t i = 0; i < weights.size(); ++i) {
      int32_t q = quantmath::quantizeMul(weights[i], r, 0, kRange);
      ASSERT_EQ(integers[i], q) << weights[i];
      expectedSum += std::abs(q);
    }
    EXPECT_EQ(sum, expectedSum);
  }
}

TEST(WeightScales, AllInstructionSetsGiveTheSameBits) {
  std::mt19937 random(4);
  using detail::WeightVectors;
  for (const Shape &shape : kShapes)
    for (size_t count : {1, 31, 1024, 1500, 4096}) {
      Weights weights = shape.make(count, random);
      Weights scales;
      for (int i = 0; i < 97; ++i)
        scales.push_back(
            quantmath::symmetricScale(getAmax(weights) * (1 - i / 128.0))
                .scale);
      auto run = [&](WeightVectors vectors) {
        std::vector<double> errors(scales.size());
        detail::addWeightErrors(vectors, weights.data(), count, scales.data(),
                                scales.size(), errors.data());
        return errors;
      };
      std::vector<double> portable = run(WeightVectors::Portable);
      for (WeightVectors vectors :
           {WeightVectors::Avx2, WeightVectors::Avx512}) {
        if (vectors <= detail::getWeightVectors()) {
          EXPECT_EQ(run(vectors), portable);
        }
      }
    }
}

TEST(WeightScales, ThreadsDoNotMatter) {
  std::mt19937 random(5);
  Weights weights = kShapes[2].make(300001, random);
  ForEachIndex backwards = [](size_t count,
                              const std::function<void(size_t)> &body) {
    for (size_t i = count; i-- > 0;)
      body(i);
  };
  ForEachIndex threaded = [](size_t count,
                             const std::function<void(size_t)> &body) {
    std::vector<std::thread> threads;
    for (size_t i = 0; i < count; ++i)
      threads.emplace_back([&body, i] { body(i); });
    for (std::thread &thread : threads)
      thread.join();
  };
  for (WeightMethod method : {WeightMethod::Max, WeightMethod::MSE}) {
    WeightScale serial = choose(weights, method);
    for (const ForEachIndex &forEach : {backwards, threaded}) {
      WeightScale other = choose(weights, method, forEach);
      EXPECT_EQ(other.scale, serial.scale);
      EXPECT_EQ(other.squaredError, serial.squaredError);
      EXPECT_EQ(other.squaredSum, serial.squaredSum);
    }
  }
}

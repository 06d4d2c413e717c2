//===- WeightErrors.cpp - Quantizing weights, and the error of it ---------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loop that sees every weight a hundred times, for several instruction
// sets. Sums go to the same 16 lanes in all of them, so all give the same bits.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Statistics/WeightScales.h"

#include "QuantOpt/Support/QuantMath.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define QUANTOPT_X86 1
#else
#define QUANTOPT_X86 0
#endif

using namespace mlir::qopt;
using detail::WeightVectors;

static constexpr float kLevels = quantmath::kInt8Max;
/// A sum with 1.5 * 2^23 has no fraction bits: adding and subtracting it rounds
/// to nearest even, for magnitudes up to 2^22.
static constexpr float kRounder = 0x1.8p23f;
/// Sums go to this many lanes, over this many weights at a time.
static constexpr size_t kLanes = 16;
static constexpr size_t kBlock = 1024;

namespace {
/// Weights in f32 and f64, with zeros up to a multiple of kLanes.
struct Block {
  alignas(64) float weights[kBlock];
  alignas(64) double wide[kBlock];
  size_t count;
};
} // namespace

/// rne(clamp(w * r)), which is clamp(rne(w * r)): the limits are integers.
static inline float toInteger(float w, float r) {
  float q = w * r;
  q = q < -kLevels ? -kLevels : q;
  q = q > kLevels ? kLevels : q;
  return (q + kRounder) - kRounder;
}

//===----------------------------------------------------------------------===//
// The sum of (w - D(Q(w)))^2 over a block. Lane i holds every 16th weight from
// i on; the lanes are added pairwise.
//===----------------------------------------------------------------------===//

static double addLanes(double *sums) {
  for (size_t half = kLanes / 2; half > 0; half /= 2)
    for (size_t lane = 0; lane < half; ++lane)
      sums[lane] += sums[lane + half];
  return sums[0];
}

static double getErrorPortable(const Block &block, float scale) {
  float r = quantmath::reciprocalScale(scale);
  double sums[kLanes] = {};
  for (size_t i = 0; i < block.count; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane) {
      float w = block.weights[i + lane];
      double d = block.wide[i + lane] - double(toInteger(w, r) * scale);
      sums[lane] += d * d;
    }
  return addLanes(sums);
}

#if QUANTOPT_X86
__attribute__((target("avx2"))) static double getErrorAvx2(const Block &block,
                                                           float scale) {
  const __m256 s = _mm256_set1_ps(scale);
  const __m256 r = _mm256_set1_ps(quantmath::reciprocalScale(scale));
  const __m256 low = _mm256_set1_ps(-kLevels), high = _mm256_set1_ps(kLevels);
  const __m256 rounder = _mm256_set1_ps(kRounder);
  __m256d sums[4] = {_mm256_setzero_pd(), _mm256_setzero_pd(),
                     _mm256_setzero_pd(), _mm256_setzero_pd()};
  for (size_t i = 0; i < block.count; i += kLanes)
    for (unsigned half = 0; half < 2; ++half) {
      __m256 q = _mm256_mul_ps(_mm256_load_ps(block.weights + i + 8 * half), r);
      q = _mm256_min_ps(_mm256_max_ps(q, low), high);
      q = _mm256_sub_ps(_mm256_add_ps(q, rounder), rounder);
      q = _mm256_mul_ps(q, s);
      const double *wide = block.wide + i + 8 * half;
      __m256d d0 = _mm256_sub_pd(_mm256_load_pd(wide),
                                 _mm256_cvtps_pd(_mm256_castps256_ps128(q)));
      __m256d d1 = _mm256_sub_pd(_mm256_load_pd(wide + 4),
                                 _mm256_cvtps_pd(_mm256_extractf128_ps(q, 1)));
      sums[2 * half] = _mm256_add_pd(sums[2 * half], _mm256_mul_pd(d0, d0));
      sums[2 * half + 1] =
          _mm256_add_pd(sums[2 * half + 1], _mm256_mul_pd(d1, d1));
    }
  double lanes[kLanes];
  for (unsigned i = 0; i < 4; ++i)
    _mm256_storeu_pd(lanes + 4 * i, sums[i]);
  return addLanes(lanes);
}

__attribute__((target("avx512f"))) static double
getErrorAvx512(const Block &block, float scale) {
  const __m512 s = _mm512_set1_ps(scale);
  const __m512 r = _mm512_set1_ps(quantmath::reciprocalScale(scale));
  const __m512 low = _mm512_set1_ps(-kLevels), high = _mm512_set1_ps(kLevels);
  const __m512 rounder = _mm512_set1_ps(kRounder);
  __m512d sum0 = _mm512_setzero_pd(), sum1 = _mm512_setzero_pd();
  for (size_t i = 0; i < block.count; i += kLanes) {
    __m512 q = _mm512_mul_ps(_mm512_load_ps(block.weights + i), r);
    q = _mm512_min_ps(_mm512_max_ps(q, low), high);
    q = _mm512_sub_ps(_mm512_add_ps(q, rounder), rounder);
    q = _mm512_mul_ps(q, s);
    __m256 upper =
        _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(q), 1));
    __m512d d0 = _mm512_sub_pd(_mm512_load_pd(block.wide + i),
                               _mm512_cvtps_pd(_mm512_castps512_ps256(q)));
    __m512d d1 = _mm512_sub_pd(_mm512_load_pd(block.wide + i + 8),
                               _mm512_cvtps_pd(upper));
    sum0 = _mm512_add_pd(sum0, _mm512_mul_pd(d0, d0));
    sum1 = _mm512_add_pd(sum1, _mm512_mul_pd(d1, d1));
  }
  double lanes[kLanes];
  _mm512_storeu_pd(lanes, sum0);
  _mm512_storeu_pd(lanes + 8, sum1);
  return addLanes(lanes);
}
#endif

WeightVectors detail::getWeightVectors() {
#if QUANTOPT_X86
  static const WeightVectors best = [] {
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") ? WeightVectors::Avx512
           : __builtin_cpu_supports("avx2")  ? WeightVectors::Avx2
                                             : WeightVectors::Portable;
  }();
  return best;
#else
  return WeightVectors::Portable;
#endif
}

void detail::addWeightErrors(WeightVectors vectors, const float *weights,
                             size_t count, const float *scales,
                             size_t numScales, double *errors) {
  auto *getError = getErrorPortable;
#if QUANTOPT_X86
  if (vectors == WeightVectors::Avx2)
    getError = getErrorAvx2;
  if (vectors == WeightVectors::Avx512)
    getError = getErrorAvx512;
#endif
  Block block;
  for (size_t begin = 0; begin < count; begin += kBlock) {
    size_t size = count - begin < kBlock ? count - begin : kBlock;
    for (size_t i = 0; i < size; ++i) {
      block.weights[i] = weights[begin + i];
      block.wide[i] = weights[begin + i];
    }
    for (block.count = size; block.count % kLanes != 0; ++block.count)
      block.weights[block.count] = 0, block.wide[block.count] = 0;
    for (size_t i = 0; i < numScales; ++i)
      errors[i] += getError(block, scales[i]);
  }
}

//===----------------------------------------------------------------------===//
// Quantizing
//===----------------------------------------------------------------------===//

int64_t mlir::qopt::quantizeWeights(const float *weights, size_t count,
                                    float scale, int8_t *integers) {
  quantmath::FloatEnvironment environment;
  float r = quantmath::reciprocalScale(scale);
  int64_t total = 0;
  for (size_t begin = 0; begin < count; begin += kBlock) {
    size_t end = begin + kBlock < count ? begin + kBlock : count;
    int32_t sum = 0; // At most 1024 * 127.
    for (size_t i = begin; i < end; ++i) {
      int32_t q = static_cast<int32_t>(toInteger(weights[i], r));
      integers[i] = static_cast<int8_t>(q);
      sum += q < 0 ? -q : q;
    }
    total += sum;
  }
  return total;
}

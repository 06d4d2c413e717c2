//===- SampleEnergy.cpp - The octave of a sample's energy -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Element i is added to partial i mod 16, partials are added in order. Squares
// of f32 values are exact in f64, so that one rounding happens per addition,
// fused or not: every instruction set gives the same sum.
//
//===----------------------------------------------------------------------===//
#include "SampleEnergy.h"

#include "QuantOpt/Statistics/SampleStatistics.h"
#include "QuantOpt/Support/FloatingPoint.h"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

using namespace mlir::qopt;
using namespace mlir::qopt::statistics;

namespace {
constexpr size_t kLanes = kEnergyPartials;
constexpr float kMaskedBelow = -0x1p12f, kExtreme = 0x1p100f;

/// Adds the squares of `count` values, a multiple of kLanes.
using AddSquares = void (*)(const float *data, size_t count, double *partials);

double square(float x) {
  double kept = x > kMaskedBelow && x < kExtreme ? x : 0.0f;
  return kept * kept;
}

void addSquaresPortable(const float *data, size_t count, double *partials) {
  for (size_t i = 0; i < count; i += kLanes)
    for (size_t lane = 0; lane < kLanes; ++lane)
      partials[lane] += square(data[i + lane]);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void
addSquaresAvx2(const float *data, size_t count, double *partials) {
  const __m256 low = _mm256_set1_ps(kMaskedBelow);
  const __m256 high = _mm256_set1_ps(kExtreme);
  __m256d sums[4];
  for (int k = 0; k < 4; ++k)
    sums[k] = _mm256_loadu_pd(partials + 4 * k);
  for (size_t i = 0; i < count; i += kLanes)
    for (int half = 0; half < 2; ++half) {
      __m256 x = _mm256_loadu_ps(data + i + 8 * half);
      __m256 keep = _mm256_and_ps(_mm256_cmp_ps(x, low, _CMP_GT_OQ),
                                  _mm256_cmp_ps(x, high, _CMP_LT_OQ));
      x = _mm256_and_ps(x, keep);
      __m256d a = _mm256_cvtps_pd(_mm256_castps256_ps128(x));
      __m256d b = _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
      sums[2 * half] = _mm256_fmadd_pd(a, a, sums[2 * half]);
      sums[2 * half + 1] = _mm256_fmadd_pd(b, b, sums[2 * half + 1]);
    }
  for (int k = 0; k < 4; ++k)
    _mm256_storeu_pd(partials + 4 * k, sums[k]);
}

__attribute__((target("avx2,fma,avx512f"))) void
addSquaresAvx512(const float *data, size_t count, double *partials) {
  const __m512 low = _mm512_set1_ps(kMaskedBelow);
  const __m512 high = _mm512_set1_ps(kExtreme);
  __m512d first = _mm512_loadu_pd(partials);
  __m512d second = _mm512_loadu_pd(partials + 8);
  for (size_t i = 0; i < count; i += kLanes) {
    __m512 x = _mm512_loadu_ps(data + i);
    __mmask16 keep = _mm512_mask_cmp_ps_mask(
        _mm512_cmp_ps_mask(x, low, _CMP_GT_OQ), x, high, _CMP_LT_OQ);
    // Loaded by halves: widening from memory needs no shuffle. The masked forms
    // keep g++ 12 from warning of what its header leaves undefined.
    __m256 a = _mm256_loadu_ps(data + i), b = _mm256_loadu_ps(data + i + 8);
    __m512d wideA = _mm512_maskz_cvtps_pd(__mmask8(keep), a);
    __m512d wideB = _mm512_maskz_cvtps_pd(__mmask8(keep >> 8), b);
    first = _mm512_fmadd_pd(wideA, wideA, first);
    second = _mm512_fmadd_pd(wideB, wideB, second);
  }
  _mm512_storeu_pd(partials, first);
  _mm512_storeu_pd(partials + 8, second);
}
#endif

AddSquares chooseAddSquares() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return __builtin_cpu_supports("avx512f") ? addSquaresAvx512
                                             : addSquaresAvx2;
#endif
  return addSquaresPortable;
}
} // namespace

void statistics::addSquares(const float *data, size_t count, double *partials) {
  static const AddSquares addWhole = chooseAddSquares();
  size_t whole = count / kLanes * kLanes;
  addWhole(data, whole, partials);
  for (size_t i = whole; i < count; ++i)
    partials[i - whole] += square(data[i]);
}

int statistics::getOctave(const double *partials, size_t count) {
  double sum = 0;
  for (size_t lane = 0; lane < kLanes; ++lane)
    sum += partials[lane];
  double meanSquare = sum / double(count);
  if (meanSquare == 0)
    return kSilentOctave;
  // At least (2^-149)^2 / 2^56: never subnormal.
  uint64_t bits;
  std::memcpy(&bits, &meanSquare, sizeof(bits));
  return int(bits >> 52) - 1022;
}

int mlir::qopt::getEnergyOctave(const float *data, size_t count) {
  quantmath::FloatEnvironment environment;
  double partials[kLanes] = {};
  addSquares(data, count, partials);
  return getOctave(partials, count);
}

//===- ObserveX86.cpp - Loops of the observer for x86-64 ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loops of ObserveKernels.h for AVX2 and AVX-512.
//
//===----------------------------------------------------------------------===//
#include "ObserveLoops.h"

#if defined(__x86_64__)

#include <immintrin.h>

namespace mlir::qopt::statistics {
namespace {

//===----------------------------------------------------------------------===//
// AVX2
//===----------------------------------------------------------------------===//

#define QUANTOPT_AVX2 __attribute__((target("avx2")))

struct Avx2Indexer {
  __m256i signedMax, unsignedMax, unsignedMin;
  __m256 scale;

  QUANTOPT_AVX2 explicit Avx2Indexer(float factor)
      : signedMax(_mm256_set1_epi32(int32_t(kSignBit))),
        unsignedMax(_mm256_setzero_si256()), unsignedMin(_mm256_set1_epi32(-1)),
        scale(_mm256_set1_ps(factor)) {}

  QUANTOPT_AVX2 inline __m256i row(const float *values) {
    __m256i bits =
        _mm256_loadu_si256(reinterpret_cast<const __m256i *>(values));
    signedMax = _mm256_max_epi32(signedMax, bits);
    unsignedMax = _mm256_max_epu32(unsignedMax, bits);
    unsignedMin = _mm256_min_epu32(unsignedMin, bits);
    __m256i magnitude =
        _mm256_and_si256(bits, _mm256_set1_epi32(int32_t(kMagnitudeBits)));
    __m256i bin = _mm256_cvttps_epi32(
        _mm256_mul_ps(_mm256_castsi256_ps(magnitude), scale));
    __m256i sign = _mm256_and_si256(_mm256_srli_epi32(bits, kSignShift),
                                    _mm256_set1_epi32(kNegativeRows));
    __m256i zero = _mm256_cmpeq_epi32(magnitude, _mm256_setzero_si256());
    return _mm256_or_si256(
        _mm256_andnot_si256(zero, _mm256_or_si256(bin, sign)),
        _mm256_and_si256(zero, _mm256_set1_epi32(kZerosRow)));
  }

  QUANTOPT_AVX2 inline void run(const float *values, uint16_t *rows) {
    // Packing works within halves of 128 bits, which changes the order only.
    __m256i first = row(values), second = row(values + 8);
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(rows),
                        _mm256_packus_epi32(first, second));
  }
};

/// The extremes of all lanes.
QUANTOPT_AVX2 BitRange reduce(__m256i signedMax, __m256i unsignedMax,
                              __m256i unsignedMin) {
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  for (int distance : {4, 2, 1}) {
    __m256i order = _mm256_xor_si256(lanes, _mm256_set1_epi32(distance));
    signedMax = _mm256_max_epi32(signedMax,
                                 _mm256_permutevar8x32_epi32(signedMax, order));
    unsignedMax = _mm256_max_epu32(
        unsignedMax, _mm256_permutevar8x32_epi32(unsignedMax, order));
    unsignedMin = _mm256_min_epu32(
        unsignedMin, _mm256_permutevar8x32_epi32(unsignedMin, order));
  }
  return {_mm256_cvtsi256_si32(signedMax),
          uint32_t(_mm256_cvtsi256_si32(unsignedMax)),
          uint32_t(_mm256_cvtsi256_si32(unsignedMin))};
}

QUANTOPT_AVX2 BitRange avx2Index(const float *values, size_t count, float scale,
                                 uint16_t *rows, const RowCounter &counter) {
  Avx2Indexer indexer(scale);
  const RowCounter counting = counter; // A copy can stay in registers.
  size_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    __builtin_prefetch(values + i + kFetchAhead);
    indexer.run(values + i, rows + i);
    counting.countAt(i);
  }
  if (i < count) {
    Tail tail(values + i, count - i);
    uint16_t padded[kStep];
    indexer.run(tail.values, padded);
    // The order within a step changes: sort out which rows are the tail's.
    for (size_t k = 0; k < count - i; ++k)
      rows[i + k] = padded[k % 4 + (k & 4) * 2 + (k & 8) / 2];
  }
  return reduce(indexer.signedMax, indexer.unsignedMax, indexer.unsignedMin);
}

QUANTOPT_AVX2 inline __m256i avx2FiniteMagnitude(const float *values) {
  __m256i magnitude = _mm256_and_si256(
      _mm256_loadu_si256(reinterpret_cast<const __m256i *>(values)),
      _mm256_set1_epi32(int32_t(kMagnitudeBits)));
  return _mm256_and_si256(
      magnitude,
      _mm256_cmpgt_epi32(_mm256_set1_epi32(int32_t(kInfinityBits)), magnitude));
}

QUANTOPT_AVX2 uint32_t avx2Maximum(const float *values, size_t count) {
  __m256i largest = _mm256_setzero_si256();
  size_t i = 0;
  for (; i + 8 <= count; i += 8)
    largest = _mm256_max_epu32(largest, avx2FiniteMagnitude(values + i));
  uint32_t result = reduce(largest, largest, largest).unsignedMax;
  for (; i < count; ++i)
    result = std::max(result, finiteMagnitude(values[i]));
  return result;
}

QUANTOPT_AVX2 void avx2ChannelMaxima(const float *values, size_t count,
                                     size_t channels, size_t position,
                                     float *maxima) {
  while (count > 0) {
    size_t run = std::min(count, channels - position), i = 0;
    for (; i + 8 <= run; i += 8) {
      auto *target = reinterpret_cast<__m256i *>(maxima + position + i);
      _mm256_storeu_si256(target,
                          _mm256_max_epu32(_mm256_loadu_si256(target),
                                           avx2FiniteMagnitude(values + i)));
    }
    maximizeEach(values + i, run - i, maxima + position + i);
    values += run;
    count -= run;
    position = 0;
  }
}

//===----------------------------------------------------------------------===//
// AVX-512
//===----------------------------------------------------------------------===//

#define QUANTOPT_AVX512                                                        \
  __attribute__((target("avx2,avx512f,avx512bw,avx512vl,popcnt")))

struct Avx512Indexer {
  __m512i signedMax, unsignedMax, unsignedMin;
  __m512 scale;

  QUANTOPT_AVX512 explicit Avx512Indexer(float factor)
      : signedMax(_mm512_set1_epi32(int32_t(kSignBit))),
        unsignedMax(_mm512_setzero_si512()), unsignedMin(_mm512_set1_epi32(-1)),
        scale(_mm512_set1_ps(factor)) {}

  QUANTOPT_AVX512 inline void run(const float *values, uint16_t *rows) {
    const __m512i mask = _mm512_set1_epi32(int32_t(kMagnitudeBits));
    __m512i bits = _mm512_loadu_si512(values);
    signedMax = _mm512_max_epi32(signedMax, bits);
    unsignedMax = _mm512_max_epu32(unsignedMax, bits);
    unsignedMin = _mm512_min_epu32(unsignedMin, bits);
    __m512i magnitude = _mm512_and_si512(bits, mask);
    __m512i bin = _mm512_cvttps_epi32(
        _mm512_mul_ps(_mm512_castsi512_ps(magnitude), scale));
    // bin | (sign & kNegativeRows)
    constexpr int kOrAnd = 0xF8;
    __m512i row =
        _mm512_ternarylogic_epi32(bin, _mm512_srli_epi32(bits, kSignShift),
                                  _mm512_set1_epi32(kNegativeRows), kOrAnd);
    row = _mm512_mask_mov_epi32(_mm512_set1_epi32(kZerosRow),
                                _mm512_test_epi32_mask(bits, mask), row);
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(rows),
                        _mm512_cvtepi32_epi16(row));
  }
};

template <int Half> QUANTOPT_AVX512 inline __m256i halfOf(__m512i vector) {
  // Without a mask, g++ 12 warns of what its header leaves undefined.
  return _mm512_maskz_extracti64x4_epi64(0xFF, vector, Half);
}

QUANTOPT_AVX512 BitRange avx512Index(const float *values, size_t count,
                                     float scale, uint16_t *rows,
                                     const RowCounter &counter) {
  Avx512Indexer indexer(scale);
  const RowCounter counting = counter; // A copy can stay in registers.
  size_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    __builtin_prefetch(values + i + kFetchAhead);
    indexer.run(values + i, rows + i);
    counting.countAt(i);
  }
  if (i < count)
    indexer.run(Tail(values + i, count - i).values, rows + i);
  return reduce(_mm256_max_epi32(halfOf<0>(indexer.signedMax),
                                 halfOf<1>(indexer.signedMax)),
                _mm256_max_epu32(halfOf<0>(indexer.unsignedMax),
                                 halfOf<1>(indexer.unsignedMax)),
                _mm256_min_epu32(halfOf<0>(indexer.unsignedMin),
                                 halfOf<1>(indexer.unsignedMin)));
}

QUANTOPT_AVX512 inline __mmask16 firstLanes(size_t count) {
  return count < 16 ? __mmask16((1u << count) - 1) : __mmask16(0xFFFF);
}

QUANTOPT_AVX512 size_t avx512Separate(const float *values, size_t count,
                                      float *near, float *far) {
  size_t nears = 0, fars = 0;
  for (size_t i = 0; i < count; i += 16) {
    __mmask16 valid =
        count - i < 16 ? __mmask16((1u << (count - i)) - 1) : __mmask16(0xFFFF);
    __m512i bits = _mm512_maskz_loadu_epi32(valid, values + i);
    __m512i magnitude =
        _mm512_and_si512(bits, _mm512_set1_epi32(int32_t(kMagnitudeBits)));
    __mmask16 isNear = _mm512_mask_cmplt_epu32_mask(
        valid, magnitude, _mm512_set1_epi32(int32_t(kFarBits)));
    __mmask16 isFar = valid & ~isNear;
    _mm512_storeu_si512(near + nears,
                        _mm512_maskz_compress_epi32(isNear, bits));
    _mm512_storeu_si512(far + fars, _mm512_maskz_compress_epi32(isFar, bits));
    nears += __builtin_popcount(isNear);
    fars += __builtin_popcount(isFar);
  }
  return nears;
}

/// Zeros beyond `valid`.
QUANTOPT_AVX512 inline __m512i avx512FiniteMagnitude(__mmask16 valid,
                                                     const float *values) {
  __m512i magnitude =
      _mm512_and_si512(_mm512_maskz_loadu_epi32(valid, values),
                       _mm512_set1_epi32(int32_t(kMagnitudeBits)));
  __mmask16 finite = _mm512_cmplt_epu32_mask(
      magnitude, _mm512_set1_epi32(int32_t(kInfinityBits)));
  return _mm512_maskz_mov_epi32(finite, magnitude);
}

QUANTOPT_AVX512 uint32_t avx512Maximum(const float *values, size_t count) {
  __m512i largest = _mm512_setzero_si512();
  size_t i = 0;
  for (; i + 16 <= count; i += 16)
    largest =
        _mm512_max_epu32(largest, avx512FiniteMagnitude(0xFFFF, values + i));
  if (i < count)
    largest = _mm512_max_epu32(
        largest, avx512FiniteMagnitude(firstLanes(count - i), values + i));
  __m256i half = _mm256_max_epu32(halfOf<0>(largest), halfOf<1>(largest));
  return reduce(half, half, half).unsignedMax;
}

/// maxima[i] = the larger of itself and of |values[i]| for `valid` i < 16.
QUANTOPT_AVX512 inline void maximizeLanes(__mmask16 valid, const float *values,
                                          float *maxima) {
  __m512i before = _mm512_maskz_loadu_epi32(valid, maxima);
  _mm512_mask_storeu_epi32(
      maxima, valid,
      _mm512_max_epu32(before, avx512FiniteMagnitude(valid, values)));
}

QUANTOPT_AVX512 void avx512ChannelMaxima(const float *values, size_t count,
                                         size_t channels, size_t position,
                                         float *maxima) {
  while (count > 0) {
    size_t run = std::min(count, channels - position), i = 0;
    for (; i + 16 <= run; i += 16)
      maximizeLanes(0xFFFF, values + i, maxima + position + i);
    if (i < run)
      maximizeLanes(firstLanes(run - i), values + i, maxima + position + i);
    values += run;
    count -= run;
    position = 0;
  }
}

} // namespace

const ObserveKernels kAvx2Kernels = {"avx2", avx2Index, separateEach,
                                     avx2Maximum, avx2ChannelMaxima};

const ObserveKernels kAvx512Kernels = {"avx512", avx512Index, avx512Separate,
                                       avx512Maximum, avx512ChannelMaxima};

} // namespace mlir::qopt::statistics

#endif // __x86_64__

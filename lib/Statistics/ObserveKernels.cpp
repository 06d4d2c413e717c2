//===- ObserveKernels.cpp - Vector loops of the observer ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loops of ObserveKernels.h for four lanes (every supported machine), AVX2
// and AVX-512, and the choice among them at run time.
//
// The row of a value is trunc(|x| * 2^(11 - e)), plus kNegativeRows if it is
// negative, or kZerosRow. Where |x| < 2^e the product is exact but for
// subnormal results, which truncate to 0 however they are rounded.
//
//===----------------------------------------------------------------------===//
#include "ObserveKernels.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mlir::qopt::statistics {
namespace {

/// Bits shift by this to bring the sign to kNegativeRows.
constexpr int kSignShift = 20;
static_assert(kSignBit >> kSignShift == kNegativeRows, "sign is a row offset");

/// Loops work on so many values at a time; the last ones are padded with the
/// last value, which changes no extreme.
constexpr size_t kStep = 16;
static_assert(kBlock % kStep == 0 && kStep <= kSlack, "rows have room");

struct Tail {
  float values[kStep];
  Tail(const float *rest, size_t count) {
    std::fill_n(std::copy_n(rest, count, values), kStep - count,
                rest[count - 1]);
  }
};

uint32_t bitsOf(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

//===----------------------------------------------------------------------===//
// Portable
//===----------------------------------------------------------------------===//

typedef float Float4 __attribute__((vector_size(16)));
typedef int32_t Int4 __attribute__((vector_size(16)));
typedef uint32_t UInt4 __attribute__((vector_size(16)));

template <typename T> inline T select(Int4 mask, T a, T b) {
  return (T(mask) & a) | (~T(mask) & b);
}
inline Int4 maximum(Int4 a, Int4 b) { return select(a > b, a, b); }
inline Int4 broadcast(uint32_t bits) {
  int32_t x = int32_t(bits);
  return Int4{x, x, x, x};
}

struct PortableIndexer {
  Int4 signedMax = broadcast(kSignBit);
  // Unsigned values are compared as signed ones with the sign bit flipped.
  Int4 unsignedMax = broadcast(kSignBit), negatedMin = broadcast(kSignBit);
  Int4 limit;
  Float4 scale;

  explicit PortableIndexer(float factor)
      : scale{factor, factor, factor, factor} {
    // The largest magnitude that is in range: conversions must not overflow.
    constexpr uint32_t kMantissaBits = 23, kBias = 127, kBinBits = 11;
    uint32_t exponent =
        2 * kBias + kBinBits - (bitsOf(factor) >> kMantissaBits);
    limit = broadcast((exponent << kMantissaBits) - 1);
  }

  void run(const float *values, uint16_t *rows) {
    for (size_t i = 0; i < kStep; i += 4) {
      Int4 bits;
      std::memcpy(&bits, values + i, sizeof(bits));
      signedMax = maximum(signedMax, bits);
      unsignedMax = maximum(unsignedMax, bits ^ broadcast(kSignBit));
      negatedMin = maximum(negatedMin, bits ^ broadcast(kMagnitudeBits));
      Int4 magnitude = bits & broadcast(kMagnitudeBits);
      Int4 inRange = select(magnitude > limit, limit, magnitude);
      Int4 bin = __builtin_convertvector(Float4(inRange) * scale, Int4);
      Int4 sign = Int4(UInt4(bits) >> kSignShift) & broadcast(kNegativeRows);
      Int4 row =
          select(magnitude == broadcast(0), broadcast(kZerosRow), bin | sign);
      for (int lane = 0; lane < 4; ++lane)
        rows[i + lane] = uint16_t(row[lane]);
    }
  }

  BitRange getRange() const {
    BitRange range = {int32_t(kSignBit), 0, ~0u};
    for (int i = 0; i < 4; ++i) {
      range.signedMax = std::max(range.signedMax, int32_t(signedMax[i]));
      range.unsignedMax =
          std::max(range.unsignedMax, uint32_t(unsignedMax[i]) ^ kSignBit);
      range.unsignedMin =
          std::min(range.unsignedMin, uint32_t(negatedMin[i]) ^ kMagnitudeBits);
    }
    return range;
  }
};

BitRange portableIndex(const float *values, size_t count, float scale,
                       uint16_t *rows) {
  PortableIndexer indexer(scale);
  size_t i = 0;
  for (; i + kStep <= count; i += kStep)
    indexer.run(values + i, rows + i);
  if (i < count)
    indexer.run(Tail(values + i, count - i).values, rows + i);
  return indexer.getRange();
}

size_t portableSeparate(const float *values, size_t count, float *near,
                        float *far) {
  size_t nears = 0;
  for (size_t i = 0; i < count; ++i) {
    // Both are written, one of them advances: no branch to mispredict.
    near[nears] = far[i - nears] = values[i];
    nears += (bitsOf(values[i]) & kMagnitudeBits) < kFarBits;
  }
  return nears;
}

/// The magnitude as a number to maximize: 0 for NaN and infinities.
inline uint32_t finiteMagnitude(float value) {
  uint32_t magnitude = bitsOf(value) & kMagnitudeBits;
  return magnitude < kInfinityBits ? magnitude : 0;
}
inline Int4 finiteMagnitude(const float *values) {
  Int4 bits;
  std::memcpy(&bits, values, sizeof(bits));
  Int4 magnitude = bits & broadcast(kMagnitudeBits);
  return magnitude & (magnitude < broadcast(kInfinityBits));
}

uint32_t portableMaximum(const float *values, size_t count) {
  Int4 largest = {};
  size_t i = 0;
  for (; i + 4 <= count; i += 4)
    largest = maximum(largest, finiteMagnitude(values + i));
  uint32_t result = 0;
  for (int lane = 0; lane < 4; ++lane)
    result = std::max(result, uint32_t(largest[lane]));
  for (; i < count; ++i)
    result = std::max(result, finiteMagnitude(values[i]));
  return result;
}

/// What is left of a row.
inline void maximizeEach(const float *values, size_t count, float *maxima) {
  for (size_t i = 0; i < count; ++i) {
    uint32_t magnitude = finiteMagnitude(values[i]);
    if (magnitude > bitsOf(maxima[i]))
      std::memcpy(&maxima[i], &magnitude, sizeof(magnitude));
  }
}

void portableChannelMaxima(const float *values, size_t count, size_t channels,
                           size_t position, float *maxima) {
  while (count > 0) {
    size_t run = std::min(count, channels - position), i = 0;
    for (; i + 4 <= run; i += 4) {
      Int4 before;
      std::memcpy(&before, maxima + position + i, sizeof(before));
      before = maximum(before, finiteMagnitude(values + i));
      std::memcpy(maxima + position + i, &before, sizeof(before));
    }
    maximizeEach(values + i, run - i, maxima + position + i);
    values += run;
    count -= run;
    position = 0;
  }
}

constexpr ObserveKernels kPortable = {"portable", portableIndex,
                                      portableSeparate, portableMaximum,
                                      portableChannelMaxima};

#if defined(__x86_64__)

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
                                 uint16_t *rows) {
  Avx2Indexer indexer(scale);
  size_t i = 0;
  for (; i + kStep <= count; i += kStep)
    indexer.run(values + i, rows + i);
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

constexpr ObserveKernels kAvx2 = {"avx2", avx2Index, portableSeparate,
                                  avx2Maximum, avx2ChannelMaxima};

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
                                     float scale, uint16_t *rows) {
  Avx512Indexer indexer(scale);
  size_t i = 0;
  for (; i + kStep <= count; i += kStep)
    indexer.run(values + i, rows + i);
  if (i < count)
    indexer.run(Tail(values + i, count - i).values, rows + i);
  return reduce(_mm256_max_epi32(halfOf<0>(indexer.signedMax),
                                 halfOf<1>(indexer.signedMax)),
                _mm256_max_epu32(halfOf<0>(indexer.unsignedMax),
                                 halfOf<1>(indexer.unsignedMax)),
                _mm256_min_epu32(halfOf<0>(indexer.unsignedMin),
                                 halfOf<1>(indexer.unsignedMin)));
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

QUANTOPT_AVX512 inline __mmask16 firstLanes(size_t count) {
  return count < 16 ? __mmask16((1u << count) - 1) : __mmask16(0xFFFF);
}

QUANTOPT_AVX512 uint32_t avx512Maximum(const float *values, size_t count) {
  __m512i largest = _mm512_setzero_si512();
  for (size_t i = 0; i < count; i += 16)
    largest = _mm512_max_epu32(
        largest, avx512FiniteMagnitude(firstLanes(count - i), values + i));
  __m256i half = _mm256_max_epu32(halfOf<0>(largest), halfOf<1>(largest));
  return reduce(half, half, half).unsignedMax;
}

QUANTOPT_AVX512 void avx512ChannelMaxima(const float *values, size_t count,
                                         size_t channels, size_t position,
                                         float *maxima) {
  while (count > 0) {
    size_t run = std::min(count, channels - position);
    for (size_t i = 0; i < run; i += 16) {
      __mmask16 valid = firstLanes(run - i);
      float *target = maxima + position + i;
      __m512i before = _mm512_maskz_loadu_epi32(valid, target);
      _mm512_mask_storeu_epi32(
          target, valid,
          _mm512_max_epu32(before, avx512FiniteMagnitude(valid, values + i)));
    }
    values += run;
    count -= run;
    position = 0;
  }
}

constexpr ObserveKernels kAvx512 = {"avx512", avx512Index, avx512Separate,
                                    avx512Maximum, avx512ChannelMaxima};

#endif // __x86_64__

std::atomic<const ObserveKernels *> chosenKernels{nullptr};

} // namespace

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

const std::vector<const ObserveKernels *> &availableKernels() {
  static const std::vector<const ObserveKernels *> kernels = [] {
    std::vector<const ObserveKernels *> found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2");
    if (avx2 && __builtin_cpu_supports("popcnt") &&
        __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
      found.push_back(&kAvx512);
    if (avx2)
      found.push_back(&kAvx2);
#endif
    found.push_back(&kPortable);
    return found;
  }();
  return kernels;
}

const ObserveKernels &currentKernels() {
  const ObserveKernels *chosen = chosenKernels.load(std::memory_order_relaxed);
  return chosen ? *chosen : *availableKernels().front();
}

void chooseKernels(const ObserveKernels *kernels) {
  chosenKernels.store(kernels, std::memory_order_relaxed);
}

} // namespace mlir::qopt::statistics

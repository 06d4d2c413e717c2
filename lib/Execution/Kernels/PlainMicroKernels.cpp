//===- PlainMicroKernels.cpp - Inner loops of our own kernels -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Register tiles of s16 x s16 -> s32 products for each level of vector
// instructions, chosen at run time. Operands of 8 bits, signed or not, fit s16
// exactly, and a sum of two products of them fits s32, so pmaddwd never
// saturates; the 32-bit sums wrap.
//
//===----------------------------------------------------------------------===//

#include "Plain.h"

#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Register tiles are arrays that must be unrolled away.
#if defined(__clang__)
#define QUANTOPT_UNROLL _Pragma("unroll")
#else
#define QUANTOPT_UNROLL _Pragma("GCC unroll 16")
#endif

namespace mlir::qopt::cpu {
namespace {

using RunFunction = void (*)(const void *, int64_t, const void *, int64_t,
                             void *, int);

//===----------------------------------------------------------------------===//
// Portable
//===----------------------------------------------------------------------===//

constexpr int kPortableRows = 4, kPortableCols = 8;

void portableInteger(const void *aData, int64_t lda, const void *bData,
                     int64_t steps, void *tileData, int rows) {
  const auto *a = static_cast<const int16_t *>(aData);
  const auto *b = static_cast<const int16_t *>(bData);
  auto *tile = static_cast<uint32_t *>(tileData);
  for (int r = 0; r < rows; ++r) {
    uint32_t sums[kPortableCols] = {};
    for (int64_t s = 0; s < steps; ++s) {
      int32_t a0 = a[r * lda + 2 * s], a1 = a[r * lda + 2 * s + 1];
      const int16_t *pair = b + s * kPortableCols * 2;
      for (int c = 0; c < kPortableCols; ++c)
        sums[c] +=
            static_cast<uint32_t>(a0 * pair[2 * c] + a1 * pair[2 * c + 1]);
    }
    std::memcpy(tile + r * kPortableCols, sums, sizeof(sums));
  }
}

// Four lanes are what every supported machine has. Compiled without
// contraction, one product and one addition per k.
typedef float Float4 __attribute__((vector_size(16)));

void portableFloat(const void *aData, int64_t lda, const void *bData,
                   int64_t steps, void *tileData, int rows) {
  const auto *a = static_cast<const float *>(aData);
  auto *tile = static_cast<float *>(tileData);
  const float *row[kPortableRows];
  for (int r = 0; r < kPortableRows; ++r)
    row[r] = a + (r < rows ? r : 0) * lda;
  Float4 sums[kPortableRows][2] = {};
  const auto *b = static_cast<const float *>(bData);
  for (int64_t s = 0; s < steps; ++s, b += kPortableCols) {
    Float4 b0, b1;
    std::memcpy(&b0, b, sizeof(b0));
    std::memcpy(&b1, b + 4, sizeof(b1));
    QUANTOPT_UNROLL
    for (int r = 0; r < kPortableRows; ++r) {
      float x = row[r][s];
      Float4 broadcast = {x, x, x, x};
      sums[r][0] += broadcast * b0;
      sums[r][1] += broadcast * b1;
    }
  }
  for (int r = 0; r < rows; ++r)
    std::memcpy(tile + r * kPortableCols, sums[r], sizeof(sums[r]));
}

template <typename T>
void portableWiden(const T *src, int64_t count, int16_t *dst) {
  for (int64_t i = 0; i < count; ++i)
    dst[i] = src[i];
}

#if defined(__x86_64__)

/// A pair of s16 as the 32 bits that broadcasts take.
inline int32_t loadPair(const int16_t *pair) {
  int32_t bits;
  std::memcpy(&bits, pair, sizeof(bits));
  return bits;
}

//===----------------------------------------------------------------------===//
// AVX2
//===----------------------------------------------------------------------===//

#define QUANTOPT_AVX2 __attribute__((target("avx2")))

constexpr int kAvx2Rows = 6, kAvx2Cols = 16;

template <int Rows>
QUANTOPT_AVX2 void avx2Integer(const void *aData, int64_t lda,
                               const void *bData, int64_t steps, void *tileData,
                               int) {
  const auto *a = static_cast<const int16_t *>(aData);
  const auto *b = static_cast<const __m256i *>(bData);
  auto *tile = static_cast<int32_t *>(tileData);
  __m256i sums[Rows][2];
  QUANTOPT_UNROLL
  for (int r = 0; r < Rows; ++r)
    sums[r][0] = sums[r][1] = _mm256_setzero_si256();
  for (int64_t s = 0; s < steps; ++s, b += 2) {
    __m256i b0 = _mm256_loadu_si256(b), b1 = _mm256_loadu_si256(b + 1);
    QUANTOPT_UNROLL
    for (int r = 0; r < Rows; ++r) {
      __m256i x = _mm256_set1_epi32(loadPair(a + r * lda + 2 * s));
      sums[r][0] = _mm256_add_epi32(sums[r][0], _mm256_madd_epi16(x, b0));
      sums[r][1] = _mm256_add_epi32(sums[r][1], _mm256_madd_epi16(x, b1));
    }
  }
  QUANTOPT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    auto *row = reinterpret_cast<__m256i *>(tile + r * kAvx2Cols);
    _mm256_storeu_si256(row, sums[r][0]);
    _mm256_storeu_si256(row + 1, sums[r][1]);
  }
}

void runAvx2Integer(const void *a, int64_t lda, const void *b, int64_t steps,
                    void *tile, int rows) {
  static constexpr RunFunction kByRows[kAvx2Rows] = {
      avx2Integer<1>, avx2Integer<2>, avx2Integer<3>,
      avx2Integer<4>, avx2Integer<5>, avx2Integer<6>};
  kByRows[rows - 1](a, lda, b, steps, tile, rows);
}

QUANTOPT_AVX2 void avx2Widen(bool isSigned, const void *src, int64_t count,
                             int16_t *dst) {
  const auto *from = static_cast<const char *>(src);
  int64_t i = 0;
  for (; i + 16 <= count; i += 16) {
    __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from + i));
    __m256i wide = isSigned ? _mm256_cvtepi8_epi16(x) : _mm256_cvtepu8_epi16(x);
    _mm256_storeu_si256(reinterpret_cast<__m256i *>(dst + i), wide);
  }
  for (; i < count; ++i)
    dst[i] =
        isSigned ? static_cast<int8_t>(from[i]) : static_cast<uint8_t>(from[i]);
}

//===----------------------------------------------------------------------===//
// AVX-512
//===----------------------------------------------------------------------===//

#define QUANTOPT_AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))
#define QUANTOPT_VNNI                                                          \
  __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

constexpr int kAvx512Rows = 12, kAvx512Cols = 32;

// The two levels differ in one instruction; a macro, since a template cannot
// carry the target.
#define QUANTOPT_DEFINE_AVX512_TILE(NAME, TARGET, MULTIPLY_ADD)                \
  template <int Rows>                                                          \
  TARGET void NAME(const void *aData, int64_t lda, const void *bData,          \
                   int64_t steps, void *tileData, int) {                       \
    const auto *a = static_cast<const int16_t *>(aData);                       \
    const auto *b = static_cast<const char *>(bData);                          \
    auto *tile = static_cast<int32_t *>(tileData);                             \
    __m512i sums[Rows][2];                                                     \
    QUANTOPT_UNROLL                                                            \
    for (int r = 0; r < Rows; ++r)                                             \
      sums[r][0] = sums[r][1] = _mm512_setzero_si512();                        \
    for (int64_t s = 0; s < steps; ++s, b += 128) {                            \
      __m512i b0 = _mm512_loadu_si512(b), b1 = _mm512_loadu_si512(b + 64);     \
      QUANTOPT_UNROLL                                                          \
      for (int r = 0; r < Rows; ++r) {                                         \
        __m512i x = _mm512_set1_epi32(loadPair(a + r * lda + 2 * s));          \
        sums[r][0] = MULTIPLY_ADD(sums[r][0], x, b0);                          \
        sums[r][1] = MULTIPLY_ADD(sums[r][1], x, b1);                          \
      }                                                                        \
    }                                                                          \
    QUANTOPT_UNROLL                                                            \
    for (int r = 0; r < Rows; ++r) {                                           \
      _mm512_storeu_si512(tile + r * kAvx512Cols, sums[r][0]);                 \
      _mm512_storeu_si512(tile + r * kAvx512Cols + 16, sums[r][1]);            \
    }                                                                          \
  }                                                                            \
  void run_##NAME(const void *a, int64_t lda, const void *b, int64_t steps,    \
                  void *tile, int rows) {                                      \
    static constexpr RunFunction kByRows[kAvx512Rows] = {                      \
        NAME<1>, NAME<2>, NAME<3>, NAME<4>,  NAME<5>,  NAME<6>,                \
        NAME<7>, NAME<8>, NAME<9>, NAME<10>, NAME<11>, NAME<12>};              \
    kByRows[rows - 1](a, lda, b, steps, tile, rows);                           \
  }

#define QUANTOPT_MADD(SUM, X, Y) _mm512_add_epi32(SUM, _mm512_madd_epi16(X, Y))
QUANTOPT_DEFINE_AVX512_TILE(avx512Integer, QUANTOPT_AVX512, QUANTOPT_MADD)
QUANTOPT_DEFINE_AVX512_TILE(vnniInteger, QUANTOPT_VNNI, _mm512_dpwssd_epi32)

#endif // __x86_64__

} // namespace

//===----------------------------------------------------------------------===//
// Choice
//===----------------------------------------------------------------------===//

const MicroKernel &integerMicroKernel() {
  static const MicroKernel kPortable = {"plain:portable_s16", kPortableRows,
                                        kPortableCols, 2, portableInteger};
#if defined(__x86_64__)
  static const MicroKernel kAvx2 = {"plain:avx2_s16", kAvx2Rows, kAvx2Cols, 2,
                                    runAvx2Integer};
  static const MicroKernel kAvx512 = {"plain:avx512_s16", kAvx512Rows,
                                      kAvx512Cols, 2, run_avx512Integer};
  static const MicroKernel kVnni = {"plain:avx512_vnni_s16", kAvx512Rows,
                                    kAvx512Cols, 2, run_vnniInteger};
  if (vectorLevel() >= VectorLevel::Avx512Vnni)
    return kVnni;
  if (vectorLevel() >= VectorLevel::Avx512)
    return kAvx512;
  if (vectorLevel() >= VectorLevel::Avx2)
    return kAvx2;
#endif
  return kPortable;
}

const MicroKernel &floatMicroKernel() {
  static const MicroKernel kPortable = {"plain:portable_f32", kPortableRows,
                                        kPortableCols, 1, portableFloat};
  return kPortable;
}

void widen(ElementType type, const void *src, int64_t count, int16_t *dst) {
  bool isSigned = type == ElementType::S8;
#if defined(__x86_64__)
  if (vectorLevel() >= VectorLevel::Avx2)
    return avx2Widen(isSigned, src, count, dst);
#endif
  if (isSigned)
    portableWiden(static_cast<const int8_t *>(src), count, dst);
  else
    portableWiden(static_cast<const uint8_t *>(src), count, dst);
}

} // namespace mlir::qopt::cpu

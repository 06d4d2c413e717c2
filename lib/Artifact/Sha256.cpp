//===- Sha256.cpp - The hash of an artifact's members ---------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Weights are hashed whenever a model is opened, so the instructions for
// SHA-256 are used where an x86 processor has them.
//
//===----------------------------------------------------------------------===//
#include "Sha256.h"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

using namespace mlir::qopt::artifact;

static constexpr size_t kBlockSize = 64;

alignas(16) static constexpr uint32_t kRoundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

static uint32_t rotateRight(uint32_t value, int count) {
  return value >> count | value << (32 - count);
}

/// Section 6.2.2 of the standard.
static void addBlockPortably(std::array<uint32_t, 8> &state,
                             const uint8_t *block) {
  uint32_t schedule[64];
  for (int i = 0; i < 16; ++i)
    schedule[i] = uint32_t(block[4 * i]) << 24 |
                  uint32_t(block[4 * i + 1]) << 16 |
                  uint32_t(block[4 * i + 2]) << 8 | block[4 * i + 3];
  for (int i = 16; i < 64; ++i) {
    uint32_t early = schedule[i - 15], late = schedule[i - 2];
    uint32_t sigma0 =
        rotateRight(early, 7) ^ rotateRight(early, 18) ^ early >> 3;
    uint32_t sigma1 =
        rotateRight(late, 17) ^ rotateRight(late, 19) ^ late >> 10;
    schedule[i] = schedule[i - 16] + sigma0 + schedule[i - 7] + sigma1;
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (int i = 0; i < 64; ++i) {
    uint32_t sum1 = rotateRight(e, 6) ^ rotateRight(e, 11) ^ rotateRight(e, 25);
    uint32_t sum0 = rotateRight(a, 2) ^ rotateRight(a, 13) ^ rotateRight(a, 22);
    uint32_t t1 =
        h + sum1 + ((e & f) ^ (~e & g)) + kRoundConstants[i] + schedule[i];
    uint32_t t2 = sum0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + t1;
    d = c;
    c = b;
    b = a;
    a = t1 + t2;
  }
  const uint32_t result[8] = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; ++i)
    state[i] += result[i];
}

#if defined(__x86_64__)
static bool haveShaInstructions() {
  constexpr unsigned kSsse3 = 1u << 9, kSse41 = 1u << 19, kSha = 1u << 29;
  unsigned eax, ebx, ecx, edx;
  if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) ||
      (ecx & (kSsse3 | kSse41)) != (kSsse3 | kSse41))
    return false;
  return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & kSha);
}

/// The instructions work on the state as {ABEF, CDGH}, four rounds at a time.
__attribute__((target("sha,sse4.1,ssse3"))) static void
addBlocksInHardware(std::array<uint32_t, 8> &state, const uint8_t *blocks,
                    size_t count) {
  const __m128i bigEndian =
      _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  auto load = [](const void *from) __attribute__((target("sha,sse4.1"))) {
    return _mm_loadu_si128(static_cast<const __m128i *>(from));
  };
  __m128i cdab = _mm_shuffle_epi32(load(&state[0]), 0xb1);
  __m128i efgh = _mm_shuffle_epi32(load(&state[4]), 0x1b);
  __m128i abef = _mm_alignr_epi8(cdab, efgh, 8);
  __m128i cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);
  for (; count > 0; --count, blocks += kBlockSize) {
    const __m128i abefBefore = abef, cdghBefore = cdgh;
    // Words i .. i + 3 of the schedule, and the three groups before them.
    __m128i words[4];
    for (int i = 0; i < 16; ++i) {
      __m128i &current = words[i % 4];
      if (i < 4) {
        current = _mm_shuffle_epi8(load(blocks + 16 * i), bigEndian);
      } else {
        const __m128i last = words[(i + 3) % 4], previous = words[(i + 2) % 4];
        current = _mm_sha256msg1_epu32(current, words[(i + 1) % 4]);
        current = _mm_add_epi32(current, _mm_alignr_epi8(last, previous, 4));
        current = _mm_sha256msg2_epu32(current, last);
      }
      __m128i input = _mm_add_epi32(current, load(&kRoundConstants[4 * i]));
      cdgh = _mm_sha256rnds2_epu32(cdgh, abef, input);
      abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(input, 0x0e));
    }
    abef = _mm_add_epi32(abef, abefBefore);
    cdgh = _mm_add_epi32(cdgh, cdghBefore);
  }
  __m128i feba = _mm_shuffle_epi32(abef, 0x1b);
  __m128i dchg = _mm_shuffle_epi32(cdgh, 0xb1);
  _mm_storeu_si128(reinterpret_cast<__m128i *>(&state[0]),
                   _mm_blend_epi16(feba, dchg, 0xf0));
  _mm_storeu_si128(reinterpret_cast<__m128i *>(&state[4]),
                   _mm_alignr_epi8(dchg, feba, 8));
}
#endif

void Sha256::addBlocks(const uint8_t *blocks, size_t count) {
#if defined(__x86_64__)
  static const bool inHardware = haveShaInstructions();
  if (inHardware && !isPortable)
    return addBlocksInHardware(state, blocks, count);
#endif
  for (; count > 0; --count, blocks += kBlockSize)
    addBlockPortably(state, blocks);
}

//===----------------------------------------------------------------------===//
// Messages
//===----------------------------------------------------------------------===//

void Sha256::update(const void *data, size_t size) {
  const auto *next = static_cast<const uint8_t *>(data);
  totalBytes += size;
  if (numPending > 0) {
    size_t taken = std::min(size, kBlockSize - numPending);
    if (taken)
      memcpy(pending.data() + numPending, next, taken);
    numPending += taken;
    next += taken;
    size -= taken;
    if (numPending < kBlockSize)
      return;
    addBlocks(pending.data(), 1);
    numPending = 0;
  }
  addBlocks(next, size / kBlockSize);
  numPending = size % kBlockSize;
  if (numPending)
    memcpy(pending.data(), next + (size - numPending), numPending);
}

std::string Sha256::finish() {
  uint64_t bits = totalBytes * 8;
  // A one bit, zeros up to the last 8 bytes of a block, the length in bits.
  const uint8_t padding[kBlockSize + 8] = {0x80};
  size_t zerosEnd = numPending < kBlockSize - 8 ? kBlockSize : 2 * kBlockSize;
  update(padding, zerosEnd - 8 - numPending);
  uint8_t length[8];
  for (int i = 0; i < 8; ++i)
    length[i] = uint8_t(bits >> (56 - 8 * i));
  update(length, sizeof(length));

  std::string text;
  for (uint32_t word : state)
    for (int shift = 28; shift >= 0; shift -= 4)
      text += "0123456789abcdef"[word >> shift & 15];
  return text;
}

std::string mlir::qopt::artifact::sha256(const void *data, size_t size) {
  Sha256 hash;
  hash.update(data, size);
  return hash.finish();
}

//===----------------------------------------------------------------------===//
// CRC-32
//===----------------------------------------------------------------------===//

namespace {
/// tables[k][b]: what byte b contributes k bytes later ("slicing by 8").
struct CrcTables {
  CrcTables() {
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit)
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
      tables[0][i] = crc;
    }
    for (int k = 1; k < 8; ++k)
      for (uint32_t i = 0; i < 256; ++i)
        tables[k][i] =
            tables[k - 1][i] >> 8 ^ tables[0][tables[k - 1][i] & 255];
  }
  uint32_t tables[8][256];
};
} // namespace

uint32_t mlir::qopt::artifact::crc32(uint32_t crc, const void *data,
                                     size_t size) {
  static const CrcTables crcTables;
  const auto &tables = crcTables.tables;
  const auto *next = static_cast<const uint8_t *>(data);
  crc = ~crc;
  for (; size >= 8; size -= 8, next += 8) {
    uint32_t low = crc ^ (uint32_t(next[0]) | uint32_t(next[1]) << 8 |
                          uint32_t(next[2]) << 16 | uint32_t(next[3]) << 24);
    crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^
          tables[5][low >> 16 & 255] ^ tables[4][low >> 24] ^
          tables[3][next[4]] ^ tables[2][next[5]] ^ tables[1][next[6]] ^
          tables[0][next[7]];
  }
  for (; size > 0; --size, ++next)
    crc = crc >> 8 ^ tables[0][(crc ^ *next) & 255];
  return ~crc;
}

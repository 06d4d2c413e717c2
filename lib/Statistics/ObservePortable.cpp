//===- ObservePortable.cpp - Loops of the observer on any machine ---------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The loops of ObserveKernels.h with four lanes, which every supported machine
// has.
//
//===----------------------------------------------------------------------===//
#include "ObserveLoops.h"

namespace mlir::qopt::statistics {
namespace {

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
                       uint16_t *rows, const RowCounter &counter) {
  PortableIndexer indexer(scale);
  const RowCounter counting = counter; // A copy can stay in registers.
  size_t i = 0;
  for (; i + kStep <= count; i += kStep) {
    __builtin_prefetch(values + i + kFetchAhead);
    indexer.run(values + i, rows + i);
    counting.countAt(i);
  }
  if (i < count)
    indexer.run(Tail(values + i, count - i).values, rows + i);
  return indexer.getRange();
}

inline Int4 finiteMagnitudes(const float *values) {
  Int4 bits;
  std::memcpy(&bits, values, sizeof(bits));
  Int4 magnitude = bits & broadcast(kMagnitudeBits);
  return magnitude & (magnitude < broadcast(kInfinityBits));
}

uint32_t portableMaximum(const float *values, size_t count) {
  Int4 largest = {};
  size_t i = 0;
  for (; i + 4 <= count; i += 4)
    largest = maximum(largest, finiteMagnitudes(values + i));
  uint32_t result = 0;
  for (int lane = 0; lane < 4; ++lane)
    result = std::max(result, uint32_t(largest[lane]));
  for (; i < count; ++i)
    result = std::max(result, finiteMagnitude(values[i]));
  return result;
}

void portableChannelMaxima(const float *values, size_t count, size_t channels,
                           size_t position, float *maxima) {
  while (count > 0) {
    size_t run = std::min(count, channels - position), i = 0;
    for (; i + 4 <= run; i += 4) {
      Int4 before;
      std::memcpy(&before, maxima + position + i, sizeof(before));
      before = maximum(before, finiteMagnitudes(values + i));
      std::memcpy(maxima + position + i, &before, sizeof(before));
    }
    maximizeEach(values + i, run - i, maxima + position + i);
    values += run;
    count -= run;
    position = 0;
  }
}

} // namespace

size_t separateEach(const float *values, size_t count, float *near,
                    float *far) {
  size_t nears = 0;
  for (size_t i = 0; i < count; ++i) {
    // Both are written, one of them advances: no branch to mispredict.
    near[nears] = far[i - nears] = values[i];
    nears += (bitsOf(values[i]) & kMagnitudeBits) < kFarBits;
  }
  return nears;
}

const ObserveKernels kPortableKernels = {"portable", portableIndex,
                                         separateEach, portableMaximum,
                                         portableChannelMaxima};

} // namespace mlir::qopt::statistics

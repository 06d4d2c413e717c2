//===- MatrixOps.cpp - ldmatrix, mma, dp4a, conversions --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Fragment layouts from the PTX ISA, "Matrix Fragments for mma.m16n8k32",
// "... for mma.m16n8k16 with floating point type" and "ldmatrix", with
// g = lane / 4 and t = lane % 4:
//   a[0..3]  rows g, g+8, g, g+8; bytes 4t.. of k, then 16 + 4t..
//   b[0..1]  column g; bytes 4t.. of k, then 16 + 4t..
//   c[0..3]  (g, 2t), (g, 2t+1), (g+8, 2t), (g+8, 2t+1)
// The bytes are four 8-bit elements, or two 16-bit ones.
//
// The order and the precision of an mma's float sums are the hardware's own.
// Here the products, which are exact, are added to the accumulator in f64 in
// increasing k, and the sum is rounded once.
//
//===----------------------------------------------------------------------===//
#include "EntryPoints.h"
#include "QuantOpt/Support/HalfPrecision.h"

#include <cmath>
#include <cstring>
#include <limits>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

//===----------------------------------------------------------------------===//
// ldmatrix
//===----------------------------------------------------------------------===//

static constexpr unsigned kMatrixRows = 8;
static constexpr unsigned kMatrixRowBytes = 16;

namespace {
struct LoadMatrixOperands {
  const char *row;
  uint32_t *results;
  uint32_t count;
  bool isTransposed;
};
} // namespace

/// Lanes 8i .. 8i+7 have given the rows of matrix i. Lane l receives elements
/// 2 (l % 4) and the next of row l / 4, of column l / 4 if transposed.
static void completeLoadMatrix(Warp &warp) {
  Collective &collective = warp.collective;
  auto operands = [&](unsigned lane) -> LoadMatrixOperands & {
    return *static_cast<LoadMatrixOperands *>(collective.data[lane]);
  };
  uint32_t count = operands(0).count;
  bool isTransposed = operands(0).isTransposed;
  for (uint32_t matrix = 0; matrix < count; ++matrix) {
    uint16_t elements[kMatrixRows][kMatrixRows];
    AccessRequest request;
    for (unsigned row = 0; row < kMatrixRows; ++row) {
      unsigned lane = matrix * kMatrixRows + row;
      memcpy(elements[row], operands(lane).row, kMatrixRowBytes);
      request.lanes |= 1u << row;
      request.addresses[row] = sharedOffset(operands(lane).row);
    }
    if (machine->options.counters)
      machine->totals.add(collective.op, OpCounters::Kind::Shared,
                          kMatrixRowBytes, request);
    for (unsigned lane = 0; lane < kWarpSize; ++lane) {
      unsigned row = lane / 4, column = 2 * (lane % 4);
      uint32_t first = elements[row][column];
      uint32_t second = elements[row][column + 1];
      if (isTransposed) {
        first = elements[column][row];
        second = elements[column + 1][row];
      }
      operands(lane).results[matrix] = first | second << 16;
    }
  }
}

void emulator::loadMatrix(char *row, uint32_t *results, uint32_t count,
                          uint32_t isTransposed, OpId op) {
  Thread &thread = *self;
  if (thread.lane < count * kMatrixRows) {
    checkShared(row, kMatrixRowBytes, kMatrixRowBytes, op);
    recordShared(row, kMatrixRowBytes, AccessKind::Read, thread.now(op));
  }
  LoadMatrixOperands operands{row, results, count, isTransposed != 0};
  gatherFullWarp(op, &operands, completeLoadMatrix);
}

//===----------------------------------------------------------------------===//
// mma
//===----------------------------------------------------------------------===//

static constexpr unsigned kMmaM = 16, kMmaN = 8, kMmaK = 32;
static constexpr unsigned kMmaB = 4, kMmaC = 6; // First registers of b and c.

namespace {
struct MmaOperands {
  uint32_t *registers;
  uint32_t flags;
};
} // namespace

/// Widens four bytes.
static void unpackBytes(uint32_t word, bool isUnsigned, int16_t *result) {
  for (unsigned i = 0; i < 4; ++i) {
    uint8_t byte = word >> 8 * i;
    result[i] = isUnsigned ? int16_t(byte) : int16_t(int8_t(byte));
  }
}

static uint32_t accumulate(uint32_t c, int32_t product, bool saturates) {
  if (!saturates)
    return c + static_cast<uint32_t>(product);
  int64_t sum = int64_t(static_cast<int32_t>(c)) + product;
  sum = std::clamp<int64_t>(sum, std::numeric_limits<int32_t>::min(),
                            std::numeric_limits<int32_t>::max());
  return static_cast<uint32_t>(sum);
}

/// Widens two 16-bit floats.
static void unpackHalves(uint32_t word, bool isBFloat, float *result) {
  for (unsigned i = 0; i < 2; ++i) {
    uint16_t bits = word >> 16 * i;
    result[i] = isBFloat ? quantmath::fromBF16(bits) : quantmath::fromF16(bits);
  }
}

static void completeFloatMma(Warp &warp) {
  constexpr unsigned kFloatK = kMmaK / 2;
  Collective &collective = warp.collective;
  auto registers = [&](unsigned lane) {
    return static_cast<MmaOperands *>(collective.data[lane])->registers;
  };
  bool isBFloat =
      static_cast<MmaOperands *>(collective.data[0])->flags & kBFloat;
  ++machine->result.mmas;

  float a[kMmaM][kFloatK], b[kMmaN][kFloatK];
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    const uint32_t *in = registers(lane);
    unsigned g = lane / 4, k = 2 * (lane % 4);
    unpackHalves(in[0], isBFloat, &a[g][k]);
    unpackHalves(in[1], isBFloat, &a[g + 8][k]);
    unpackHalves(in[2], isBFloat, &a[g][8 + k]);
    unpackHalves(in[3], isBFloat, &a[g + 8][8 + k]);
    unpackHalves(in[kMmaB], isBFloat, &b[g][k]);
    unpackHalves(in[kMmaB + 1], isBFloat, &b[g][8 + k]);
  }
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    uint32_t *c = registers(lane) + kMmaC;
    unsigned g = lane / 4, t = lane % 4;
    for (unsigned i = 0; i < 4; ++i) {
      float start;
      memcpy(&start, &c[i], sizeof(start));
      double sum = start;
      for (unsigned k = 0; k < kFloatK; ++k)
        sum += double(a[g + 8 * (i / 2)][k]) * b[2 * t + i % 2][k];
      float rounded = static_cast<float>(sum);
      memcpy(&c[i], &rounded, sizeof(rounded));
    }
  }
}

static void completeMma(Warp &warp) {
  Collective &collective = warp.collective;
  auto registers = [&](unsigned lane) {
    return static_cast<MmaOperands *>(collective.data[lane])->registers;
  };
  uint32_t flags = static_cast<MmaOperands *>(collective.data[0])->flags;
  bool unsignedA = flags & kUnsignedA, unsignedB = flags & kUnsignedB;
  ++machine->result.mmas;

  alignas(64) int16_t a[kMmaM][kMmaK], b[kMmaN][kMmaK];
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    const uint32_t *in = registers(lane);
    unsigned g = lane / 4, k = 4 * (lane % 4);
    unpackBytes(in[0], unsignedA, &a[g][k]);
    unpackBytes(in[1], unsignedA, &a[g + 8][k]);
    unpackBytes(in[2], unsignedA, &a[g][16 + k]);
    unpackBytes(in[3], unsignedA, &a[g + 8][16 + k]);
    unpackBytes(in[kMmaB], unsignedB, &b[g][k]);
    unpackBytes(in[kMmaB + 1], unsignedB, &b[g][16 + k]);
  }
  int32_t products[kMmaM][kMmaN];
  for (unsigned m = 0; m < kMmaM; ++m) {
    for (unsigned n = 0; n < kMmaN; ++n) {
      int32_t sum = 0;
      for (unsigned k = 0; k < kMmaK; ++k)
        sum += int32_t(a[m][k]) * b[n][k];
      products[m][n] = sum;
    }
  }
  for (unsigned lane = 0; lane < kWarpSize; ++lane) {
    uint32_t *c = registers(lane) + kMmaC;
    unsigned g = lane / 4, t = lane % 4;
    for (unsigned i = 0; i < 4; ++i)
      c[i] = accumulate(c[i], products[g + 8 * (i / 2)][2 * t + i % 2],
                        flags & kSaturate);
  }
}

void emulator::mma(uint32_t *registers, uint32_t flags, OpId op) {
  MmaOperands operands{registers, flags};
  gatherFullWarp(op, &operands,
                 flags & (kHalf | kBFloat) ? completeFloatMma : completeMma);
}

//===----------------------------------------------------------------------===//
// Single-thread arithmetic
//===----------------------------------------------------------------------===//

uint32_t emulator::dp4a(uint32_t a, uint32_t b, uint32_t c, uint32_t flags) {
  int16_t wideA[4], wideB[4];
  unpackBytes(a, !(flags & kSignedA), wideA);
  unpackBytes(b, !(flags & kSignedB), wideB);
  ++machine->result.dp4as;
  for (unsigned i = 0; i < 4; ++i)
    c += static_cast<uint32_t>(int32_t(wideA[i]) * wideB[i]);
  return c;
}

uint32_t emulator::convertRoundToInt(float value) {
  constexpr float kTwoTo31 = 2147483648.0f;
  if (std::isnan(value))
    return 0;
  if (value >= kTwoTo31)
    return static_cast<uint32_t>(std::numeric_limits<int32_t>::max());
  if (value < -kTwoTo31)
    return static_cast<uint32_t>(std::numeric_limits<int32_t>::min());
  // The default rounding mode is in effect: half to even.
  return static_cast<uint32_t>(static_cast<int32_t>(std::nearbyint(value)));
}

uint32_t emulator::convertPackSaturate(int32_t high, int32_t low, uint32_t rest,
                                       uint32_t isUnsigned) {
  auto saturate = [&](int32_t value) -> uint32_t {
    value =
        isUnsigned ? std::clamp(value, 0, 255) : std::clamp(value, -128, 127);
    return static_cast<uint8_t>(value);
  };
  return saturate(low) | saturate(high) << 8 | rest << 16;
}

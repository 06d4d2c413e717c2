//===- GoldenConversions.cpp - Rounding and saturation ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// PTX ISA 9.0, "cvt" (to integers: saturates; a NaN of f32 becomes 0) and
// "cvt.pack". Conversions of floats round to nearest, half to even.
//
//===----------------------------------------------------------------------===//
#include "DeviceGolden.h"

#include <cmath>
#include <cstring>
#include <random>

using namespace mlir::qopt::test;

static constexpr size_t kCount = 1024;

//===----------------------------------------------------------------------===//
// f32 to integers
//===----------------------------------------------------------------------===//

/// cvt.rni.s32.f32.
static int32_t convertRni(float value) {
  if (std::isnan(value))
    return 0;
  double rounded = std::nearbyint(static_cast<double>(value));
  if (rounded >= 2147483647.0)
    return INT32_MAX;
  if (rounded <= -2147483648.0)
    return INT32_MIN;
  return static_cast<int32_t>(rounded);
}

static void addCvtRni(std::vector<DeviceGolden> &goldens) {
  std::vector<float> values = makeFloats(kCount);
  std::vector<int32_t> results;
  for (float value : values)
    results.push_back(convertRni(value));
  goldens.push_back(makeElementwise(
      "cvt_rni_s32_f32", {makeTensor("values", QOPT_F32, values)},
      {makeTensor("results", QOPT_I32, results)}, "%y0 = qopt.cvt_rni %x0\n"));
}

/// cvt.rzi of values in range: towards zero.
static void addTruncation(std::vector<DeviceGolden> &goldens) {
  std::vector<float> values = makeFloats(kCount);
  std::vector<int32_t> results;
  std::vector<uint32_t> unsignedResults;
  for (float &value : values) {
    if (!(std::fabs(value) < 2147483520.0f))
      value = 1.75f;
    results.push_back(static_cast<int32_t>(value));
    unsignedResults.push_back(static_cast<uint32_t>(std::fabs(value)));
  }
  goldens.push_back(
      makeElementwise("fptosi_fptoui", {makeTensor("values", QOPT_F32, values)},
                      {makeTensor("signed", QOPT_I32, results),
                       makeTensor("unsigned", QOPT_I32, unsignedResults)},
                      "%y0 = arith.fptosi %x0 : f32 to i32\n"
                      "%abs = math.absf %x0 : f32\n"
                      "%y1 = arith.fptoui %abs : f32 to i32\n"));
}

static void addFromIntegers(std::vector<DeviceGolden> &goldens) {
  std::mt19937 random(9);
  std::vector<int32_t> values = {
      0,   1,    -1,  16777217,   -16777219, 33554435,  INT32_MAX, INT32_MIN,
      127, -128, 255, 2147483583, -2,        134217732, 134217740, 134217748};
  while (values.size() < kCount)
    values.push_back(static_cast<int32_t>(random()) >> random() % 24);
  std::vector<float> signedResults, unsignedResults;
  for (int32_t value : values) {
    signedResults.push_back(static_cast<float>(value));
    unsignedResults.push_back(static_cast<float>(static_cast<uint32_t>(value)));
  }
  goldens.push_back(
      makeElementwise("sitofp_uitofp", {makeTensor("values", QOPT_I32, values)},
                      {makeTensor("signed", QOPT_F32, signedResults),
                       makeTensor("unsigned", QOPT_F32, unsignedResults)},
                      "%y0 = arith.sitofp %x0 : i32 to f32\n"
                      "%y1 = arith.uitofp %x0 : i32 to f32\n"));
}

/// Bytes to f32 and back by way of extension, as loads of i8 tensors do.
static void addBytes(std::vector<DeviceGolden> &goldens) {
  std::vector<uint8_t> bytes(256);
  std::vector<float> signedResults, unsignedResults;
  std::vector<uint8_t> negated;
  for (int i = 0; i < 256; ++i) {
    bytes[i] = static_cast<uint8_t>(i);
    signedResults.push_back(static_cast<int8_t>(i));
    unsignedResults.push_back(static_cast<float>(i));
    negated.push_back(static_cast<uint8_t>(-i * 3));
  }
  goldens.push_back(
      makeElementwise("bytes", {makeTensor("bytes", QOPT_U8, bytes)},
                      {makeTensor("signed", QOPT_F32, signedResults),
                       makeTensor("unsigned", QOPT_F32, unsignedResults),
                       makeTensor("negated", QOPT_U8, negated)},
                      "%s = arith.extsi %x0 : i8 to i32\n"
                      "%u = arith.extui %x0 : i8 to i32\n"
                      "%y0 = arith.sitofp %s : i32 to f32\n"
                      "%y1 = arith.sitofp %u : i32 to f32\n"
                      "%c = arith.constant -3 : i32\n"
                      "%n = arith.muli %s, %c : i32\n"
                      "%y2 = arith.trunci %n : i32 to i8\n"));
}

//===----------------------------------------------------------------------===//
// cvt.pack
//===----------------------------------------------------------------------===//

/// cvt.pack.sat.{s8,u8}.s32.b32 d, a, b, c: "ta and tb are a and b saturated;
/// d[7:0] = tb, d[15:8] = ta, d[31:16] = c[15:0]".
static void addCvtPack(std::vector<DeviceGolden> &goldens, bool isUnsigned) {
  constexpr int32_t kEdges[] = {-2147483647 - 1,
                                -32769,
                                -257,
                                -129,
                                -128,
                                -127,
                                -1,
                                0,
                                1,
                                126,
                                127,
                                128,
                                254,
                                255,
                                256,
                                257,
                                32768,
                                65535,
                                2147483647};
  std::vector<int32_t> high, low;
  std::vector<uint32_t> rest, results;
  std::mt19937 random(10);
  for (int32_t a : kEdges)
    for (int32_t b : kEdges) {
      high.push_back(a);
      low.push_back(b);
    }
  while (high.size() < 512) {
    high.push_back(static_cast<int32_t>(random()) >> random() % 25);
    low.push_back(static_cast<int32_t>(random()) >> random() % 25);
  }
  int32_t least = isUnsigned ? 0 : -128, most = isUnsigned ? 255 : 127;
  auto saturate = [&](int32_t value) {
    int32_t result = value < least ? least : value > most ? most : value;
    return static_cast<uint32_t>(result) & 0xff;
  };
  for (size_t i = 0; i < high.size(); ++i) {
    rest.push_back(random());
    results.push_back(saturate(low[i]) | saturate(high[i]) << 8 |
                      rest[i] << 16);
  }
  goldens.push_back(makeElementwise(
      std::string("cvt_pack_sat_") + (isUnsigned ? "u8" : "s8"),
      {makeTensor("high", QOPT_I32, high), makeTensor("low", QOPT_I32, low),
       makeTensor("rest", QOPT_I32, rest)},
      {makeTensor("results", QOPT_I32, results)},
      std::string("%y0 = qopt.cvt_pack_sat %x0, %x1, %x2") +
          (isUnsigned ? " {is_unsigned}\n" : "\n")));
}

//===----------------------------------------------------------------------===//
// Narrow floats
//===----------------------------------------------------------------------===//

/// The nearest value of a format with `fraction` bits after the point and
/// exponents from `least` to `most`, half to even, in its encoding.
static uint16_t toNarrow(float value, int fraction, int least, int most) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  auto infinity = static_cast<uint16_t>((most - least + 2) << fraction);
  double magnitude = std::fabs(static_cast<double>(value));
  if (std::isnan(value))
    return sign | infinity | uint16_t(1u << (fraction - 1));
  if (magnitude == 0)
    return sign;
  if (std::isinf(value))
    return sign | infinity;
  int exponent = std::max(std::ilogb(magnitude), least);
  // In units of the last place; the binade's implicit bit is 2^fraction.
  double units = std::nearbyint(std::ldexp(magnitude, fraction - exponent));
  auto encoded = static_cast<int64_t>(units) +
                 (static_cast<int64_t>(exponent - least) << fraction);
  return sign | static_cast<uint16_t>(std::min<int64_t>(encoded, infinity));
}

static void addNarrowFloats(std::vector<DeviceGolden> &goldens) {
  std::vector<float> values = makeFloats(kCount);
  std::vector<uint16_t> halves;
  for (float value : values)
    halves.push_back(toNarrow(value, 10, -14, 15));
  goldens.push_back(makeElementwise("truncf_f16",
                                    {makeTensor("values", QOPT_F32, values)},
                                    {makeTensor("results", QOPT_F16, halves)},
                                    "%y0 = arith.truncf %x0 : f32 to f16\n"));
  // Every f16.
  std::vector<uint16_t> all(65536);
  std::vector<float> wide(all.size());
  for (size_t i = 0; i < all.size(); ++i) {
    all[i] = static_cast<uint16_t>(i);
    int exponent = (i >> 10) & 31;
    auto fraction = static_cast<float>(i & 1023);
    float magnitude = exponent == 31
                          ? (i & 1023 ? NAN : INFINITY)
                          : std::ldexp(exponent ? fraction + 1024 : fraction,
                                       std::max(exponent, 1) - 25);
    wide[i] = i & 0x8000 ? -magnitude : magnitude;
  }
  goldens.push_back(makeElementwise("extf_f16",
                                    {makeTensor("values", QOPT_F16, all)},
                                    {makeTensor("results", QOPT_F32, wide)},
                                    "%y0 = arith.extf %x0 : f16 to f32\n"));
}

void mlir::qopt::test::addConversionGoldens(
    std::vector<DeviceGolden> &goldens) {
  addCvtRni(goldens);
  addTruncation(goldens);
  addFromIntegers(goldens);
  addBytes(goldens);
  for (bool isUnsigned : {false, true})
    addCvtPack(goldens, isUnsigned);
  addNarrowFloats(goldens);
}

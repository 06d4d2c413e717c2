//===- HalfPrecisionTest.cpp - f16 and bf16, scalar and generated -*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The conversions of HalfPrecision.h against the nearest of all 65,536 numbers,
// found by bisection in binary64; what the CPU back end generates against
// HalfPrecision.h. QUANTOPT_EXHAUSTIVE=1 takes all 2^32 inputs.
//
//===----------------------------------------------------------------------===//
#include "CpuModel.h"

#include "QuantOpt/Support/HalfPrecision.h"

#include <cmath>
#include <cstdlib>

using namespace mlir::qopt::quantmath;
using mlir::qopt::test::CpuModel;

namespace {

/// A 16-bit format by its definition.
struct Format {
  int mantissaBits;
  uint16_t (*encode)(float);
  float (*decode)(uint16_t);

  uint16_t infinity() const {
    return uint16_t(0x7fff & ~((1 << mantissaBits) - 1));
  }
  /// The number of a positive bit pattern; for infinity the one that would
  /// come next.
  double value(int bits) const {
    int bias = (1 << (14 - mantissaBits)) - 1;
    int exponent = bits >> mantissaBits;
    int mantissa = bits & ((1 << mantissaBits) - 1);
    if (exponent == 0)
      return std::ldexp(mantissa, 1 - bias - mantissaBits);
    return std::ldexp(mantissa + (1 << mantissaBits),
                      exponent - bias - mantissaBits);
  }
  uint16_t nearest(float x) const {
    uint16_t sign = std::signbit(x) ? 0x8000 : 0;
    double magnitude = std::fabs(double(x));
    if (magnitude >= value(infinity()))
      return sign | infinity();
    int low = 0, high = infinity(); // value(low) <= magnitude < value(high)
    while (high - low > 1) {
      int middle = (low + high) / 2;
      (value(middle) <= magnitude ? low : high) = middle;
    }
    double below = magnitude - value(low), above = value(high) - magnitude;
    bool up = below > above || (below == above && (low & 1));
    return uint16_t(sign | (up ? high : low));
  }
};

const Format kF16{10, toF16, fromF16}, kBF16{7, toBF16, fromBF16};

/// Every upper half with lower halves on, and next to, each tie and boundary of
/// either format; subnormals among them.
std::vector<float> makeInputs() {
  std::vector<float> inputs;
  std::mt19937 random(1);
  for (uint32_t upper = 0; upper < 0x10000; ++upper)
    for (uint32_t lower : {0x0000u, 0x0001u, 0x0fffu, 0x1000u, 0x1001u, 0x3000u,
                           0x5000u, 0x7fffu, 0x8000u, 0x8001u, 0xf000u, 0xffffu,
                           uint32_t(random() & 0xffff)})
      inputs.push_back(detail::bitCast<float>(upper << 16 | lower));
  return inputs;
}

void checkEncode(const Format &format) {
  size_t wrong = 0;
  for (float x : makeInputs()) {
    uint16_t bits = format.encode(x);
    bool good = std::isnan(x) ? (bits & 0x7fff) > format.infinity()
                              : bits == format.nearest(x);
    if (!good && wrong++ < 5)
      ADD_FAILURE() << std::hexfloat << x << " became " << bits << ", expected "
                    << format.nearest(x);
  }
  EXPECT_EQ(wrong, 0u);
}

void checkDecode(const Format &format) {
  for (int bits = 0; bits < 0x8000; ++bits)
    for (int sign : {0, 0x8000}) {
      float x = format.decode(uint16_t(bits | sign));
      if (bits > format.infinity()) {
        EXPECT_TRUE(std::isnan(x)) << bits;
        continue;
      }
      double expected =
          bits == format.infinity() ? INFINITY : format.value(bits);
      EXPECT_EQ(double(x), sign ? -expected : expected) << bits;
      EXPECT_EQ(std::signbit(x), sign != 0) << bits;
      EXPECT_EQ(format.encode(x), bits | sign);
    }
}

TEST(HalfPrecision, F16IsTheNearest) { checkEncode(kF16); }
TEST(HalfPrecision, BF16IsTheNearest) { checkEncode(kBF16); }
TEST(HalfPrecision, F16IsReadExactly) { checkDecode(kF16); }
TEST(HalfPrecision, BF16IsReadExactly) { checkDecode(kBF16); }

TEST(HalfPrecision, Limits) {
  EXPECT_EQ(fromF16(toF16(kMaxF16)), kMaxF16);
  EXPECT_EQ(fromF16(toF16(65519.0f)), kMaxF16);
  EXPECT_TRUE(std::isinf(fromF16(toF16(65520.0f))));
  EXPECT_EQ(fromBF16(toBF16(kMaxBF16)), kMaxBF16);
  EXPECT_TRUE(std::isinf(fromBF16(toBF16(FLT_MAX))));
}

//===----------------------------------------------------------------------===//
// Generated code
//===----------------------------------------------------------------------===//

/// f32 → `type` and back, on `count` elements; the 16-bit tensor is in memory.
std::string makeModel(const std::string &type, size_t count) {
  std::string n = std::to_string(count), f32 = "tensor<" + n + "xf32>",
              half = "tensor<" + n + "x" + type + ">",
              generic = "linalg.generic {indexing_maps = [affine_map<(i) -> "
                        "(i)>, affine_map<(i) -> (i)>], iterator_types = "
                        "[\"parallel\"]} ";
  return "func.func @main(%x: " + f32 + ") -> (" + half + ", " + f32 + ") {\n" +
         "%e = tensor.empty() : " + half + "\n%h = " + generic +
         "ins(%x : " + f32 + ") outs(%e : " + half +
         ") {\n^bb0(%in: f32, %out: " + type +
         "):\n%t = arith.truncf %in : f32 to " + type +
         "\nlinalg.yield %t : " + type + "\n} -> " + half +
         "\n%g = tensor.empty() : " + f32 + "\n%y = " + generic +
         "ins(%h : " + half + ") outs(%g : " + f32 + ") {\n^bb0(%in: " + type +
         ", %out: f32):\n%t = arith.extf %in : " + type +
         " to f32\nlinalg.yield %t : f32\n} -> " + f32 +
         "\nreturn %h, %y : " + half + ", " + f32 + "\n}";
}

void checkGenerated(const std::string &type, const Format &format) {
  std::vector<float> inputs = makeInputs();
  constexpr size_t kChunk = size_t(1) << 20;
  inputs.resize(kChunk);
  CpuModel model(makeModel(type, kChunk));
  ASSERT_TRUE(model.get()) << model.error();
  auto check = [&] {
    auto outputs = model.run({inputs});
    ASSERT_EQ(outputs.size(), 2u);
    auto halves = outputs[0].as<uint16_t>();
    auto floats = outputs[1].as<float>();
    size_t wrong = 0;
    for (size_t i = 0; i < kChunk; ++i) {
      uint16_t expected = format.encode(inputs[i]);
      bool good =
          std::isnan(inputs[i])
              ? (halves[i] & 0x7fff) > format.infinity() &&
                    std::isnan(floats[i])
              : halves[i] == expected && floats[i] == format.decode(expected);
      if (!good && wrong++ < 5)
        ADD_FAILURE() << std::hexfloat << inputs[i] << " became " << halves[i]
                      << ", expected " << expected;
    }
    EXPECT_EQ(wrong, 0u);
  };
  check();
  if (!std::getenv("QUANTOPT_EXHAUSTIVE"))
    return;
  for (uint64_t first = 0; first < uint64_t(1) << 32; first += kChunk) {
    for (size_t i = 0; i < kChunk; ++i)
      inputs[i] = detail::bitCast<float>(uint32_t(first + i));
    check();
  }
}

TEST(HalfPrecision, GeneratedF16) { checkGenerated("f16", kF16); }
TEST(HalfPrecision, GeneratedBF16) { checkGenerated("bf16", kBF16); }

/// Products of 16-bit floats are those of their values in f32.
TEST(HalfPrecision, ContractionsExtendTheirOperands) {
  for (const std::string type : {"f16", "bf16"}) {
    std::string text = R"(
      func.func @main(%a: tensor<5x37xH>, %b: tensor<37x9xH>) -> tensor<5x9xf32> {
        %z = arith.constant dense<0.0> : tensor<5x9xf32>
        %r = linalg.generic {indexing_maps = [affine_map<(m, n, k) -> (m, k)>,
            affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
            iterator_types = ["parallel", "parallel", "reduction"]}
            ins(%a, %b : tensor<5x37xH>, tensor<37x9xH>) outs(%z : tensor<5x9xf32>) {
        ^bb0(%x: H, %y: H, %out: f32):
          %0 = arith.extf %x : H to f32
          %1 = arith.extf %y : H to f32
          %2 = arith.mulf %0, %1 : f32
          %3 = arith.addf %out, %2 : f32
          linalg.yield %3 : f32
        } -> tensor<5x9xf32>
        return %r : tensor<5x9xf32>
      })";
    for (size_t at; (at = text.find('H')) != std::string::npos;)
      text.replace(at, 1, type);
    CpuModel model(text);
    const Format &format = type == "f16" ? kF16 : kBF16;
    // Small integers over 4: every product and sum is exact.
    std::vector<uint16_t> a, b;
    for (int value : mlir::qopt::test::smallIntegers<int>(5 * 37, 1))
      a.push_back(format.encode(value * 0.25f));
    for (int value : mlir::qopt::test::smallIntegers<int>(37 * 9, 2))
      b.push_back(format.encode(value * 0.25f));
    std::vector<float> result = model.run1<float>({a, b});
    ASSERT_EQ(result.size(), 45u) << model.error();
    for (int m = 0; m < 5; ++m)
      for (int n = 0; n < 9; ++n) {
        float sum = 0;
        for (int k = 0; k < 37; ++k)
          sum += format.decode(a[m * 37 + k]) * format.decode(b[k * 9 + n]);
        EXPECT_EQ(result[m * 9 + n], sum) << type << " " << m << " " << n;
      }
  }
}

} // namespace

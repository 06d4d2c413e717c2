//===- ElementTypeTest.cpp - Conversion between element types -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// 16-bit floats exhaustively: every value, and every midpoint between
// neighbours with the doubles around it. Integers at the ends of each range.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Support/ElementType.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

using namespace mlir::qopt;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <typename To, typename From>
To convertOne(ElementType from, From value, ElementType to) {
  std::string error;
  To result;
  EXPECT_TRUE(convertElements(from, &value, to, &result, 1, error)) << error;
  return result;
}

/// Sign, exponent and mantissa by definition.
double decode(uint16_t bits, int mantissaBits) {
  int exponentBits = 15 - mantissaBits, bias = (1 << (exponentBits - 1)) - 1;
  int exponent = bits >> mantissaBits & ((1 << exponentBits) - 1);
  int mantissa = bits & ((1 << mantissaBits) - 1);
  double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == (1 << exponentBits) - 1)
    return mantissa ? std::nan("") : sign * kInfinity;
  if (exponent == 0)
    return sign * std::ldexp(mantissa, 1 - bias - mantissaBits);
  return sign * std::ldexp(mantissa + (1 << mantissaBits),
                           exponent - bias - mantissaBits);
}

class SmallFloatTest
    : public testing::TestWithParam<std::pair<ElementType, int>> {
protected:
  ElementType type = GetParam().first;
  int mantissaBits = GetParam().second;
  /// The bits of infinity, which follow those of the largest number.
  int infinity = 0x7fff & ~((1 << mantissaBits) - 1);

  uint16_t encode(double value) {
    return convertOne<uint16_t>(ElementType::F64, value, type);
  }
};

INSTANTIATE_TEST_SUITE_P(All, SmallFloatTest,
                         testing::Values(std::pair(ElementType::F16, 10),
                                         std::pair(ElementType::BF16, 7)));

TEST_P(SmallFloatTest, EveryValueThereAndBack) {
  for (int bits = 0; bits < 0x10000; ++bits) {
    double expected = decode(bits, mantissaBits);
    double value = convertOne<double>(type, uint16_t(bits), ElementType::F64);
    float single = convertOne<float>(type, uint16_t(bits), ElementType::F32);
    if (std::isnan(expected)) {
      EXPECT_TRUE(std::isnan(value) && std::isnan(single)) << bits;
      EXPECT_TRUE(std::isnan(decode(encode(value), mantissaBits))) << bits;
      continue;
    }
    ASSERT_EQ(value, expected) << bits;
    ASSERT_EQ(std::signbit(value), (bits & 0x8000) != 0) << bits;
    ASSERT_EQ(double(single), expected) << bits;
    ASSERT_EQ(encode(value), bits);
  }
}

TEST_P(SmallFloatTest, EveryMidpointRoundsToEven) {
  for (int bits = 0; bits < infinity; ++bits) {
    double low = decode(bits, mantissaBits);
    // Past the largest number there would be this one.
    double high = bits + 1 == infinity
                      ? 2 * low - decode(bits - 1, mantissaBits)
                      : decode(bits + 1, mantissaBits);
    double middle = (low + high) / 2;
    int even = bits % 2 == 0 ? bits : bits + 1;
    for (int sign : {0, 0x8000}) {
      double s = sign ? -1 : 1;
      ASSERT_EQ(encode(s * middle), even | sign);
      ASSERT_EQ(encode(s * std::nextafter(middle, 0)), bits | sign);
      ASSERT_EQ(encode(s * std::nextafter(middle, kInfinity)),
                (bits + 1) | sign);
    }
  }
}

TEST_P(SmallFloatTest, Extremes) {
  EXPECT_EQ(encode(1e300), infinity);
  double power = 2 * decode(infinity - (1 << mantissaBits), mantissaBits);
  EXPECT_EQ(encode(power), infinity);
  EXPECT_EQ(encode(1.5 * power), infinity);
  EXPECT_EQ(encode(-1e300), infinity | 0x8000);
  EXPECT_EQ(encode(kInfinity), infinity);
  EXPECT_EQ(encode(std::numeric_limits<double>::denorm_min()), 0);
  EXPECT_EQ(encode(-std::numeric_limits<double>::min()), 0x8000);
  EXPECT_EQ(encode(-0.0), 0x8000);
}

TEST(ElementType, DoubleToFloatRoundsToEven) {
  auto round = [](double value) {
    return convertOne<float>(ElementType::F64, value, ElementType::F32);
  };
  EXPECT_EQ(round(1 + 0x1p-24), 1.0f);
  EXPECT_EQ(round(1 + 0x1.8p-23), 1 + 0x1p-22f);
  EXPECT_EQ(round(1 + 0x1.000001p-24), 1 + 0x1p-23f);
  EXPECT_EQ(round(0x1p-150), 0.0f);
  EXPECT_EQ(round(0x1.8p-149), 0x1p-148f);
  EXPECT_TRUE(std::isinf(round(1e39)));
  EXPECT_TRUE(std::isnan(round(std::nan(""))));
}

/// Least and greatest value, as text.
struct IntegerType {
  ElementType type;
  const char *min, *max;
};
constexpr IntegerType kIntegers[] = {
    {ElementType::I1, "0", "1"},
    {ElementType::I8, "-128", "127"},
    {ElementType::I16, "-32768", "32767"},
    {ElementType::I32, "-2147483648", "2147483647"},
    {ElementType::I64, "-9223372036854775808", "9223372036854775807"},
    {ElementType::U8, "0", "255"},
    {ElementType::U16, "0", "65535"},
    {ElementType::U32, "0", "4294967295"},
    {ElementType::U64, "0", "18446744073709551615"}};

__extension__ typedef __int128 Wide;

Wide parse(const std::string &text) {
  bool negative = text[0] == '-';
  Wide value = 0;
  for (size_t i = negative; i < text.size(); ++i)
    value = value * 10 + (text[i] - '0');
  return negative ? -value : value;
}

TEST(ElementType, IntegersKeepTheirValueOrFail) {
  std::string error;
  for (const IntegerType &from : kIntegers)
    for (const IntegerType &to : kIntegers) {
      // The ends of the two ranges and their neighbours.
      for (const char *end : {from.min, from.max, to.min, to.max})
        for (int step : {-1, 0, 1}) {
          Wide value = parse(end) + step;
          if (value < parse(from.min) || value > parse(from.max))
            continue;
          uint64_t bits = uint64_t(value); // Little-endian: its first bytes.
          uint64_t result = 0;
          bool fits = value >= parse(to.min) && value <= parse(to.max);
          ASSERT_EQ(
              convertElements(from.type, &bits, to.type, &result, 1, error, 41),
              fits)
              << elementTypeName(from.type) << " to "
              << elementTypeName(to.type);
          if (fits) {
            EXPECT_EQ(memcmp(&result, &bits, elementTypeSize(to.type)), 0);
          } else {
            EXPECT_EQ(error, "element 41 is " +
                                 elementAsText(from.type, &bits, 0) + ", but " +
                                 elementTypeName(to.type) + " holds " + to.min +
                                 " to " + to.max);
          }
        }
    }
}

TEST(ElementType, IntegersToFloats) {
  EXPECT_EQ(
      convertOne<float>(ElementType::I64, int64_t(16777217), ElementType::F32),
      16777216.0f);
  // Through f64 this would round twice, to 2^62.
  int64_t once = (int64_t(1) << 62) + (int64_t(1) << 38) + 1;
  EXPECT_EQ(convertOne<float>(ElementType::I64, once, ElementType::F32),
            0x1.000002p62f);
  EXPECT_EQ(
      convertOne<double>(ElementType::U64, ~uint64_t(0), ElementType::F64),
      0x1p64);
  EXPECT_EQ(convertOne<double>(ElementType::I1, uint8_t(1), ElementType::F64),
            1.0);
}

TEST(ElementType, WhichPairsConvert) {
  for (int from = 0; from <= int(ElementType::U64); ++from)
    for (int to = 0; to <= int(ElementType::U64); ++to) {
      ElementType a = ElementType(from), b = ElementType(to);
      bool expected = isFloatType(a)
                          ? isFloatType(b)
                          : !isFloatType(b) || b == ElementType::F32 ||
                                b == ElementType::F64;
      EXPECT_EQ(isConvertible(a, b), expected);
      std::string error;
      uint64_t source = 0, result = 0;
      EXPECT_EQ(convertElements(a, &source, b, &result, 1, error), expected);
      if (!expected) {
        EXPECT_EQ(error, std::string(elementTypeName(a)) +
                             " values are not converted to " +
                             elementTypeName(b));
      }
    }
}

TEST(ElementType, SameTypeKeepsAllBits) {
  std::vector<uint32_t> values = {0x7f800001, 0xffffffff, 0x80000000, 1};
  std::vector<uint32_t> copy(values.size());
  std::string error;
  ASSERT_TRUE(convertElements(ElementType::F32, values.data(), ElementType::F32,
                              copy.data(), copy.size(), error));
  EXPECT_EQ(copy, values);
  EXPECT_TRUE(convertElements(ElementType::F32, nullptr, ElementType::F32,
                              nullptr, 0, error));
}

TEST(ElementType, Text) {
  float tenth = 0.1f;
  double third = 1.0 / 3;
  int64_t least = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(elementAsText(ElementType::F32, &tenth, 0), "0.100000001");
  EXPECT_EQ(elementAsText(ElementType::F64, &third, 0), "0.33333333333333331");
  EXPECT_EQ(elementAsText(ElementType::I64, &least, 0), "-9223372036854775808");
  EXPECT_EQ(elementAsDouble(ElementType::F32, &tenth, 0), double(0.1f));
}

} // namespace

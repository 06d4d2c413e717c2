//===- ElementType.cpp - Types of tensor elements and conversion ----------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Floats convert through f64, which holds each of the four types exactly, and
// so are rounded once. Assumes IEEE arithmetic in the default rounding mode.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Support/ElementType.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <limits>
#include <type_traits>

using namespace mlir::qopt;

//===----------------------------------------------------------------------===//
// 16-bit floats
//===----------------------------------------------------------------------===//

namespace {

/// A binary float of 16 bits with `MantissaBits` explicit mantissa bits.
template <int MantissaBits> struct SmallFloat {
  uint16_t bits;

  static constexpr int kBias = (1 << (14 - MantissaBits)) - 1;
  static constexpr uint16_t kInfinity = 0x7fff & ~((1 << MantissaBits) - 1);
  static constexpr uint16_t kQuietBit = 1 << (MantissaBits - 1);

  /// Exact.
  double toDouble() const {
    uint64_t sign = uint64_t(bits >> 15) << 63;
    uint64_t mantissa = bits & ((1 << MantissaBits) - 1);
    int exponent = (bits & 0x7fff) >> MantissaBits;
    uint64_t result;
    if (exponent == 2 * kBias + 1) { // Infinity or NaN.
      result = uint64_t(0x7ff) << 52 | mantissa << (52 - MantissaBits);
    } else if (exponent == 0) { // mantissa * 2^(1 - bias - MantissaBits).
      uint64_t scaleBits = uint64_t(1023 + 1 - kBias - MantissaBits) << 52;
      double scale, value;
      memcpy(&scale, &scaleBits, sizeof(scale));
      value = double(mantissa) * scale;
      memcpy(&result, &value, sizeof(result));
    } else {
      result = uint64_t(exponent - kBias + 1023) << 52 |
               mantissa << (52 - MantissaBits);
    }
    result |= sign;
    double value;
    memcpy(&value, &result, sizeof(value));
    return value;
  }

  /// Rounds to nearest even.
  static SmallFloat fromDouble(double value) {
    uint64_t source;
    memcpy(&source, &value, sizeof(source));
    uint16_t sign = uint16_t(source >> 48) & 0x8000;
    int exponent = int(source >> 52 & 0x7ff) - 1023;
    uint64_t mantissa = source & ((uint64_t(1) << 52) - 1);
    if (exponent == 1024) {
      uint16_t payload = uint16_t(mantissa >> (52 - MantissaBits));
      return {uint16_t(sign | kInfinity |
                       (mantissa ? payload | kQuietBit : uint16_t(0)))};
    }
    if (exponent > kBias)
      return {uint16_t(sign | kInfinity)};

    // Below the least normal number the unit in the last place stays the same.
    constexpr int kMinExponent = 1 - kBias;
    int shift = 52 - MantissaBits;
    if (exponent < kMinExponent)
      shift += kMinExponent - exponent;
    if (shift > 53)
      return {sign}; // Less than half of the least subnormal number.
    uint64_t significand = mantissa | uint64_t(1) << 52;
    uint64_t quotient = significand >> shift;
    uint64_t rest = significand & ((uint64_t(1) << shift) - 1);
    uint64_t half = uint64_t(1) << (shift - 1);
    if (rest > half || (rest == half && (quotient & 1)))
      ++quotient;
    // The quotient of a normal number includes the leading 1, which adds one
    // to the exponent field; carries, also to infinity, come out right.
    if (exponent >= kMinExponent)
      quotient += uint64_t(exponent - kMinExponent) << MantissaBits;
    return {uint16_t(sign | quotient)};
  }
};

using Half = SmallFloat<10>;
using BFloat = SmallFloat<7>;

/// I1, whose numeric limits are those of a truth value.
struct Truth {
  uint8_t value;
};

//===----------------------------------------------------------------------===//
// Uniform access to all types
//===----------------------------------------------------------------------===//

template <typename T> struct Element {
  static constexpr bool kIsFloat = std::is_floating_point_v<T>;
  using Value = std::conditional_t<
      kIsFloat, double,
      std::conditional_t<std::is_signed_v<T>, int64_t, uint64_t>>;
  static constexpr auto kMin = std::numeric_limits<T>::min();
  static constexpr auto kMax = std::numeric_limits<T>::max();
  static Value get(T element) { return Value(element); }
  static T make(Value value) { return T(value); }
};
template <int MantissaBits> struct Element<SmallFloat<MantissaBits>> {
  static constexpr bool kIsFloat = true;
  using Value = double;
  static double get(SmallFloat<MantissaBits> e) { return e.toDouble(); }
  static SmallFloat<MantissaBits> make(double value) {
    return SmallFloat<MantissaBits>::fromDouble(value);
  }
};
template <> struct Element<Truth> {
  static constexpr bool kIsFloat = false;
  using Value = uint64_t;
  static constexpr uint8_t kMin = 0, kMax = 1;
  static uint64_t get(Truth e) { return e.value; }
  static Truth make(uint64_t value) { return {uint8_t(value)}; }
};

template <typename T> T load(const void *data, size_t index) {
  T element;
  memcpy(&element, static_cast<const char *>(data) + index * sizeof(T),
         sizeof(T));
  return element;
}

/// Calls `visit` with a null pointer to the C++ type of `type`.
template <typename Visitor>
auto dispatch(ElementType type, const Visitor &visit) {
  switch (type) {
  case ElementType::F16:
    return visit(static_cast<Half *>(nullptr));
  case ElementType::BF16:
    return visit(static_cast<BFloat *>(nullptr));
  case ElementType::F32:
    return visit(static_cast<float *>(nullptr));
  case ElementType::F64:
    return visit(static_cast<double *>(nullptr));
  case ElementType::I1:
    return visit(static_cast<Truth *>(nullptr));
  case ElementType::I8:
    return visit(static_cast<int8_t *>(nullptr));
  case ElementType::I16:
    return visit(static_cast<int16_t *>(nullptr));
  case ElementType::I32:
    return visit(static_cast<int32_t *>(nullptr));
  case ElementType::I64:
    return visit(static_cast<int64_t *>(nullptr));
  case ElementType::U8:
    return visit(static_cast<uint8_t *>(nullptr));
  case ElementType::U16:
    return visit(static_cast<uint16_t *>(nullptr));
  case ElementType::U32:
    return visit(static_cast<uint32_t *>(nullptr));
  case ElementType::U64:
    break;
  }
  return visit(static_cast<uint64_t *>(nullptr));
}

template <typename Visited> using TypeOf = std::remove_pointer_t<Visited>;

} // namespace

const char *mlir::qopt::elementTypeName(ElementType type) {
  static const char *const names[] = {"f16", "bf16", "f32", "f64", "i1",
                                      "i8",  "i16",  "i32", "i64", "u8",
                                      "u16", "u32",  "u64"};
  return names[size_t(type)];
}

size_t mlir::qopt::elementTypeSize(ElementType type) {
  return dispatch(type, [](auto *t) { return sizeof(*t); });
}

bool mlir::qopt::isFloatType(ElementType type) {
  return type <= ElementType::F64;
}

//===----------------------------------------------------------------------===//
// Conversion
//===----------------------------------------------------------------------===//

/// True if the integer `value` is one of T's.
template <typename T, typename Value> static bool fits(Value value) {
  if (value < 0)
    return int64_t(value) >= int64_t(Element<T>::kMin);
  return uint64_t(value) <= uint64_t(Element<T>::kMax);
}

template <typename T> static std::string rangeText() {
  return std::to_string(Element<T>::kMin) + " to " +
         std::to_string(Element<T>::kMax);
}

/// Converts buffers of known types; returns the index of the first value that
/// does not fit, or `count`.
template <typename From, typename To>
static size_t convert(const void *source, void *destination, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    auto value = Element<From>::get(load<From>(source, i));
    To result;
    if constexpr (Element<From>::kIsFloat) {
      result = Element<To>::make(value);
    } else if constexpr (Element<To>::kIsFloat) {
      result = To(value); // Rounds once, from the integer.
    } else {
      if (!fits<To>(value))
        return i;
      result = Element<To>::make(typename Element<To>::Value(value));
    }
    memcpy(static_cast<char *>(destination) + i * sizeof(To), &result,
           sizeof(To));
  }
  return count;
}

/// The pairs that convert.
template <typename From, typename To> static constexpr bool isKnown() {
  if (Element<From>::kIsFloat)
    return Element<To>::kIsFloat;
  return !Element<To>::kIsFloat || std::is_floating_point_v<To>;
}

bool mlir::qopt::isConvertible(ElementType from, ElementType to) {
  return dispatch(from, [&](auto *f) {
    return dispatch(to, [&](auto *t) {
      return isKnown<TypeOf<decltype(f)>, TypeOf<decltype(t)>>();
    });
  });
}

bool mlir::qopt::convertElements(ElementType from, const void *source,
                                 ElementType to, void *destination,
                                 size_t count, std::string &error,
                                 uint64_t firstIndex) {
  if (from == to) {
    if (count)
      memcpy(destination, source, count * elementTypeSize(from));
    return true;
  }
  return dispatch(from, [&](auto *f) {
    return dispatch(to, [&](auto *t) {
      using From = TypeOf<decltype(f)>;
      using To = TypeOf<decltype(t)>;
      if constexpr (isKnown<From, To>()) {
        size_t failed = convert<From, To>(source, destination, count);
        if (failed == count)
          return true;
        if constexpr (!Element<To>::kIsFloat)
          error = "element " + std::to_string(firstIndex + failed) + " is " +
                  elementAsText(from, source, failed) + ", but " +
                  elementTypeName(to) + " holds " + rangeText<To>();
      } else {
        error = std::string(elementTypeName(from)) +
                " values are not converted to " + elementTypeName(to);
      }
      return false;
    });
  });
}

double mlir::qopt::elementAsDouble(ElementType type, const void *data,
                                   size_t index) {
  return dispatch(type, [&](auto *t) {
    using T = TypeOf<decltype(t)>;
    return double(Element<T>::get(load<T>(data, index)));
  });
}

std::string mlir::qopt::elementAsText(ElementType type, const void *data,
                                      size_t index) {
  return dispatch(type, [&](auto *t) -> std::string {
    using T = TypeOf<decltype(t)>;
    auto value = Element<T>::get(load<T>(data, index));
    if constexpr (!Element<T>::kIsFloat) {
      return std::to_string(value);
    } else {
      // Digits enough to read the value back.
      constexpr int kDigits = sizeof(T) == 8 ? 17 : sizeof(T) == 4 ? 9 : 5;
      char text[40];
      snprintf(text, sizeof(text), "%.*g", kDigits, value);
      return text;
    }
  });
}

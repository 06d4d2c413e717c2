//===- Base64.cpp - Bytes as text -----------------------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

using namespace mlir::qopt;

static constexpr char kAlphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Bytes and characters of a group.
static constexpr size_t kGroupBytes = 3, kGroupChars = 4;
static constexpr char kPadding = '=';

std::string mlir::qopt::encodeBase64(const std::string &bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / kGroupBytes * kGroupChars);
  for (size_t i = 0; i < bytes.size(); i += kGroupBytes) {
    size_t count = std::min(kGroupBytes, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < kGroupBytes; ++k)
      group = group << 8 | (k < count ? uint8_t(bytes[i + k]) : 0);
    for (size_t k = 0; k < kGroupChars; ++k)
      text += k <= count ? kAlphabet[group >> (18 - 6 * k) & 63] : kPadding;
  }
  return text;
}

/// The value of each character, or -1.
static std::array<int8_t, 256> makeValues() {
  std::array<int8_t, 256> values;
  values.fill(-1);
  for (int8_t i = 0; i < 64; ++i)
    values[uint8_t(kAlphabet[i])] = i;
  return values;
}

bool mlir::qopt::decodeBase64(const std::string &text, std::string &bytes) {
  static const std::array<int8_t, 256> values = makeValues();
  bytes.clear();
  if (text.size() % kGroupChars != 0)
    return false;
  bytes.reserve(text.size() / kGroupChars * kGroupBytes);
  for (size_t i = 0; i < text.size(); i += kGroupChars) {
    size_t count = kGroupChars; // Characters that are not padding.
    if (i + kGroupChars == text.size())
      while (count > 2 && text[i + count - 1] == kPadding)
        --count;
    uint32_t group = 0;
    for (size_t k = 0; k < kGroupChars; ++k) {
      int8_t value = k < count ? values[uint8_t(text[i + k])] : 0;
      if (value < 0)
        return false;
      group = group << 6 | uint32_t(value);
    }
    for (size_t k = 0; k + 1 < kGroupChars; ++k, group <<= 8) {
      if (k + 1 < count)
        bytes += char(group >> 16);
      else if (group & 0xffffff)
        return false; // Bits that stand for no byte.
    }
  }
  return true;
}

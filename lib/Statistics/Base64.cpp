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
  std::string text((bytes.size() + 2) / kGroupBytes * kGroupChars, kPadding);
  char *out = text.data();
  for (size_t i = 0; i < bytes.size(); i += kGroupBytes, out += kGroupChars) {
    size_t count = std::min(kGroupBytes, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < kGroupBytes; ++k)
      group = group << 8 | (k < count ? uint8_t(bytes[i + k]) : 0);
    for (size_t k = 0; k <= count; ++k)
      out[k] = kAlphabet[group >> (18 - 6 * k) & 63];
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
  size_t numGroups = text.size() / kGroupChars;
  if (text.size() % kGroupChars != 0)
    return false;
  bytes.assign(numGroups * kGroupBytes, '\0');
  if (numGroups == 0)
    return true;
  const char *in = text.data();
  char *out = bytes.data();
  size_t count = kGroupBytes; // Bytes of the group.
  for (size_t i = 0; i < numGroups; ++i, in += kGroupChars) {
    if (i + 1 == numGroups)
      while (count > 1 && in[count] == kPadding)
        --count;
    uint32_t group = 0;
    int unknown = 0; // Negative where a character has no value.
    for (size_t k = 0; k <= count; ++k) {
      int8_t value = values[uint8_t(in[k])];
      unknown |= value;
      group |= uint32_t(value & 63) << (18 - 6 * k);
    }
    // Bits that stand for no byte are 0.
    if (unknown < 0 || (group & ((1u << (8 * (kGroupBytes - count))) - 1)))
      return false;
    for (size_t k = 0; k < count; ++k)
      *out++ = char(group >> (16 - 8 * k));
  }
  bytes.resize(size_t(out - bytes.data()));
  return true;
}

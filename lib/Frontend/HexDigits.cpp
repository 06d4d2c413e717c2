//===- HexDigits.cpp - Bytes from hex digits at memory speed ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Arithmetic instead of tables, without branches, in loops that compilers
// vectorize for any instruction set.
//
//===----------------------------------------------------------------------===//
#include "HexDigits.h"

#include <algorithm>

/// Digits at a time: values and bytes stay in the first-level cache.
static constexpr size_t kBlock = 4096;

/// `count` digits, at most kBlock, to half as many bytes. Not zero if one is
/// no digit.
static unsigned decodeBlock(const uint8_t *digits, size_t count,
                            uint8_t *bytes) {
  alignas(64) uint8_t values[kBlock];
  uint8_t bad = 0;
  for (size_t i = 0; i < count; ++i) {
    uint8_t c = digits[i];
    uint8_t number = c - '0', letter = (c | 0x20) - 'a';
    bool isNumber = number < 10, isLetter = letter < 6;
    bad |= !(isNumber | isLetter);
    values[i] = isNumber ? number : letter + 10;
  }
  for (size_t i = 0; i < count / 2; ++i)
    bytes[i] = values[2 * i] << 4 | values[2 * i + 1];
  return bad;
}

bool mlir::qopt::decodeHex(const char *digits, size_t numBytes,
                           uint8_t *bytes) {
  const auto *next = reinterpret_cast<const uint8_t *>(digits);
  for (size_t left = 2 * numBytes; left > 0;) {
    size_t count = std::min(left, kBlock);
    if (decodeBlock(next, count, bytes))
      return false;
    next += count;
    bytes += count / 2;
    left -= count;
  }
  return true;
}

//===- Format.cpp - Helpers of the artifact's readers and writers ---------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Format.h"

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

std::string artifact::quote(const std::string &name) {
  constexpr size_t kLongest = 200;
  constexpr char kDigits[] = "0123456789abcdef";
  std::string quoted = "'";
  for (unsigned char c : name.substr(0, kLongest)) {
    if (c < 0x20 || c == 0x7f)
      quoted = quoted + "\\x" + kDigits[c >> 4] + kDigits[c & 15];
    else
      quoted += char(c);
  }
  return quoted + (name.size() > kLongest ? "...'" : "'");
}

/// Bytes of the sequence that begins with `first`; 0 if none does.
static size_t sequenceLength(unsigned char first) {
  if (first < 0x80)
    return 1;
  if (first >= 0xc2 && first < 0xe0)
    return 2;
  if (first >= 0xe0 && first < 0xf0)
    return 3;
  return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

bool artifact::isPlainText(const std::string &text) {
  for (size_t i = 0; i < text.size();) {
    auto first = static_cast<unsigned char>(text[i]);
    size_t length = sequenceLength(first);
    if (first < 0x20 || first == 0x7f || length == 0 ||
        length > text.size() - i)
      return false;
    for (size_t k = 1; k < length; ++k)
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80)
        return false;
    if (length >= 3) {
      // Overlong forms, surrogates and what is beyond U+10FFFF.
      auto second = static_cast<unsigned char>(text[i + 1]);
      if ((first == 0xe0 && second < 0xa0) ||
          (first == 0xed && second > 0x9f) ||
          (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
        return false;
    }
    i += length;
  }
  return true;
}

namespace {
struct TypeFacts {
  const char *name;
  uint64_t size;
};
/// In the order of qopt_dtype.
constexpr TypeFacts kTypes[] = {{"f32", 4}, {"f64", 8}, {"f16", 2}, {"bf16", 2},
                                {"i8", 1},  {"u8", 1},  {"i16", 2}, {"i32", 4},
                                {"i64", 8}, {"i1", 1}};
constexpr size_t kNumTypes = sizeof(kTypes) / sizeof(*kTypes);
} // namespace

const char *artifact::dtypeName(qopt_dtype dtype) {
  return size_t(dtype) < kNumTypes ? kTypes[size_t(dtype)].name : nullptr;
}

uint64_t artifact::dtypeSize(qopt_dtype dtype) {
  return size_t(dtype) < kNumTypes ? kTypes[size_t(dtype)].size : 0;
}

bool artifact::parseDType(const std::string &name, qopt_dtype &dtype) {
  for (size_t i = 0; i < kNumTypes; ++i)
    if (name == kTypes[i].name) {
      dtype = qopt_dtype(i);
      return true;
    }
  return false;
}

std::string artifact::shapeText(const std::vector<int64_t> &dims) {
  if (dims.empty())
    return "scalar";
  std::string text;
  for (int64_t extent : dims)
    text += (text.empty() ? "" : "x") + std::to_string(extent);
  return text;
}

bool artifact::computeBytes(qopt_dtype dtype, const std::vector<int64_t> &dims,
                            uint64_t &bytes) {
  uint64_t product = dtypeSize(dtype);
  bool isEmpty = false;
  for (int64_t extent : dims) {
    if (extent < 0)
      return false;
    isEmpty |= extent == 0;
    if (extent > 0 &&
        (__builtin_mul_overflow(product, uint64_t(extent), &product) ||
         product > kMaxTensorBytes))
      return false;
  }
  bytes = isEmpty ? 0 : product;
  return true;
}

uint64_t artifact::byteSize(qopt_dtype dtype,
                            const std::vector<int64_t> &dims) {
  uint64_t bytes = 0;
  computeBytes(dtype, dims, bytes);
  return bytes;
}

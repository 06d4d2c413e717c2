//===- TensorRTCache.cpp - Calibration caches of TensorRT -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A line "TRT-<version>-<algorithm>", then a line for each tensor: its name,
// ": ", and the bits of its scale as f32 in 8 hexadecimal digits, most
// significant first.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Statistics/CalibrationTable.h"
#include "TableFiles.h"

#include <cmath>
#include <cstring>
#include <map>

using namespace mlir::qopt;
using namespace mlir::qopt::artifact;

/// Caches have a line for each tensor of a network.
static constexpr uint64_t kMaxCacheBytes = 1 << 26;
static constexpr uint64_t kMaxLineBytes = 1 << 16;
static constexpr char kSeparator[] = ": ";
static constexpr size_t kHexDigits = 8;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

/// The value of a digit, or -1.
static int digitValue(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// True for "TRT-", digits, "-" and letters or digits.
static bool isHeader(const std::string &line) {
  const std::string prefix = "TRT-";
  if (line.compare(0, prefix.size(), prefix) != 0)
    return false;
  auto isDigit = [](char c) { return c >= '0' && c <= '9'; };
  size_t end = prefix.size();
  while (end < line.size() && isDigit(line[end]))
    ++end;
  if (end == prefix.size() || end + 1 >= line.size() || line[end] != '-')
    return false;
  for (size_t i = end + 1; i < line.size(); ++i)
    if (!isDigit(line[i]) && !(line[i] >= 'a' && line[i] <= 'z') &&
        !(line[i] >= 'A' && line[i] <= 'Z'))
      return false;
  return true;
}

static float readScale(const std::string &digits) {
  uint32_t bits = 0;
  for (char c : digits) {
    int value = digitValue(c);
    if (value < 0)
      throw FormatError(quote(digits) + " is not hexadecimal");
    bits = bits << 4 | uint32_t(value);
  }
  if (digits.size() != kHexDigits)
    throw FormatError(quote(digits) + " has " + std::to_string(digits.size()) +
                      " hexadecimal digits; expected 8");
  float scale;
  memcpy(&scale, &bits, sizeof(scale));
  if (!std::isfinite(scale) || std::signbit(scale))
    throw FormatError(quote(digits) + " is the scale " + std::to_string(scale) +
                      "; expected a positive number, or 0 for a tensor of "
                      "zeros");
  return scale;
}

static std::pair<std::string, float> readLine(const std::string &line) {
  constexpr size_t kSeparatorSize = sizeof(kSeparator) - 1;
  if (!isPlainText(line))
    throw FormatError("is not text in UTF-8");
  // Names may contain the separator.
  size_t at = line.rfind(kSeparator);
  if (at == std::string::npos)
    throw FormatError("has no ': ' between a tensor's name and its scale");
  if (at == 0)
    throw FormatError("has no tensor's name before ': '");
  return {line.substr(0, at), readScale(line.substr(at + kSeparatorSize))};
}

static TensorRTCache readCache(const std::string &text) {
  if (text.size() > kMaxCacheBytes)
    throw FormatError("has " + std::to_string(text.size()) +
                      " bytes; expected at most " +
                      std::to_string(kMaxCacheBytes));
  TensorRTCache cache;
  /// The line and the index of each tensor.
  std::map<std::string, std::pair<uint64_t, size_t>> known;
  uint64_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    std::string subject = "line " + std::to_string(number) + " ";
    if (!line.empty() && line.back() == '\r')
      line.pop_back();
    if (number == 1 && !isHeader(line))
      throw FormatError("is no TensorRT calibration cache: it begins with " +
                        quote(line.substr(0, 40)) +
                        "; expected TRT-<version>-<algorithm>");
    if (number == 1)
      cache.header = line;
    if (number == 1 || line.empty())
      continue;
    if (line.size() > kMaxLineBytes)
      throw FormatError(subject + "has " + std::to_string(line.size()) +
                        " bytes; expected at most " +
                        std::to_string(kMaxLineBytes));
    try {
      std::pair<std::string, float> entry = readLine(line);
      auto [first, isNew] =
          known.insert({entry.first, {number, cache.scales.size()}});
      auto [firstLine, index] = first->second;
      if (isNew)
        cache.scales.push_back(std::move(entry));
      else if (cache.scales[index].second != entry.second)
        throw FormatError("gives tensor " + quote(entry.first) +
                          " another scale than line " +
                          std::to_string(firstLine));
    } catch (const FormatError &error) {
      throw FormatError(subject + error.what());
    }
  }
  if (number == 0)
    throw FormatError("is empty; expected TRT-<version>-<algorithm>");
  return cache;
}

bool mlir::qopt::parseTensorRTCache(const std::string &text,
                                    const std::string &path,
                                    TensorRTCache &cache, std::string &error) {
  return reportErrors(path, error, [&] { cache = readCache(text); });
}

bool mlir::qopt::readTensorRTCache(const std::string &path,
                                   TensorRTCache &cache, std::string &error) {
  std::string text;
  return readText(path, kMaxCacheBytes, text, error) &&
         parseTensorRTCache(text, path, cache, error);
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

std::string mlir::qopt::printTensorRTCache(const TensorRTCache &cache) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = cache.header + "\n";
  for (const auto &[name, scale] : cache.scales) {
    uint32_t bits;
    memcpy(&bits, &scale, sizeof(bits));
    text += name + kSeparator;
    for (size_t i = kHexDigits; i-- > 0;)
      text += kDigits[bits >> (4 * i) & 15];
    text += '\n';
  }
  return text;
}

bool mlir::qopt::writeTensorRTCache(const TensorRTCache &cache,
                                    const std::string &path,
                                    std::string &error) {
  // The format has no escapes: what is read back decides.
  std::string text = printTensorRTCache(cache);
  TensorRTCache copy;
  return parseTensorRTCache(text, path, copy, error) &&
         reportErrors(path, error,
                      [&] {
                        if (copy.header != cache.header ||
                            copy.scales != cache.scales)
                          throw FormatError(
                              "names of tensors that are not different lines "
                              "of text cannot be saved in this format");
                      }) &&
         writeText(path, text, error);
}

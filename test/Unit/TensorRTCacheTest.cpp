//===- TensorRTCacheTest.cpp - Calibration caches of TensorRT -------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "NpzTestFiles.h"
#include "QuantOpt/Statistics/CalibrationTable.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace mlir::qopt;
using namespace npztest;

namespace {

using Scales = std::vector<std::pair<std::string, float>>;

/// What keeps a text from being read, without the path; "" if nothing does.
std::string cacheError(const std::string &text) {
  TensorRTCache cache;
  std::string error;
  const std::string prefix = "'c.cache': ";
  if (parseTensorRTCache(text, "c.cache", cache, error))
    return "";
  EXPECT_EQ(error.substr(0, prefix.size()), prefix);
  return error.substr(std::min(prefix.size(), error.size()));
}

const std::string kHeader = "TRT-8203-EntropyCalibration2\n";

TEST(TensorRTCache, ReadAndPrint) {
  // What TensorRT writes, names with the separator in them among it.
  const std::string text = kHeader +
                           "input: 3c010a14\n"
                           "(Unnamed Layer* 0) [Convolution]_output: 3f800000\n"
                           "model/a: b: 42fe0000\n"
                           ": : 00000001\n"
                           "dead: 00000000\n"
                           "largest: 7f7fffff\n";
  TensorRTCache cache;
  std::string error = "unset";
  ASSERT_TRUE(parseTensorRTCache(text, "c.cache", cache, error)) << error;
  EXPECT_EQ(error, "");
  EXPECT_EQ(cache.header, "TRT-8203-EntropyCalibration2");
  EXPECT_EQ(cache.scales,
            (Scales{{"input", 0x1.021428p-7f},
                    {"(Unnamed Layer* 0) [Convolution]_output", 1.0f},
                    {"model/a: b", 127.0f},
                    {": ", 0x1p-149f},
                    {"dead", 0.0f},
                    {"largest", 0x1.fffffep127f}}));
  EXPECT_EQ(printTensorRTCache(cache), text);
}

TEST(TensorRTCache, WhatIsRead) {
  const std::pair<const char *, Scales> cases[] = {
      {"TRT-8203-EntropyCalibration2", {}},
      {"TRT-100900-MinMaxCalibration\r\na: 3F800000\r\n", {{"a", 1.0f}}},
      {"TRT-1-L\n\n\r\na: 3f800000\n\nb: 40000000", {{"a", 1.0f}, {"b", 2.0f}}},
      {"TRT-1-L\na: 3f800000\na: 3f800000\n", {{"a", 1.0f}}},
      {"TRT-1-L\na : 3f800000\n", {{"a ", 1.0f}}},
      {"TRT-1-L\n\xc3\xa4: 3f800000\n", {{"\xc3\xa4", 1.0f}}},
  };
  for (const auto &[text, scales] : cases) {
    TensorRTCache cache;
    std::string error;
    ASSERT_TRUE(parseTensorRTCache(text, "c.cache", cache, error)) << error;
    EXPECT_EQ(cache.scales, scales) << text;
  }
}

TEST(TensorRTCacheMalformed, Headers) {
  const std::string expected = "; expected TRT-<version>-<algorithm>";
  EXPECT_EQ(cacheError(""), "is empty" + expected);
  for (const char *line :
       {"", "TRT-", "TRT-8203", "TRT-8203-", "TRT--Entropy", "TRT-8.2-Entropy",
        "TRT-8203-Entropy 2", " TRT-8203-Entropy", "trt-8203-Entropy",
        "\xef\xbb\xbfTRT-8203-Entropy", "input: 3c010a14"})
    EXPECT_EQ(cacheError(std::string(line) + "\na: 3f800000\n"),
              "is no TensorRT calibration cache: it begins with '" +
                  std::string(line) + "'" + expected);
  EXPECT_EQ(cacheError(std::string(3, '\0')),
            "is no TensorRT calibration cache: it begins with "
            "'\\x00\\x00\\x00'" +
                expected);
}

TEST(TensorRTCacheMalformed, Lines) {
  auto lineError = [](const std::string &line) {
    return cacheError(kHeader + "x: 3f800000\n" + line + "\ny: 3f800000\n");
  };
  EXPECT_EQ(lineError("input"), "line 3 has no ': ' between a tensor's name "
                                "and its scale");
  EXPECT_EQ(lineError("input:3c010a14"),
            "line 3 has no ': ' between a tensor's name and its scale");
  EXPECT_EQ(lineError(": 3c010a14"), "line 3 has no tensor's name before ': '");
  EXPECT_EQ(lineError("a: 3c010a1"),
            "line 3 '3c010a1' has 7 hexadecimal digits; expected 8");
  EXPECT_EQ(lineError("a: 3c010a144"),
            "line 3 '3c010a144' has 9 hexadecimal digits; expected 8");
  EXPECT_EQ(lineError("a: "), "line 3 '' has 0 hexadecimal digits; expected 8");
  EXPECT_EQ(lineError("a: 3c010a1g"), "line 3 '3c010a1g' is not hexadecimal");
  EXPECT_EQ(lineError("a: 3c010a14 "), "line 3 '3c010a14 ' is not hexadecimal");
  EXPECT_EQ(lineError("a: 0x3c010a"), "line 3 '0x3c010a' is not hexadecimal");
  EXPECT_EQ(lineError("a\tb: 3c010a14"), "line 3 is not text in UTF-8");
  EXPECT_EQ(lineError("a\xff: 3c010a14"), "line 3 is not text in UTF-8");
  EXPECT_EQ(lineError("a\rb: 3c010a14"), "line 3 is not text in UTF-8");
  EXPECT_EQ(lineError("x: 40000000"),
            "line 3 gives tensor 'x' another scale than line 2");
  EXPECT_EQ(lineError(std::string(70000, 'a')),
            "line 3 has 70000 bytes; expected at most 65536");
}

TEST(TensorRTCacheMalformed, Scales) {
  auto scaleError = [](const std::string &digits) {
    return cacheError(kHeader + "a: " + digits + "\n");
  };
  const std::string expected =
      "; expected a positive number, or 0 for a tensor of zeros";
  EXPECT_EQ(scaleError("7f800000"),
            "line 2 '7f800000' is the scale inf" + expected);
  EXPECT_EQ(scaleError("7fc00000"),
            "line 2 '7fc00000' is the scale nan" + expected);
  EXPECT_EQ(scaleError("bf800000"),
            "line 2 'bf800000' is the scale -1.000000" + expected);
  EXPECT_EQ(scaleError("80000000"),
            "line 2 '80000000' is the scale -0.000000" + expected);
}

TEST(TensorRTCacheMalformed, TruncationAtEveryByte) {
  // A shorter file is read only where a whole line is missing.
  const std::string text = kHeader + "input: 3c010a14\nconv: 3f800000\n";
  for (size_t size = kHeader.size(); size < text.size(); ++size) {
    bool isLine = text[size] == '\n' || text[size - 1] == '\n';
    EXPECT_EQ(cacheError(text.substr(0, size)).empty(), isLine) << size;
  }
}

TEST(TensorRTCache, Files) {
  TemporaryFolder folder;
  std::string path = folder.path("c.cache"), error;
  TensorRTCache cache = {"TRT-8203-EntropyCalibration2",
                         {{"a: b", 0.5f}, {"c", 0.0f}}},
                copy;
  ASSERT_TRUE(writeTensorRTCache(cache, path, error)) << error;
  EXPECT_EQ(readFile(path), printTensorRTCache(cache));
  ASSERT_TRUE(readTensorRTCache(path, copy, error)) << error;
  EXPECT_EQ(copy.scales, cache.scales);
  EXPECT_EQ(folder.files(), std::vector<std::string>{"c.cache"});

  std::filesystem::resize_file(path, uint64_t(1) << 40);
  EXPECT_FALSE(readTensorRTCache(path, copy, error));
  EXPECT_EQ(error, "'" + path +
                       "': has 1099511627776 bytes; expected at most 67108864");
  EXPECT_FALSE(readTensorRTCache(folder.path("no"), copy, error));
}

TEST(TensorRTCache, WhatCannotBeWritten) {
  TemporaryFolder folder;
  std::string path = folder.path("c.cache"), error;
  auto writeError = [&](const TensorRTCache &cache) {
    EXPECT_FALSE(writeTensorRTCache(cache, path, error));
    EXPECT_TRUE(folder.files().empty());
    return error.substr(std::min(error.size(), path.size() + 4));
  };
  const std::string header = "TRT-8203-EntropyCalibration2";
  EXPECT_EQ(writeError({"cache", {}}),
            "is no TensorRT calibration cache: it begins with 'cache'; "
            "expected TRT-<version>-<algorithm>");
  EXPECT_EQ(writeError({header, {{"a", NAN}}}).rfind("line 2 ", 0), 0u);
  EXPECT_EQ(writeError({header, {{"a", -1.0f}}}).rfind("line 2 ", 0), 0u);
  EXPECT_EQ(writeError({header, {{"a", 1.0f}, {"a", 1.0f}}}),
            "names of tensors that are not different lines of text cannot be "
            "saved in this format");
  EXPECT_EQ(writeError({header, {{"a: 3f800000\nb", 1.0f}}}),
            "names of tensors that are not different lines of text cannot be "
            "saved in this format");
}

} // namespace

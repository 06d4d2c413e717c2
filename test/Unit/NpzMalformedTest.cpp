//===- NpzMalformedTest.cpp - Malformed .npy and .npz files ---------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Every kind of damage must be an error that says what is wrong. The mutants
// at the end mean most under AddressSanitizer and UBSan.
//
//===----------------------------------------------------------------------===//
#include "Mutations.h"
#include "NpzTestFiles.h"

#include <gtest/gtest.h>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

using namespace mlir::qopt;
using namespace npztest;

namespace {

/// The problem of a file's only array.
std::string problemOf(const std::string &file, NpzLimits limits = {}) {
  Opened opened(file, limits);
  if (!opened.reader || opened.reader->arrays().size() != 1)
    return "not one array: " + opened.error;
  const NpzArray &array = opened.reader->arrays()[0];
  std::string error;
  EXPECT_EQ(opened.reader->stream(array.name, error) == nullptr,
            !array.problem.empty());
  return array.problem;
}

void expectContains(const std::string &text, const std::string &part) {
  EXPECT_NE(text.find(part), std::string::npos)
      << "'" << text << "' does not contain '" << part << "'";
}

//===----------------------------------------------------------------------===//
// Headers
//===----------------------------------------------------------------------===//

TEST(NpzMalformed, TypesThatAreNotRead) {
  const std::pair<const char *, const char *> cases[] = {
      {"|O", "Python objects, which are never unpickled"},
      {"O", "not supported"},
      {"<U5", "strings"},
      {"|S5", "strings"},
      {"<c8", "complex"},
      {"<M8[ns]", "dates"},
      {"<m8", "dates"},
      {"<V2", "astype('float32')"},
      {"|V16", "raw bytes"},
      {"<f16", "'<f16', which is not supported"},
      {"<i3", "not supported"},
      {"f4", "not supported"},
      {"", "not supported"},
      {"<f4 ", "not supported"},
      {"|f4", "does not say its byte order"},
      {"=i8", "does not say its byte order"},
      {"?i1", "does not say its byte order"}};
  for (const auto &[descr, message] : cases)
    expectContains(problemOf(npy(descr, "(1,)", std::string(4, '\0'))),
                   message);
  expectContains(
      problemOf(npyWithHeader("{'descr': [('a', '<f4')], 'fortran_order': "
                              "False, 'shape': (1,), }")),
      "structured type");
}

TEST(NpzMalformed, DictsThatAreNoHeader) {
  const std::string order = "'fortran_order': False", descr = "'descr': '|u1'",
                    shape = "'shape': (1,)";
  const std::pair<std::string, const char *> cases[] = {
      {"", "expected '{' at byte 0"},
      {"[]", "expected '{'"},
      {"{", "expected a string"},
      {"{}", "no key 'descr'"},
      {"{" + descr + "}", "no key 'fortran_order'"},
      {"{" + descr + ", " + order + "}", "no key 'shape'"},
      {"{" + descr + ", " + order + ", " + shape + ", 'more': 1}",
       "unknown key 'more'"},
      {"{" + descr + ", " + descr + ", " + order + ", " + shape + "}",
       "'descr' occurs twice"},
      {"{" + descr + ", " + order + ", " + shape + "} + f()",
       "text after the dict"},
      {"{" + descr + ", " + order + ", " + shape + "", "expected '}'"},
      {"{" + descr + " " + order + ", " + shape + "}", "expected '}'"},
      {"{" + descr + ", , " + order + ", " + shape + "}", "expected a string"},
      {"{'descr' '|u1', " + order + ", " + shape + "}", "expected ':'"},
      {"{'descr': '|u1, ", "expected the end of a string"},
      {"{'descr': '|u\\x31', " + order + ", " + shape + "}",
       "expected the end of a string"},
      {"{'descr': 1, " + order + ", " + shape + "}", "expected a string"},
      {"{descr: '|u1', " + order + ", " + shape + "}", "expected a string"},
      {"{" + descr + ", 'fortran_order': 0, " + shape + "}",
       "expected True or False"},
      {"{" + descr + ", 'fortran_order': true, " + shape + "}",
       "expected True or False"}};
  for (const auto &[dict, message] : cases)
    expectContains(problemOf(npyWithHeader(dict, "a")), message);
}

TEST(NpzMalformed, Shapes) {
  const std::pair<std::string, const char *> cases[] = {
      {"1", "expected '('"},
      {"[1]", "expected '('"},
      {"(1)", "is (n,)"},
      {"(-1,)", "an integer of 0 or more"},
      {"(1.0,)", "is (n,)"},
      {"(0x1,)", "is (n,)"},
      {"(01,)", "begins with 0"},
      {"(,)", "expected a dimension"},
      {"(1,,1)", "expected a dimension"},
      {"(1, 1 1)", "expected ',' or ')'"},
      {"(1,", "expected a dimension"},
      {"(1e3,)", "is (n,)"},
      {"(None,)", "expected a dimension"},
      {"(9223372036854775808,)", "does not fit 64 bits"},
      {"(99999999999999999999999999,)", "does not fit 64 bits"},
      {"(9223372036854775807,)", "more than the limit"},
      {"(4294967296, 4294967296)", "more than the limit"},
      {"(4294967296, 4294967297)", "more than the limit"},
      // What the product hides.
      {"(0, 9223372036854775807, 9223372036854775807)", "more than the limit"}};
  for (const auto &[shape, message] : cases)
    expectContains(problemOf(npy("|u1", shape, "a")), message);

  auto ofRank = [](int rank) {
    std::string shape = "(";
    for (int i = 0; i < rank; ++i)
      shape += "1, ";
    return shape + ")";
  };
  EXPECT_EQ(problemOf(npy("|u1", ofRank(32), "a")), "");
  expectContains(problemOf(npy("|u1", ofRank(33), "a")),
                 "more than 32 dimensions");
}

TEST(NpzMalformed, LimitsAreRespected) {
  NpzLimits limits;
  limits.maxRank = 1;
  limits.maxArrayBytes = 16;
  limits.maxArrays = 2;
  limits.maxHeaderBytes = 100;
  EXPECT_EQ(problemOf(npy("<f4", "(4,)", std::string(16, 'a')), limits), "");
  expectContains(problemOf(npy("<f4", "(5,)", std::string(20, 'a')), limits),
                 "shape 5 of f32, which takes more than the limit of 16 bytes");
  expectContains(problemOf(npy("<f4", "(2, 2)", std::string(16, 'a')), limits),
                 "more than 1 dimensions");
  expectContains(
      problemOf(
          npyWithHeader(npyDict("|u1", "(1,)") + std::string(60, ' '), "a"),
          limits),
      "expected at most 100");
  std::string array = npy("|u1", "(1,)", "a");
  Opened two(zip({{"a.npy", array}, {"b.npy", array}}), limits);
  EXPECT_TRUE(two.reader) << two.error;
  Opened three(zip({{"a.npy", array}, {"b.npy", array}, {"c.npy", array}}),
               limits);
  EXPECT_EQ(three.error, "'memory.npz': has more than 2 arrays");
}

TEST(NpzMalformed, MagicVersionAndLength) {
  std::string good = npy("|u1", "(1,)", "a");
  for (const std::string &file :
       {std::string(), std::string("x"), std::string("text, no numbers"),
        std::string("\x93NUMPX") + good.substr(6)}) {
    Opened opened(file);
    EXPECT_EQ(opened.error,
              "'memory.npz': is neither an .npz archive nor an .npy array");
  }
  std::string dict = npyDict("|u1", "(1,)");
  for (auto [major, minor] :
       {std::pair(0, 0), std::pair(4, 0), std::pair(1, 1), std::pair(255, 0)})
    expectContains(problemOf(npyWithHeader(dict, "a", major, minor)),
                   "expected 1.0, 2.0 or 3.0");
  std::string longHeader = good;
  longHeader[8] = longHeader[9] = '\xff';
  expectContains(problemOf(longHeader), "has a header of 65535 bytes");
  std::string hugeHeader = npyWithHeader(dict, "a", 2);
  hugeHeader.replace(8, 4, "\xff\xff\xff\xff");
  expectContains(problemOf(hugeHeader), "has a header of 4294967295 bytes");
  expectContains(problemOf(zip({{"a.npy", "no magic here"}})),
                 "is no .npy array");
  expectContains(problemOf(zip({{"a.npy", ""}})), "only 0 bytes");
}

TEST(NpzMalformed, DataThatDoNotFitTheShape) {
  for (const std::string &data :
       {std::string(23, 'a'), std::string(25, 'a'), std::string()}) {
    std::string file = npy("<f4", "(2, 3)", data);
    std::string expected = "has " + std::to_string(data.size()) +
                           " bytes of data; expected 24 for shape 2x3 of f32";
    EXPECT_EQ(problemOf(file), expected);
    EXPECT_EQ(problemOf(zip({{"a.npy", file}})), expected);
  }
}

//===----------------------------------------------------------------------===//
// Archives
//===----------------------------------------------------------------------===//

const std::string kArray = npy("<i4", "(8,)", std::string(32, 'a'));

TEST(NpzMalformed, NamesThatOccurTwice) {
  Opened opened(zip({{"a.npy", kArray}, {"a.npy", kArray}}));
  EXPECT_EQ(opened.error, "'memory.npz': array 'a' occurs twice");
}

TEST(NpzMalformed, SizesThatLie) {
  // More and less than there is, in both kinds of member.
  for (uint64_t size : {kArray.size() - 1, kArray.size() + 1, uint64_t(0),
                        uint64_t(0xfffffffe)}) {
    Opened stored(zip({{"a.npy", kArray, 0, size, {}, {}}}));
    EXPECT_NE(stored.readError("a"), "") << size;
    Opened deflated(
        zip({{"a.npy", deflateStored(kArray), 8, size, {}, crc32(kArray)}}));
    EXPECT_NE(deflated.readError("a"), "") << size;
  }
  // Plausible for the ratio of deflate and for the header, but not true.
  std::string longer = npy("<i4", "(9,)", std::string(32, 'a'));
  Opened shorter(zip({{"a.npy",
                       deflateStored(longer),
                       8,
                       longer.size() + 4,
                       {},
                       crc32(longer)}}));
  expectContains(shorter.readError("a"), "ends 4 bytes early");
  Opened stored(zip({{"a.npy", longer, 0, longer.size() + 4}}));
  expectContains(stored.readError("a"), "cannot have the");
  std::string less = npy("<i4", "(7,)", std::string(32, 'a'));
  Opened more(zip(
      {{"a.npy", deflateStored(less), 8, less.size() - 4, {}, crc32(less)}}));
  expectContains(more.readError("a"), "holds more bytes");
}

TEST(NpzMalformed, CompressedSizesThatLie) {
  for (uint64_t size :
       {uint64_t(0), uint64_t(1), uint64_t(1000), uint64_t(0xfffffffe)}) {
    Opened stored(zip({{"a.npy", kArray, 0, {}, size, {}}}));
    EXPECT_NE(stored.readError("a"), "") << size;
    Opened deflated(zip({{"a.npy", deflateStored(kArray), 8, kArray.size(),
                          size, crc32(kArray)}}));
    std::string reason = deflated.readError("a");
    if (size < kArray.size()) { // Input beyond the stream's end is unread.
      EXPECT_NE(reason, "") << size;
    }
  }
}

TEST(NpzMalformed, BombsAreNotInflated) {
  // A gigabyte of declared size in a small member.
  std::string header = npy("<i4", "(268435456,)", "");
  uint64_t size = header.size() + (uint64_t(1) << 30);
  Opened opened(zip({{"a.npy", deflateStored(header), 8, size, {}, 0}}));
  expectContains(opened.reader->arrays()[0].problem,
                 "cannot have the " + std::to_string(size) + " bytes");
}

TEST(NpzMalformed, ChecksumsAreCompared) {
  std::string damaged = kArray;
  damaged.back() ^= 1;
  Opened stored(zip({{"a.npy", damaged, 0, {}, {}, crc32(kArray)}}));
  expectContains(stored.readError("a"),
                 "'memory.npz': array 'a' is damaged: its checksum (CRC)");
  Opened deflated(zip({{"a.npy",
                        deflateStored(damaged),
                        8,
                        damaged.size(),
                        {},
                        crc32(kArray)}}));
  expectContains(deflated.readError("a"), "checksum (CRC)");
  // Also when converted, in pieces and without elements.
  std::string error;
  EXPECT_TRUE(
      readAll<double>(*stored.reader, "a", ElementType::F64, error).empty());
  expectContains(error, "checksum (CRC)");
  Opened empty(
      zip({{"a.npy", npy("<i4", "(0,)", ""), 0, {}, {}, uint32_t(1)}}));
  expectContains(empty.readError("a"), "checksum (CRC)");
}

TEST(NpzMalformed, CompressionThatIsNotRead) {
  for (uint16_t method : {1, 9, 12, 14, 95}) {
    Opened opened(zip({{"a.npy", kArray, method}}));
    expectContains(opened.readError("a"), "expected stored or deflated");
  }
  Opened encrypted(zip({{"a.npy", kArray, 0, {}, {}, {}, 1}}));
  EXPECT_NE(encrypted.readError("a"), "");
  Opened garbage(zip({{"a.npy", std::string(100, '\xff'), 8, 100}}));
  EXPECT_NE(garbage.readError("a"), "");
}

TEST(NpzMalformed, OneBadArrayLeavesTheOthers) {
  Opened opened(zip({{"objects.npy", npy("|O", "(1,)", "pickle")},
                     {"a.npy", kArray},
                     {"junk.npy", "junk"}}));
  ASSERT_TRUE(opened.reader) << opened.error;
  EXPECT_EQ(opened.readError("a"), "");
  expectContains(opened.readError("objects"), "never unpickled");
  expectContains(opened.readError("junk"), "is no .npy array");
}

TEST(NpzMalformed, FilesThatCannotBeOpened) {
  std::string error;
  EXPECT_EQ(NpzReader::open("/nonexistent.npz", error), nullptr);
  expectContains(error, "'/nonexistent.npz': cannot be opened: No such file");
  EXPECT_EQ(NpzReader::open("/", error), nullptr);
  EXPECT_EQ(error, "'/': is a folder");
  EXPECT_EQ(NpzReader::open("/dev/zero", error), nullptr);
  EXPECT_EQ(error, "'/dev/zero': is not a regular file");
}

TEST(NpzMalformed, FilesThatChangeWhileOpen) {
  TemporaryFolder folder;
  std::string path = folder.path("x.npz"), error;
  for (const std::string &changed :
       {zip({{"a.npy", npy("<f4", "(8,)", std::string(32, 'a'))}}),
        zip({{"a.npy", npy("<i4", "(9,)", std::string(36, 'a'))}}), zip({}),
        std::string("PK")}) {
    writeFile(path, zip({{"a.npy", kArray}}));
    auto reader = NpzReader::open(path, error);
    ASSERT_TRUE(reader) << error;
    writeFile(path, changed);
    error.clear();
    EXPECT_EQ(reader->stream("a", error), nullptr);
    EXPECT_NE(error, "");
  }
}

TEST(NpzMalformed, NamesAreEscapedInMessages) {
  EXPECT_EQ(quoteName("a\x1b[2J\n"), "'a\\x1b[2J\\x0a'");
  EXPECT_EQ(quoteName(std::string(300, 'x')).size(), 205u);
}

//===----------------------------------------------------------------------===//
// Systematic damage
//===----------------------------------------------------------------------===//

/// Small files of every kind.
std::vector<std::string> sampleFiles() {
  std::string big = npy(">f8", "(2, 3)", std::string(48, 'b'), true);
  return {kArray,
          big,
          npyWithHeader(npyDict("|b1", "(3,)"), "\1\0\1", 2),
          npyWithHeader(npyDict("<f2", "()"), "ab", 3),
          zip({{"arg0.npy", kArray}, {"out0.npy", big}}),
          zip({{"a.npy",
                deflateStored(kArray),
                8,
                kArray.size(),
                {},
                crc32(kArray)},
               {"b.npy", big, 0, {}, {}, {}, 0, true}})};
}

TEST(NpzMalformed, TruncationAtEveryByte) {
  for (const std::string &file : sampleFiles()) {
    ASSERT_EQ(LLVMFuzzerTestOneInput(
                  reinterpret_cast<const uint8_t *>(file.data()), file.size()),
              0);
    for (size_t size = 0; size < file.size(); ++size) {
      Opened opened(file.substr(0, size));
      if (!opened.reader)
        continue; // As every archive, whose directory is at the end.
      ASSERT_EQ(opened.reader->arrays().size(), 1u);
      EXPECT_NE(opened.readError(), "") << "cut to " << size << " bytes";
    }
  }
}

TEST(NpzMalformed, EverySingleBitFlipped) {
  for (std::string file : sampleFiles())
    for (size_t bit = 0; bit < file.size() * 8; ++bit) {
      file[bit / 8] ^= 1 << bit % 8;
      LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(file.data()),
                             file.size());
      file[bit / 8] ^= 1 << bit % 8;
    }
}

TEST(NpzMalformed, RandomMutants) {
  constexpr int kMutants = 30000;
  std::mt19937 random(20240607);
  const std::vector<std::string> tokens = {
      "PK\x01\x02", "PK\x03\x04", "PK\x05\x06",      "PK\x06\x06", "\x93NUMPY",
      "(",          ")",          "99999999",        "-1",         "'|O'",
      "True",       "descr",      "\xff\xff\xff\xff"};
  std::vector<std::string> files = sampleFiles();
  for (int i = 0; i < kMutants; ++i) {
    std::string file = files[random() % files.size()];
    for (int count = 1 + random() % 8; count > 0; --count)
      mutations::mutate(file, random, tokens);
    LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t *>(file.data()),
                           file.size());
  }
}

TEST(NpzMalformed, Corpus) {
  auto files = mutations::readCorpus("Npz");
  EXPECT_FALSE(files.empty());
  for (const auto &[name, content] : files) {
    SCOPED_TRACE(name);
    LLVMFuzzerTestOneInput(mutations::bytes(content), content.size());
  }
}

} // namespace

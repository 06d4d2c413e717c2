//===- CalibrationTableTest.cpp - Saved calibration statistics ------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "../../lib/Statistics/Base64.h"
#include "NpzTestFiles.h"
#include "TableSamples.h"

#include <gtest/gtest.h>

#include <cfloat>
#include <functional>
#include <sys/stat.h>
#include <thread>

using namespace mlir::qopt;
using namespace npztest;
using namespace tabletest;

namespace {

/// What keeps a text from being read, without the path; "" if nothing does.
std::string parseError(const std::string &text) {
  CalibrationTable table;
  std::string error;
  const std::string prefix = "'t.json': ";
  if (parseCalibrationTable(text, "t.json", table, error))
    return "";
  EXPECT_EQ(error.substr(0, prefix.size()), prefix);
  return error.substr(std::min(prefix.size(), error.size()));
}

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

TEST(CalibrationTable, RoundTrip) {
  CalibrationTable table = sampleTable(), copy;
  table.complete = false;
  std::string text = printCalibrationTable(table), error;
  ASSERT_TRUE(parseCalibrationTable(text, "t.json", copy, error)) << error;
  EXPECT_EQ(error, "");
  EXPECT_EQ(copy.tool, table.tool);
  EXPECT_EQ(copy.modelDigest, table.modelDigest);
  EXPECT_EQ(copy.weightsDigest, table.weightsDigest);
  EXPECT_EQ(copy.instructionSets, table.instructionSets);
  EXPECT_EQ(copy.samples, 6u);
  EXPECT_EQ(copy.runs, 3u);
  EXPECT_FALSE(copy.complete);
  EXPECT_EQ(copy.data, table.data);
  ASSERT_EQ(copy.edges.size(), 2u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(copy.edges[i].name, table.edges[i].name);
    EXPECT_TRUE(copy.edges[i].statistics == table.edges[i].statistics);
  }
  EXPECT_EQ(printCalibrationTable(copy), text);
}

TEST(CalibrationTable, TextOfATable) {
  CalibrationTable table = emptyTable();
  table.edges.resize(1);
  std::string text = printCalibrationTable(table);
  // What the state and the hash are is tested elsewhere.
  auto cut = [&](const std::string &begin) {
    size_t at = text.find(begin);
    ASSERT_NE(at, std::string::npos) << begin;
    at += begin.size();
    text.erase(at, text.find('"', at) - at);
  };
  cut("\"state\":\"");
  cut("\"sha256\": \"");
  EXPECT_EQ(text, R"({
  "format": "quant-opt calibration table",
  "version": 1,
  "tool": "quant-opt 0.1.0",
  "model_digest": "0123456789abcdef",
  "weights_digest": "fedcba9876543210",
  "instruction_sets": [],
  "samples": 0,
  "runs": 0,
  "complete": true,
  "data": [],
  "edges": [
    {"name":"conv \"1\": ä","count":0,"zeros":0,"nan":0,"inf":0,"sentinels":0,)"
                  R"("min":0.0,"max":0.0,"channels":0,"state":""}
  ],
  "sha256": ""
}
)");
}

TEST(CalibrationTable, HashIsThatOfTheLinesBeforeItsOwn) {
  std::string text = printCalibrationTable(sampleTable());
  size_t line = text.rfind("  \"sha256\": ");
  EXPECT_EQ(text.substr(line), "  \"sha256\": \"" +
                                   artifact::sha256(text.data(), line) +
                                   "\"\n}\n");
}

TEST(CalibrationTable, OrderOfDataDoesNotShow) {
  CalibrationTable table = sampleTable(), other = table;
  other.instructionSets = {"avx512_vnni", "avx512_vnni"};
  std::reverse(other.data.begin(), other.data.end());
  ASSERT_NE(other.data, table.data);
  EXPECT_EQ(printCalibrationTable(other), printCalibrationTable(table));
}

TEST(CalibrationTable, ExtremeNumbers) {
  CalibrationTable table = emptyTable(), copy;
  table.samples = table.runs = INT64_MAX;
  table.data = {{"x", "0", INT64_MAX}};
  const float values[] = {FLT_MAX, -FLT_MAX, FLT_TRUE_MIN,
                          -0.1f,   INFINITY, -INFINITY};
  table.edges[0].statistics.observe(values, std::size(values), 3);
  std::string text = printCalibrationTable(table), error;
  ASSERT_TRUE(parseCalibrationTable(text, "t.json", copy, error)) << error;
  EXPECT_EQ(printCalibrationTable(copy), text);
  EXPECT_EQ(copy.runs, uint64_t(INT64_MAX));
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

TEST(CalibrationTable, FilesAppearAtOnce) {
  TemporaryFolder folder;
  std::string path = folder.path("t.json"), error;
  CalibrationTable table = sampleTable(), copy;
  writeFile(path, "older");
  ASSERT_TRUE(writeCalibrationTable(table, path, error)) << error;
  EXPECT_EQ(readFile(path), printCalibrationTable(table));
  ASSERT_TRUE(readCalibrationTable(path, copy, error)) << error;
  EXPECT_EQ(printCalibrationTable(copy), printCalibrationTable(table));
  EXPECT_EQ(folder.files(), std::vector<std::string>{"t.json"});

  // A link stays one; its target is replaced.
  std::filesystem::create_symlink(path, folder.path("link"));
  table.complete = false;
  ASSERT_TRUE(writeCalibrationTable(table, folder.path("link"), error));
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("link")));
  EXPECT_EQ(readFile(path), printCalibrationTable(table));
}

TEST(CalibrationTable, WhatCannotBeWrittenLeavesTheOlderFile) {
  TemporaryFolder folder;
  std::string path = folder.path("t.json"), error;
  writeFile(path, "older");
  auto errorOf = [&](const std::function<void(CalibrationTable &)> &change) {
    CalibrationTable table = sampleTable();
    change(table);
    EXPECT_FALSE(writeCalibrationTable(table, path, error));
    EXPECT_EQ(readFile(path), "older");
    EXPECT_EQ(error.substr(0, path.size() + 4), "'" + path + "': ");
    return error.substr(std::min(error.size(), path.size() + 4));
  };
  EXPECT_EQ(errorOf([](auto &table) { table.edges[1].name = "\xff"; }),
            "an edge '\xff' has a name that is not UTF-8");
  EXPECT_EQ(errorOf([](auto &table) { table.edges[1].name = ""; }),
            "an edge has an empty name");
  EXPECT_EQ(
      errorOf([](auto &table) { table.edges[1].name = table.edges[0].name; }),
      "has the edge 'conv \"1\": \xc3\xa4' twice");
  EXPECT_EQ(errorOf([](auto &table) { table.modelDigest = ""; }),
            "the digest of the model is not made of lower-case hexadecimal "
            "digits: ''");
  EXPECT_EQ(errorOf([](auto &table) { table.weightsDigest = "AB"; }),
            "the digest of the weights is not made of lower-case hexadecimal "
            "digits: 'AB'");
  EXPECT_EQ(errorOf([](auto &table) { table.data[0].digest = "-"; }),
            "the digest of data file 'shard0-2.npz' is not made of lower-case "
            "hexadecimal digits: '-'");
  EXPECT_EQ(errorOf([](auto &table) { table.data[0].runs = 7; }),
            "has 3 runs, but its data files have 8");
  EXPECT_EQ(errorOf([](auto &table) { table.samples = UINT64_MAX; }),
            "the number of samples does not fit 63 bits");
  EXPECT_EQ(errorOf([](auto &table) { table.tool = ""; }),
            "the tool has an empty name");
}

TEST(CalibrationTable, PathsThatCannotBeUsed) {
  TemporaryFolder folder;
  std::string error;
  CalibrationTable table = sampleTable();
  auto endsWith = [&](const std::string &end) {
    EXPECT_EQ(error.substr(error.size() - std::min(error.size(), end.size())),
              end);
  };
  EXPECT_FALSE(writeCalibrationTable(table, folder.path("no/t.json"), error));
  endsWith("/no/t.json': cannot be written: No such file or directory");
  EXPECT_FALSE(writeCalibrationTable(table, folder.path(""), error));
  endsWith("/': exists and is not a regular file");
  EXPECT_FALSE(readCalibrationTable(folder.path("no.json"), table, error));
  endsWith("/no.json': cannot be opened: No such file or directory");
  EXPECT_FALSE(readCalibrationTable(folder.path(""), table, error));
  endsWith("/': is a folder");
  EXPECT_FALSE(readCalibrationTable("/dev/null", table, error));
  EXPECT_EQ(error, "'/dev/null': is not a regular file");
  EXPECT_FALSE(writeCalibrationTable(table, "/dev/full", error));
  EXPECT_EQ(error, "'/dev/full': cannot be written: No space left on device");
  writeFile(folder.path("huge"), "");
  std::filesystem::resize_file(folder.path("huge"), uint64_t(1) << 40);
  EXPECT_FALSE(readCalibrationTable(folder.path("huge"), table, error));
  endsWith("/huge': has 1099511627776 bytes; expected at most 268435456");
}

TEST(CalibrationTable, SpecialFilesAreWrittenDirectly) {
  TemporaryFolder folder;
  std::string path = folder.path("pipe"), error;
  CalibrationTable table = sampleTable();
  EXPECT_TRUE(writeCalibrationTable(table, "/dev/null", error)) << error;
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  std::string text;
  std::thread reader([&] { text = readFile(path); });
  EXPECT_TRUE(writeCalibrationTable(table, path, error)) << error;
  reader.join();
  EXPECT_EQ(text, printCalibrationTable(table));
  EXPECT_EQ(folder.files(), std::vector<std::string>{"pipe"});
}

TEST(CalibrationTable, IdentifiedByContent) {
  TemporaryFolder folder;
  std::string path = folder.path("file"), error;
  TableKind kind;
  auto kindOf = [&](const std::string &text) {
    writeFile(path, text);
    EXPECT_TRUE(identifyTable(path, kind, error)) << error;
    return kind;
  };
  EXPECT_EQ(kindOf(printCalibrationTable(sampleTable())), TableKind::QuantOpt);
  EXPECT_EQ(kindOf("\r\n { \"format\":\"quant-opt calibration table\""),
            TableKind::QuantOpt);
  EXPECT_EQ(kindOf("TRT-8203-EntropyCalibration2\n"), TableKind::TensorRT);
  EXPECT_EQ(kindOf(""), TableKind::Unknown);
  EXPECT_EQ(kindOf("{}"), TableKind::Unknown);
  EXPECT_EQ(kindOf("TRT"), TableKind::Unknown);
  EXPECT_EQ(kindOf("PK\x03\x04"), TableKind::Unknown);
  EXPECT_FALSE(identifyTable(folder.path("no"), kind, error));
  EXPECT_NE(error, "");
}

//===----------------------------------------------------------------------===//
// Damage
//===----------------------------------------------------------------------===//

TEST(CalibrationTableMalformed, TruncationAtEveryByte) {
  std::string text = printCalibrationTable(sampleTable());
  // Without the last line break it is still JSON.
  for (size_t size = 0; size + 1 < text.size(); ++size)
    ASSERT_EQ(parseError(text.substr(0, size)).rfind("is cut off", 0), 0u)
        << size << " " << parseError(text.substr(0, size));
}

TEST(CalibrationTableMalformed, EverySingleBitFlipped) {
  std::string text = printCalibrationTable(sampleTable());
  for (size_t bit = 0; bit < text.size() * 8; ++bit) {
    text[bit / 8] ^= 1 << bit % 8;
    ASSERT_NE(parseError(text), "") << bit;
    text[bit / 8] ^= 1 << bit % 8;
  }
  ASSERT_EQ(parseError(text), "");
}

TEST(CalibrationTableMalformed, WhatIsNoTable) {
  const std::string cut = "is cut off or no calibration table: it ";
  EXPECT_EQ(parseError(""), cut + "is no valid JSON at byte 1");
  EXPECT_EQ(parseError("TRT-8203-EntropyCalibration2\n"),
            cut + "is no valid JSON at byte 1");
  EXPECT_EQ(parseError("[]"), "is not an object");
  EXPECT_EQ(parseError("{}"), "is no calibration table of quant-opt");
  EXPECT_EQ(parseError("{\"format\": 1}"),
            "is no calibration table of quant-opt");
  EXPECT_EQ(parseError(std::string(100, '[')),
            cut + "nests deeper than 4 levels of JSON");
  EXPECT_EQ(parseError("{\"edges\": [" + std::string(1 << 21, '0')),
            cut + "is no valid JSON at byte 13");
}

/// The error after one change to what is hashed.
std::string changedError(const std::string &from, const std::string &to,
                         bool keepHash = false) {
  std::string text = printCalibrationTable(sampleTable());
  size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos)
    text.replace(at, from.size(), to);
  return parseError(keepHash ? text : withHash(text));
}

TEST(CalibrationTableMalformed, Versions) {
  EXPECT_EQ(changedError("\"version\": 1,\n  \"tool\": \"quant-opt 0.1.0\"",
                         "\"version\": 2,\n  \"tool\": \"quant-opt 1.7.0\""),
            "has version 2 and was written by 'quant-opt 1.7.0'; this tool "
            "reads version 1: use the tool that wrote it or a later one");
  // Also where the newer version ends in another way.
  EXPECT_EQ(parseError("{\"format\": \"quant-opt calibration table\", "
                       "\"version\": 3, \"tool\": \"t\", \"new\": [[]]}"),
            "has version 3 and was written by 't'; this tool reads version 1: "
            "use the tool that wrote it or a later one");
  EXPECT_EQ(changedError("\"version\": 1", "\"version\": 0"),
            "version: is not an integer from 1 to 9223372036854775807");
  EXPECT_EQ(changedError("\"version\": 1", "\"version\": \"1\""),
            "version: is not an integer from 1 to 9223372036854775807");
}

TEST(CalibrationTableMalformed, Hash) {
  const std::string changed =
      "was changed since it was written: its sha256 does not match";
  EXPECT_EQ(changedError("\"samples\": 6", "\"samples\": 7", true), changed);
  EXPECT_EQ(changedError("\n  ", "\n", true), changed);
  EXPECT_EQ(changedError("\n}\n", "\n}", true), changed);
  EXPECT_EQ(changedError("\"sha256\"", "\"SHA256\"", true), changed);
  EXPECT_EQ(changedError("  \"sha256\"", "  \"a\": 1,\n  \"sha256\""),
            "has the unknown key 'a'");
}

TEST(CalibrationTableMalformed, Fields) {
  EXPECT_EQ(changedError("\"complete\": true", "\"complete\": 1"),
            "complete: is not true or false");
  EXPECT_EQ(changedError("\n  \"complete\": true,", ""),
            "lacks the key 'complete'");
  EXPECT_EQ(changedError("\"complete\"", "\"more\": 0, \"complete\""),
            "has the unknown key 'more'");
  EXPECT_EQ(changedError("\"complete\"", "\"runs\": 0, \"complete\""),
            "has the key 'runs' twice in one object");
  EXPECT_EQ(changedError("\"samples\": 6", "\"samples\": -6"),
            "samples: is not an integer from 0 to 9223372036854775807");
  EXPECT_EQ(changedError("\"samples\": 6", "\"samples\": 1e3"),
            "samples: is not an integer from 0 to 9223372036854775807");
  EXPECT_EQ(changedError("\"runs\": 3", "\"runs\": 4"),
            "has 4 runs, but its data files have 3");
  EXPECT_EQ(changedError("\"0123456789abcdef\"", "\"0123456789abcdeg\""),
            "the digest of the model is not made of lower-case hexadecimal "
            "digits: '0123456789abcdeg'");
  EXPECT_EQ(changedError("[\"avx512_vnni\"]", "[\"b\",\"a\"]"),
            "instruction_sets: is not sorted, or has an item twice");
  EXPECT_EQ(changedError("[\"avx512_vnni\"]", "[\"a\",\"a\"]"),
            "instruction_sets: is not sorted, or has an item twice");
  EXPECT_EQ(changedError("[\"avx512_vnni\"]", "[0]"),
            "instruction_sets[0]: is not a string");
  EXPECT_EQ(changedError("shard0-2.npz", "z.npz"), "data: is not sorted");
  EXPECT_EQ(changedError("\"runs\":2", "\"runs\":2,\"x\":0"),
            "data[0]: has the unknown key 'x'");
}

TEST(CalibrationTableMalformed, Edges) {
  const std::string fc = "{\"name\":\"fc\",";
  EXPECT_EQ(changedError("{\"name\":\"fc\"", "{\"name\":\"conv \\\"1\\\": ä\""),
            "has the edge 'conv \"1\": ä' twice");
  EXPECT_EQ(changedError(fc, "{\"name\":\"\","), "an edge has an empty name");
  EXPECT_EQ(changedError(fc, "{"), "edges[1]: lacks the key 'name'");
  EXPECT_EQ(changedError(fc, fc + "\"x\":0,"),
            "edge 'fc': has the unknown key 'x'");
  EXPECT_EQ(changedError(fc, "0," + fc), "edges[1]: is not an object");
  EXPECT_EQ(changedError(fc + "\"count\":90", fc + "\"count\":91"),
            "edge 'fc'.count: is 91, but the state says 90");
  EXPECT_EQ(changedError(fc + "\"count\":90", fc + "\"count\":\"90\""),
            "edge 'fc'.count: is \"90\", but the state says 90");
  EXPECT_EQ(changedError("\"channels\":3", "\"channels\":2"),
            "edge 'fc'.channels: is 2, but the state says 3");
  EXPECT_EQ(changedError("\"state\":\"", "\"state\":\"A"),
            "edge 'conv \"1\": ä'.state: is not base64");
  const std::string subject = "edge 'conv \"1\": ä'.state: the version is ";
  EXPECT_EQ(changedError("\"state\":\"", "\"state\":\"////")
                .substr(0, subject.size()),
            subject);
  EXPECT_EQ(changedError("\"state\":\"", "\"state\":0,\"bits\":\""),
            "edge 'conv \"1\": ä'.state: is not a string");
}

TEST(Base64, RoundTrip) {
  // RFC 4648, section 10.
  const std::pair<const char *, const char *> vectors[] = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
      {"\xfb\xff\xbf", "+/+/"}};
  std::string bytes;
  for (const auto &[plain, text] : vectors) {
    EXPECT_EQ(encodeBase64(plain), text);
    ASSERT_TRUE(decodeBase64(text, bytes)) << text;
    EXPECT_EQ(bytes, plain);
  }
  std::string all;
  for (int i = 0; i < 256; ++i) {
    all += char(i);
    ASSERT_TRUE(decodeBase64(encodeBase64(all), bytes));
    ASSERT_EQ(bytes, all);
  }
}

TEST(Base64, WhatIsNotEncodedSo) {
  const std::string cases[] = {"Z",
                               "Zg",
                               "Zm8",
                               "Zg=",
                               "Z===",
                               "====",
                               "=m9v",
                               "Zm=v",
                               "Zg=v",
                               "Zh==",
                               "Zm9=",
                               "Zm9v====",
                               "Zg==Zg==",
                               "Zm8=Zm9v",
                               "Zm9 ",
                               "Zm9-",
                               "Zm9_",
                               "Zm9v\n",
                               "Zm9vZm\n9v",
                               "Zm\xff"
                               "v",
                               std::string("Zm\0v", 4),
                               "Zm9\x80"};
  std::string bytes;
  for (const std::string &text : cases)
    EXPECT_FALSE(decodeBase64(text, bytes)) << text;
}

} // namespace

//===- ArtifactMalformedTest.cpp - Damaged and hostile .qopt files --------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Files are made byte by byte, apart from the writer, so that they can lie in
// every field. What cannot be listed is searched by mutation.
//
//===----------------------------------------------------------------------===//
#include "../../lib/Artifact/Sha256.h"
#include "ArtifactSamples.h"
#include "NpzTestFiles.h"
#include "QuantOpt/Artifact/Safetensors.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <functional>
#include <random>

using namespace npztest;
using namespace samples;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern "C" int LLVMFuzzerTestOneSafetensors(const uint8_t *data, size_t size);

namespace {

const uint8_t *bytes(const std::string &text) {
  return reinterpret_cast<const uint8_t *>(text.data());
}

/// What keeps the file from being read, without its name; "" if nothing does.
std::string readError(const std::string &file) {
  std::string error;
  const std::string prefix = "'m.qopt': ";
  if (readMemory(file.data(), file.size(), "m.qopt", error))
    return "";
  EXPECT_EQ(error.substr(0, prefix.size()), prefix) << error;
  return error.substr(std::min(prefix.size(), error.size()));
}

/// The artifact as the writer makes it.
std::string fileOf(const Artifact &artifact) {
  TemporaryFolder folder;
  EXPECT_EQ(write(artifact, folder.path("m.qopt")), "");
  return readFile(folder.path("m.qopt"));
}

/// The parts of a file, to be put together with npztest::zip.
struct Parts {
  std::string manifest, weights, ptx, model;

  /// The members, with their true sizes and hashes listed in the manifest.
  std::vector<Member> members() const {
    std::string list;
    auto add = [&](const std::string &name, const std::string &content) {
      list += (list.empty() ? "" : ",") + ("{\"name\":\"" + name) +
              "\",\"size\":" + std::to_string(content.size()) +
              ",\"sha256\":\"" + sha256(content.data(), content.size()) + "\"}";
    };
    add("weights.safetensors", weights);
    add("kernels/sm_80.ptx", ptx);
    add("model.mlir", model);
    return {{"manifest.json", manifest + ",\"members\":[" + list + "]}"},
            {"weights.safetensors", weights},
            {"kernels/sm_80.ptx", ptx},
            {"model.mlir", model}};
  }
  std::string file() const { return zip(members()); }
};

std::string safetensors(const std::string &header, const std::string &data) {
  return littleEndian(header.size(), 8) + header + data;
}

/// One launch that reads an input and a constant and writes an output.
Parts goodParts() {
  return {
      R"({"schema":1,"producer":"p","model":{"name":"m","batch":2,)"
      R"("any_batch":true,"fixed_batch_reason":"","inputs":[{"name":"x",)"
      R"("dtype":"f32","shape":[2,3]}],"outputs":[{"name":"y","dtype":"i8",)"
      R"("shape":[2,1]}]},"constants":["w"],"plans":[{"chip":"sm_80",)"
      R"("arena_bytes":64,"workspace_bytes":0,"packed":[{"constant":0,)"
      R"("permutation":[0],"shape":[4]}],"launches":[{"kernel":"k","name":"n",)"
      R"("grid":[[1,0,1,1],1,1],"block":[32,1,1],"shared_bytes":0,)"
      R"("arguments":[{"buffer":"input","index":0,"offset":0,"size":24},)"
      R"({"buffer":"constant","index":0,"offset":0,"size":8},)"
      R"({"i32":[3,0,1,1]},{"i64":7}]}]}])",
      safetensors(R"({"w":{"dtype":"F16","shape":[4],"data_offsets":[0,8]}})",
                  "12345678"),
      "ptx", "module {}"};
}

void replace(std::string &text, const std::string &from,
             const std::string &to) {
  size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
}

/// The error after replacing a piece of the manifest.
std::string manifestError(const std::string &from, const std::string &to) {
  Parts parts = goodParts();
  replace(parts.manifest, from, to);
  return readError(parts.file());
}

//===----------------------------------------------------------------------===//
// Manifest
//===----------------------------------------------------------------------===//

TEST(ArtifactMalformed, TheStartingPointIsGood) {
  EXPECT_EQ(readError(goodParts().file()), "");
}

TEST(ArtifactMalformed, ManifestFields) {
  const std::string m = "manifest.json: ";
  EXPECT_EQ(manifestError("\"schema\":1", "\"schema\":2"),
            m + "has schema version 2; this version reads 1");
  EXPECT_EQ(manifestError("\"schema\":1", "\"schema\":\"1\""),
            m + "schema: is not an integer from 0 to 9223372036854775807");
  EXPECT_EQ(manifestError("\"schema\":1,", ""), m + "lacks the key 'schema'");
  EXPECT_EQ(manifestError("\"producer\":\"p\"", "\"producer\":null"),
            m + "producer: is not a string");
  EXPECT_EQ(
      manifestError("\"producer\":\"p\"", "\"producer\":\"p\",\"extra\\n\":0"),
      m + "has the unknown key 'extra\\x0a'");
  EXPECT_EQ(manifestError("\"producer\":\"p\"",
                          "\"producer\":\"p\",\"producer\":\"q\""),
            m + "has the key 'producer' twice in one object");
  EXPECT_EQ(manifestError("\"batch\":2", "\"batch\":0"),
            m + "model.batch: is not an integer from 1 to "
                "9223372036854775807");
  EXPECT_EQ(manifestError("\"batch\":2", "\"batch\":2.0"),
            m + "model.batch: is not an integer from 1 to "
                "9223372036854775807");
  EXPECT_EQ(manifestError("\"any_batch\":true", "\"any_batch\":1"),
            m + "model.any_batch: is not true or false");
  EXPECT_EQ(manifestError("\"dtype\":\"f32\"", "\"dtype\":\"f33\""),
            m + "model.inputs[0].dtype: is the unknown type 'f33'");
  EXPECT_EQ(manifestError("\"shape\":[2,3]", "\"shape\":[2,-3]"),
            m + "model.inputs[0].shape[1]: is not an integer from 0 to "
                "9223372036854775807");
  EXPECT_EQ(manifestError("\"shape\":[2,3]", "\"shape\":{}"),
            m + "model.inputs[0].shape: is not an array");
  EXPECT_EQ(manifestError("\"plans\":[{", "\"plans\":[7,{"),
            m + "plans[0]: is not an object");
  EXPECT_EQ(
      manifestError("\"shape\":[2,3]", "\"shape\":[2,18446744073709551615]"),
      m + "model.inputs[0].shape[1]: is not an integer from 0 to "
          "9223372036854775807");
  EXPECT_EQ(manifestError("[[1,0,1,1],1,1]", "[[1,0,1,1],1]"),
            m + "plans[0].launches[0].grid: has not three extents");
  EXPECT_EQ(manifestError("[[1,0,1,1],1,1]", "[[1,0,1],1,1]"),
            m + "plans[0].launches[0].grid[0]: is neither a number nor "
                "[scale, offset, divisor, factor]");
  EXPECT_EQ(manifestError("[[1,0,1,1],1,1]", "[[1,0,0,1],1,1]"),
            m + "plans[0].launches[0].grid[0][2]: is not an integer from 1 to "
                "9223372036854775807");
  EXPECT_EQ(manifestError("\"block\":[32,1,1]", "\"block\":[32,1,4294967296]"),
            m + "plans[0].launches[0].block[2]: is not an integer from 1 to "
                "4294967295");
  EXPECT_EQ(manifestError("\"buffer\":\"input\"", "\"buffer\":\"host\""),
            m + "plans[0].launches[0].arguments[0].buffer: is the unknown "
                "buffer 'host'");
  EXPECT_EQ(manifestError("{\"i64\":7}", "{\"i64\":7,\"i32\":7}"),
            m + "plans[0].launches[0].arguments[3]: has the unknown key "
                "'i64'");
}

TEST(ArtifactMalformed, WhatValuesMeanTogether) {
  // Details are ArtifactTest's: here, that files are validated at all.
  EXPECT_EQ(
      manifestError("\"offset\":0,\"size\":24", "\"offset\":1,\"size\":24"),
      "plan 'sm_80': launch 0 ('n'): argument 0 takes 24 bytes from 1 of "
      "a buffer of 24");
  EXPECT_EQ(
      manifestError("\"shape\":[2,3]", "\"shape\":[2,4611686018427387904]"),
      "input 'x' has shape 2x4611686018427387904, which is negative or "
      "too large");
  EXPECT_EQ(manifestError("\"arena_bytes\":64",
                          "\"arena_bytes\":9223372036854775807"),
            "plan 'sm_80': needs 9223372036854775807 bytes of arena and 0 of "
            "workspace; expected at most 70368744177664");
}

TEST(ArtifactMalformed, TextThatIsNoJson) {
  Parts parts = goodParts();
  auto errorOf = [&](const std::string &text) {
    std::vector<Member> members = parts.members();
    members[0].data = text;
    return readError(zip(members));
  };
  const std::string m = "manifest.json: ";
  EXPECT_EQ(errorOf(""), m + "is no valid JSON at byte 1");
  EXPECT_EQ(errorOf("{"), m + "is no valid JSON at byte 2");
  EXPECT_EQ(errorOf("[]"), m + "is not an object");
  EXPECT_EQ(errorOf("{} {}"), m + "is no valid JSON at byte 4");
  EXPECT_EQ(errorOf("{\"schema\":1e999}"), m + "is no valid JSON at byte 15");
  EXPECT_EQ(errorOf("{\"a\":\"\xff\"}"), m + "is no valid JSON at byte 7");
  EXPECT_EQ(errorOf(std::string(65, '[')),
            m + "nests deeper than 64 levels of JSON");
  EXPECT_EQ(errorOf(std::string(1 << 20, '[')),
            m + "nests deeper than 64 levels of JSON");
  std::string many = "[0";
  for (int i = 0; i < 1 << 22; ++i)
    many += ",0";
  EXPECT_EQ(errorOf(many), m + "has more than 4194304 values of JSON");
  // Many keys must not cost more than few.
  std::string keys;
  for (int i = 0; i < 300000; ++i)
    keys += (i ? ",\"k" : "{\"k") + std::to_string(i) + "\":0";
  EXPECT_EQ(errorOf(keys + "}"), m + "lacks the key 'schema'");
}

//===----------------------------------------------------------------------===//
// Members
//===----------------------------------------------------------------------===//

TEST(ArtifactMalformed, EveryMemberDamaged) {
  for (size_t i = 0; i < 4; ++i) {
    std::vector<Member> members = goodParts().members();
    std::string subject = "member '" + members[i].name + "' ";
    members[i].crc = npztest::crc32(members[i].data);
    members[i].data.back() ^= 1;
    EXPECT_EQ(readError(zip(members)),
              subject + "is damaged: its checksum (CRC) does not match");
    // With a checksum that was made to match.
    members[i].crc.reset();
    if (i > 0) {
      EXPECT_EQ(readError(zip(members)),
                subject +
                    "is damaged: its SHA-256 is not that of the manifest");
    }
  }
}

TEST(ArtifactMalformed, MembersThatAreNotListed) {
  std::vector<Member> members = goodParts().members();
  std::vector<Member> changed = members;
  changed.push_back({"extra", "x"});
  EXPECT_EQ(readError(zip(changed)), "member 'extra' is not in the manifest");
  changed = members;
  changed.pop_back();
  EXPECT_EQ(readError(zip(changed)), "lacks the member 'model.mlir'");
  changed = members;
  changed.push_back(changed[1]);
  EXPECT_EQ(readError(zip(changed)),
            "member 'weights.safetensors' occurs twice");
  changed = members;
  changed.erase(changed.begin());
  EXPECT_EQ(readError(zip(changed)), "is no artifact: it has no manifest.json");
  changed = members;
  changed[3].data += " ";
  EXPECT_EQ(readError(zip(changed)),
            "member 'model.mlir' has 10 bytes; expected 9");
  changed = members;
  replace(changed[0].data, "\"members\":[",
          "\"members\":[{\"name\":\"manifest.json\",\"size\":0,"
          "\"sha256\":\"\"},");
  EXPECT_EQ(readError(zip(changed)), "manifest.json: member 'manifest.json' "
                                     "must not be listed here");
  changed = members;
  std::string empty = sha256("", 0);
  replace(changed[0].data, "\"members\":[",
          "\"members\":[{\"name\":\"kernels/sm_90.ptx\",\"size\":0,"
          "\"sha256\":\"" +
              empty + "\"},");
  changed.push_back({"kernels/sm_90.ptx", ""});
  EXPECT_EQ(readError(zip(changed)),
            "member 'kernels/sm_90.ptx' belongs to nothing in the manifest");
}

TEST(ArtifactMalformed, Containers) {
  std::vector<Member> members = goodParts().members();
  std::string good = zip(members);
  EXPECT_EQ(readError(""), "is too short to be an artifact: 0 bytes");
  EXPECT_EQ(readError(std::string(100, 'x')),
            "is cut off or no zip archive: it does not end with a directory");
  EXPECT_EQ(readError("x" + good), "has a damaged directory");
  EXPECT_EQ(readError(good + "x"),
            "is cut off or no zip archive: it does not end with a directory");
  // Bytes between members, and members in an order that hides or overlaps.
  std::string gap = good;
  size_t directory = gap.find("PK\x01\x02");
  gap.insert(directory, "hidden");
  gap.replace(gap.size() - 6, 4, littleEndian(directory + 6, 4));
  EXPECT_EQ(readError(gap), "holds bytes that belong to no member");
  // The third entry points to the second member.
  std::string overlap = good;
  size_t second = overlap.find("PK\x03\x04", 10);
  size_t entry = directory;
  for (int i = 0; i < 2; ++i)
    entry = overlap.find("PK\x01\x02", entry + 1);
  overlap.replace(entry + 42, 4, littleEndian(second, 4));
  EXPECT_EQ(readError(overlap), "member 'kernels/sm_80.ptx' does not begin "
                                "where the one before it ends");
}

TEST(ArtifactMalformed, MemberHeaders) {
  const std::string subject = "member 'model.mlir' ";
  auto errorOf = [](const std::function<void(Member &)> &change) {
    std::vector<Member> members = goodParts().members();
    change(members.back());
    return readError(zip(members));
  };
  EXPECT_EQ(errorOf([](Member &m) { m.method = 8; }),
            subject + "is compressed; members of an artifact are stored");
  EXPECT_EQ(errorOf([](Member &m) { m.flags = 1; }),
            subject + "is encrypted or of a kind that artifacts do not have");
  EXPECT_EQ(errorOf([](Member &m) { m.flags = 8; }),
            subject + "is encrypted or of a kind that artifacts do not have");
  EXPECT_EQ(errorOf([](Member &m) { m.size = 1 << 30; }),
            subject + "has two sizes: 1073741824 and 9");
  // Sizes far beyond the file take no memory.
  for (uint64_t size :
       {uint64_t(10), uint64_t(0xfffffffe), uint64_t(1) << 40, UINT64_MAX})
    EXPECT_EQ(errorOf([&](Member &m) {
                m.size = m.compressedSize = size;
                m.zip64 = true;
              }),
              subject + "has " + std::to_string(size) +
                  " bytes; only 9 are in the file");
  EXPECT_EQ(errorOf([](Member &m) { m.zip64 = true; }), "");
  // The member's own header says something else than the directory.
  for (auto [offset, what] :
       {std::pair(6, "flags"), std::pair(10, "time"), std::pair(14, "crc"),
        std::pair(18, "size"), std::pair(30, "name")}) {
    std::string file = goodParts().file();
    size_t header = file.rfind("PK\x03\x04");
    file[header + offset] ^= 1;
    EXPECT_EQ(readError(file),
              subject + "has a header that disagrees with the directory")
        << what;
  }
  std::string file = goodParts().file();
  file[file.rfind("PK\x03\x04")] = 'X';
  EXPECT_EQ(readError(file), subject + "has a damaged header");
}

TEST(ArtifactMalformed, ManyMembers) {
  std::vector<Member> members(1025, Member{"", ""});
  for (size_t i = 0; i < members.size(); ++i)
    members[i].name = std::to_string(i);
  std::string error = readError(zip(members));
  EXPECT_EQ(error.find("has a directory of 1025 members and "), 0u) << error;
}

TEST(ArtifactMalformed, FilesThatCannotBeOpened) {
  std::string error;
  EXPECT_EQ(read("/nonexistent.qopt", error), nullptr);
  EXPECT_EQ(error,
            "'/nonexistent.qopt': cannot be opened: No such file or directory");
  EXPECT_EQ(read("/", error), nullptr);
  EXPECT_EQ(error, "'/': is a folder");
  EXPECT_EQ(read("/dev/zero", error), nullptr);
  EXPECT_EQ(error, "'/dev/zero': is not a regular file");
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

std::string tensorsError(const std::string &file) {
  std::vector<Constant> tensors;
  return readSafetensors(file.data(), file.size(), tensors);
}

TEST(SafetensorsMalformed, Headers) {
  EXPECT_EQ(tensorsError("1234567"), "has only 7 bytes");
  EXPECT_EQ(tensorsError(std::string(8, '\xff')),
            "has a header of 18446744073709551615 bytes; expected at most 0");
  EXPECT_EQ(tensorsError(littleEndian(3, 8) + "{}"),
            "has a header of 3 bytes; expected at most 2");
  EXPECT_EQ(tensorsError(safetensors("[]", "")),
            "has a header that is no JSON object");
  EXPECT_EQ(tensorsError(safetensors("{", "")), "is no valid JSON at byte 2");
  EXPECT_EQ(tensorsError(safetensors("{\"a\":[[[[0]]]]}", "")),
            "nests deeper than 4 levels of JSON");
  EXPECT_EQ(tensorsError(safetensors("{\"a\":0}", "")),
            "tensor 'a': is not an object");
  EXPECT_EQ(tensorsError(safetensors("{}", "")), "");
  EXPECT_EQ(tensorsError(safetensors("{}   ", "")), "");
  EXPECT_EQ(
      tensorsError(safetensors("{\"__metadata__\":{\"format\":\"pt\"}}", "")),
      "");
  EXPECT_EQ(tensorsError(safetensors("{}", "1")),
            "has 1 bytes that belong to no tensor");
}

/// The error of a file with the tensor `a` of these fields and 8 bytes.
std::string tensorError(const std::string &fields) {
  return tensorsError(safetensors("{\"a\":{" + fields + "}}", "12345678"));
}

TEST(SafetensorsMalformed, Tensors) {
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])"),
            "");
  EXPECT_EQ(tensorError(R"("dtype":"F8","shape":[2],"data_offsets":[0,8])"),
            "tensor 'a'.dtype: is the unknown type 'F8'");
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])"),
            "tensor 'a': has 8 bytes; expected 12 for shape 3 of f32");
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[3],"data_offsets":[0,12])"),
            "tensor 'a': ends at byte 12 of 8");
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])"),
            "has 4 bytes that belong to no tensor");
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])"),
            "tensor 'a': begins at byte 4; expected 0, where the one before it "
            "ends");
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])"),
            "tensor 'a'.data_offsets: is no begin and end");
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[2],"data_offsets":[0,8,8])"),
            "tensor 'a'.data_offsets: is no begin and end");
  EXPECT_EQ(
      tensorError(
          R"("dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0])"),
      "tensor 'a': has shape 4611686018427387904x4, which is too large");
  EXPECT_EQ(
      tensorError(
          R"("dtype":"I8","shape":[0,9223372036854775807],"data_offsets":[0,0])"),
      "tensor 'a': has shape 0x9223372036854775807, which is too large");
  EXPECT_EQ(tensorError(R"("dtype":"F32","shape":[2])"),
            "tensor 'a': lacks the key 'data_offsets'");
  EXPECT_EQ(
      tensorError(R"("dtype":"F32","shape":[2],"data_offsets":[0,8],"x":0)"),
      "tensor 'a': has the unknown key 'x'");
}

TEST(SafetensorsMalformed, TensorsTogether) {
  auto errorOf = [](const std::string &first, const std::string &second) {
    auto entry = [](const std::string &range) {
      return R"({"dtype":"I8","shape":[4],"data_offsets":)" + range + "}";
    };
    return tensorsError(
        safetensors("{\"b\":" + entry(first) + ",\"a\":" + entry(second) + "}",
                    "12345678"));
  };
  EXPECT_EQ(errorOf("[0,4]", "[4,8]"), "");
  EXPECT_EQ(errorOf("[4,8]", "[0,4]"), "");
  EXPECT_EQ(errorOf("[0,4]", "[3,7]"),
            "tensor 'a': begins at byte 3; expected 4, where the one before it "
            "ends");
  EXPECT_EQ(errorOf("[0,4]", "[0,4]"),
            "tensor 'b': begins at byte 0; expected 4, where the one before it "
            "ends");
  EXPECT_EQ(tensorsError(safetensors("{\"a\":{},\"a\":{}}", "")),
            "has the key 'a' twice in one object");
}

TEST(SafetensorsMalformed, WeightsThatDoNotGoWithTheManifest) {
  const std::string w = "weights.safetensors: ";
  Parts parts = goodParts();
  parts.weights = safetensors("{}", "");
  EXPECT_EQ(readError(parts.file()),
            w + "lacks constant 'w', or it is listed twice");
  EXPECT_EQ(manifestError("[\"w\"]", "[]"),
            w + "tensor 'w' is not in the manifest");
  EXPECT_EQ(manifestError("[\"w\"]", "[\"w\",\"w\"]"),
            w + "lacks constant 'w', or it is listed twice");
  parts.weights = "damaged";
  EXPECT_EQ(readError(parts.file()), w + "has only 7 bytes");
}

TEST(SafetensorsMalformed, WhatIsNotWritten) {
  Artifact artifact;
  addConstant<float>(artifact, "__metadata__", QOPT_F32, {1}, {1});
  std::string error;
  EXPECT_EQ(formatSafetensorsHeader(artifact.constants, {0}, error), "");
  EXPECT_EQ(error, "tensor '__metadata__' needs a name of its own, in UTF-8");
  artifact.constants[0].name = "\xff";
  EXPECT_EQ(formatSafetensorsHeader(artifact.constants, {0}, error), "");
  artifact.constants[0].name = "a";
  EXPECT_NE(formatSafetensorsHeader(artifact.constants, {0}, error), "");
  EXPECT_EQ(formatSafetensorsHeader(artifact.constants, {0, 0}, error), "");
  artifact.constants[0].size = 5;
  EXPECT_EQ(formatSafetensorsHeader(artifact.constants, {0}, error), "");
  EXPECT_EQ(error, "tensor 'a' has a size that does not go with its shape");
}

//===----------------------------------------------------------------------===//
// Systematic damage
//===----------------------------------------------------------------------===//

std::vector<std::string> sampleFiles() {
  return {fileOf(gemmArtifact()), fileOf(richArtifact()), goodParts().file()};
}

TEST(ArtifactMalformed, TruncationAtEveryByte) {
  for (const std::string &file : sampleFiles()) {
    ASSERT_EQ(readError(file), "");
    for (size_t size = 0; size < file.size(); ++size)
      ASSERT_NE(readError(file.substr(0, size)), "") << size;
  }
}

/// Where the members' bytes lie, with those of the manifest.
bool isContent(const std::string &file, size_t at) {
  size_t directory = file.find("PK\x01\x02");
  if (at >= directory)
    return false;
  for (size_t header = 0; header < directory;) {
    auto number = [&](size_t offset, int size) {
      uint64_t value = 0;
      for (int i = size - 1; i >= 0; --i)
        value = value << 8 | uint8_t(file[header + offset + i]);
      return value;
    };
    size_t begin = header + 30 + number(26, 2) + number(28, 2);
    size_t end = begin + number(22, 4);
    if (at >= begin && at < end)
      return true;
    header = end;
  }
  return false;
}

TEST(ArtifactMalformed, EverySingleBitFlipped) {
  for (std::string file : sampleFiles()) {
    const std::string original = file;
    for (size_t bit = 0; bit < file.size() * 8; ++bit) {
      file[bit / 8] ^= 1 << bit % 8;
      LLVMFuzzerTestOneInput(bytes(file), file.size());
      if (isContent(original, bit / 8)) {
        ASSERT_NE(readError(file), "") << bit;
      }
      file[bit / 8] ^= 1 << bit % 8;
    }
  }
}

/// Changes a file in one random way.
void mutate(std::string &file, std::mt19937 &random,
            const std::vector<std::string> &tokens) {
  size_t size = file.size();
  size_t at = size ? random() % size : 0;
  switch (random() % 8) {
  case 0:
  case 1:
    if (size)
      file[at] = char(random());
    break;
  case 2:
    if (size)
      file[at] ^= char(1 << random() % 8);
    break;
  case 3:
    file.resize(at);
    break;
  case 4:
    file.insert(at, std::string(random() % 9, char(random())));
    break;
  case 5:
    file.erase(at, random() % 9);
    break;
  default: {
    std::string token = tokens[random() % tokens.size()];
    file.replace(at, std::min(token.size(), size - at), token);
    break;
  }
  }
}

TEST(ArtifactMalformed, RandomMutants) {
  constexpr int kMutants = 30000;
  std::mt19937 random(20260801);
  const std::vector<std::string> tokens = {
      "PK\x01\x02", "PK\x03\x04",       "PK\x05\x06",        "PK\x06\x06",
      "PK\x06\x07", "\xff\xff\xff\xff", std::string(4, '\0')};
  std::vector<std::string> files = sampleFiles();
  for (int i = 0; i < kMutants; ++i) {
    std::string file = files[random() % files.size()];
    for (int count = 1 + random() % 8; count > 0; --count)
      mutate(file, random, tokens);
    LLVMFuzzerTestOneInput(bytes(file), file.size());
  }
}

/// Checksums and hashes made to match, so that what lies behind is reached.
TEST(ArtifactMalformed, RandomMutantsBehindTheHashes) {
  constexpr int kMutants = 30000;
  std::mt19937 random(20260802);
  const std::vector<std::string> tokens = {"0",
                                           "-1",
                                           "1e9",
                                           "18446744073709551615",
                                           "9223372036854775807",
                                           "2147483648",
                                           "null",
                                           "true",
                                           "\"x\"",
                                           "[]",
                                           "{}",
                                           "[",
                                           "]",
                                           "{",
                                           "}",
                                           ",",
                                           ":",
                                           "\"",
                                           "\"i32\"",
                                           "\"arena\"",
                                           "\"workspace\"",
                                           "\"constant\"",
                                           "4294967295"};
  int accepted = 0;
  for (int i = 0; i < kMutants; ++i) {
    Parts parts = goodParts();
    for (int count = 1 + random() % 3; count > 0; --count)
      mutate(random() % 4 ? parts.manifest : parts.weights, random, tokens);
    std::string file = parts.file();
    LLVMFuzzerTestOneInput(bytes(file), file.size());
    accepted += readError(file).empty();
  }
  // Otherwise the mutants would test the parser of JSON only.
  EXPECT_GT(accepted, kMutants / 100);
}

TEST(SafetensorsMalformed, RandomMutants) {
  constexpr int kMutants = 50000;
  std::mt19937 random(20260803);
  const std::vector<std::string> tokens = {"0",
                                           "8",
                                           "4",
                                           "12",
                                           "[0,4]",
                                           "F64",
                                           "BOOL",
                                           "\"a\"",
                                           "[",
                                           "]",
                                           "{",
                                           "}",
                                           ",",
                                           "__metadata__",
                                           "9223372036854775807",
                                           "\\u0000",
                                           "\xc3\xa4"};
  const std::string file =
      safetensors(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                  R"("b":{"dtype":"I8","shape":[2,2],"data_offsets":[4,8]},)"
                  R"("c":{"dtype":"I64","shape":[0],"data_offsets":[8,8]},)"
                  R"("d":{"dtype":"F16","shape":[],"data_offsets":[8,10]}})",
                  "1234567890");
  for (size_t size = 0; size <= file.size(); ++size)
    LLVMFuzzerTestOneSafetensors(bytes(file), size);
  for (int i = 0; i < kMutants; ++i) {
    std::string mutant = file;
    for (int count = 1 + random() % 4; count > 0; --count)
      mutate(mutant, random, tokens);
    // Half of them with a length that fits the header.
    if (random() % 2 && mutant.size() > 18)
      mutant.replace(0, 8, littleEndian(mutant.size() - 18, 8));
    LLVMFuzzerTestOneSafetensors(bytes(mutant), mutant.size());
  }
}

TEST(ArtifactMalformed, MemoryIsBounded) {
  // A process with little memory reads or refuses all of these.
  std::vector<std::string> files = {goodParts().file()};
  Parts parts = goodParts();
  replace(parts.manifest, "\"permutation\":[0],\"shape\":[4]",
          "\"permutation\":[0],\"shape\":[4100]");
  replace(parts.manifest, "\"arena_bytes\":64",
          "\"arena_bytes\":70368744177664");
  files.push_back(parts.file());
  std::vector<Member> members = goodParts().members();
  members.back().size = members.back().compressedSize = uint64_t(1) << 45;
  members.back().zip64 = true;
  files.push_back(zip(members));
  members = goodParts().members();
  members[0].data = "[" + std::string(3 << 20, '0');
  files.push_back(zip(members));
  auto readAll = [&] {
    struct rlimit limit = {};
    limit.rlim_cur = limit.rlim_max = uint64_t(1) << 30;
    setrlimit(RLIMIT_AS, &limit);
    for (const std::string &file : files)
      LLVMFuzzerTestOneInput(bytes(file), file.size());
    _exit(0);
  };
  EXPECT_EXIT(readAll(), testing::ExitedWithCode(0), "");
}

} // namespace

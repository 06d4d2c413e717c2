//===- ArtifactMalformedTest.cpp - Damaged and hostile .qopt files --------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What can be wrong with manifest and container, one by one. What cannot be
// listed is searched by ArtifactMutationTest.
//
//===----------------------------------------------------------------------===//
#include "ArtifactTestFiles.h"

#include <functional>

using namespace artifacttest;
using namespace npztest;
using mlir::qopt::artifact::read;
using mlir::qopt::artifact::sha256;

namespace {

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

TEST(ArtifactMalformed, Checks) {
  const std::string m = "manifest.json: plans[0].launches[0]";
  const std::string end = "{\"i64\":7}]",
                    word = "{\"i64\":7},{\"buffer\":\"status\",\"index\":0,"
                           "\"offset\":0,\"size\":8}]";
  const std::string points = ",\"points_per_sample\":1";
  EXPECT_EQ(manifestError(end, word + ",\"checks\":[\"a\"]" + points), "");
  EXPECT_EQ(manifestError(end, word + ",\"checks\":[\"a\"]"),
            m + ": lacks the key 'points_per_sample'");
  EXPECT_EQ(manifestError(end, word + points),
            m + ": has the unknown key 'points_per_sample'");
  EXPECT_EQ(manifestError(end, word + ",\"checks\":[]" + points),
            m + ".checks: is empty");
  EXPECT_EQ(manifestError(end, word + ",\"checks\":\"a\"" + points),
            m + ".checks: is not an array");
  EXPECT_EQ(manifestError(end, word + ",\"checks\":[1]" + points),
            m + ".checks[0]: is not a string");
  EXPECT_EQ(manifestError(end, word + ",\"checks\":[\"a\"],"
                                      "\"points_per_sample\":-1"),
            m + ".points_per_sample: is not an integer from 0 to "
                "9223372036854775807");
  EXPECT_EQ(manifestError(end, word),
            "plan 'sm_80': launch 0 ('n'): argument 4 takes 8 bytes from 0 of "
            "a buffer of 0");
  EXPECT_EQ(manifestError(end, end + ",\"checks\":[\"a\"]" + points),
            "plan 'sm_80': launch 0 ('n'): has 0 status words for 1 checks");
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

} // namespace

//===- ArtifactMutationTest.cpp - Mutants of .qopt files ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The fuzzers' entry points on truncated, flipped and mutated files, with and
// without checksums made to match.
//
//===----------------------------------------------------------------------===//
#include "ArtifactTestFiles.h"
#include "Mutations.h"

#include <sys/resource.h>

using namespace artifacttest;
using namespace npztest;
using mutations::mutate;
using samples::gemmArtifact;
using samples::richArtifact;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern "C" int LLVMFuzzerTestOneSafetensors(const uint8_t *data, size_t size);

namespace {

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

TEST(ArtifactMalformed, Corpora) {
  const std::pair<const char *, int (*)(const uint8_t *, size_t)> fuzzers[] = {
      {"Artifact", LLVMFuzzerTestOneInput},
      {"Safetensors", LLVMFuzzerTestOneSafetensors}};
  for (auto [name, fuzzer] : fuzzers) {
    auto files = mutations::readCorpus(name);
    EXPECT_FALSE(files.empty()) << name;
    for (const auto &[file, content] : files) {
      SCOPED_TRACE(file);
      fuzzer(bytes(content), content.size());
    }
  }
}

} // namespace

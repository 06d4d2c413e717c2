//===- WriteCorpus.cpp - Seeds for the fuzzers ----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// write-corpus FOLDER          writes FOLDER/<fuzzer>/seed-<name>
// write-corpus --check FOLDER  exit status 1 where these differ from the files
//
// Seeds that a fuzzer found are in the same folders under other names.
//
//===----------------------------------------------------------------------===//
#include "../Unit/ArtifactTestFiles.h"
#include "../Unit/RuleSamples.h"
#include "../Unit/TableSamples.h"

#include <cstdio>

using namespace artifacttest;
using namespace npztest;

namespace {
/// A file of the corpus.
struct Seed {
  std::string fuzzer, name, bytes;
};

void addArrays(std::vector<Seed> &seeds) {
  auto add = [&](const std::string &name, const std::string &bytes) {
    seeds.push_back({"Npz", name, bytes});
  };
  std::string floats = npy("<f4", "(2, 3)", std::string(24, '?'));
  std::string fortran = npy(">f8", "(2, 3)", std::string(48, 'b'), true);
  add("f4.npy", floats);
  add("f8-fortran.npy", fortran);
  add("b1-version2.npy", npyWithHeader(npyDict("|b1", "(3,)"), {0, 1, 2}, 2));
  add("f2-scalar-version3.npy", npyWithHeader(npyDict("<f2", "()"), "ab", 3));
  add("i8.npy", npy("<i8", "(1, 2, 1)", std::string(16, '\x7f')));
  add("u1-empty.npy", npy("|u1", "(0, 7)", ""));
  add("objects.npy", npy("|O", "(1,)", "12345678"));
  add("huge-shape.npy", npy("|u1", "(0, 9223372036854775807, 2)", ""));
  add("stored.npz", zip({{"arg0.npy", floats}, {"out0.npy", fortran}}));
  add("blocks.npz", zip({{"a.npy",
                          deflateStored(floats),
                          8,
                          floats.size(),
                          {},
                          npztest::crc32(floats)},
                         {"b.npy", fortran, 0, {}, {}, {}, 0, true},
                         {"notes.txt", "no array"}}));
  add("lying-size.npz", zip({{"a.npy",
                              floats,
                              0,
                              uint64_t(1) << 45,
                              uint64_t(1) << 45,
                              {},
                              0,
                              true}}));
  // 64 KiB of zeros behind a header.
  const std::string zeros = npy("<f4", "(16384,)", std::string(1 << 16, '\0'));
  std::string deflated;
  for (const char *digit =
           "edc8b10ec1500040d167f515dd1e4917d1888874b4118bc1248dbec6202a"
           "af36f1157e58fdc739dbbddfc3697f3c4f421ddeb14dc335c74d11b75d15"
           "cb22767d7ee5e671e9739bfe7fd7dc8734fee1d63cd3d8b3c56ab9aeca79"
           "597ca6010000000000000000000000000000000000000000000000000000"
           "000000000000000000000000000000000000000000000000000000000000"
           "00000000000000463f";
       *digit; digit += 2)
    deflated += char(std::stoi(std::string(digit, 2), nullptr, 16));
  add("bomb.npz",
      zip({{"a.npy", deflated, 8, zeros.size(), {}, npztest::crc32(zeros)}}));
}

void addTensors(std::vector<Seed> &seeds) {
  auto add = [&](const std::string &name, const std::string &bytes) {
    seeds.push_back({"Safetensors", name, bytes});
  };
  add("all-kinds",
      safetensors(R"({"__metadata__":{"format":"pt"},)"
                  R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
                  R"("b":{"dtype":"I8","shape":[2,2],"data_offsets":[4,8]},)"
                  R"("c":{"dtype":"I64","shape":[0],"data_offsets":[8,8]},)"
                  R"("d":{"dtype":"F16","shape":[],"data_offsets":[8,10]}})",
                  "1234567890"));
  add("empty", safetensors("{}", ""));
  add("huge-shape",
      safetensors(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],)"
                  R"("data_offsets":[0,0]}})",
                  ""));
  add("long-header", littleEndian(UINT64_MAX, 8) + "{}");
}

void addArtifacts(std::vector<Seed> &seeds) {
  auto add = [&](const std::string &name, const std::string &bytes) {
    seeds.push_back({"Artifact", name, bytes});
  };
  add("small", goodParts().file());
  add("gemm", fileOf(samples::gemmArtifact()));
  add("rich", fileOf(samples::richArtifact()));
}

void addTables(std::vector<Seed> &seeds) {
  using namespace mlir::qopt;
  EdgeStatistics small, channels({2, 1}), far;
  SampleStatistics smallSamples, channelSamples({2, 1}), farSamples;
  const float values[] = {0.0f, -1.5f, 3.0f, NAN, INFINITY, -INFINITY};
  const float masked[] = {1.0f, 2.0f, -1e9f, -1e9f, 70000.0f, FLT_MAX};
  small.observe(values, std::size(values));
  channels.observe(values, 4);
  far.observe(masked, std::size(masked));
  smallSamples.observe(values, std::size(values), 3);
  channelSamples.observe(values, 4, 2);
  farSamples.observe(masked, std::size(masked), 6);
  CalibrationTable table = tabletest::sampleTable();
  auto addState = [&](const std::string &name, const EdgeStatistics &state,
                      const SampleStatistics &samples) {
    seeds.push_back({"EdgeStatistics", name, state.serialize()});
    seeds.push_back({"SampleStatistics", name, samples.serialize()});
  };
  addState("empty", EdgeStatistics(), SampleStatistics());
  addState("small", small, smallSamples);
  addState("channels", channels, channelSamples);
  addState("far", far, farSamples);
  const SampleStatistics &many = table.edges[1].statistics;
  addState("many", many.getTotal(), many);

  auto addTable = [&](const std::string &name) {
    seeds.push_back({"CalibrationTable", name, printCalibrationTable(table)});
  };
  addTable("many");
  table.edges[0].statistics = smallSamples;
  table.edges[1].statistics = channelSamples;
  table.complete = false;
  addTable("interrupted");
  table = tabletest::emptyTable();
  addTable("empty");

  auto addCache = [&](const std::string &name, const std::string &text) {
    seeds.push_back({"TensorRTCache", name, text});
  };
  const std::string header = "TRT-8203-EntropyCalibration2";
  addCache("usual", header + "\ninput: 3c010a14\n"
                             "(Unnamed Layer* 0) [Convolution]_output: "
                             "3f800000\nmodel/a: b: 42fe0000\n");
  addCache("windows", header + "\r\n\r\ninput: 3C010A14\r\n");
  addCache("twice", header + "\na: 3f800000\na: 3f800000\ndead: 00000000");
  addCache("damaged", header + "\na: 3f800000\na: 7fc00000\n");
}

void addRules(std::vector<Seed> &seeds) {
  seeds.push_back({"Rules", "all-keys", rulestest::kAllKeys});
  seeds.push_back({"Rules", "none", rulestest::kNoRules});
}
} // namespace

int main(int argc, char **argv) {
  bool isCheck = argc == 3 && std::string(argv[1]) == "--check";
  if (argc != (isCheck ? 3 : 2))
    return 2;
  std::filesystem::path root = argv[argc - 1];
  std::vector<Seed> seeds;
  addArrays(seeds);
  addTensors(seeds);
  addArtifacts(seeds);
  addTables(seeds);
  addRules(seeds);
  int status = 0;
  for (const Seed &seed : seeds) {
    std::filesystem::path path = root / seed.fuzzer / ("seed-" + seed.name);
    if (!isCheck) {
      std::filesystem::create_directories(path.parent_path());
      writeFile(path.string(), seed.bytes);
    } else if (readFile(path.string()) != seed.bytes) {
      printf("%s: is not what write-corpus writes; run it again\n",
             path.c_str());
      status = 1;
    }
  }
  return status;
}

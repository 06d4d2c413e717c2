//===- ArtifactTest.cpp - Writing and reading .qopt files -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What is written is read back, other programs can read it, and a file appears
// complete or not at all. Damaged files are ArtifactMalformedTest's.
//
//===----------------------------------------------------------------------===//
#include "../../lib/Artifact/Sha256.h"
#include "ArtifactSamples.h"
#include "NpzTestFiles.h"
#include "QuantOpt/Artifact/Safetensors.h"

#include <gtest/gtest.h>
#include <zip.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace npztest;
using namespace mlir::qopt::artifact;
using namespace samples;

namespace {

//===----------------------------------------------------------------------===//
// Hashes
//===----------------------------------------------------------------------===//

TEST(Sha256, VectorsOfTheStandard) {
  // FIPS 180-4's examples and NIST's short messages.
  const std::pair<std::string, const char *> vectors[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc",
       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmno"
       "ijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
      {std::string(1000000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
      {"\xbd",
       "68325720aabd7c82f30f554b313d0570c95accbb7dc4b5aae11204c08ffe732b"},
      {"\xc9\x8c\x8e\x55",
       "7abc22c0ae5af26ce93dbb94433a0e0b2e119d014f8e7f65bd56c61ccccd9504"},
      {std::string(55, '\0'),
       "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7"},
      {std::string(56, '\0'),
       "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb"},
      {std::string(57, '\0'),
       "65a16cb7861335d5ace3c60718b5052e44660726da4cd13bb745381b235a1785"},
      {std::string(64, '\0'),
       "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"},
  };
  for (const auto &[message, expected] : vectors) {
    EXPECT_EQ(sha256(message.data(), message.size()), expected);
    // Both codes, in pieces of small sizes.
    size_t step = message.size() > 1000 ? 41 : 1;
    for (size_t piece = 1; piece < 130 && piece <= message.size();
         piece += step) {
      Sha256 hash(/*isPortable=*/piece % 2 == 1);
      for (size_t i = 0; i < message.size(); i += piece)
        hash.update(message.data() + i, std::min(piece, message.size() - i));
      ASSERT_EQ(hash.finish(), expected) << piece;
    }
  }
}

TEST(Sha256, ChecksumsOfZip) {
  EXPECT_EQ(mlir::qopt::artifact::crc32(0, "123456789", 9), 0xcbf43926u);
  std::string text;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(mlir::qopt::artifact::crc32(0, text.data(), text.size()),
              npztest::crc32(text));
    text += char(i * 37);
  }
}

//===----------------------------------------------------------------------===//
// Round trip
//===----------------------------------------------------------------------===//

bool isSame(const Extent &a, const Extent &b) {
  return a.scale == b.scale && a.offset == b.offset && a.divisor == b.divisor &&
         a.factor == b.factor;
}

void expectEqual(const TensorSpec &a, const TensorSpec &b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.dtype, b.dtype);
  EXPECT_EQ(a.dims, b.dims);
}

void expectEqual(const Launch &a, const Launch &b) {
  EXPECT_EQ(a.kernel, b.kernel);
  EXPECT_EQ(a.name, b.name);
  EXPECT_TRUE(std::equal(a.grid.begin(), a.grid.end(), b.grid.begin(), isSame));
  EXPECT_EQ(a.block, b.block);
  EXPECT_EQ(a.sharedBytes, b.sharedBytes);
  EXPECT_EQ(a.checks, b.checks);
  EXPECT_EQ(a.pointsPerSample, b.pointsPerSample);
  ASSERT_EQ(a.arguments.size(), b.arguments.size());
  for (size_t i = 0; i < a.arguments.size(); ++i) {
    const Argument &x = a.arguments[i], &y = b.arguments[i];
    EXPECT_EQ(x.kind, y.kind);
    EXPECT_EQ(x.buffer.kind, y.buffer.kind);
    EXPECT_EQ(x.buffer.index, y.buffer.index);
    EXPECT_EQ(x.buffer.offset, y.buffer.offset);
    EXPECT_EQ(x.buffer.size, y.buffer.size);
    EXPECT_TRUE(isSame(x.scalar, y.scalar));
  }
}

void expectEqual(const Plan &a, const Plan &b) {
  EXPECT_EQ(a.chip, b.chip);
  EXPECT_EQ(a.arenaBytes, b.arenaBytes);
  EXPECT_EQ(a.workspaceBytes, b.workspaceBytes);
  EXPECT_EQ(a.cubin, b.cubin);
  EXPECT_EQ(a.ptx, b.ptx);
  ASSERT_EQ(a.packed.size(), b.packed.size());
  for (size_t i = 0; i < a.packed.size(); ++i) {
    EXPECT_EQ(a.packed[i].constant, b.packed[i].constant);
    EXPECT_EQ(a.packed[i].permutation, b.packed[i].permutation);
    EXPECT_EQ(a.packed[i].dims, b.packed[i].dims);
  }
  ASSERT_EQ(a.launches.size(), b.launches.size());
  for (size_t i = 0; i < a.launches.size(); ++i)
    expectEqual(a.launches[i], b.launches[i]);
}

void expectEqual(const Artifact &a, const Artifact &b) {
  EXPECT_EQ(a.producer, b.producer);
  EXPECT_EQ(a.modelName, b.modelName);
  EXPECT_EQ(a.batch, b.batch);
  EXPECT_EQ(a.anyBatch, b.anyBatch);
  EXPECT_EQ(a.fixedBatchReason, b.fixedBatchReason);
  EXPECT_EQ(a.modelText, b.modelText);
  ASSERT_EQ(a.inputs.size(), b.inputs.size());
  for (size_t i = 0; i < a.inputs.size(); ++i)
    expectEqual(a.inputs[i], b.inputs[i]);
  ASSERT_EQ(a.outputs.size(), b.outputs.size());
  for (size_t i = 0; i < a.outputs.size(); ++i)
    expectEqual(a.outputs[i], b.outputs[i]);
  ASSERT_EQ(a.constants.size(), b.constants.size());
  for (size_t i = 0; i < a.constants.size(); ++i) {
    const Constant &x = a.constants[i], &y = b.constants[i];
    EXPECT_EQ(x.name, y.name);
    EXPECT_EQ(x.dtype, y.dtype);
    EXPECT_EQ(x.dims, y.dims);
    ASSERT_EQ(x.size, y.size);
    EXPECT_TRUE(x.size == 0 || memcmp(x.data, y.data, x.size) == 0) << x.name;
  }
  ASSERT_EQ(a.plans.size(), b.plans.size());
  for (size_t i = 0; i < a.plans.size(); ++i)
    expectEqual(a.plans[i], b.plans[i]);
}

TEST(Artifact, RoundTrip) {
  TemporaryFolder folder;
  std::string path = folder.path("m.qopt"), error;
  Artifact tiled = gemmArtifact();
  tiled.plans[0].launches[0].grid[0].factor = 7;
  for (const Artifact &artifact : {gemmArtifact(), richArtifact(), tiled}) {
    ASSERT_EQ(write(artifact, path), "");
    EXPECT_EQ(folder.files(), (std::vector<std::string>{"m.qopt"}));
    std::unique_ptr<Artifact> copy = read(path, error);
    ASSERT_TRUE(copy) << error;
    expectEqual(artifact, *copy);
    EXPECT_EQ(copy->members.size(),
              2 + copy->plans.size() + (copy->plans.size() > 1 ? 1 : 0));
    for (const Constant &constant : copy->constants)
      EXPECT_EQ(uintptr_t(constant.data) % qopt_dtype_size(constant.dtype), 0u);
    // The same bytes from the copy: nothing depends on addresses or time.
    std::string bytes = readFile(path);
    ASSERT_EQ(write(*copy, path), "");
    EXPECT_EQ(readFile(path), bytes);
    copy = readMemory(bytes.data(), bytes.size(), "memory", error);
    ASSERT_TRUE(copy) << error;
    std::fill(bytes.begin(), bytes.end(), 'x');
    expectEqual(artifact, *copy);
  }
}

TEST(Artifact, WithoutPlansOrConstants) {
  Artifact artifact;
  artifact.modelText = "module {}";
  artifact.anyBatch = false;
  artifact.fixedBatchReason = "op 'x' mixes samples";
  TemporaryFolder folder;
  std::string path = folder.path("m.qopt"), error;
  ASSERT_EQ(write(artifact, path), "");
  std::unique_ptr<Artifact> copy = read(path, error);
  ASSERT_TRUE(copy) << error;
  expectEqual(artifact, *copy);
}

/// The members as libzip sees them.
std::vector<std::pair<std::string, std::string>>
unzip(const std::string &path) {
  std::vector<std::pair<std::string, std::string>> members;
  int code = 0;
  zip_t *archive = zip_open(path.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code);
  EXPECT_TRUE(archive) << code;
  for (zip_int64_t i = 0; archive && i < zip_get_num_entries(archive, 0); ++i) {
    zip_stat_t status;
    EXPECT_EQ(zip_stat_index(archive, i, 0, &status), 0);
    EXPECT_EQ(status.comp_method, ZIP_CM_STORE);
    zip_file_t *file = zip_fopen_index(archive, i, 0);
    std::string content(status.size + 1, '\0');
    // Asking for more than there is makes libzip compare the checksum.
    EXPECT_EQ(zip_fread(file, &content[0], content.size()),
              zip_int64_t(status.size));
    EXPECT_EQ(zip_fread(file, &content[0] + status.size, 1), 0);
    content.pop_back();
    EXPECT_EQ(zip_fclose(file), 0);
    members.emplace_back(status.name, content);
  }
  if (archive)
    zip_discard(archive);
  return members;
}

TEST(Artifact, OtherProgramsReadIt) {
  TemporaryFolder folder;
  std::string path = folder.path("m.qopt");
  Artifact artifact = richArtifact();
  ASSERT_EQ(write(artifact, path), "");
  auto members = unzip(path);
  ASSERT_EQ(members.size(), 6u);
  EXPECT_EQ(members[0].first, "manifest.json");
  EXPECT_EQ(members[1].first, "weights.safetensors");
  EXPECT_EQ(members[2].first, "kernels/sm_80.ptx");
  EXPECT_EQ(members[2].second, artifact.plans[0].ptx);
  EXPECT_EQ(members[3].first, "kernels/sm_90a.cubin");
  EXPECT_EQ(members[3].second, artifact.plans[1].cubin);
  EXPECT_EQ(members[4].first, "kernels/sm_90a.ptx");
  EXPECT_EQ(members[5].first, "model.mlir");
  EXPECT_EQ(members[5].second, artifact.modelText);
  // Members lie aligned in the file.
  std::string bytes = readFile(path);
  for (const auto &[name, content] : members)
    EXPECT_EQ(bytes.find(content) % 64, 0u) << name;
}

TEST(Artifact, TakesWhatOtherProgramsStore) {
  // Repacked by libzip: other extra fields, no alignment.
  TemporaryFolder folder;
  std::string path = folder.path("m.qopt"), repacked = folder.path("r.qopt");
  ASSERT_EQ(write(richArtifact(), path), "");
  auto members = unzip(path);
  zip_t *archive = zip_open(repacked.c_str(), ZIP_CREATE, nullptr);
  ASSERT_TRUE(archive);
  for (const auto &[name, content] : members) {
    zip_source_t *source =
        zip_source_buffer(archive, content.data(), content.size(), 0);
    zip_int64_t index = zip_file_add(archive, name.c_str(), source, 0);
    ASSERT_GE(index, 0);
    zip_set_file_compression(archive, index, ZIP_CM_STORE, 0);
  }
  ASSERT_EQ(zip_close(archive), 0);
  std::string error;
  std::unique_ptr<Artifact> copy = read(repacked, error);
  ASSERT_TRUE(copy) << error;
  expectEqual(richArtifact(), *copy);
}

TEST(Artifact, ManifestIsReadable) {
  TemporaryFolder folder;
  std::string path = folder.path("m.qopt");
  ASSERT_EQ(write(gemmArtifact(), path), "");
  std::string manifest = unzip(path)[0].second;
  EXPECT_NE(manifest.find("{\"schema\":1,\n\"producer\":\"a test\",\n\"model\":"
                          "{\"name\":\"gemm\",\"batch\":6,\"any_batch\":true,"),
            std::string::npos)
      << manifest;
  EXPECT_NE(manifest.find(
                "\n{\"kernel\":\"toy_gemm\",\"name\":\"fc/"
                "matmul\",\"grid\":[[1,3,4,1],"
                "1,1],\"block\":[128,1,1],\"shared_bytes\":1024,\"arguments\":["
                "{\"buffer\":\"input\",\"index\":0,\"offset\":0,\"size\":72},"),
            std::string::npos)
      << manifest;
}

TEST(Artifact, InformationOfAnyBytes) {
  Artifact artifact = gemmArtifact();
  artifact.plans[0].launches[0].name = "caf\xe9\n";
  artifact.producer = std::string("\0\xff", 2);
  TemporaryFolder folder;
  std::string path = folder.path("m.qopt"), error;
  ASSERT_EQ(write(artifact, path), "");
  std::unique_ptr<Artifact> copy = read(path, error);
  ASSERT_TRUE(copy) << error;
  EXPECT_EQ(copy->plans[0].launches[0].name, "caf\xef\xbf\xbd\n");
}

//===----------------------------------------------------------------------===//
// Files
//===----------------------------------------------------------------------===//

TEST(Artifact, NothingIsLeftWhereWritingFails) {
  TemporaryFolder folder;
  std::string path = folder.path("m.qopt"), error;
  EXPECT_EQ(write(gemmArtifact(), folder.path("no/such/m.qopt")),
            "'" + folder.path("no/such/m.qopt") +
                "': cannot be written: No such file or directory");
  EXPECT_EQ(write(gemmArtifact(), folder.path("")),
            "'" + folder.path("") + "': exists and is not a regular file");
  EXPECT_EQ(write(gemmArtifact(), "/dev/null"),
            "'/dev/null': exists and is not a regular file");
  ASSERT_EQ(write(gemmArtifact(), path), "");
  Artifact invalid = gemmArtifact();
  invalid.batch = 0;
  EXPECT_NE(write(invalid, path), "");
  EXPECT_TRUE(read(path, error)) << error;
  EXPECT_EQ(folder.files(), (std::vector<std::string>{"m.qopt"}));
}

TEST(Artifact, LinksAndModesAreKept) {
  TemporaryFolder folder;
  std::string path = folder.path("m.qopt"), link = folder.path("l"), error;
  mode_t mask = umask(027);
  ASSERT_EQ(write(gemmArtifact(), path), "");
  umask(mask);
  struct stat status;
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0640u);
  ASSERT_EQ(symlink("m.qopt", link.c_str()), 0);
  ASSERT_EQ(write(richArtifact(), link), "");
  ASSERT_EQ(lstat(link.c_str(), &status), 0);
  EXPECT_TRUE(S_ISLNK(status.st_mode));
  EXPECT_EQ(read(path, error)->plans.size(), 2u);
}

TEST(Artifact, AWriterThatIsKilledLeavesTheOldFile) {
  TemporaryFolder folder;
  std::string path = folder.path("m.qopt"), error;
  ASSERT_EQ(write(gemmArtifact(), path), "");
  std::string before = readFile(path);
  // Large enough that the kill comes in the middle of it.
  Artifact large = gemmArtifact();
  addConstant<uint8_t>(large, "large", QOPT_U8, {64 << 20},
                       std::vector<uint8_t>(64 << 20, 7));
  pid_t child = fork();
  if (child == 0) {
    write(large, path);
    write(large, path);
    _exit(0);
  }
  // Killed once it has begun to write.
  for (int i = 0; i < 10000 && folder.files().size() < 2; ++i)
    usleep(1000);
  kill(child, SIGKILL);
  int status;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(readFile(path), before);
  // What is left has another name, and the next writer is not disturbed.
  EXPECT_EQ(folder.files().size(), 2u);
  EXPECT_EQ(write(large, path), "");
  std::unique_ptr<Artifact> copy = read(path, error);
  ASSERT_TRUE(copy) << error;
  EXPECT_EQ(copy->constants.back().size, uint64_t(64 << 20));
}

TEST(Artifact, AFullDiskIsReported) {
  // A limit on the size of files stands for it.
  TemporaryFolder folder;
  std::string path = folder.path("m.qopt");
  pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {512, 512};
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
      _exit(2);
    std::string problem = write(gemmArtifact(), path);
    _exit(problem == "'" + path + "': cannot be written: File too large" ? 0
                                                                         : 1);
  }
  int status;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_TRUE(folder.files().empty());
}

//===----------------------------------------------------------------------===//
// Validation
//===----------------------------------------------------------------------===//

/// What validate() says after `change`.
template <typename Change> std::string problem(const Change &change) {
  Artifact artifact = gemmArtifact();
  EXPECT_EQ(validate(artifact), "");
  change(artifact, artifact.plans[0], artifact.plans[0].launches[0]);
  return validate(artifact);
}

#define EXPECT_PROBLEM(text, ...)                                              \
  EXPECT_EQ(problem([](Artifact &a, Plan &p, Launch &l) { __VA_ARGS__; }), text)

TEST(Validate, Model) {
  EXPECT_PROBLEM("has batch 0; expected 1 to 2147483647", a.batch = 0);
  EXPECT_PROBLEM("has no text of the model", a.modelText = "");
  EXPECT_PROBLEM("input 0 has the name '': expected 1 to 4096 bytes of UTF-8 "
                 "without control characters",
                 a.inputs[0].name = "");
  EXPECT_PROBLEM("output 0 has the name 'y\\x0a': expected 1 to 4096 bytes of "
                 "UTF-8 without control characters",
                 a.outputs[0].name = "y\n");
  EXPECT_PROBLEM("input 'x' occurs twice", a.inputs.push_back(a.inputs[0]));
  EXPECT_PROBLEM("input 'x' has shape 7x3, which does not begin with the "
                 "batch 6",
                 a.inputs[0].dims[0] = 7);
  EXPECT_PROBLEM("output 'y' has shape scalar, which does not begin with the "
                 "batch 6",
                 a.outputs[0].dims.clear());
  EXPECT_PROBLEM("input 'x' has shape 6x9223372036854775807, which is negative "
                 "or too large",
                 a.inputs[0].dims[1] = INT64_MAX);
  EXPECT_PROBLEM("input 'x' has an unknown element type",
                 a.inputs[0].dtype = qopt_dtype(77));
  EXPECT_PROBLEM("", a.inputs.push_back({"s", QOPT_F32, {}}));
}

TEST(Validate, Constants) {
  EXPECT_PROBLEM("constant 'b' occurs twice", a.constants[0].name = "b");
  EXPECT_PROBLEM("constant 'w' has 61 bytes; expected 60 for shape 3x5 of f32",
                 a.constants[0].size = 61);
  EXPECT_PROBLEM("constant 'w' has 60 bytes; expected 60 for shape 3x5 of f32",
                 a.constants[0].data = nullptr);
  EXPECT_PROBLEM("constant 'w' has shape -3x5, which is negative or too large",
                 a.constants[0].dims[0] = -3);
  const std::string packed = "plan 'sm_80': packed constant 0 ";
  EXPECT_PROBLEM(packed + "is made from constant 2 of 2",
                 p.packed[0].constant = 2);
  EXPECT_PROBLEM(packed + "has a permutation that is none",
                 p.packed[0].permutation[0] = 0);
  EXPECT_PROBLEM(packed + "has a rank that is not that of constant 'w'",
                 p.packed[0].dims.push_back(1));
  EXPECT_PROBLEM(packed + "has extent 4 where constant 'w' has 5: expected no "
                          "less, and at most 4096 more",
                 p.packed[0].dims[0] = 4);
  EXPECT_PROBLEM(packed + "has extent 9000 where constant 'w' has 5: expected "
                          "no less, and at most 4096 more",
                 p.packed[0].dims[0] = 9000);
}

TEST(Validate, Plans) {
  EXPECT_PROBLEM("plan 0 is for the chip '../x'; expected a name such as "
                 "'sm_80'",
                 p.chip = "../x");
  for (const char *chip : {"", "sm_", "sm_8", "sm_aa", "sm_8000", "sm_80ab",
                           "SM_80", "sm_80 ", "sm_08"}) {
    EXPECT_EQ(chipNumber(chip), 0) << chip;
  }
  EXPECT_EQ(chipNumber("sm_90a"), 90);
  EXPECT_EQ(chipNumber("sm_120f"), 120);
  EXPECT_PROBLEM("has two plans for the chip 'sm_80'", a.plans.push_back(p));
  EXPECT_PROBLEM("plan 'sm_80': has neither a cubin nor PTX", p.ptx.clear());
  EXPECT_PROBLEM("plan 'sm_80': has PTX with a zero byte", p.ptx += '\0');
  EXPECT_PROBLEM("plan 'sm_80': has a cubin that is no ELF file",
                 p.cubin = "cubin");
  EXPECT_PROBLEM("plan 'sm_80': needs 18446744073709551615 bytes of arena and "
                 "16 of workspace; expected at most 70368744177664",
                 p.arenaBytes = UINT64_MAX);
}

TEST(Validate, Launches) {
  const std::string launch = "plan 'sm_80': launch 0 ('fc/matmul'): ";
  EXPECT_PROBLEM(launch + "starts the kernel 'a b', which is no symbol of PTX",
                 l.kernel = "a b");
  EXPECT_PROBLEM(launch + "extent 0 of the grid goes from 0 to 1; expected 1 "
                          "to 2147483647",
                 l.grid[0] = (Extent{1, 0, 6}));
  EXPECT_PROBLEM("", a.anyBatch = false; l.grid[0] = (Extent{1, 0, 6}));
  EXPECT_PROBLEM(launch + "extent 1 of the grid goes from 20000 to 120000; "
                          "expected 1 to 65535",
                 l.grid[1] = (Extent{20000, 0, 1}));
  EXPECT_PROBLEM(launch + "extent 2 of the grid does not fit 64 bits",
                 l.grid[2] = (Extent{INT64_MAX, 0, INT64_MAX}));
  EXPECT_PROBLEM(launch + "extent 2 of the grid has a negative factor or no "
                          "divisor",
                 l.grid[2] = (Extent{1, 0, 0}));
  EXPECT_PROBLEM(launch + "extent 2 of the grid has a negative factor or no "
                          "divisor",
                 l.grid[2] = (Extent{1, 0, 1, 0}));
  EXPECT_PROBLEM(launch + "extent 1 of the grid goes from 60000 to 120000; "
                          "expected 1 to 65535",
                 l.grid[1] = (Extent{1, 3, 4, 60000}));
  EXPECT_PROBLEM(launch + "has an extent of 0 threads; expected 1 to 64",
                 l.block[2] = 0);
  EXPECT_PROBLEM(launch + "has 2048 threads in a block; expected at most 1024",
                 l.block[1] = 16);
  EXPECT_PROBLEM(launch + "takes 232449 bytes of shared memory; expected at "
                          "most 232448",
                 l.sharedBytes = 232449);
  EXPECT_PROBLEM(launch + "argument 3 goes from 1000000000 to 6000000000; "
                          "expected 0 to 2147483647",
                 l.arguments[3].scalar.scale = 1000000000);
  EXPECT_PROBLEM("", l.arguments[3].scalar.scale = 1000000000;
                 l.arguments[3].kind = Argument::Kind::Int64);
  EXPECT_PROBLEM(launch + "has 4104 bytes of parameters; expected at most 4096",
                 l.arguments.resize(4);
                 l.arguments.insert(l.arguments.end(), 509, l.arguments[0]));
}

TEST(Validate, Buffers) {
  const std::string argument =
      "plan 'sm_80': launch 0 ('fc/matmul'): argument ";
  EXPECT_PROBLEM(argument + "0 is in a buffer that is not there",
                 l.arguments[0].buffer.index = 1);
  EXPECT_PROBLEM(argument + "0 takes 73 bytes from 0 of a buffer of 72",
                 l.arguments[0].buffer.size = 73);
  EXPECT_PROBLEM(argument + "0 takes 72 bytes from 1 of a buffer of 72",
                 l.arguments[0].buffer.offset = 1);
  EXPECT_PROBLEM(argument + "0 takes 72 bytes from 18446744073709551615 of a "
                            "buffer of 72",
                 l.arguments[0].buffer.offset = UINT64_MAX);
  // A packed constant, not the constant it is made from.
  EXPECT_PROBLEM(argument + "1 takes 129 bytes from 0 of a buffer of 128",
                 l.arguments[1].buffer.size = 129);
  EXPECT_PROBLEM(argument + "1 is in a buffer that is not there",
                 l.arguments[1].buffer.index = 2);
  EXPECT_PROBLEM(argument + "2 takes 120 bytes from 260 of a buffer of 376",
                 l.arguments[2].buffer.offset = 260);
  EXPECT_PROBLEM(argument + "2 is in a buffer that is not there",
                 l.arguments[2].buffer.index = 1);
}

TEST(Validate, Checks) {
  const std::string plan = "plan 'sm_80': ";
  const std::string early = plan + "launch 0 ('early'): ",
                    late = plan + "launch 3 ('late'): ";
  auto problemOf = [](auto change) {
    return problem([&](Artifact &a, Plan &p, Launch &) {
      addChecks(a);
      EXPECT_EQ(validate(a), "");
      EXPECT_EQ(statusBytes(p), 16u);
      change(p.launches[0], p.launches[3]);
    });
  };
  using Kind = BufferRef::Kind;
  // Words of other launches, and parts of words.
  EXPECT_EQ(
      problemOf([](Launch &l, Launch &) { l.arguments[1].buffer.offset = 8; }),
      early + "takes 8 bytes of status from 8; expected 8 from 0");
  EXPECT_EQ(
      problemOf([](Launch &, Launch &l) { l.arguments[1].buffer.offset = 0; }),
      late + "takes 8 bytes of status from 0; expected 8 from 8");
  EXPECT_EQ(
      problemOf([](Launch &l, Launch &) { l.arguments[1].buffer.size = 16; }),
      early + "takes 16 bytes of status from 0; expected 8 from 0");
  EXPECT_EQ(
      problemOf([](Launch &l, Launch &) { l.arguments[1].buffer.size = 4; }),
      early + "takes 4 bytes of status from 0; expected 8 from 0");
  EXPECT_EQ(
      problemOf([](Launch &, Launch &l) { l.arguments[1].buffer.offset = 16; }),
      late + "argument 1 takes 8 bytes from 16 of a buffer of 16");
  EXPECT_EQ(
      problemOf([](Launch &l, Launch &) { l.arguments[1].buffer.index = 1; }),
      early + "argument 1 is in a buffer that is not there");
  // Checks without a word, words without checks, two words.
  EXPECT_EQ(problemOf([](Launch &l, Launch &) {
              l.arguments[1].buffer.kind = Kind::Workspace;
            }),
            early + "has 0 status words for 2 checks");
  EXPECT_EQ(problemOf([](Launch &, Launch &l) { l.checks.clear(); }),
            late + "argument 1 takes 8 bytes from 8 of a buffer of 8");
  EXPECT_EQ(problemOf([](Launch &l, Launch &) { l.checks.clear(); }),
            early + "has 1 status words for 0 checks");
  EXPECT_EQ(
      problemOf([](Launch &l, Launch &) { l.arguments[0] = l.arguments[1]; }),
      early + "has 2 status words for 2 checks");
  EXPECT_EQ(problemOf([](Launch &l, Launch &) { l.checks.resize(257); }),
            early + "has 257 checks; expected at most 256");
  EXPECT_EQ(problemOf([](Launch &l, Launch &) { l.checks.resize(256); }), "");
  EXPECT_EQ(problemOf([](Launch &l, Launch &) { l.pointsPerSample = -1; }),
            early + "has negative points of samples");
}

} // namespace

//===- PlanExecutorTest.cpp - Running plans on a device in C++ ------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Packing, choice of plans, and the executor on a device that runs toy kernels
// in this process and records what it was asked for.
//
//===----------------------------------------------------------------------===//
#include "../../lib/Runtime/ChoosePlan.h"
#include "PlanExecutorFixture.h"

#include <algorithm>

using namespace executortest;
using namespace mlir::qopt::artifact;
using namespace mlir::qopt::runtime;
using namespace samples;

namespace {

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// The packed bytes, from pieces of at most `pieceBytes`.
template <typename T>
std::vector<T> pack(const Constant &constant, const PackedConstant &packed,
                    uint64_t pieceBytes) {
  std::vector<uint8_t> bytes;
  packConstant(constant, packed, pieceBytes,
               [&](uint64_t offset, const void *data, uint64_t size) {
                 EXPECT_EQ(offset, bytes.size());
                 EXPECT_LE(size, std::max<uint64_t>(pieceBytes, sizeof(T)));
                 EXPECT_GT(size, 0u);
                 auto *start = static_cast<const uint8_t *>(data);
                 bytes.insert(bytes.end(), start, start + size);
               });
  std::vector<T> values(bytes.size() / sizeof(T));
  memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

/// By the definition in Artifact.h.
template <typename T>
std::vector<T> packSlowly(const Constant &constant,
                          const PackedConstant &packed) {
  size_t rank = constant.dims.size();
  int64_t total = 1;
  for (int64_t extent : packed.dims)
    total *= extent;
  std::vector<T> result(total);
  for (int64_t position = 0; position < total; ++position) {
    std::vector<int64_t> j(rank);
    int64_t rest = position;
    for (size_t d = rank; d-- > 0; rest /= packed.dims[d])
      j[packed.permutation[d]] = rest % packed.dims[d];
    int64_t source = 0;
    bool inBounds = true;
    for (size_t d = 0; d < rank; ++d) {
      source = source * constant.dims[d] + j[d];
      inBounds &= j[d] < constant.dims[d];
    }
    if (inBounds)
      memcpy(&result[position], constant.data + source * sizeof(T), sizeof(T));
  }
  return result;
}

template <typename T> void checkPacking(qopt_dtype dtype) {
  const std::vector<int64_t> dims = {3, 4, 5};
  std::vector<T> values(60);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = T(i + 1);
  Artifact artifact;
  addConstant<T>(artifact, "c", dtype, dims, values);
  const Constant &constant = artifact.constants[0];
  std::vector<uint32_t> permutation = {0, 1, 2};
  do {
    for (const std::vector<int64_t> &padding :
         {std::vector<int64_t>{0, 0, 0}, {0, 0, 3}, {2, 0, 0}, {1, 2, 3}}) {
      PackedConstant packed = {0, permutation, {}};
      for (size_t d = 0; d < 3; ++d)
        packed.dims.push_back(dims[permutation[d]] + padding[d]);
      std::vector<T> expected = packSlowly<T>(constant, packed);
      for (uint64_t pieceBytes : {1, 7, 8, 64, 1000, 1 << 20})
        ASSERT_EQ(pack<T>(constant, packed, pieceBytes), expected)
            << pieceBytes;
    }
  } while (std::next_permutation(permutation.begin(), permutation.end()));
}

TEST(PackConstant, EveryPermutationPaddingAndPiece) {
  checkPacking<uint8_t>(QOPT_I8);
  checkPacking<uint16_t>(QOPT_F16);
  checkPacking<uint32_t>(QOPT_I32);
  checkPacking<uint64_t>(QOPT_F64);
}

TEST(PackConstant, ScalarsAndEmptyTensors) {
  Artifact artifact;
  addConstant<float>(artifact, "s", QOPT_F32, {}, {3});
  addConstant<float>(artifact, "e", QOPT_F32, {0, 2}, {});
  EXPECT_EQ(pack<float>(artifact.constants[0], {0, {}, {}}, 64),
            (std::vector<float>{3}));
  EXPECT_EQ(pack<float>(artifact.constants[1], {1, {0, 1}, {0, 2}}, 64),
            (std::vector<float>{}));
  EXPECT_EQ(pack<float>(artifact.constants[1], {1, {1, 0}, {2, 2}}, 64),
            (std::vector<float>{0, 0, 0, 0}));
}

//===----------------------------------------------------------------------===//
// Choice of plans
//===----------------------------------------------------------------------===//

/// The chip of the plan that is chosen, with "+" for a cubin and "!" for a
/// notice, or the error. Plans are "sm_80" (PTX) or "sm_80+" (and a cubin).
std::string choose(const std::vector<std::string> &plans, int chip) {
  Artifact artifact;
  for (std::string name : plans) {
    Plan plan;
    plan.ptx = "ptx";
    if (name.back() == '+') {
      plan.cubin = "cubin";
      name.pop_back();
    }
    plan.chip = name;
    artifact.plans.push_back(plan);
  }
  try {
    PlanChoice choice = choosePlan(artifact, chip, "the GPU");
    return artifact.plans[choice.plan].chip + (choice.usesPtx ? "" : "+") +
           (choice.notice.empty() ? "" : "!");
  } catch (const Error &error) {
    EXPECT_EQ(error.status, QOPT_UNSUPPORTED);
    return error.what();
  }
}

TEST(ChoosePlan, ItsOwnElseTheHighestThatRuns) {
  // Its own.
  EXPECT_EQ(choose({"sm_80+", "sm_86+", "sm_90+"}, 86), "sm_86+");
  EXPECT_EQ(choose({"sm_80+", "sm_86"}, 86), "sm_86!");
  EXPECT_EQ(choose({"sm_90+", "sm_90a+"}, 90), "sm_90a+");
  // A cubin of the same major version.
  EXPECT_EQ(choose({"sm_80+", "sm_86+", "sm_90+"}, 89), "sm_86+!");
  EXPECT_EQ(choose({"sm_80+", "sm_86"}, 89), "sm_80+!");
  EXPECT_EQ(choose({"sm_100f+", "sm_100+"}, 103), "sm_100f+!");
  // PTX of a lower chip.
  EXPECT_EQ(choose({"sm_80+", "sm_86+"}, 90), "sm_86!");
  EXPECT_EQ(choose({"sm_80", "sm_75+"}, 120), "sm_80!");
  EXPECT_EQ(choose({"sm_90a+", "sm_80+"}, 100), "sm_80!");
  EXPECT_EQ(choose({"sm_100f+", "sm_80+"}, 120), "sm_80!");
}

TEST(ChoosePlan, NothingThatRuns) {
  EXPECT_EQ(choose({"sm_90a+", "sm_86+"}, 80),
            "the model has kernels for sm_90a, sm_86, but the GPU is sm_80; "
            "compile it with --target=sm_80");
  EXPECT_EQ(choose({"sm_90a+"}, 100),
            "the model has kernels for sm_90a, but the GPU is sm_100; compile "
            "it with --target=sm_100");
  EXPECT_EQ(choose({}, 80), "the model has kernels for no chip, but the GPU is "
                            "sm_80; compile it with --target=sm_80");
}

TEST(ChoosePlan, Notices) {
  Artifact artifact = gemmArtifact(6, {"sm_80"});
  EXPECT_EQ(choosePlan(artifact, 80, "GPU").notice,
            "the model has only PTX for sm_80: the driver compiles it now; "
            "compile the model with --target=sm_80 where ptxas is installed to "
            "save the time");
  EXPECT_EQ(choosePlan(artifact, 90, "GPU").notice,
            "GPU is sm_90 and runs the kernels for sm_80, compiled by the "
            "driver from PTX; compile the model with --target=sm_90 for its "
            "own");
  artifact.plans[0].cubin = "\x7f"
                            "ELF";
  EXPECT_EQ(choosePlan(artifact, 86, "GPU").notice,
            "GPU is sm_86 and runs the kernels for sm_80; compile the model "
            "with --target=sm_86 for its own");
}

TEST(ChoosePlan, ByName) {
  Artifact artifact = gemmArtifact(6, {"sm_80", "sm_90a"});
  EXPECT_EQ(findPlan(artifact, "sm_90a"), 1u);
  try {
    findPlan(artifact, "sm_90");
    FAIL();
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(), "the model has no kernels for 'sm_90'; it has "
                               "them for sm_80, sm_90a");
  }
}

//===----------------------------------------------------------------------===//
// The executor
//===----------------------------------------------------------------------===//

TEST_P(PlanExecutorTest, EveryBatch) {
  open(gemmArtifact(6));
  for (int64_t batch : {6, 1, 2, 3, 4, 5, 6, 1}) {
    std::vector<float> x = toys::someNumbers(batch * 3, int(batch));
    EXPECT_EQ(run(batch, x), toys::expectedGemm(x, batch)) << batch;
    EXPECT_EQ(executor->elapsedMilliseconds(), 1.5);
  }
  std::vector<float> x = toys::someNumbers(6 * 3);
  EXPECT_EQ(run(0, x), toys::expectedGemm(x, 6));
  EXPECT_EQ(journal.launches, 18);
  EXPECT_EQ(journal.recordings, GetParam() ? 6 : 0);
  EXPECT_EQ(journal.replays, GetParam() ? 9 : 0);
  // Weights are uploaded once, inputs as far as the batch goes.
  EXPECT_EQ(journal.uploaded,
            (8 * 4 + 8) * 4u + (6 + 1 + 2 + 3 + 4 + 5 + 6 + 1 + 6) * 12u);
}

TEST_P(PlanExecutorTest, MemoryIsNamedAndReleased) {
  open(gemmArtifact(6));
  run(6, toys::someNumbers(18));
  run(5, toys::someNumbers(18));
  EXPECT_EQ(journal.allocated,
            (std::map<std::string, uint64_t>{{"the arena", 256 + 120},
                                             {"the workspace", 16},
                                             {"constant 'w'", 128},
                                             {"constant 'b'", 32},
                                             {"input 'x'", 72},
                                             {"output 'y'", 120}}));
  EXPECT_EQ(journal.live, 6u);
  executor.reset();
  EXPECT_EQ(journal.live, 0u);
  EXPECT_EQ(journal.liveRecordings, 0);
}

TEST_P(PlanExecutorTest, WhatRunsDoNotNeedIsDropped) {
  Artifact artifact = gemmArtifact(6, {"sm_80", "sm_90"});
  artifact.plans[1].launches[0].name = "other";
  open(artifact, 1);
  EXPECT_EQ(device->chip, "sm_90");
  ASSERT_EQ(executor->artifact().plans.size(), 1u);
  EXPECT_EQ(executor->artifact().plans[0].launches[0].name, "other");
  EXPECT_TRUE(executor->artifact().constants.empty());
  EXPECT_FALSE(executor->artifact().constantData);
  EXPECT_TRUE(executor->artifact().plans[0].ptx.empty());
}

TEST_P(PlanExecutorTest, BatchesThatCannotBeRun) {
  Artifact artifact = gemmArtifact(6);
  open(artifact);
  EXPECT_EQ(runError(7), "invalid argument: a batch of 7 samples cannot be "
                         "run: the model is compiled for up to 6");
  EXPECT_EQ(runError(-1), "invalid argument: a batch of -1 samples cannot be "
                          "run: the model is compiled for up to 6");
  artifact.anyBatch = false;
  artifact.fixedBatchReason = "'softmax' goes over the samples";
  open(artifact);
  EXPECT_EQ(runError(5), "unsupported: a batch of 5 samples cannot be run: the "
                         "model takes exactly 6, since 'softmax' goes over the "
                         "samples");
  EXPECT_EQ(runError(6), "");
  EXPECT_EQ(runError(0), "");
}

TEST_P(PlanExecutorTest, BuffersOfTheCaller) {
  open(gemmArtifact(6));
  std::vector<float> x = toys::someNumbers(18), z = toys::someNumbers(18, 5);
  std::vector<float> y(30), w(30);
  auto runOn = [&](int64_t batch, std::vector<float> &from,
                   std::vector<float> &to) {
    const void *inputs[] = {from.data()};
    void *outputs[] = {to.data()};
    std::fill(to.begin(), to.end(), -1);
    executor->runOnDevice(batch, inputs, outputs);
    executor->synchronize();
    std::vector<float> expected = toys::expectedGemm(from, batch);
    expected.resize(30, -1);
    EXPECT_EQ(to, expected);
  };
  runOn(6, x, y);
  runOn(6, z, y);
  runOn(6, x, y);
  runOn(2, x, y);
  runOn(2, x, w);
  EXPECT_EQ(journal.recordings, GetParam() ? 4 : 0);
  // No buffers of the executor's own are needed.
  EXPECT_EQ(journal.allocated.count("input 'x'"), 0u);
}

TEST_P(PlanExecutorTest, RecordingsAreBounded) {
  open(gemmArtifact(50));
  for (int round = 0; round < 2; ++round)
    for (int64_t batch = 1; batch <= 50; ++batch) {
      std::vector<float> x = toys::someNumbers(batch * 3);
      ASSERT_EQ(run(batch, x), toys::expectedGemm(x, batch));
    }
  EXPECT_EQ(journal.liveRecordings, GetParam() ? 32 : 0);
  // The latest are kept.
  run(50, toys::someNumbers(150));
  run(19, toys::someNumbers(150));
  EXPECT_EQ(journal.recordings, GetParam() ? 100 : 0);
}

TEST_P(PlanExecutorTest, AFailedRunDoesNotSpoilTheNext) {
  open(gemmArtifact(6));
  std::vector<float> x = toys::someNumbers(18);
  run(6, x);
  device->failingLaunch = journal.launches + 1;
  EXPECT_EQ(runError(6), "run failed: planned failure");
  EXPECT_EQ(run(6, x), toys::expectedGemm(x, 6));
}

TEST_P(PlanExecutorTest, NoMemory) {
  for (const char *name : {"the arena", "the workspace", "constant 'b'"}) {
    failing = name;
    try {
      open(gemmArtifact(6));
      ADD_FAILURE() << name;
    } catch (const Error &error) {
      EXPECT_EQ(error.status, QOPT_OUT_OF_MEMORY);
      EXPECT_EQ(error.what(), "no memory for " + failing);
    }
    EXPECT_EQ(journal.live, 0u) << name;
  }
  failing = "output 'y'";
  open(gemmArtifact(6));
  EXPECT_EQ(runError(6), "out of memory: no memory for output 'y'");
  device->failing.clear();
  std::vector<float> x = toys::someNumbers(18);
  EXPECT_EQ(run(6, x), toys::expectedGemm(x, 6));
}

TEST_P(PlanExecutorTest, ScalarsAndEmptyTensors) {
  Artifact artifact = gemmArtifact(6);
  artifact.inputs.push_back({"scale", QOPT_F64, {}});
  artifact.inputs.push_back({"none", QOPT_F32, {6, 0}});
  ASSERT_EQ(validate(artifact), "");
  open(artifact);
  double scale = 2;
  std::vector<float> x = toys::someNumbers(6), y(10);
  const void *inputs[] = {x.data(), &scale, nullptr};
  void *outputs[] = {y.data()};
  uint64_t before = journal.uploaded;
  executor->run(2, inputs, outputs);
  EXPECT_EQ(y, toys::expectedGemm(x, 2));
  EXPECT_EQ(journal.uploaded - before, 24u + 8u);
}

TEST_P(PlanExecutorTest, MissingParametersReadAsZeros) {
  // A file whose launch has fewer arguments than its kernel: no foreign memory.
  Artifact artifact = gemmArtifact(6);
  artifact.plans[0].launches.resize(1);
  artifact.plans[0].launches[0].arguments.resize(3);
  ASSERT_EQ(validate(artifact), "");
  open(artifact);
  EXPECT_EQ(runError(6), "run failed: toy_gemm: another grid");
}

TEST_P(PlanExecutorTest, NothingRunYet) {
  open(gemmArtifact(6));
  EXPECT_LT(executor->elapsedMilliseconds(), 0);
}

INSTANTIATE_TEST_SUITE_P(Launches, PlanExecutorTest, testing::Bool(),
                         [](const testing::TestParamInfo<bool> &info) {
                           return info.param ? "Recorded" : "Direct";
                         });

} // namespace

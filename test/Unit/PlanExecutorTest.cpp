//===- PlanExecutorTest.cpp - Running plans on a device in C++ ------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The executor on a device that runs toy kernels in this process and records
// what it was asked for.
//
//===----------------------------------------------------------------------===//
#include "../../lib/Runtime/PlanExecutor.h"
#include "ArtifactSamples.h"
#include "ToyKernels.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>

using namespace mlir::qopt::runtime;
using namespace mlir::qopt::artifact;
using namespace samples;

namespace {

//===----------------------------------------------------------------------===//
// The executor
//===----------------------------------------------------------------------===//

/// What the device below was asked for; outlives it.
struct Journal {
  std::map<std::string, uint64_t> allocated; // Bytes by name, all there were.
  size_t live = 0;
  uint64_t uploaded = 0;
  int launches = 0, recordings = 0, liveRecordings = 0, replays = 0;
  int synchronizations = 0;
};

/// Runs toy kernels at once, on memory filled with noise.
class ToyDevice : public Device {
public:
  ToyDevice(Journal &journal, bool records)
      : journal(journal), records(records) {}

  const char *name() const override { return "toy"; }
  std::string description() const override { return "a toy"; }
  Address allocate(uint64_t size, const std::string &name) override {
    EXPECT_GT(size, 0u);
    if (name == failing)
      throw Error(QOPT_OUT_OF_MEMORY, "no memory for " + name);
    void *memory = aligned_alloc(256, (size + 255) / 256 * 256);
    memset(memory, 0xaa, size);
    journal.allocated[name] += size;
    ++journal.live;
    return reinterpret_cast<Address>(memory);
  }
  void release(Address memory) noexcept override {
    --journal.live;
    free(reinterpret_cast<void *>(memory));
  }
  void loadKernels(const Plan &plan) override {
    chip = plan.chip;
    EXPECT_FALSE(plan.ptx.empty());
    launches = plan.launches;
  }
  void upload(Address to, const void *from, uint64_t size) override {
    journal.uploaded += size;
    memcpy(reinterpret_cast<void *>(to), from, size);
  }
  void download(void *to, Address from, uint64_t size) override {
    memcpy(to, reinterpret_cast<void *>(from), size);
  }
  void zero(Address memory, uint64_t size) override {
    memset(reinterpret_cast<void *>(memory), 0, size);
  }
  void launch(const ResolvedLaunch &resolved) override {
    if (recording) {
      capture(resolved);
      return;
    }
    run(resolved.index, resolved.grid, resolved.parameters);
  }
  void synchronize() override { ++journal.synchronizations; }
  std::unique_ptr<Recording>
  record(const std::function<void()> &body) override {
    if (!records)
      return nullptr;
    auto made = std::make_unique<ToyRecording>(journal);
    recording = made.get();
    body();
    recording = nullptr;
    ++journal.recordings;
    return made;
  }
  void replay(Recording &replayed) override {
    ++journal.replays;
    for (auto &entry : static_cast<ToyRecording &>(replayed).entries) {
      std::vector<void *> parameters;
      for (uint64_t &slot : entry.slots)
        parameters.push_back(&slot);
      run(entry.index, entry.grid, parameters.data());
    }
  }
  void startTimer() override { milliseconds = 0; }
  void stopTimer() override { milliseconds = 1.5; }
  double elapsedMilliseconds() override { return milliseconds; }

  std::string failing;
  std::string chip;
  /// Makes the launch of this number fail, once.
  int failingLaunch = -1;

private:
  struct ToyRecording : Recording {
    explicit ToyRecording(Journal &journal) : journal(journal) {
      ++journal.liveRecordings;
    }
    ~ToyRecording() override { --journal.liveRecordings; }
    struct Entry {
      size_t index;
      std::array<uint32_t, 3> grid;
      std::vector<uint64_t> slots;
    };
    std::vector<Entry> entries;
    Journal &journal;
  };

  void capture(const ResolvedLaunch &resolved) {
    const toys::Kernel *kernel =
        toys::findKernel(launches[resolved.index].kernel);
    std::vector<uint64_t> slots;
    for (size_t i = 0; i < kernel->parameterSizes.size(); ++i) {
      slots.push_back(0);
      memcpy(&slots.back(), resolved.parameters[i], kernel->parameterSizes[i]);
    }
    recording->entries.push_back({resolved.index, resolved.grid, slots});
  }

  void run(size_t index, const std::array<uint32_t, 3> &grid,
           void *const *parameters) {
    const Launch &launch = launches[index];
    const toys::Kernel *kernel = toys::findKernel(launch.kernel);
    if (journal.launches++ == failingLaunch) {
      // As a kernel that dies half-way.
      auto *counter = toys::parameter<int32_t *>(parameters, 3);
      *counter = 7;
      throw Error(QOPT_RUN_FAILED, "planned failure");
    }
    std::string problem =
        kernel->run({grid, launch.block, launch.sharedBytes}, parameters);
    if (!problem.empty())
      throw Error(QOPT_RUN_FAILED, problem);
  }

  Journal &journal;
  const bool records;
  std::vector<Launch> launches;
  ToyRecording *recording = nullptr;
  double milliseconds = -1;
};

class PlanExecutorTest : public testing::TestWithParam<bool> {
protected:
  void open(const Artifact &artifact, size_t plan = 0) {
    auto opened = std::make_unique<ToyDevice>(journal, GetParam());
    device = opened.get();
    device->failing = failing;
    executor = std::make_unique<PlanExecutor>(
        std::make_unique<Artifact>(artifact), plan, std::move(opened));
  }

  std::vector<float> run(int64_t batch, const std::vector<float> &x) {
    int64_t rows = batch > 0 ? batch : executor->artifact().batch;
    std::vector<float> y(rows * 5, -1e9f);
    const void *inputs[] = {x.data()};
    void *outputs[] = {y.data()};
    executor->run(batch, inputs, outputs);
    return y;
  }

  std::string runError(int64_t batch) {
    try {
      run(batch, toys::someNumbers(100));
    } catch (const Error &error) {
      return std::string(qopt_status_name(error.status)) + ": " + error.what();
    }
    return "";
  }

  Journal journal;
  std::string failing;
  ToyDevice *device = nullptr;
  std::unique_ptr<PlanExecutor> executor;
};

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

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

TEST_P(PlanExecutorTest, FailedChecks) {
  Artifact artifact = gemmArtifact(6);
  addChecks(artifact);
  ASSERT_EQ(validate(artifact), "");
  open(artifact);
  std::vector<float> good = toys::someNumbers(18);
  auto runWith = [&](std::vector<std::pair<int, float>> values,
                     int64_t batch) -> std::string {
    std::vector<float> x = good;
    for (auto [row, value] : values)
      x[row * 3] = value;
    try {
      run(batch, x);
    } catch (const Error &error) {
      return std::string(qopt_status_name(error.status)) + ": " + error.what();
    }
    return "";
  };
  EXPECT_EQ(run(6, good), toys::expectedGemm(good, 6));
  EXPECT_EQ(journal.allocated["the status words"], 16u);
  // The smallest sample of the first launch, whatever comes last.
  EXPECT_EQ(runWith({{4, 200.0f}}, 6),
            "run failed: 'early', sample 4: x is too large");
  EXPECT_EQ(runWith({{5, 200.0f}, {2, -200.0f}, {3, 200.0f}}, 6),
            "run failed: 'early', sample 2: x is too small");
  EXPECT_EQ(runWith({{0, 200.0f}, {5, -200.0f}}, 6),
            "run failed: 'early', sample 0: x is too large");
  // Samples that are not run are not checked, and nothing is left behind.
  EXPECT_EQ(runWith({{4, 200.0f}}, 4), "");
  EXPECT_EQ(run(6, good), toys::expectedGemm(good, 6));
}

TEST_P(PlanExecutorTest, ChecksOfLaterLaunches) {
  Artifact artifact = gemmArtifact(6);
  addChecks(artifact);
  // The first checks no rows.
  std::vector<Launch> &launches = artifact.plans[0].launches;
  launches[0].arguments[2] = scalar(Argument::Kind::Int32, fixed(0));
  open(artifact);
  std::vector<float> x = toys::someNumbers(18);
  x[9] = -200;
  const void *inputs[] = {x.data()};
  std::vector<float> y(30);
  void *outputs[] = {y.data()};
  try {
    executor->run(6, inputs, outputs);
    FAIL();
  } catch (const Error &error) {
    // It does not know its samples.
    EXPECT_STREQ(error.what(), "'late': x is too small");
  }
}

TEST_P(PlanExecutorTest, ChecksThatTheModelDoesNotList) {
  Artifact artifact = gemmArtifact(6);
  addChecks(artifact);
  for (Launch &launch : artifact.plans[0].launches)
    if (!launch.checks.empty())
      launch.checks.resize(1);
  ASSERT_EQ(validate(artifact), "");
  open(artifact);
  std::vector<float> x = toys::someNumbers(18);
  x[3] = -200;
  try {
    run(6, x);
    FAIL();
  } catch (const Error &error) {
    EXPECT_STREQ(error.what(),
                 "'early', sample 1: a check failed that the model does not "
                 "list");
  }
}

/// Runs that nobody waits for: the next call that looks reports the failure.
TEST_P(PlanExecutorTest, FailedChecksOnDeviceMemory) {
  Artifact artifact = gemmArtifact(6);
  addChecks(artifact);
  open(artifact);
  std::vector<float> good = toys::someNumbers(18), bad = good, y(30);
  bad[6] = 1000;
  auto runOn = [&](const std::vector<float> &x) {
    const void *inputs[] = {x.data()};
    void *outputs[] = {y.data()};
    executor->runOnDevice(6, inputs, outputs);
  };
  auto errorOf = [&](const std::function<void()> &call) -> std::string {
    try {
      call();
    } catch (const Error &error) {
      return error.what();
    }
    return "";
  };
  const std::string failure = "'early', sample 2: x is too large";
  runOn(bad);
  runOn(good);
  EXPECT_EQ(errorOf([&] { executor->synchronize(); }), failure);
  EXPECT_EQ(errorOf([&] { executor->synchronize(); }), "");
  runOn(good);
  EXPECT_EQ(errorOf([&] { executor->synchronize(); }), "");
  EXPECT_EQ(y, toys::expectedGemm(good, 6));
  // A run on host memory is not blamed for what was before it.
  runOn(bad);
  EXPECT_EQ(errorOf([&] { run(6, good); }), failure);
  EXPECT_EQ(run(6, good), toys::expectedGemm(good, 6));
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

//===- PlanExecutorChecksTest.cpp - Checks that fail in launches
//--------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Failed checks become errors with op and sample: the first of the first
// launch, of the run that failed.
//
//===----------------------------------------------------------------------===//
#include "PlanExecutorFixture.h"

using namespace executortest;
using namespace mlir::qopt::artifact;
using namespace mlir::qopt::runtime;
using namespace samples;

namespace {

class PlanExecutorChecks : public PlanExecutorTest {};

TEST_P(PlanExecutorChecks, FailedChecks) {
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

TEST_P(PlanExecutorChecks, ChecksOfLaterLaunches) {
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

TEST_P(PlanExecutorChecks, ChecksThatTheModelDoesNotList) {
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
TEST_P(PlanExecutorChecks, FailedChecksOnDeviceMemory) {
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

INSTANTIATE_TEST_SUITE_P(Launches, PlanExecutorChecks, testing::Bool(),
                         [](const testing::TestParamInfo<bool> &info) {
                           return info.param ? "Recorded" : "Direct";
                         });

} // namespace

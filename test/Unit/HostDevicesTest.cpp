//===- HostDevicesTest.cpp - "emulator" and "cpu" without a compiler ------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Artifacts on the devices that libQuantOpt brings, with a stand-in for it
// (FakeCompiler) and no NVIDIA driver on the loader's path: see CMakeLists.txt.
//
//===----------------------------------------------------------------------===//
#include "FakeCompiler/FakeCompiler.h"
#include "SessionTest.h"

#include <dlfcn.h>

using namespace samples;

namespace {

class HostDevicesTest : public SessionTest {
protected:
  HostDevicesTest() {
    void *library = dlopen("libQuantOpt.so", RTLD_NOW);
    auto get = reinterpret_cast<fakecompiler::ControlFunction>(
        library ? dlsym(library, FAKE_COMPILER_CONTROL_SYMBOL) : nullptr);
    EXPECT_TRUE(get) << "the loader finds another libQuantOpt.so; run by ctest";
    if (get)
      control = get();
  }
  void SetUp() override {
    if (control)
      *control = {};
    else
      FAIL();
  }
  void TearDown() override {
    if (!control)
      return;
    close();
    EXPECT_EQ(control->sessions, 0);
    EXPECT_EQ(control->allocations, 0u);
  }

  fakecompiler::Control *control = nullptr;
};

/// Before anything else: what was loaded once stays.
TEST_F(HostDevicesTest, AVersionThatDoesNotFit) {
  control->versionError = 5;
  options.device = "cpu";
  EXPECT_EQ(openError(gemmArtifact()),
            "unsupported: device 'cpu': libQuantOpt.so has version 7 of the "
            "interface between the libraries; expected 2, as it comes with "
            "this runtime");
  options.device = "emulator";
  EXPECT_EQ(openError(gemmArtifact()),
            "unsupported: device 'emulator': libQuantOpt.so has version 6 of "
            "the interface between the libraries; expected 1, as it comes with "
            "this runtime");
}

//===----------------------------------------------------------------------===//
// The emulator
//===----------------------------------------------------------------------===//

class EmulatorTest : public HostDevicesTest {
protected:
  EmulatorTest() { options.device = "emulator"; }
};

TEST_F(EmulatorTest, RunsEveryBatch) {
  Artifact artifact = gemmArtifact(6, {"sm_80", "sm_90a"});
  ASSERT_EQ(open(artifact), QOPT_OK) << qopt_last_error();
  EXPECT_STREQ(qopt_session_device(session), "emulator");
  EXPECT_STREQ(qopt_session_description(session), "emulator of sm_80");
  EXPECT_EQ(control->text, artifact.modelText);
  EXPECT_EQ(control->chip, "sm_80");
  for (int64_t batch = 1; batch <= 6; ++batch)
    checkRun(batch);
  EXPECT_EQ(control->launches, 12);
  EXPECT_EQ(
      control->allocated,
      (std::vector<std::string>{"the arena", "the workspace", "constant 'w'",
                                "constant 'b'", "input 'x'", "output 'y'"}));
  double milliseconds = -1;
  EXPECT_EQ(qopt_session_elapsed_ms(session, &milliseconds), QOPT_OK);
  EXPECT_GE(milliseconds, 0);
  EXPECT_TRUE(notices.empty());
}

TEST_F(EmulatorTest, MemoryOfTheSession) {
  ASSERT_EQ(open(gemmArtifact()), QOPT_OK);
  checkDeviceMemory();
}

TEST_F(EmulatorTest, ATargetOfTheCaller) {
  options.target = "sm_90a";
  ASSERT_EQ(open(gemmArtifact(6, {"sm_80", "sm_90a"})), QOPT_OK);
  EXPECT_EQ(control->chip, "sm_90a");
  options.target = "sm_86";
  EXPECT_EQ(openError(gemmArtifact(6, {"sm_80", "sm_90a"})),
            "invalid argument: the model has no kernels for 'sm_86'; it has "
            "them for sm_80, sm_90a");
}

TEST_F(EmulatorTest, Failures) {
  EXPECT_EQ(openError(gemmArtifact(6, {"sm_99"})),
            "unsupported: the emulator cannot compile the kernels for sm_99: "
            "unknown chip");
  EXPECT_EQ(openError(gemmArtifact(6, {})),
            "unsupported: the model has no kernels to emulate: it was compiled "
            "without --target=sm_...");
  Artifact artifact = gemmArtifact();
  artifact.plans[0].launches[0].block = {64, 1, 1};
  ASSERT_EQ(open(artifact), QOPT_OK);
  EXPECT_EQ(runError(6), "run failed: launch 0 (toy_gemm for 'fc/matmul'): "
                         "toy_gemm: another block or shared memory");
  control->memoryBytes = 200;
  EXPECT_EQ(openError(gemmArtifact()),
            "out of memory: the arena needs 376 bytes, more than there are");
}

TEST_F(EmulatorTest, FailedChecks) {
  Artifact artifact = gemmArtifact();
  addChecks(artifact);
  ASSERT_EQ(open(artifact), QOPT_OK) << qopt_last_error();
  checkRun(6);
  std::vector<float> x = toys::someNumbers(18), y(30);
  x[9] = 300;
  const void *inputs[] = {x.data()};
  void *outputs[] = {y.data()};
  EXPECT_EQ(message(qopt_session_run(session, inputs, outputs)),
            "run failed: 'early', sample 3: x is too large");
  checkRun(6);
}

//===----------------------------------------------------------------------===//
// The CPU
//===----------------------------------------------------------------------===//

class CpuTest : public HostDevicesTest {
protected:
  CpuTest() { options.device = "cpu"; }
};

TEST_F(CpuTest, RunsEveryBatch) {
  ASSERT_EQ(open(gemmArtifact()), QOPT_OK) << qopt_last_error();
  EXPECT_STREQ(qopt_session_device(session), "cpu");
  EXPECT_EQ(qopt_session_batch(session), 6);
  EXPECT_EQ(qopt_session_any_batch(session), 1);
  // The artifact's name, not the text's.
  qopt_tensor_info info;
  ASSERT_EQ(qopt_session_input_info(session, 0, &info), QOPT_OK);
  EXPECT_STREQ(info.name, "x");
  for (int64_t batch = 1; batch <= 6; ++batch)
    checkRun(batch);
  double milliseconds = -1;
  EXPECT_EQ(qopt_session_elapsed_ms(session, &milliseconds), QOPT_OK);
  EXPECT_GE(milliseconds, 0);
}

TEST_F(CpuTest, PadsWithTheLastSample) {
  ASSERT_EQ(open(gemmArtifact()), QOPT_OK);
  checkRun(2);
  std::vector<float> rows = toys::someNumbers(6, 2);
  for (int i = 0; i < 12; ++i)
    rows.push_back(rows[3 + i % 3]);
  EXPECT_EQ(control->lastInput, rows);
}

TEST_F(CpuTest, MemoryOfTheSession) {
  ASSERT_EQ(open(gemmArtifact()), QOPT_OK);
  checkDeviceMemory();
}

TEST_F(CpuTest, BatchesThatCannotBeRun) {
  Artifact artifact = gemmArtifact();
  ASSERT_EQ(open(artifact), QOPT_OK);
  EXPECT_EQ(runError(7), "invalid argument: a batch of 7 samples cannot be "
                         "run: the model is compiled for up to 6");
  artifact.anyBatch = false;
  artifact.fixedBatchReason = "'mean' goes over the samples";
  ASSERT_EQ(open(artifact), QOPT_OK);
  EXPECT_EQ(runError(5), "unsupported: a batch of 5 samples cannot be run: the "
                         "model takes exactly 6, since 'mean' goes over the "
                         "samples");
  EXPECT_EQ(message(qopt_session_check_batch(session, 5)),
            "unsupported: a batch of 5 samples cannot be run: the model takes "
            "exactly 6, since 'mean' goes over the samples");
  EXPECT_EQ(qopt_session_check_batch(session, 6), QOPT_OK);
  EXPECT_EQ(control->runs, 0);
  checkRun(6);
}

TEST_F(CpuTest, Failures) {
  Artifact artifact = gemmArtifact();
  artifact.modelText = "broken";
  EXPECT_EQ(openError(artifact),
            "invalid model: model.mlir:1:1: error: broken");
  control->batch = 5;
  EXPECT_EQ(openError(gemmArtifact()),
            "invalid model: the artifact's text has other inputs than its "
            "manifest");
  control->batch = 6;
  options.entry = "main";
  EXPECT_EQ(openError(gemmArtifact()),
            "invalid argument: an artifact has one function: leave out the "
            "entry 'main'");
  options.entry = nullptr;
  ASSERT_EQ(open(gemmArtifact()), QOPT_OK);
  std::vector<float> x(18, 1000), y(30);
  const void *inputs[] = {x.data()};
  void *outputs[] = {y.data()};
  EXPECT_EQ(message(qopt_session_run(session, inputs, outputs)),
            "run failed: x[0] is 1000");
}

TEST_F(CpuTest, IsTheDefaultWithoutAGpu) {
  options.device = nullptr;
  ASSERT_EQ(open(gemmArtifact()), QOPT_OK) << qopt_last_error();
  EXPECT_STREQ(qopt_session_device(session), "cpu");
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0].find("running on the CPU: device 'cuda': there is no "
                            "NVIDIA driver on this machine: "),
            0u)
      << notices[0];
  checkRun(4);
}

} // namespace

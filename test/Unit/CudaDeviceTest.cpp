//===- CudaDeviceTest.cpp - The device "cuda" without a GPU ---------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The C interface on a stand-in for NVIDIA's driver (FakeCuda), which the
// loader finds under the driver's name. Each suite is run with another folder
// on the loader's path: see CMakeLists.txt.
//
//===----------------------------------------------------------------------===//
#include "FakeCuda/FakeCuda.h"
#include "SessionTest.h"

#include <dlfcn.h>
#include <thread>

using namespace samples;

namespace {

class CudaTest : public SessionTest {
protected:
  CudaTest() {
    options.device = "cuda";
    // The same library that the runtime gets.
    library = dlopen("libcuda.so.1", RTLD_NOW);
    auto get = reinterpret_cast<fakecuda::ControlFunction>(
        library ? dlsym(library, FAKE_CUDA_CONTROL_SYMBOL) : nullptr);
    EXPECT_TRUE(get) << "the loader finds another libcuda.so.1; run by ctest";
    if (get)
      control = get();
  }

  void SetUp() override {
    if (control)
      *control = {};
    else
      FAIL();
  }

  /// After every test, whatever it did, nothing is left on the GPU.
  void TearDown() override {
    if (!control)
      return;
    close();
    EXPECT_EQ(control->contexts, 0);
    EXPECT_EQ(control->allocations, 0u);
    EXPECT_EQ(control->modules, 0);
    EXPECT_EQ(control->streams, ownStreams);
    EXPECT_EQ(control->events, 0);
    EXPECT_EQ(control->graphs, 0);
    EXPECT_EQ(control->executables, 0);
  }

  template <typename Function> Function find(const char *name) {
    return reinterpret_cast<Function>(dlsym(library, name));
  }

  static Artifact withCubin(std::vector<std::string> chips = {"sm_80"}) {
    Artifact artifact = gemmArtifact(6, chips);
    for (Plan &plan : artifact.plans)
      plan.cubin = "\x7f"
                   "ELF " +
                   plan.chip;
    return artifact;
  }

  void *library;
  fakecuda::Control *control = nullptr;
  /// Made by the test.
  int ownStreams = 0;
};

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

TEST_F(CudaTest, RunsEveryBatch) {
  ASSERT_EQ(open(withCubin()), QOPT_OK) << qopt_last_error();
  EXPECT_TRUE(notices.empty());
  EXPECT_STREQ(qopt_session_device(session), "cuda");
  EXPECT_STREQ(qopt_session_description(session),
               "Fake GPU 0 (kernels for sm_80)");
  EXPECT_EQ(qopt_session_batch(session), 6);
  EXPECT_EQ(qopt_session_any_batch(session), 1);
  EXPECT_EQ(control->cubins, 1);
  EXPECT_EQ(control->ptx, 0);
  double milliseconds = 0;
  EXPECT_EQ(qopt_session_elapsed_ms(session, &milliseconds),
            QOPT_INVALID_ARGUMENT);
  for (int round = 0; round < 2; ++round)
    for (int64_t batch = 1; batch <= 6; ++batch)
      checkRun(batch);
  EXPECT_EQ(qopt_session_elapsed_ms(session, &milliseconds), QOPT_OK);
  EXPECT_EQ(milliseconds, 2.5);
  // One graph for each batch; nothing is launched outside of graphs.
  EXPECT_EQ(control->executables, 6);
  EXPECT_EQ(control->graphLaunches, 12);
  EXPECT_EQ(control->launches, 24);
}

TEST_F(CudaTest, TheWholeBatchWithoutSayingSo) {
  ASSERT_EQ(open(withCubin()), QOPT_OK);
  std::vector<float> x = toys::someNumbers(18), y(30);
  const void *inputs[] = {x.data()};
  void *outputs[] = {y.data()};
  ASSERT_EQ(qopt_session_run(session, inputs, outputs), QOPT_OK);
  EXPECT_EQ(y, toys::expectedGemm(x, 6));
  EXPECT_EQ(runError(7), "invalid argument: a batch of 7 samples cannot be "
                         "run: the model is compiled for up to 6");
  EXPECT_EQ(qopt_session_run(session, nullptr, outputs), QOPT_INVALID_ARGUMENT);
}

TEST_F(CudaTest, SeveralSessionsAndThreads) {
  constexpr int kSessions = 3, kThreads = 4, kRuns = 20;
  std::vector<qopt_session *> sessions(kSessions);
  ASSERT_EQ(open(withCubin()), QOPT_OK);
  for (qopt_session *&other : sessions)
    ASSERT_EQ(qopt_session_open(path.c_str(), &options, &other), QOPT_OK);
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kRuns; ++i)
        checkRun(1 + (t + i) % 6, sessions[i % kSessions]);
    });
  for (std::thread &thread : threads)
    thread.join();
  for (qopt_session *other : sessions)
    qopt_session_close(other);
}

TEST_F(CudaTest, FailedChecks) {
  Artifact artifact = withCubin();
  addChecks(artifact);
  ASSERT_EQ(open(artifact), QOPT_OK) << qopt_last_error();
  // Twice: the status words are reset where a graph is replayed, too.
  for (int round = 0; round < 2; ++round) {
    checkRun(6);
    std::vector<float> x = toys::someNumbers(18), y(30);
    x[9] = -300;
    x[12] = 300;
    const void *inputs[] = {x.data()};
    void *outputs[] = {y.data()};
    EXPECT_EQ(message(qopt_session_run(session, inputs, outputs)),
              "run failed: 'early', sample 3: x is too small");
    checkRun(6);
    // On device memory, where the copy of the results reports it.
    void *from = nullptr, *to = nullptr;
    ASSERT_EQ(qopt_session_allocate(session, 72, &from), QOPT_OK);
    ASSERT_EQ(qopt_session_allocate(session, 120, &to), QOPT_OK);
    const void *deviceInputs[] = {from};
    void *deviceOutputs[] = {to};
    ASSERT_EQ(qopt_session_upload(session, from, x.data(), 72), QOPT_OK);
    ASSERT_EQ(qopt_session_run_device(session, 6, deviceInputs, deviceOutputs),
              QOPT_OK);
    EXPECT_EQ(message(qopt_session_download(session, y.data(), to, 120)),
              "run failed: 'early', sample 3: x is too small");
    EXPECT_EQ(qopt_session_release(session, from), QOPT_OK);
    EXPECT_EQ(qopt_session_release(session, to), QOPT_OK);
  }
  EXPECT_EQ(control->executables, 2 + 1);
}

/// Device memory of the test.
class DeviceArray {
public:
  DeviceArray(size_t count)
      : values(static_cast<float *>(aligned_alloc(256, 4096))) {
    std::fill(values, values + count, -1.0f);
  }
  ~DeviceArray() { free(values); }
  float *const values;
};

TEST_F(CudaTest, DeviceMemoryOnTheCallersStream) {
  using namespace std;
  auto push = find<int (*)(void *)>("cuCtxPushCurrent_v2");
  auto pop = find<int (*)(void **)>("cuCtxPopCurrent_v2");
  auto retain = find<int (*)(void **, int)>("cuDevicePrimaryCtxRetain");
  auto release = find<int (*)(int)>("cuDevicePrimaryCtxRelease_v2");
  auto create = find<int (*)(void **, unsigned)>("cuStreamCreate");
  auto destroy = find<int (*)(void *)>("cuStreamDestroy_v2");
  auto wait = find<int (*)(void *)>("cuStreamSynchronize");
  auto begin = find<int (*)(void *, int)>("cuStreamBeginCapture_v2");
  auto end = find<int (*)(void *, void **)>("cuStreamEndCapture");
  auto destroyGraph = find<int (*)(void *)>("cuGraphDestroy");
  void *context, *stream, *graph, *ignored;
  ASSERT_EQ(retain(&context, 0), 0);
  ASSERT_EQ(push(context), 0);
  ASSERT_EQ(create(&stream, 1), 0);
  options.stream = stream;
  ASSERT_EQ(open(withCubin()), QOPT_OK);

  std::vector<float> x = toys::someNumbers(18);
  DeviceArray from(18), to(30);
  std::copy(x.begin(), x.end(), from.values);
  const void *inputs[] = {from.values};
  void *outputs[] = {to.values};
  ASSERT_EQ(qopt_session_run_device(session, 4, inputs, outputs), QOPT_OK)
      << qopt_last_error();
  // Only enqueued so far.
  EXPECT_EQ(to.values[0], -1);
  ASSERT_EQ(wait(stream), 0);
  std::vector<float> expected = toys::expectedGemm(x, 4);
  EXPECT_EQ(std::vector<float>(to.values, to.values + 20), expected);
  EXPECT_EQ(to.values[20], -1);
  ASSERT_EQ(qopt_session_run_device(session, 6, inputs, outputs), QOPT_OK);
  ASSERT_EQ(qopt_session_synchronize(session), QOPT_OK);
  EXPECT_EQ(std::vector<float>(to.values, to.values + 30),
            toys::expectedGemm(x, 6));
  ASSERT_EQ(qopt_session_run_device(session, 6, inputs, outputs), QOPT_OK);
  double milliseconds = 0;
  EXPECT_EQ(qopt_session_elapsed_ms(session, &milliseconds), QOPT_OK);
  EXPECT_EQ(milliseconds, 2.5);
  EXPECT_EQ(control->executables, 2);
  // Without buffers of the session's own: arena, workspace, two constants.
  EXPECT_EQ(control->allocations, 4u);

  // Captured by the caller: part of its graph, and not timed.
  int launches = control->launches;
  ASSERT_EQ(begin(stream, 1), 0);
  ASSERT_EQ(qopt_session_run_device(session, 3, inputs, outputs), QOPT_OK)
      << qopt_last_error();
  ASSERT_EQ(end(stream, &graph), 0);
  EXPECT_EQ(control->launches, launches);
  EXPECT_EQ(qopt_session_elapsed_ms(session, &milliseconds),
            QOPT_INVALID_ARGUMENT);
  ASSERT_EQ(destroyGraph(graph), 0);

  close();
  EXPECT_EQ(control->streams, 1); // The caller's is left.
  ASSERT_EQ(destroy(stream), 0);
  ASSERT_EQ(pop(&ignored), 0);
  ASSERT_EQ(release(0), 0);
}

TEST_F(CudaTest, MemoryOfTheSession) {
  ASSERT_EQ(open(withCubin()), QOPT_OK);
  checkDeviceMemory();
  control->failing = "cuMemAlloc_v2";
  control->failResult = 2;
  void *memory = this;
  EXPECT_EQ(message(qopt_session_allocate(session, 8, &memory))
                .find("out of memory: memory of the caller needs 8 bytes on "
                      "Fake GPU 0, where "),
            0u);
  EXPECT_EQ(memory, nullptr);
}

TEST_F(CudaTest, LargeSharedMemoryIsAskedFor) {
  Artifact artifact = withCubin();
  artifact.plans[0].launches[0].sharedBytes = 100 * 1024;
  ASSERT_EQ(open(artifact), QOPT_OK) << qopt_last_error();
  // The toy wants another amount: but it was launched.
  EXPECT_EQ(runError(6).find("run failed: running kernels on Fake GPU 0: "
                             "CUDA_ERROR_LAUNCH_FAILED"),
            0u);
  EXPECT_EQ(control->problem, "toy_gemm: another block or shared memory");
}

//===----------------------------------------------------------------------===//
// Choice of kernels
//===----------------------------------------------------------------------===//

TEST_F(CudaTest, KernelsOfAnotherChipAreNoticed) {
  control->minor = 6;
  ASSERT_EQ(open(withCubin()), QOPT_OK);
  checkRun(6);
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0], "Fake GPU 0 is sm_86 and runs the kernels for sm_80; "
                        "compile the model with --target=sm_86 for its own");
  EXPECT_EQ(control->cubins, 1);
}

TEST_F(CudaTest, PtxForANewerChip) {
  control->major = 9;
  ASSERT_EQ(open(withCubin()), QOPT_OK);
  checkRun(6);
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0], "Fake GPU 0 is sm_90 and runs the kernels for sm_80, "
                        "compiled by the driver from PTX; compile the model "
                        "with --target=sm_90 for its own");
  EXPECT_EQ(control->cubins, 0);
  EXPECT_EQ(control->ptx, 1);
}

TEST_F(CudaTest, PtxWhereTheCubinIsRefused) {
  control->cubinResult = 209;
  control->log = "too new\n";
  ASSERT_EQ(open(withCubin()), QOPT_OK);
  checkRun(6);
  ASSERT_EQ(notices.size(), 1u);
  EXPECT_EQ(notices[0], "the driver does not take the cubin for sm_80: "
                        "CUDA_ERROR_NO_BINARY_FOR_GPU (explained): too new; it "
                        "compiles the PTX instead");
}

TEST_F(CudaTest, AnOlderChip) {
  control->major = 7;
  control->minor = 5;
  EXPECT_EQ(openError(withCubin({"sm_80", "sm_90a"})),
            "unsupported: the model has kernels for sm_80, sm_90a, but Fake "
            "GPU 0 is sm_75; compile it with --target=sm_75");
}

TEST_F(CudaTest, ATargetOfTheCaller) {
  options.target = "sm_90";
  ASSERT_EQ(open(withCubin({"sm_80", "sm_90"})), QOPT_OK);
  EXPECT_STREQ(qopt_session_description(session),
               "Fake GPU 0 (kernels for sm_90)");
  options.target = "sm_70";
  EXPECT_EQ(openError(withCubin()),
            "invalid argument: the model has no kernels for 'sm_70'; it has "
            "them for sm_80");
}

//===----------------------------------------------------------------------===//
// Failures
//===----------------------------------------------------------------------===//

TEST_F(CudaTest, NoGpu) {
  control->initResult = 100;
  EXPECT_EQ(openError(withCubin()),
            "unsupported: device 'cuda': the NVIDIA driver finds no GPU: "
            "CUDA_ERROR_NO_DEVICE (explained)");
  control->initResult = 999;
  EXPECT_EQ(openError(withCubin()),
            "unsupported: device 'cuda': the NVIDIA driver does not work: "
            "CUDA_ERROR_UNKNOWN (explained)");
  control->initResult = 0;
  control->deviceCount = 0;
  EXPECT_EQ(openError(withCubin()),
            "unsupported: device 'cuda': the NVIDIA driver finds no GPU");
  control->deviceCount = 2;
  options.device_ordinal = 2;
  EXPECT_EQ(openError(withCubin()),
            "invalid argument: device 'cuda': there is no GPU number 2; 2 GPUs "
            "are visible, counted from 0");
  options.device_ordinal = 1;
  EXPECT_EQ(open(withCubin()), QOPT_OK);
  EXPECT_STREQ(qopt_session_description(session),
               "Fake GPU 1 (kernels for sm_80)");
}

TEST_F(CudaTest, OutOfMemory) {
  control->memoryBytes = 400;
  EXPECT_EQ(openError(withCubin()),
            "out of memory: constant 'w' needs 128 bytes on Fake GPU 0, where "
            "8 of 400 are free: CUDA_ERROR_OUT_OF_MEMORY (explained)");
  control->memoryBytes = 600;
  ASSERT_EQ(open(withCubin()), QOPT_OK);
  EXPECT_EQ(runError(6),
            "out of memory: input 'x' needs 72 bytes on Fake GPU 0, where 48 "
            "of 600 are free: CUDA_ERROR_OUT_OF_MEMORY (explained)");
  // With memory again, the same session works.
  control->memoryBytes = 1 << 20;
  checkRun(6);
}

TEST_F(CudaTest, ImagesThatCannotBeLoaded) {
  control->ptxResult = 218;
  control->log = "ptxas fatal : Parsing error near '.x'\nptxas fatal : end\n";
  EXPECT_EQ(openError(gemmArtifact()),
            "unsupported: the PTX for sm_80 cannot be loaded on Fake GPU 0: "
            "CUDA_ERROR_INVALID_PTX (explained): ptxas fatal : Parsing error "
            "near '.x' ptxas fatal : end");
  control->ptxResult = 222;
  control->log = "";
  EXPECT_EQ(openError(gemmArtifact()),
            "unsupported: the PTX for sm_80 cannot be loaded on Fake GPU 0: "
            "CUDA_ERROR_UNSUPPORTED_PTX_VERSION (explained); a newer NVIDIA "
            "driver is needed, or a model compiled with a cubin for sm_80");
  control->cubinResult = 2;
  EXPECT_EQ(openError(withCubin()),
            "out of memory: the cubin for sm_80 cannot be loaded on Fake GPU "
            "0: CUDA_ERROR_OUT_OF_MEMORY (explained)");
}

TEST_F(CudaTest, KernelsThatAreNotThere) {
  Artifact artifact = withCubin();
  artifact.plans[0].launches[1].kernel = "no_such";
  EXPECT_EQ(openError(artifact),
            "invalid model: kernel 'no_such' for 'fc/bias' cannot be found: "
            "CUDA_ERROR_NOT_FOUND (explained)");
  artifact = withCubin();
  artifact.plans[0].launches[0].sharedBytes = 200 * 1024;
  EXPECT_EQ(openError(artifact),
            "unsupported: kernel 'toy_gemm' for 'fc/matmul' needs 204800 bytes "
            "of shared memory; Fake GPU 0 has at most 167936: error 1");
}

TEST_F(CudaTest, AKernelThatFails) {
  Artifact artifact = withCubin();
  artifact.plans[0].launches[0].block = {64, 1, 1};
  ASSERT_EQ(open(artifact), QOPT_OK);
  EXPECT_EQ(runError(6), "run failed: running kernels on Fake GPU 0: "
                         "CUDA_ERROR_LAUNCH_FAILED (explained)");
  // The context is lost, as with the real driver: everything says so.
  EXPECT_EQ(runError(6), "run failed: copying to Fake GPU 0: "
                         "CUDA_ERROR_LAUNCH_FAILED (explained)");
}

/// Every call that opening and running make fails once: the error is reported,
/// and nothing is left behind.
TEST_F(CudaTest, EveryCallFails) {
  const char *const functions[] = {"cuInit",
                                   "cuDeviceGetCount",
                                   "cuDeviceGet",
                                   "cuDeviceGetName",
                                   "cuDeviceGetAttribute",
                                   "cuDevicePrimaryCtxRetain",
                                   "cuCtxPushCurrent_v2",
                                   "cuMemAlloc_v2",
                                   "cuMemcpyHtoDAsync_v2",
                                   "cuMemcpyDtoHAsync_v2",
                                   "cuMemsetD8Async",
                                   "cuModuleLoadDataEx",
                                   "cuModuleGetFunction",
                                   "cuLaunchKernel",
                                   "cuStreamCreate",
                                   "cuStreamSynchronize",
                                   "cuStreamBeginCapture_v2",
                                   "cuStreamEndCapture",
                                   "cuStreamIsCapturing",
                                   "cuGraphInstantiateWithFlags",
                                   "cuGraphLaunch",
                                   "cuEventCreate",
                                   "cuEventRecord"};
  for (const char *function : functions) {
    int failures = 0;
    for (int number = 0;; ++number) {
      *control = {};
      control->failing = function;
      control->failAfter = number;
      control->failResult = 999;
      qopt_status status = open(withCubin());
      if (status == QOPT_OK) {
        std::string first = runError(6);
        bool opened = control->failAfter < 0;
        EXPECT_EQ(first.empty(), !opened) << function << " " << number;
        if (opened) {
          EXPECT_NE(first.find("CUDA_ERROR_UNKNOWN (explained)"),
                    std::string::npos)
              << first;
          // Once is once: the next run works.
          checkRun(6);
        }
      } else {
        EXPECT_NE(message(status).find("CUDA_ERROR_UNKNOWN (explained)"),
                  std::string::npos)
            << function << ": " << message(status);
      }
      bool failed = control->failAfter < 0;
      // Closing must not meet the failure.
      control->failing.clear();
      close();
      if (std::string(function) != "cuCtxPushCurrent_v2") {
        EXPECT_EQ(control->allocations, 0u) << function << " " << number;
        EXPECT_EQ(control->modules + control->streams + control->events +
                      control->graphs + control->executables +
                      control->contexts,
                  0)
            << function << " " << number;
      }
      if (!failed)
        break;
      ++failures;
    }
    EXPECT_GT(failures, 0) << function << " is never called";
  }
  *control = {};
}

//===----------------------------------------------------------------------===//
// The runtime's choice of a device
//===----------------------------------------------------------------------===//

TEST_F(CudaTest, CudaIsTheDefaultWhereItWorks) {
  options.device = nullptr;
  ASSERT_EQ(open(withCubin()), QOPT_OK);
  EXPECT_STREQ(qopt_session_device(session), "cuda");
  // Being short of memory is no reason for another device.
  control->memoryBytes = 1;
  close();
  EXPECT_EQ(openError(withCubin()).find("out of memory: the arena"), 0u);
}

//===----------------------------------------------------------------------===//
// Other machines
//===----------------------------------------------------------------------===//

class CudaOldDriverTest : public SessionTest {};

TEST_F(CudaOldDriverTest, IsRefused) {
  options.device = "cuda";
  EXPECT_EQ(openError(gemmArtifact()),
            "unsupported: device 'cuda': the NVIDIA driver has no "
            "cuGraphInstantiateWithFlags; version 470 (CUDA 11.4) or later is "
            "needed");
}

class CudaNoDriverTest : public SessionTest {};

TEST_F(CudaNoDriverTest, IsReported) {
  options.device = "cuda";
  std::string error = openError(gemmArtifact());
  EXPECT_EQ(error.find("unsupported: device 'cuda': there is no NVIDIA driver "
                       "on this machine: "),
            0u)
      << error;
}

} // namespace

//===- FakeCompiler.cpp - A stand-in for libQuantOpt ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The two tables that the runtime gets from the compiler's library: an emulator
// that runs the toy kernels and a CPU that computes samples::gemmArtifact from
// the constants it is given.
//
//===----------------------------------------------------------------------===//
#include "FakeCompiler.h"

#include "../ToyKernels.h"
#include "QuantOpt/Runtime/CpuBackend.h"
#include "QuantOpt/Runtime/EmulatorBackend.h"

#include <cstdlib>
#include <map>

using fakecompiler::Control;

static Control control;
static std::map<void *, size_t> memory;

extern "C" QOPT_EXPORT Control *fakeCompilerControl() { return &control; }

static qopt_status fail(qopt_status status, const std::string &message,
                        char **error) {
  *error = strdup(message.c_str());
  return status;
}

//===----------------------------------------------------------------------===//
// The emulator
//===----------------------------------------------------------------------===//

static qopt_status openEmulator(const char *text, size_t size, const char *chip,
                                void **device, char **error) {
  control.text.assign(text, size);
  control.chip = chip;
  if (control.chip == "sm_99")
    return fail(QOPT_UNSUPPORTED, "unknown chip", error);
  ++control.sessions;
  *device = &control;
  return QOPT_OK;
}

static void closeEmulator(void *) { --control.sessions; }

static void *allocate(void *, size_t size, const char *name) {
  if (size > control.memoryBytes - control.allocatedBytes)
    return nullptr;
  void *block = aligned_alloc(256, (size + 255) / 256 * 256);
  memset(block, 0xaa, size);
  memory[block] = size;
  ++control.allocations;
  control.allocatedBytes += size;
  control.allocated.push_back(name);
  return block;
}

static void release(void *, void *block) {
  --control.allocations;
  control.allocatedBytes -= memory.at(block);
  memory.erase(block);
  free(block);
}

static qopt_status launch(void *, const char *name, const uint32_t grid[3],
                          const uint32_t block[3], uint32_t sharedBytes,
                          void *const *parameters, char **error) {
  ++control.launches;
  const toys::Kernel *kernel = toys::findKernel(name);
  if (!kernel)
    return fail(QOPT_INVALID_MODEL, "no such kernel", error);
  std::string problem = kernel->run({{grid[0], grid[1], grid[2]},
                                     {block[0], block[1], block[2]},
                                     sharedBytes},
                                    parameters);
  return problem.empty() ? QOPT_OK : fail(QOPT_RUN_FAILED, problem, error);
}

static void freeError(char *error) { free(error); }

const qopt_emulator_backend *qopt_get_emulator_backend(void) {
  static qopt_emulator_backend table = {
      0, openEmulator, closeEmulator, allocate, release, launch, freeError};
  table.abi_version = QOPT_EMULATOR_BACKEND_ABI_VERSION + control.versionError;
  return &table;
}

//===----------------------------------------------------------------------===//
// The CPU
//===----------------------------------------------------------------------===//

namespace {
struct CpuSession {
  std::vector<float> weights, bias;
  int64_t inputDims[2], outputDims[2];
};
} // namespace

static qopt_status openText(const char *path, const qopt_cpu_options *, void **,
                            char **error) {
  return fail(QOPT_UNSUPPORTED, std::string("no text: ") + path, error);
}

static qopt_status openMemory(const char *text, size_t size, const char *name,
                              const qopt_cpu_constant *constants,
                              size_t numConstants,
                              const qopt_cpu_options *options, void **session,
                              char **error) {
  control.text.assign(text, size);
  if (control.text == "broken")
    return fail(QOPT_INVALID_MODEL, std::string(name) + ":1:1: error: broken",
                error);
  auto *opened = new CpuSession();
  for (size_t i = 0; i < numConstants; ++i) {
    auto *values = static_cast<const float *>(constants[i].data);
    auto &list =
        constants[i].name == std::string("w") ? opened->weights : opened->bias;
    list.assign(values, values + constants[i].size / sizeof(float));
  }
  opened->inputDims[0] = opened->outputDims[0] = control.batch;
  opened->inputDims[1] = 3;
  opened->outputDims[1] = 5;
  ++control.sessions;
  *session = opened;
  return QOPT_OK;
}

static void closeCpu(void *session) {
  --control.sessions;
  delete static_cast<CpuSession *>(session);
}

static size_t one(void *) { return 1; }

static qopt_status inputInfo(void *session, size_t, qopt_tensor_info *info) {
  *info = {"arg0", QOPT_F32, 2, static_cast<CpuSession *>(session)->inputDims};
  return QOPT_OK;
}

static qopt_status outputInfo(void *session, size_t, qopt_tensor_info *info) {
  *info = {"out0", QOPT_F32, 2, static_cast<CpuSession *>(session)->outputDims};
  return QOPT_OK;
}

static qopt_status runCpu(void *session, const void *const *inputs,
                          void *const *outputs, char **error) {
  const auto &model = *static_cast<CpuSession *>(session);
  auto *x = static_cast<const float *>(inputs[0]);
  auto *y = static_cast<float *>(outputs[0]);
  int64_t rows = model.inputDims[0];
  control.lastInput.assign(x, x + rows * 3);
  ++control.runs;
  if (x[0] == 1000)
    return fail(QOPT_RUN_FAILED, "x[0] is 1000", error);
  for (int64_t b = 0; b < rows; ++b)
    for (int64_t n = 0; n < 5; ++n) {
      y[b * 5 + n] = 0;
      for (int64_t k = 0; k < 3; ++k)
        y[b * 5 + n] += x[b * 3 + k] * model.weights[k * 5 + n];
      y[b * 5 + n] += model.bias[n];
    }
  return QOPT_OK;
}

const qopt_cpu_backend *qopt_get_cpu_backend(void) {
  static qopt_cpu_backend table = {0,      openText,  openMemory, closeCpu,
                                   one,    inputInfo, one,        outputInfo,
                                   runCpu, freeError};
  table.abi_version = QOPT_CPU_BACKEND_ABI_VERSION + control.versionError;
  return &table;
}

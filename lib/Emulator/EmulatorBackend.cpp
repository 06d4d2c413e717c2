//===- EmulatorBackend.cpp - The runtime's device "emulator" ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// EmulatedModule behind the C table that libQuantOptRuntime loads. Kernels are
// compiled anew from the artifact's integer form, by the same passes that made
// the artifact; the runtime's launch table then names them.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Runtime/EmulatorBackend.h"

#include "QuantOpt/Emulator/Emulator.h"
#include "QuantOpt/Frontend/TextScan.h"
#include "QuantOpt/Pipelines/Pipelines.h"
#include "QuantOpt/Target/CompileArtifact.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstdlib>
#include <cstring>

using namespace mlir;
using namespace mlir::qopt;

namespace {
struct Device {
  std::unique_ptr<emulator::EmulatedModule> module;
  emulator::DeviceMemory memory;
};
} // namespace

static qopt_status storeError(char **error, qopt_status status,
                              const std::string &message) {
  *error = static_cast<char *>(malloc(message.size() + 1));
  if (*error)
    memcpy(*error, message.c_str(), message.size() + 1);
  return status;
}

/// The messages of all errors and warnings while in scope, one per line.
static void appendMessage(Diagnostic &diagnostic, std::string &messages) {
  if (diagnostic.getSeverity() == DiagnosticSeverity::Remark)
    return;
  llvm::raw_string_ostream os(messages);
  if (!messages.empty())
    os << '\n';
  os << diagnostic.getLocation() << ": " << diagnostic.str();
}

static qopt_status compile(StringRef text, StringRef chip, Device &device,
                           std::string &messages) {
  DialectRegistry registry;
  registerQuantOpt(registry);
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    appendMessage(diagnostic, messages);
    return success();
  });
  llvm::MemoryBufferRef buffer(text, "model.mlir");
  if (failed(scanText(buffer, /*allowBytecode=*/false, messages)))
    return QOPT_INVALID_MODEL;
  OwningOpRef<ModuleOp> module =
      parseSourceString<ModuleOp>(text, ParserConfig(&context), "model.mlir");
  if (!module)
    return QOPT_INVALID_MODEL;
  FailureOr<OwningOpRef<ModuleOp>> form = buildKernelsForm(*module, chip);
  if (failed(form))
    return QOPT_UNSUPPORTED;
  FailureOr<gpu::GPUModuleOp> kernels = findKernels(**form);
  if (failed(kernels))
    return QOPT_UNSUPPORTED;
  auto compiled = emulator::EmulatedModule::create(*kernels);
  if (failed(compiled))
    return QOPT_UNSUPPORTED;
  device.module = std::move(*compiled);
  return QOPT_OK;
}

static qopt_status open(const char *text, size_t size, const char *chip,
                        void **result, char **error) {
  auto device = std::make_unique<Device>();
  std::string messages;
  qopt_status status = compile(StringRef(text, size), chip, *device, messages);
  if (status != QOPT_OK)
    return storeError(error, status, messages);
  *result = device.release();
  return QOPT_OK;
}

static void close(void *device) { delete static_cast<Device *>(device); }

static void *allocate(void *device, size_t size, const char *name) {
  return static_cast<Device *>(device)->memory.allocate(size, name);
}

static void release(void *device, void *memory) {
  static_cast<Device *>(device)->memory.release(memory);
}

static qopt_status launch(void *handle, const char *kernel,
                          const uint32_t grid[3], const uint32_t block[3],
                          uint32_t sharedBytes, void *const *params,
                          char **error) {
  auto &device = *static_cast<Device *>(handle);
  emulator::LaunchResult result = device.module->launch(
      device.memory, kernel, {grid[0], grid[1], grid[2]},
      {block[0], block[1], block[2]}, sharedBytes, params);
  if (result.ok)
    return QOPT_OK;
  std::string message = std::string("kernel ") + kernel;
  for (const std::string &report : result.reports)
    message += "\n  " + report;
  return storeError(error, QOPT_RUN_FAILED, message);
}

static void freeError(char *error) { free(error); }

const qopt_emulator_backend *qopt_get_emulator_backend(void) {
  static const qopt_emulator_backend backend = {
      QOPT_EMULATOR_BACKEND_ABI_VERSION,
      open,
      close,
      allocate,
      release,
      launch,
      freeError,
  };
  return &backend;
}

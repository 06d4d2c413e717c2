//===- EmulatorDevice.cpp - The emulator as a device ----------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Launches run to their end on the calling thread; device memory is host
// memory.
//
//===----------------------------------------------------------------------===//
#include "Device.h"

#include <chrono>
#include <cstring>

using namespace mlir::qopt;
using namespace mlir::qopt::runtime;

namespace {
class EmulatorDevice : public Device {
public:
  EmulatorDevice(const qopt_emulator_backend &backend,
                 const artifact::Artifact &artifact,
                 const artifact::Plan &plan);
  ~EmulatorDevice() override { backend.close(handle); }

  const char *name() const override { return "emulator"; }
  std::string description() const override { return "emulator of " + chip; }
  Address allocate(uint64_t size, const std::string &name) override;
  void release(Address memory) noexcept override {
    backend.release(handle, pointer(memory));
  }
  void loadKernels(const artifact::Plan &plan) override {
    launches = plan.launches;
  }
  void upload(Address to, const void *from, uint64_t size) override {
    memcpy(pointer(to), from, size);
  }
  void download(void *to, Address from, uint64_t size) override {
    memcpy(to, pointer(from), size);
  }
  void zero(Address memory, uint64_t size) override {
    memset(pointer(memory), 0, size);
  }
  void launch(const ResolvedLaunch &launch) override;
  void synchronize() override {}
  void startTimer() override { start = end = Clock::now(); }
  void stopTimer() override { end = Clock::now(); }
  double elapsedMilliseconds() override {
    return std::chrono::duration<double, std::milli>(end - start).count();
  }

private:
  using Clock = std::chrono::steady_clock;

  static void *pointer(Address address) {
    return reinterpret_cast<void *>(address);
  }
  /// Throws the status with the emulator's message, which is freed.
  [[noreturn]] void fail(qopt_status status, const std::string &prefix,
                         char *message) const;

  const qopt_emulator_backend &backend;
  std::string chip;
  void *handle = nullptr;
  std::vector<artifact::Launch> launches;
  Clock::time_point start, end;
};
} // namespace

void EmulatorDevice::fail(qopt_status status, const std::string &prefix,
                          char *message) const {
  std::string text = prefix + (message ? message : "failed without a message");
  backend.free_error(message);
  throw Error(status, text);
}

EmulatorDevice::EmulatorDevice(const qopt_emulator_backend &backend,
                               const artifact::Artifact &artifact,
                               const artifact::Plan &plan)
    : backend(backend), chip(plan.chip) {
  char *message = nullptr;
  qopt_status status =
      backend.open(artifact.modelText.data(), artifact.modelText.size(),
                   chip.c_str(), &handle, &message);
  if (status != QOPT_OK)
    fail(status, "the emulator cannot compile the kernels for " + chip + ": ",
         message);
}

Address EmulatorDevice::allocate(uint64_t size, const std::string &name) {
  void *memory = backend.allocate(handle, size, name.c_str());
  if (!memory)
    throw Error(QOPT_OUT_OF_MEMORY, name + " needs " + std::to_string(size) +
                                        " bytes, more than there are");
  return reinterpret_cast<Address>(memory);
}

void EmulatorDevice::launch(const ResolvedLaunch &resolved) {
  const artifact::Launch &launch = launches[resolved.index];
  char *message = nullptr;
  qopt_status status = backend.launch(
      handle, launch.kernel.c_str(), resolved.grid.data(), launch.block.data(),
      launch.sharedBytes, resolved.parameters, &message);
  if (status != QOPT_OK)
    fail(status,
         "launch " + std::to_string(resolved.index) + " (" + launch.kernel +
             (launch.name.empty() ? "" : " for '" + launch.name + "'") + "): ",
         message);
}

std::unique_ptr<Device>
mlir::qopt::runtime::openEmulator(const artifact::Artifact &artifact,
                                  const artifact::Plan &plan) {
  return std::make_unique<EmulatorDevice>(loadEmulatorBackend(), artifact,
                                          plan);
}

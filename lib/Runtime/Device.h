//===- Device.h - A device that executes launches ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What PlanExecutor needs of a device: memory, kernels, launches in order, and
// where the device has them, recorded sequences of launches. One object serves
// one session and one thread at a time. Functions throw Error.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_RUNTIME_DEVICE_H
#define QUANTOPT_LIB_RUNTIME_DEVICE_H

#include "QuantOpt/Artifact/Artifact.h"
#include "Runtime.h"

#include <array>
#include <memory>

namespace mlir::qopt::runtime {

/// An address in the device's memory.
using Address = uint64_t;

/// A launch with all numbers filled in.
struct ResolvedLaunch {
  /// Index into Plan::launches, whose kernel is started.
  size_t index = 0;
  std::array<uint32_t, 3> grid = {1, 1, 1};
  /// Points to each parameter, as cuLaunchKernel takes them.
  void *const *parameters = nullptr;
};

/// A recorded sequence of launches.
class Recording {
public:
  virtual ~Recording() = default;
};

class Device {
public:
  virtual ~Device() = default;

  /// "cuda", "emulator".
  virtual const char *name() const = 0;
  /// Such as "NVIDIA H100".
  virtual std::string description() const = 0;

  /// Memory for `size` > 0 bytes, aligned to 256; `name` says what for, in
  /// messages. The content is arbitrary.
  virtual Address allocate(uint64_t size, const std::string &name) = 0;
  virtual void release(Address memory) noexcept = 0;

  /// Loads the kernels of the plan's launches; called once, before launches.
  virtual void loadKernels(const artifact::Plan &plan) = 0;

  // In the order of the calls, after one another:

  /// Copies from the host, whose memory is in use until synchronize() unless
  /// it is pageable.
  virtual void upload(Address to, const void *from, uint64_t size) = 0;
  /// Copies to the host; the data are there after synchronize().
  virtual void download(void *to, Address from, uint64_t size) = 0;
  virtual void zero(Address memory, uint64_t size) = 0;
  virtual void launch(const ResolvedLaunch &launch) = 0;

  /// Waits for everything above.
  virtual void synchronize() = 0;

  /// Records the launches that `body` makes instead of executing them, for
  /// replay(); null where the device records nothing and `body` was not called.
  virtual std::unique_ptr<Recording> record(const std::function<void()> &body) {
    return nullptr;
  }
  /// Launches what was recorded, in order with the calls above.
  virtual void replay(Recording &recording) {}

  /// Mark begin and end of a run.
  virtual void startTimer() = 0;
  virtual void stopTimer() = 0;
  /// Milliseconds between the last marks; waits for the second.
  virtual double elapsedMilliseconds() = 0;
};

/// Device memory that is released with its owner. May be empty.
class DeviceBuffer {
public:
  DeviceBuffer() = default;
  DeviceBuffer(Device &device, uint64_t size, const std::string &name)
      : device(&device), start(size ? device.allocate(size, name) : 0) {}
  DeviceBuffer(DeviceBuffer &&other) noexcept
      : device(other.device), start(other.start) {
    other.start = 0;
  }
  DeviceBuffer &operator=(DeviceBuffer &&other) noexcept {
    std::swap(device, other.device);
    std::swap(start, other.start);
    return *this;
  }
  ~DeviceBuffer() {
    if (start)
      device->release(start);
  }

  Address address() const { return start; }

private:
  Device *device = nullptr;
  Address start = 0;
};

/// The emulator, for kernels of the artifact's plan `plan`.
std::unique_ptr<Device> openEmulator(const artifact::Artifact &artifact,
                                     const artifact::Plan &plan);

} // namespace mlir::qopt::runtime

#endif // QUANTOPT_LIB_RUNTIME_DEVICE_H

//===- PlanExecutor.h - Runs a plan on a device -----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The device-independent part of running an artifact: packed constants are
// uploaded once, launches are resolved for a batch and a set of buffers, and
// sequences of launches are recorded where the device can replay them. The
// artifact has been validated: nothing is checked again per run.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_RUNTIME_PLANEXECUTOR_H
#define QUANTOPT_LIB_RUNTIME_PLANEXECUTOR_H

#include "Device.h"

#include <list>

namespace mlir::qopt::runtime {

/// Copies of a constant's elements in the layout of `packed`, handed on in
/// pieces: consume(byte offset, data, bytes) is called for consecutive pieces
/// of at most `maxPieceBytes` (at least one element).
void packConstant(
    const artifact::Constant &constant, const artifact::PackedConstant &packed,
    uint64_t maxPieceBytes,
    const std::function<void(uint64_t, const void *, uint64_t)> &consume);

/// The number of samples to run: `batch`, or the compiled batch for 0. Throws
/// an Error where so many cannot be run.
int64_t checkBatch(const artifact::Artifact &artifact, int64_t batch);

/// For one thread at a time.
class PlanExecutor {
public:
  /// Loads kernels, uploads constants and zeroes the workspace. Keeps of the
  /// artifact what runs need; its constants and other plans are released.
  PlanExecutor(std::unique_ptr<artifact::Artifact> artifact, size_t plan,
               std::unique_ptr<Device> device);
  ~PlanExecutor();

  const artifact::Artifact &artifact() const { return *model; }
  Device &device() const { return *dev; }

  /// Runs on host memory: buffers hold the first `batch` samples.
  void run(int64_t batch, const void *const *inputs, void *const *outputs);
  /// Runs on device memory without waiting.
  void runOnDevice(int64_t batch, const void *const *inputs,
                   void *const *outputs);
  /// Waits for all runs. Throws where a check failed in one of runOnDevice.
  void synchronize();
  /// See OpenModel.
  double elapsedMilliseconds();

private:
  /// Launches for one batch and one set of buffers.
  struct Prepared {
    int64_t batch;
    std::vector<Address> inputs, outputs;
    std::unique_ptr<Recording> recording;
  };

  uint64_t bytesFor(const artifact::TensorSpec &spec, int64_t batch) const;
  void uploadConstants();
  void allocateTensors();
  void waitQuietly() noexcept;
  /// Starts to copy the status words, if there are any.
  void downloadStatus();
  /// When the copy is there: throws if a check failed, and forgets that.
  void throwFailedCheck();
  Address addressOf(const artifact::BufferRef &buffer,
                    const Prepared &prepared) const;
  void launchAll(const Prepared &prepared);
  Prepared &prepare(int64_t batch, const std::vector<Address> &inputs,
                    const std::vector<Address> &outputs);
  void execute(int64_t batch, const std::vector<Address> &inputs,
               const std::vector<Address> &outputs);

  std::unique_ptr<artifact::Artifact> model;
  /// The only plan that is left in `model`.
  const artifact::Plan *plan;
  std::unique_ptr<Device> dev;
  std::vector<DeviceBuffer> constants;
  DeviceBuffer arena, workspace, status;
  /// The status words of the last look.
  std::vector<uint64_t> statusWords;
  /// Runs of runOnDevice whose checks were not looked at.
  bool hasUncheckedRuns = false;
  /// For runs on host memory; allocated by the first.
  std::vector<DeviceBuffer> inputBuffers, outputBuffers;
  std::vector<Address> inputAddresses, outputAddresses;
  bool haveTensors = false;
  /// A run failed and may have left something in the workspace.
  bool isDirty = false;
  bool hasRun = false;
  /// Most recently used first.
  std::list<Prepared> recent;
  /// One slot for each parameter of a launch and pointers to these; see
  /// launchAll.
  std::vector<uint64_t> slots;
  std::vector<void *> parameters;
};

} // namespace mlir::qopt::runtime

#endif // QUANTOPT_LIB_RUNTIME_PLANEXECUTOR_H

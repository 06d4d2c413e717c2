//===- Model.h - An open model of the runtime -------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A session of the C runtime with its signature in C++ types, and buffers for
// its tensors.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TOOLS_QUANT_RUN_MODEL_H
#define QUANTOPT_TOOLS_QUANT_RUN_MODEL_H

#include "QuantOpt/Runtime/quant_opt_runtime.h"
#include "QuantOpt/Support/ElementType.h"

#include <memory>
#include <string>
#include <vector>

namespace mlir::qopt::run {

/// An input or output of a model.
struct TensorSpec {
  std::string name;
  ElementType type;
  /// Empty for a scalar.
  std::vector<uint64_t> shape;
  size_t bytes;

  uint64_t numElements() const { return bytes / elementTypeSize(type); }
};

/// One dense buffer for each tensor of a list, aligned for vector loads.
class TensorBuffers {
public:
  /// Zeroed. Throws std::bad_alloc.
  explicit TensorBuffers(const std::vector<TensorSpec> &specs);

  void *operator[](size_t index) const { return pointers[index]; }
  /// For qopt_session_run.
  void *const *data() const { return pointers.data(); }

private:
  std::vector<std::unique_ptr<char[]>> storage;
  std::vector<void *> pointers;
};

/// How to open a model.
struct ModelOptions {
  /// Empty for the runtime's choice.
  std::string device;
  /// Empty for the model's choice.
  std::string entry;
  bool plainKernels = false;
  /// Chip whose kernels are run; empty for the device's choice.
  std::string target;
};

/// Whether the file is an artifact rather than MLIR text.
bool isArtifact(const std::string &file);

/// An open model. `run` may be called from several threads at a time.
class Model {
public:
  /// Notices of the runtime go to stderr.
  static std::unique_ptr<Model> open(const std::string &file,
                                     const ModelOptions &options,
                                     std::string &error);
  ~Model();
  Model(const Model &) = delete;
  Model &operator=(const Model &) = delete;

  const std::vector<TensorSpec> &inputs() const { return inputSpecs; }
  const std::vector<TensorSpec> &outputs() const { return outputSpecs; }
  /// "cpu", "cuda" or "emulator".
  const std::string &device() const { return deviceName; }
  /// Device and kernels, such as "cpu" or "cpu with plain loops".
  const std::string &description() const { return text; }
  /// Seconds that opening took, compilation included.
  double openSeconds() const { return seconds; }

  /// Whether runs of `samples` samples are allowed. Those of MLIR text always
  /// are: it computes its full batch, of which the first samples count.
  bool checkSamples(uint64_t samples, std::string &error) const;

  /// Runs the first `samples` samples of the buffers; 0 for the full batch.
  bool run(const TensorBuffers &inputs, const TensorBuffers &outputs,
           uint64_t samples, std::string &error) const;

private:
  friend class DeviceRun;
  Model() = default;

  qopt_session *session = nullptr;
  std::vector<TensorSpec> inputSpecs, outputSpecs;
  std::string deviceName, text;
  double seconds = 0;
};

/// Runs of the full batch with tensors that stay on the device.
class DeviceRun {
public:
  /// Allocates and copies the inputs to the device.
  static std::unique_ptr<DeviceRun>
  create(const Model &model, const TensorBuffers &inputs, std::string &error);
  ~DeviceRun();
  DeviceRun(const DeviceRun &) = delete;
  DeviceRun &operator=(const DeviceRun &) = delete;

  /// Starts a run; on cuda without waiting for its end.
  bool start(std::string &error);
  /// Waits for all runs.
  bool wait(std::string &error);
  /// Waits for the last run and gives its seconds by the device's clock.
  bool measure(double &seconds, std::string &error);

private:
  explicit DeviceRun(const Model &model) : session(model.session) {}
  bool allocate(const std::vector<TensorSpec> &specs,
                std::vector<void *> &memory, std::string &error);

  qopt_session *const session;
  std::vector<void *> inputs, outputs;
};

} // namespace mlir::qopt::run

#endif // QUANTOPT_TOOLS_QUANT_RUN_MODEL_H

//===- Runtime.h - Inside the C runtime -------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the parts of the runtime share. Inside, failures are exceptions; the
// functions of quant_opt_runtime.h turn them into a status and a message.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_RUNTIME_RUNTIME_H
#define QUANTOPT_LIB_RUNTIME_RUNTIME_H

#include "QuantOpt/Runtime/CpuBackend.h"
#include "QuantOpt/Runtime/EmulatorBackend.h"

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace mlir::qopt::runtime {

/// What a call of the C interface fails with.
struct Error : std::runtime_error {
  Error(qopt_status status, const std::string &message)
      : std::runtime_error(message), status(status) {}
  qopt_status status;
};

/// Takes notices for the user, one line each.
using Log = std::function<void(const std::string &message)>;

/// An open model on some device. Inputs and outputs are as the C interface
/// describes them; pointers live as long as the model. Any number of threads
/// may call.
class OpenModel {
public:
  virtual ~OpenModel() = default;

  /// "cpu", "emulator" or "cuda".
  virtual const char *device() const = 0;
  /// The device in words, such as "NVIDIA H100 (kernels for sm_90a)".
  virtual std::string description() const = 0;
  const std::vector<qopt_tensor_info> &inputs() const { return inputInfos; }
  const std::vector<qopt_tensor_info> &outputs() const { return outputInfos; }
  /// The compiled batch; 0 where it is not known.
  virtual int64_t batch() const = 0;
  /// Whether fewer samples may be run.
  virtual bool anyBatch() const = 0;

  /// Throws an Error unless `batch` samples can be run; 0 stands for all.
  virtual void checkBatch(int64_t batch) const = 0;

  /// Runs `batch` samples, 0 for all, of host memory; returns when the outputs
  /// are there.
  virtual void run(int64_t batch, const void *const *inputs,
                   void *const *outputs) = 0;

  /// Device memory: where the device has none of its own, host memory.
  virtual void *allocate(size_t bytes) = 0;
  virtual void release(void *memory) = 0;
  virtual void upload(void *to, const void *from, size_t bytes) = 0;
  virtual void download(void *to, const void *from, size_t bytes) = 0;
  /// As run, on device memory; on "cuda" without waiting.
  virtual void runOnDevice(int64_t batch, const void *const *inputs,
                           void *const *outputs) = 0;
  /// Waits for everything under way.
  virtual void synchronize() = 0;
  /// Milliseconds that the last run took on the device, copies of inputs and
  /// outputs not counted; waits for its end. Negative if there was none.
  virtual double elapsedMilliseconds() = 0;

protected:
  std::vector<qopt_tensor_info> inputInfos, outputInfos;
};

/// The tables of functions of libQuantOpt, loaded on the first call.
const qopt_cpu_backend &loadCpuBackend();
const qopt_emulator_backend &loadEmulatorBackend();

} // namespace mlir::qopt::runtime

#endif // QUANTOPT_LIB_RUNTIME_RUNTIME_H

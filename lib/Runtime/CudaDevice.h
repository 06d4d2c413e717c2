//===- CudaDevice.h - An NVIDIA GPU as a device -----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything happens in the device's primary context, which the application's
// own use of CUDA shares, on the session's stream or the caller's. Launches are
// captured on a stream of their own, so that the caller's is never disturbed.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_RUNTIME_CUDADEVICE_H
#define QUANTOPT_LIB_RUNTIME_CUDADEVICE_H

#include "CudaDriver.h"
#include "Device.h"

namespace mlir::qopt::runtime {

/// A GPU and its context, before a plan is chosen.
class CudaContext {
public:
  /// GPU number `ordinal`, counted from 0. Throws an Error where there is none.
  explicit CudaContext(int ordinal);
  ~CudaContext();
  CudaContext(const CudaContext &) = delete;
  CudaContext &operator=(const CudaContext &) = delete;

  const cuda::Driver &driver;
  /// "NVIDIA H100 80GB HBM3".
  std::string name;
  /// 90 for compute capability 9.0.
  int chip = 0;
  /// Largest dynamic shared memory of a block, in bytes.
  int maxSharedBytes = 0;
  cuda::Context context = nullptr;

private:
  int attribute(int which) const;

  cuda::DeviceId id = 0;
};

/// Launches on `stream` (a CUstream), or on a stream of its own if null. With
/// `usesPtx` the driver compiles the plan's PTX; otherwise its cubin is loaded,
/// and PTX only where the driver does not take the cubin, with a notice.
std::unique_ptr<Device> openCuda(std::unique_ptr<CudaContext> context,
                                 void *stream, bool usesPtx, const Log &log);

} // namespace mlir::qopt::runtime

#endif // QUANTOPT_LIB_RUNTIME_CUDADEVICE_H

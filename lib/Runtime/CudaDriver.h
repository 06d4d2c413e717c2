//===- CudaDriver.h - NVIDIA's driver interface -----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The functions of libcuda that the runtime uses, declared here so that no CUDA
// headers are needed, and loaded at run time so that no GPU is. Types, numbers
// and signatures are those of cuda.h (CUDA 11.4 and later); the binary
// interface of a symbol never changes.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_RUNTIME_CUDADRIVER_H
#define QUANTOPT_LIB_RUNTIME_CUDADRIVER_H

#include "Runtime.h"

#include <cstddef>
#include <cstdint>

namespace mlir::qopt::runtime::cuda {

using Result = int;
using DeviceId = int;
using Pointer = unsigned long long;
using Context = struct ContextObject *;
using Module = struct ModuleObject *;
using Function = struct FunctionObject *;
using Stream = struct StreamObject *;
using Event = struct EventObject *;
using Graph = struct GraphObject *;
using GraphExec = struct GraphExecObject *;

enum : Result {
  kSuccess = 0,
  kOutOfMemory = 2,
  kNoDevice = 100,
  kInvalidDevice = 101,
  kInvalidImage = 200,
  kNoBinaryForGpu = 209,
  kInvalidPtx = 218,
  kUnsupportedPtxVersion = 222
};

/// CUdevice_attribute.
enum : int { kMajor = 75, kMinor = 76, kMaxSharedMemoryOptin = 97 };
/// CUfunction_attribute.
enum : int { kMaxDynamicSharedMemory = 8 };
/// CUjit_option.
enum : int { kJitErrorLog = 5, kJitErrorLogSize = 6 };
/// Flags of streams and events, CUstreamCaptureMode, CUstreamCaptureStatus.
enum : unsigned { kNonBlocking = 1, kEventDefault = 0 };
enum : int { kCaptureThreadLocal = 1, kCaptureNone = 0 };

/// Every function: its result, name of the symbol, parameters.
#define QOPT_CUDA_FUNCTIONS(F)                                                 \
  F(init, "cuInit", unsigned)                                                  \
  F(getErrorName, "cuGetErrorName", Result, const char **)                     \
  F(getErrorString, "cuGetErrorString", Result, const char **)                 \
  F(deviceCount, "cuDeviceGetCount", int *)                                    \
  F(deviceGet, "cuDeviceGet", DeviceId *, int)                                 \
  F(deviceName, "cuDeviceGetName", char *, int, DeviceId)                      \
  F(deviceAttribute, "cuDeviceGetAttribute", int *, int, DeviceId)             \
  F(retainContext, "cuDevicePrimaryCtxRetain", Context *, DeviceId)            \
  F(releaseContext, "cuDevicePrimaryCtxRelease_v2", DeviceId)                  \
  F(pushContext, "cuCtxPushCurrent_v2", Context)                               \
  F(popContext, "cuCtxPopCurrent_v2", Context *)                               \
  F(memInfo, "cuMemGetInfo_v2", size_t *, size_t *)                            \
  F(memAlloc, "cuMemAlloc_v2", Pointer *, size_t)                              \
  F(memFree, "cuMemFree_v2", Pointer)                                          \
  F(copyToDevice, "cuMemcpyHtoDAsync_v2", Pointer, const void *, size_t,       \
    Stream)                                                                    \
  F(copyToHost, "cuMemcpyDtoHAsync_v2", void *, Pointer, size_t, Stream)       \
  F(memset, "cuMemsetD8Async", Pointer, unsigned char, size_t, Stream)         \
  F(moduleLoad, "cuModuleLoadDataEx", Module *, const void *, unsigned, int *, \
    void **)                                                                   \
  F(moduleUnload, "cuModuleUnload", Module)                                    \
  F(moduleFunction, "cuModuleGetFunction", Function *, Module, const char *)   \
  F(functionSet, "cuFuncSetAttribute", Function, int, int)                     \
  F(launch, "cuLaunchKernel", Function, unsigned, unsigned, unsigned,          \
    unsigned, unsigned, unsigned, unsigned, Stream, void **, void **)          \
  F(streamCreate, "cuStreamCreate", Stream *, unsigned)                        \
  F(streamDestroy, "cuStreamDestroy_v2", Stream)                               \
  F(streamSynchronize, "cuStreamSynchronize", Stream)                          \
  F(beginCapture, "cuStreamBeginCapture_v2", Stream, int)                      \
  F(endCapture, "cuStreamEndCapture", Stream, Graph *)                         \
  F(isCapturing, "cuStreamIsCapturing", Stream, int *)                         \
  F(graphInstantiate, "cuGraphInstantiateWithFlags", GraphExec *, Graph,       \
    unsigned long long)                                                        \
  F(graphDestroy, "cuGraphDestroy", Graph)                                     \
  F(graphLaunch, "cuGraphLaunch", GraphExec, Stream)                           \
  F(graphExecDestroy, "cuGraphExecDestroy", GraphExec)                         \
  F(eventCreate, "cuEventCreate", Event *, unsigned)                           \
  F(eventDestroy, "cuEventDestroy_v2", Event)                                  \
  F(eventRecord, "cuEventRecord", Event, Stream)                               \
  F(eventSynchronize, "cuEventSynchronize", Event)                             \
  F(eventElapsed, "cuEventElapsedTime", float *, Event, Event)

struct Driver {
#define QOPT_DECLARE(member, symbol, ...) Result (*member)(__VA_ARGS__);
  QOPT_CUDA_FUNCTIONS(QOPT_DECLARE)
#undef QOPT_DECLARE

  /// "CUDA_ERROR_OUT_OF_MEMORY (out of memory)".
  std::string describe(Result result) const;

  /// Throws an Error unless the result is kSuccess: "WHAT: ...".
  void check(Result result, const std::string &what) const {
    if (result != kSuccess)
      fail(result, what);
  }
  [[noreturn]] void fail(Result result, const std::string &what) const;
};

/// The driver, loaded and initialized on the first call. Throws an Error with
/// QOPT_UNSUPPORTED where there is none, or one that is too old.
const Driver &loadDriver();

} // namespace mlir::qopt::runtime::cuda

#endif // QUANTOPT_LIB_RUNTIME_CUDADRIVER_H

//===- CudaDriver.cpp - NVIDIA's driver interface -------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "CudaDriver.h"

#include <dlfcn.h>
#include <mutex>

using namespace mlir::qopt::runtime;
using namespace mlir::qopt::runtime::cuda;

static constexpr char kLibraryName[] = "libcuda.so.1";

std::string Driver::describe(Result result) const {
  const char *name = nullptr, *text = nullptr;
  if (getErrorName(result, &name) != kSuccess || !name)
    return "error " + std::to_string(result);
  if (getErrorString(result, &text) != kSuccess || !text)
    return name;
  return std::string(name) + " (" + text + ")";
}

void Driver::fail(Result result, const std::string &what) const {
  throw Error(result == kOutOfMemory ? QOPT_OUT_OF_MEMORY : QOPT_RUN_FAILED,
              what + ": " + describe(result));
}

/// Looks up every function.
static Driver findFunctions() {
  void *library = dlopen(kLibraryName, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *reason = dlerror();
    throw Error(QOPT_UNSUPPORTED,
                std::string("device 'cuda': there is no NVIDIA driver on this "
                            "machine: ") +
                    (reason ? reason : kLibraryName));
  }
  Driver driver;
  const char *missing = nullptr;
#define QOPT_LOOK_UP(member, symbol, ...)                                      \
  driver.member =                                                              \
      reinterpret_cast<decltype(driver.member)>(dlsym(library, symbol));       \
  if (!driver.member)                                                          \
    missing = symbol;
  QOPT_CUDA_FUNCTIONS(QOPT_LOOK_UP)
#undef QOPT_LOOK_UP
  if (missing)
    throw Error(QOPT_UNSUPPORTED,
                std::string("device 'cuda': the NVIDIA driver has no ") +
                    missing + "; version 470 (CUDA 11.4) or later is needed");
  return driver;
}

const Driver &mlir::qopt::runtime::cuda::loadDriver() {
  // Functions are looked up once; initialization is tried again after a
  // failure, and costs nothing after a success.
  static const Driver driver = findFunctions();
  Result result = driver.init(0);
  if (result == kSuccess)
    return driver;
  throw Error(
      QOPT_UNSUPPORTED,
      (result == kNoDevice
           ? std::string("device 'cuda': the NVIDIA driver finds no GPU")
           : std::string("device 'cuda': the NVIDIA driver does not work")) +
          ": " + driver.describe(result));
}

//===- CpuDevice.cpp - Loading the CPU device -----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds libQuantOpt beside this library, else where the loader looks, and gets
// its table of functions. The library stays loaded: LLVM cannot be unloaded.
//
//===----------------------------------------------------------------------===//
#include "Runtime.h"

#include <dlfcn.h>
#include <mutex>
#include <unistd.h>

using namespace mlir::qopt::runtime;

static constexpr char kLibraryName[] = "libQuantOpt.so";

/// The folder this code was loaded from with a final '/', or "" if unknown.
static std::string getOwnFolder() {
  Dl_info info;
  if (!dladdr(reinterpret_cast<void *>(&loadCpuBackend), &info) ||
      !info.dli_fname)
    return "";
  std::string path = info.dli_fname;
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

/// Loads the library; a file that lies beside this one must be the right one.
static void *openLibrary(std::string &error) {
  std::string folder = getOwnFolder();
  std::string beside = folder + kLibraryName;
  bool isBeside = !folder.empty() && access(beside.c_str(), F_OK) == 0;
  void *library =
      dlopen(isBeside ? beside.c_str() : kLibraryName, RTLD_NOW | RTLD_LOCAL);
  if (library)
    return library;
  const char *reason = dlerror();
  error = std::string("device 'cpu' needs ") + kLibraryName;
  if (isBeside)
    error += ", which cannot be loaded";
  else
    error += " in " + (folder.empty() ? "the folder of the runtime" : folder) +
             " or on the loader's path";
  if (reason)
    error += std::string(": ") + reason;
  return nullptr;
}

static qopt_status load(const qopt_cpu_backend **backend) {
  std::string error;
  void *library = openLibrary(error);
  if (!library)
    return fail(QOPT_UNSUPPORTED, error);
  auto getBackend = reinterpret_cast<qopt_get_cpu_backend_fn>(
      dlsym(library, QOPT_GET_CPU_BACKEND_SYMBOL));
  const qopt_cpu_backend *found = getBackend ? getBackend() : nullptr;
  if (!found || found->abi_version != QOPT_CPU_BACKEND_ABI_VERSION)
    return fail(QOPT_UNSUPPORTED,
                std::string("device 'cpu': ") + kLibraryName +
                    (found
                         ? " has version " + std::to_string(found->abi_version)
                         : std::string(" has no version")) +
                    " of the interface between the libraries; expected " +
                    std::to_string(QOPT_CPU_BACKEND_ABI_VERSION) +
                    ", as it comes with this runtime");
  *backend = found;
  return QOPT_OK;
}

qopt_status
mlir::qopt::runtime::loadCpuBackend(const qopt_cpu_backend **backend) {
  static std::mutex mutex;
  static const qopt_cpu_backend *loaded = nullptr;
  std::lock_guard<std::mutex> lock(mutex);
  if (!loaded)
    if (qopt_status status = load(&loaded); status != QOPT_OK)
      return status;
  *backend = loaded;
  return QOPT_OK;
}

//===- CompilerLibrary.cpp - Loading libQuantOpt --------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Finds libQuantOpt beside this library, else where the loader looks, and gets
// its tables of functions. The library stays loaded: LLVM cannot be unloaded.
//
//===----------------------------------------------------------------------===//
#include "Runtime.h"

#include <dlfcn.h>
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
static void *openLibrary(const std::string &device) {
  std::string folder = getOwnFolder();
  std::string beside = folder + kLibraryName;
  bool isBeside = !folder.empty() && access(beside.c_str(), F_OK) == 0;
  void *library =
      dlopen(isBeside ? beside.c_str() : kLibraryName, RTLD_NOW | RTLD_LOCAL);
  if (library)
    return library;
  const char *reason = dlerror();
  std::string error = "device '" + device + "' needs " + kLibraryName;
  if (isBeside)
    error += ", which cannot be loaded";
  else
    error += " in " + (folder.empty() ? "the folder of the runtime" : folder) +
             " or on the loader's path";
  if (reason)
    error += std::string(": ") + reason;
  throw Error(QOPT_UNSUPPORTED, error);
}

/// Calls the function `symbol`, which returns a table that begins with its
/// version.
template <typename Table>
static const Table &loadTable(const std::string &device, const char *symbol,
                              uint32_t version) {
  using Getter = const Table *(*)();
  auto get = reinterpret_cast<Getter>(dlsym(openLibrary(device), symbol));
  const Table *table = get ? get() : nullptr;
  if (table && table->abi_version == version)
    return *table;
  throw Error(QOPT_UNSUPPORTED,
              "device '" + device + "': " + kLibraryName +
                  (table ? " has version " + std::to_string(table->abi_version)
                         : std::string(" has no version")) +
                  " of the interface between the libraries; expected " +
                  std::to_string(version) + ", as it comes with this runtime");
}

// A failure is not remembered: the next call tries again.

const qopt_cpu_backend &mlir::qopt::runtime::loadCpuBackend() {
  static const qopt_cpu_backend &table = loadTable<qopt_cpu_backend>(
      "cpu", QOPT_GET_CPU_BACKEND_SYMBOL, QOPT_CPU_BACKEND_ABI_VERSION);
  return table;
}

const qopt_emulator_backend &mlir::qopt::runtime::loadEmulatorBackend() {
  static const qopt_emulator_backend &table = loadTable<qopt_emulator_backend>(
      "emulator", QOPT_GET_EMULATOR_BACKEND_SYMBOL,
      QOPT_EMULATOR_BACKEND_ABI_VERSION);
  return table;
}

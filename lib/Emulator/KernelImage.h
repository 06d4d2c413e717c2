//===- KernelImage.h - A compiled kernel -----------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What lowering and JIT tell the machine about a module and its kernels.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EMULATOR_KERNELIMAGE_H
#define QUANTOPT_LIB_EMULATOR_KERNELIMAGE_H

#include <cstdint>
#include <string>
#include <vector>

namespace mlir::qopt::emulator {

/// An llvm.mlir.global in shared memory. Size 0: the dynamic part.
struct SharedGlobal {
  std::string name;
  uint32_t size = 0;
  uint32_t alignment = 1;
};

/// An llvm.mlir.global elsewhere: constants of the module.
struct ModuleGlobal {
  std::string name;
  uint64_t size = 0;
  void *address = nullptr;
};

struct ModuleImage {
  /// By OpId: "nvvm.barrier @kernel#12 file.mlir:7".
  std::vector<std::string> ops;
  std::vector<SharedGlobal> sharedGlobals;
  std::vector<ModuleGlobal> globals;
};

struct KernelImage {
  std::string name;
  const ModuleImage *module = nullptr;
  /// Reads the parameters like cuLaunchKernel.
  void (*entry)(void *const *params) = nullptr;
  /// Threads the kernel was compiled for (reqntid), 0 if any, and at most.
  uint32_t requiredThreads = 0, maxThreads = 0;
  /// By index of the shared global: offset after the reserved bytes, or
  /// kUnused. Dynamic ones all begin at the end of the static ones.
  static constexpr uint32_t kUnused = ~0u;
  std::vector<uint32_t> sharedOffsets;
  uint32_t staticShared = 0;
  uint32_t dynamicAlignment = 16;
};

} // namespace mlir::qopt::emulator

#endif // QUANTOPT_LIB_EMULATOR_KERNELIMAGE_H

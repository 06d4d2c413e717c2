//===- ObserveKernels.cpp - Which loops the observer uses -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the machine has is found out once. The environment variables that limit
// the instruction sets of other kernels do not matter here: no bit depends on
// the choice.
//
//===----------------------------------------------------------------------===//
#include "ObserveKernels.h"
#include "ObserveLoops.h"

#include <atomic>

namespace mlir::qopt::statistics {

static std::atomic<const ObserveKernels *> chosenKernels{nullptr};

const std::vector<const ObserveKernels *> &availableKernels() {
  static const std::vector<const ObserveKernels *> kernels = [] {
    std::vector<const ObserveKernels *> found;
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2");
    if (avx2 && __builtin_cpu_supports("popcnt") &&
        __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
      found.push_back(&kAvx512Kernels);
    if (avx2)
      found.push_back(&kAvx2Kernels);
#endif
    found.push_back(&kPortableKernels);
    return found;
  }();
  return kernels;
}

const ObserveKernels &currentKernels() {
  const ObserveKernels *chosen = chosenKernels.load(std::memory_order_relaxed);
  return chosen ? *chosen : *availableKernels().front();
}

void chooseKernels(const ObserveKernels *kernels) {
  chosenKernels.store(kernels, std::memory_order_relaxed);
}

} // namespace mlir::qopt::statistics

//===- Launch.h - Running one kernel ---------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EMULATOR_LAUNCH_H
#define QUANTOPT_LIB_EMULATOR_LAUNCH_H

#include "KernelImage.h"
#include "QuantOpt/Emulator/Emulator.h"

namespace mlir::qopt::emulator {

/// EmulatedModule::launch for a kernel that was found.
LaunchResult launchKernel(const KernelImage &kernel, DeviceMemory &memory,
                          std::array<uint32_t, 3> grid,
                          std::array<uint32_t, 3> block,
                          uint32_t dynamicSharedBytes, void *const *params,
                          const LaunchOptions &options);

} // namespace mlir::qopt::emulator

#endif // QUANTOPT_LIB_EMULATOR_LAUNCH_H

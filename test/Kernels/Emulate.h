//===- Emulate.h - Running a case in the emulator --------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_KERNELS_EMULATE_H
#define QUANTOPT_TEST_KERNELS_EMULATE_H

#include "KernelModule.h"
#include "QuantOpt/Emulator/Emulator.h"

namespace mlir::qopt::test {

/// What the emulator said of a case, over all launches.
struct Emulation {
  std::vector<std::string> reports;
  /// Bytes of the result that are not as expected, and the first of them.
  int64_t wrongBytes = 0, firstWrong = -1;
  /// The workspace was zeros again after each launch.
  bool workspaceClean = true;
  std::vector<emulator::OpCounters> counters;
  double seconds = 0;

  bool passed() const {
    return reports.empty() && wrongBytes == 0 && workspaceClean;
  }
  /// One line.
  std::string describe() const;
};

/// Runs the case once per element of `options`, each time into a poisoned
/// result and with the workspace the last launch left. With `rows`, only the
/// first ones (batches, or rows of the result) are launched: the others must
/// not be written.
Emulation emulate(const KernelModule &built, const GemmCase &gemm,
                  const GemmData &data,
                  ArrayRef<emulator::LaunchOptions> options,
                  std::optional<int64_t> rows = std::nullopt);

} // namespace mlir::qopt::test

#endif // QUANTOPT_TEST_KERNELS_EMULATE_H

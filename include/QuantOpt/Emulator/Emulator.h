//===- Emulator.h - Kernels on an adversarial CPU machine ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Runs the kernels of a gpu.module as the PTX ISA defines their instructions,
// one fiber per CUDA thread, with schedules and landing times of asynchronous
// copies chosen against the kernel. Races, deadlocks, divergence, accesses out
// of bounds or misaligned and reads of uninitialized shared memory are reported
// with the ops that did it. docs/Emulator.md says what is modelled.
//
// One launch runs at a time in a process; others wait.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_EMULATOR_EMULATOR_H
#define QUANTOPT_EMULATOR_EMULATOR_H

#include "QuantOpt/Emulator/DeviceMemory.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace mlir::qopt::emulator {

/// Which warp runs next.
enum class Schedule {
  Lockstep, ///< In turn, lanes in order.
  Random,   ///< Any, at each step.
  Pct,      ///< By random priorities that change now and then.
};

/// When an asynchronous copy takes effect.
enum class Landing {
  Early,  ///< When it is issued.
  Late,   ///< At the wait that forces it.
  Random, ///< Anywhere in between.
};

/// The defaults are the adversarial ones.
struct LaunchOptions {
  Schedule schedule = Schedule::Pct;
  Landing landing = Landing::Random;
  uint64_t seed = 1;
  /// Probability of a switch to another thread at each memory access, 0 to 1.
  double preempt = 0;
  /// Blocks that run side by side. They start in random order, except with
  /// Lockstep.
  unsigned residentBlocks = 2;
  /// Report unordered accesses to shared memory, and reads of bytes nobody
  /// wrote.
  bool sharedRaces = true;
  /// Report unordered accesses to global memory by threads of this launch.
  bool globalRaces = true;
  /// Fill LaunchResult::counters.
  bool counters = false;
  /// Shared memory that a block may have, static and dynamic together, in
  /// bytes. Default: sm_90.
  uint32_t sharedMemoryLimit = 227 * 1024;
  /// Further reports are dropped.
  unsigned maxReports = 12;
};

/// Memory traffic of one op of the kernel, summed over all warps.
struct OpCounters {
  enum class Kind {
    Shared, ///< cost: wavefronts (passes over the 32 banks)
    Global, ///< cost: 32-byte sectors
  };
  /// As in reports.
  std::string op;
  Kind kind = Kind::Shared;
  /// Warp-level instructions.
  uint64_t requests = 0;
  uint64_t cost = 0;
  /// What the same bytes would cost without bank conflicts, densely packed.
  uint64_t ideal = 0;
};

struct LaunchResult {
  /// No reports.
  bool ok = true;
  /// One line each, without duplicates. An access out of bounds, misuse or a
  /// deadlock is the last: it ends the launch.
  std::vector<std::string> reports;
  /// In program order.
  std::vector<OpCounters> counters;
  /// Warp-level mma instructions, thread-level dp4a and cp.async.
  uint64_t mmas = 0, dp4as = 0, asyncCopies = 0;
  double seconds = 0;
};

/// The kernels of one gpu.module, ready to launch.
class EmulatedModule {
public:
  /// Compiles all functions of `module`, which is not changed. An op without
  /// emulation is an error at that op. `optLevel` is LLVM's; the time of most
  /// kernels is spent in the emulator, not in the code compiled here.
  static FailureOr<std::unique_ptr<EmulatedModule>>
  create(gpu::GPUModuleOp module, unsigned optLevel = 0);
  ~EmulatedModule();
  EmulatedModule(const EmulatedModule &) = delete;
  EmulatedModule &operator=(const EmulatedModule &) = delete;

  /// Runs `kernel` to its end. `params[i]` points to the i-th parameter, as for
  /// cuLaunchKernel; pointers point into `memory`. Wrong launch parameters are
  /// reports.
  LaunchResult launch(DeviceMemory &memory, StringRef kernel,
                      std::array<uint32_t, 3> grid,
                      std::array<uint32_t, 3> block,
                      uint32_t dynamicSharedBytes, void *const *params,
                      const LaunchOptions &options = {}) const;

private:
  struct Impl;
  explicit EmulatedModule(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace mlir::qopt::emulator

#endif // QUANTOPT_EMULATOR_EMULATOR_H

//===- Fiber.h - Cooperative flows of control ------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Boost.Context behind two functions. A fiber that is never resumed again is
// simply abandoned: no destructors run on its stack, so what runs on fibers
// owns nothing across a switch that may be the last.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EMULATOR_FIBER_H
#define QUANTOPT_LIB_EMULATOR_FIBER_H

#include <cstddef>

namespace mlir::qopt::emulator {

class Fiber {
public:
  /// The next switch to this fiber calls `entry`, which never returns.
  void start(char *stack, size_t stackSize, void (*entry)());
  /// Suspends `from`, which is running, and runs `to`.
  static void switchTo(Fiber &from, Fiber &to);

private:
  static void finishSwitch(Fiber &arrived, void *context, void *previous);
  friend struct FiberEntry;

  void *context = nullptr;
  void (*entry)() = nullptr;
  /// For AddressSanitizer.
  const void *stack = nullptr;
  size_t stackSize = 0;
  void *fakeStack = nullptr;
};

/// Stacks with a guard page below each, kept for the process.
class StackPool {
public:
  static constexpr size_t kStackSize = 1 << 20;

  StackPool() = default;
  ~StackPool();
  StackPool(const StackPool &) = delete;
  StackPool &operator=(const StackPool &) = delete;

  /// False when out of address space.
  bool reserve(size_t count);
  /// Lowest usable address.
  char *get(size_t index) const {
    return mapping + index * kStackSize + kGuardSize;
  }
  static constexpr size_t kUsableSize = kStackSize - 4096;

private:
  static constexpr size_t kGuardSize = 4096;
  char *mapping = nullptr;
  size_t count = 0;
};

} // namespace mlir::qopt::emulator

#endif // QUANTOPT_LIB_EMULATOR_FIBER_H

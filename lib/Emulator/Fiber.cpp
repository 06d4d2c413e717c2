//===- Fiber.cpp - Cooperative flows of control ----------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Fiber.h"

#include <boost/context/detail/fcontext.hpp>
#include <sys/mman.h>

#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

using namespace mlir::qopt::emulator;
namespace context = boost::context::detail;

namespace mlir::qopt::emulator {
struct FiberEntry {
  /// The first thing that runs on a new stack.
  [[noreturn]] static void run(context::transfer_t transfer) {
    Switch *from = static_cast<Switch *>(transfer.data);
    Fiber *self = from->to;
    Fiber::finishSwitch(*self, transfer.fctx, from->from);
    self->entry();
    abort(); // Not reached: entries switch away for good.
  }
  struct Switch {
    Fiber *from, *to;
  };
};
} // namespace mlir::qopt::emulator

void Fiber::start(char *newStack, size_t size, void (*function)()) {
  stack = newStack;
  stackSize = size;
  entry = function;
#if defined(__SANITIZE_ADDRESS__)
  __asan_unpoison_memory_region(newStack, size);
  fakeStack = nullptr;
#endif
  context = context::make_fcontext(newStack + size, size, FiberEntry::run);
}

void Fiber::finishSwitch(Fiber &arrived, void *context, void *previous) {
  Fiber &from = *static_cast<Fiber *>(previous);
  from.context = context;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(arrived.fakeStack, &from.stack,
                                  &from.stackSize);
#else
  (void)arrived;
#endif
}

void Fiber::switchTo(Fiber &from, Fiber &to) {
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(&from.fakeStack, to.stack, to.stackSize);
#endif
  FiberEntry::Switch message{&from, &to};
  context::transfer_t transfer = context::jump_fcontext(to.context, &message);
  // Somebody else switched back to `from`.
  auto *back = static_cast<FiberEntry::Switch *>(transfer.data);
  finishSwitch(from, transfer.fctx, back->from);
}

StackPool::~StackPool() {
  if (mapping)
    munmap(mapping, count * kStackSize);
}

bool StackPool::reserve(size_t wanted) {
  if (wanted <= count)
    return true;
  if (mapping)
    munmap(mapping, count * kStackSize);
  count = 0;
  void *memory =
      mmap(nullptr, wanted * kStackSize, PROT_READ | PROT_WRITE,
           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  mapping = memory == MAP_FAILED ? nullptr : static_cast<char *>(memory);
  if (!mapping)
    return false;
  count = wanted;
  for (size_t i = 0; i < count; ++i)
    mprotect(mapping + i * kStackSize, kGuardSize, PROT_NONE);
  return true;
}

//===- RunContext.h - What compiled code calls at run time -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Execution. One run of one sample on one thread: its observer,
// the memory it holds and the way out when a check fails. Compiled code reaches
// the thread's current context through the functions below.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EXECUTION_RUNCONTEXT_H
#define QUANTOPT_LIB_EXECUTION_RUNCONTEXT_H

#include "llvm/ADT/StringRef.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace mlir::qopt::cpu {

using Observer = std::function<void(int64_t, const float *, int64_t)>;
using EntryFunction = void (*)(void *const *buffers);

struct FreeDeleter {
  void operator()(void *memory) const;
};
/// Memory aligned to 64 bytes; null if there is none.
using AlignedBuffer = std::unique_ptr<char, FreeDeleter>;
AlignedBuffer allocateAligned(size_t bytes);

/// Arenas of one executable: one for each run in progress, reused by later
/// runs so that their pages stay mapped.
class ArenaPool {
public:
  explicit ArenaPool(size_t bytes) : bytes(bytes) {}
  /// Null if there is no memory.
  AlignedBuffer take();
  void giveBack(AlignedBuffer arena);

private:
  size_t bytes;
  std::mutex mutex;
  std::vector<AlignedBuffer> idle;
};

/// A check that ended a run: its number, and the sample or -1.
struct FailedRun {
  int64_t check, sample;
};

/// Runs `entry` with default floating-point modes. Returns the check that
/// failed, if one did. May be nested by observers.
std::optional<FailedRun> runEntry(EntryFunction entry, void *const *buffers,
                                  const Observer &observer);

/// The functions that compiled code calls, by symbol name.
std::vector<std::pair<llvm::StringRef, void *>> getRuntimeSymbols();

} // namespace mlir::qopt::cpu

#endif // QUANTOPT_LIB_EXECUTION_RUNCONTEXT_H

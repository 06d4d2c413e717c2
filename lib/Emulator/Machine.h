//===- Machine.h - State of one launch -------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Threads, warps and blocks as the PTX ISA names them, and what the parts of
// the emulator ask of each other. One operating-system thread runs everything;
// `machine` and `self` say for whom.
//
// What a thread calls must own no memory when it blocks or stops: a fiber may
// never be resumed.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EMULATOR_MACHINE_H
#define QUANTOPT_LIB_EMULATOR_MACHINE_H

#include "AccessCounters.h"
#include "Fiber.h"
#include "GlobalRaces.h"
#include "KernelImage.h"
#include "QuantOpt/Emulator/Emulator.h"
#include "RaceDetector.h"

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/ADT/Twine.h"

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

namespace mlir::qopt::emulator {

struct ThreadBlock;
struct Thread;
struct Warp;

inline constexpr unsigned kWarpSize = 32;
inline constexpr uint32_t kAllLanes = ~0u;
inline constexpr unsigned kNumBarriers = 16;
inline constexpr unsigned kMaxThreadsPerBlock = 1024;
inline constexpr OpId kNoOp = ~0u;

/// Shared memory of the block in slot s begins at s << 24 in a window that is
/// aligned to 4 GiB: the low half of a flat pointer is the shared address, as
/// ptrtoint of an NVPTX shared pointer expects.
inline constexpr uint64_t kWindowSize = uint64_t(1) << 32;
inline constexpr uint32_t kSlotSize = 1u << 24;
/// The first bytes belong to the system since sm_80.
inline constexpr uint32_t kReservedShared = 1024;

/// xoshiro-like; the same seed gives the same run.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed * 0x9E3779B97F4A7C15u + 1) {}
  uint64_t next() { // splitmix64
    uint64_t z = state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// In [0, bound).
  uint32_t below(uint32_t bound) { return (next() >> 32) * bound >> 32; }
  bool chance(double probability) {
    return (next() >> 11) * 0x1p-53 < probability;
  }

private:
  uint64_t state;
};

//===----------------------------------------------------------------------===//
// Threads, warps, blocks
//===----------------------------------------------------------------------===//

/// One cp.async.
struct AsyncCopy {
  char *destination = nullptr;
  const char *source = nullptr;
  /// Bytes written; those from sourceSize on are zeros.
  uint32_t size = 0, sourceSize = 0;
  bool landed = false;
  /// In a group of its thread; in Machine::copiesInFlight.
  bool isWaitedFor = false, isListed = false;
};

struct Thread {
  Fiber fiber;
  char *stack = nullptr;
  uint32_t index = 0; ///< In its block.
  uint32_t lane = 0;
  Warp *warp = nullptr;
  ThreadBlock *block = nullptr;
  bool done = false;
  /// The op it waits at, for reports of deadlocks.
  OpId waitsAt = kNoOp;
  /// Hooked accesses since it last gave up control.
  uint64_t steps = 0;

  /// Own time, and what others have told.
  uint32_t time = 1;
  VectorClock clock;
  /// What atomics and fences have told.
  ThreadOrder order;

  /// Copies of the group being formed, and of committed groups in flight.
  std::vector<AsyncCopy *> openGroup;
  std::deque<std::vector<AsyncCopy *>> groups;
  uint32_t committedGroups = 0;

  /// Local memory is on the fiber's stack.
  bool ownsLocal(const void *address) const {
    return static_cast<size_t>(static_cast<const char *>(address) - stack) <
           StackPool::kUsableSize;
  }
  Knowledge knows() const { return {index, clock}; }
  Epoch now(OpId op) const { return {time, index, op}; }
};

/// An instruction that lanes of a warp execute together, while they gather.
struct Collective {
  uint32_t arrived = 0;
  uint32_t mask = 0;
  OpId op = kNoOp;
  /// Computes all lanes' results from all lanes' operands.
  void (*complete)(Warp &warp) = nullptr;
  /// Operands and results of each lane.
  std::array<void *, kWarpSize> data = {};
};

struct Warp {
  ThreadBlock *block = nullptr;
  uint32_t index = 0;
  /// Lanes that can run, and lanes that have not exited.
  uint32_t runnable = 0, alive = 0;
  std::array<Thread *, kWarpSize> lanes = {};
  uint64_t priority = 0;
  Collective collective;
  WarpAccesses accesses;
};

struct NamedBarrier {
  /// Thread count of the barrier instructions of this phase.
  std::optional<uint32_t> expected;
  bool countsAll = false;
  uint32_t arrived = 0;
  std::vector<Thread *> waiting;
  /// The op at which each warp came.
  std::array<OpId, kMaxThreadsPerBlock / kWarpSize> opOfWarp;
  VectorClock clock;
  ForeignKnowledge foreign;

  NamedBarrier() { opOfWarp.fill(kNoOp); }
};

struct ThreadBlock {
  uint32_t slot = 0;
  /// In launch order of the grid: x fastest.
  uint32_t linear = 0;
  std::array<uint32_t, 3> index = {};
  char *shared = nullptr;
  std::vector<std::unique_ptr<Thread>> threads;
  std::vector<std::unique_ptr<Warp>> warps;
  uint32_t alive = 0;
  std::array<NamedBarrier, kNumBarriers> barriers;
  SharedShadow shadow;

  ThreadBlock();
};

//===----------------------------------------------------------------------===//
// The launch
//===----------------------------------------------------------------------===//

struct Machine {
  Machine(const KernelImage &kernel, DeviceMemory &memory,
          const LaunchOptions &options)
      : kernel(kernel), memory(memory), options(options), random(options.seed) {
  }

  const KernelImage &kernel;
  DeviceMemory &memory;
  const LaunchOptions &options;
  Random random;
  LaunchResult result;
  std::array<uint32_t, 3> grid = {}, blockShape = {};
  uint32_t threadsPerBlock = 0;
  uint32_t dynamicShared = 0;
  /// Offsets in a block's shared memory.
  uint32_t dynamicBegin = 0, sharedEnd = 0;
  void *const *params = nullptr;

  char *window = nullptr;
  Fiber scheduler;
  std::vector<std::unique_ptr<ThreadBlock>> slots;
  std::vector<Warp *> warps;
  uint32_t alive = 0;
  uint64_t step = 0;
  bool stopped = false;
  /// Linear indices of blocks that have not started, the next one last.
  std::vector<uint32_t> waitingBlocks;

  std::vector<std::unique_ptr<AsyncCopy>> copyPool;
  std::vector<AsyncCopy *> freeCopies;
  /// What landOneCopy() chooses from, some landed already.
  std::vector<AsyncCopy *> copiesInFlight;
  size_t compactCopiesAt = 0;
  /// By index of the allocation; null until accessed.
  std::vector<std::unique_ptr<GlobalShadow>> globalShadows;
  SyncLocations syncLocations;
  AccessTotals totals;
  llvm::StringSet<> reported;
};

/// The launch in progress, and the thread it executes (null: the scheduler).
extern Machine *machine;
extern Thread *self;

//===--- Scheduler.cpp ----------------------------------------------------===//

/// Runs all blocks of the grid.
void runGrid(llvm::function_ref<void(ThreadBlock &)> startBlock,
             llvm::function_ref<void(ThreadBlock &)> finishBlock);
/// Puts `thread` before its first instruction.
void startThread(Thread &thread);
/// Suspends `self` until it is woken.
void blockAt(OpId op);
void wake(Thread &thread);
/// Lets others run before `self` goes on.
void yieldThread();

//===--- Reports.cpp ------------------------------------------------------===//

/// Adds a report unless one with the same key exists.
void report(const llvm::Twine &key, const llvm::Twine &message);
inline void report(const llvm::Twine &message) { report(message, message); }
/// Ends the launch; called by threads.
[[noreturn]] void stopLaunch();
/// "[nvvm.barrier @k#12 k.mlir:7]".
std::string describeOp(OpId op);
/// "block (1, 0, 0) thread 5".
std::string describe(const Thread &thread);
/// "block (1, 0, 0)".
std::string describeBlock(uint32_t linear);
/// "@tile+12" for an offset in a block's shared memory.
std::string describeShared(uint32_t offset);
void reportDeadlock();

//===--- MemoryChecks.cpp -------------------------------------------------===//

inline bool isShared(const void *address) {
  return reinterpret_cast<uint64_t>(address) -
             reinterpret_cast<uint64_t>(machine->window) <
         kWindowSize;
}
/// Offset of a shared address in its block.
inline uint32_t sharedOffset(const void *address) {
  return reinterpret_cast<uint64_t>(address) % kSlotSize;
}
/// Stops unless [address, address + size) is shared memory of self's block and
/// aligned.
void checkShared(const void *address, uint32_t size, uint32_t alignment,
                 OpId op);
/// Tells the race detector.
void recordShared(const void *address, uint32_t size, AccessKind kind,
                  const Epoch &access);
/// Stops unless the bytes belong to one allocation and are aligned; returns its
/// index.
int checkGlobal(const void *address, uint32_t size, uint32_t alignment,
                OpId op);
/// Tells the race detector; `allocation` is what checkGlobal() returned.
void recordGlobal(int allocation, const void *address, uint32_t size,
                  AccessKind kind, const Epoch &access);

//===--- WarpCollectives.cpp ----------------------------------------------===//

/// Waits until all lanes of `mask` that have not exited execute `op`, then runs
/// `complete` once. `data` is self's operands.
void gather(OpId op, uint32_t mask, void *data, void (*complete)(Warp &));
/// The same for instructions that all 32 lanes must execute.
void gatherFullWarp(OpId op, void *data, void (*complete)(Warp &));
/// An exit may complete what the other lanes wait for.
void leaveCollectives(Warp &warp);

//===--- Barriers.cpp -----------------------------------------------------===//

void leaveBarriers(ThreadBlock &block);
/// Forgets arrivals that nobody waited for.
void resetBarriers(ThreadBlock &block);

//===--- AsyncCopies.cpp --------------------------------------------------===//

/// Lands a random copy; false if none is in flight.
bool landOneCopy();
/// Lands what `thread` has issued, at its exit.
void landAllCopies(Thread &thread);

} // namespace mlir::qopt::emulator

#endif // QUANTOPT_LIB_EMULATOR_MACHINE_H

//===- Memory.cpp - Loads, stores, atomics, fences -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiled code calls accessMemory() and then accesses memory itself. Local
// memory is the thread's own stack.
//
//===----------------------------------------------------------------------===//
#include "EntryPoints.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

/// A thread that executes so many accesses without blocking is taken to spin.
static constexpr uint64_t kMaxSteps = uint64_t(1) << 30;
/// One atomic in so many lets other threads run, if schedules are random.
static constexpr uint32_t kAtomicYieldPeriod = 4;
/// The widest access of one instruction, per lane.
static constexpr uint32_t kMaxAccessBytes = 16;

static void reportSpinning(OpId op) {
  report("no progress: " + describe(*self) + " still runs after " +
         Twine(kMaxSteps) + " accesses, the last at " + describeOp(op));
}

/// One instruction per piece that its alignment allows.
static void count(OpCounters::Kind kind, uint64_t address, uint32_t size,
                  uint32_t alignment, OpId op) {
  uint32_t piece = std::min({size, alignment, kMaxAccessBytes});
  for (uint32_t done = 0; done < size; done += piece)
    self->warp->accesses.add(op, kind, self->lane, address + done, piece,
                             machine->totals);
}

//===----------------------------------------------------------------------===//
// Order by atomics and fences
//===----------------------------------------------------------------------===//

/// Everything that is ordered before this point.
static SnapshotRef takeSnapshot(Thread &thread, bool isDeviceScope) {
  thread.clock.raise(thread.index, thread.time++);
  return std::make_shared<Snapshot>(Snapshot{
      thread.block->linear, thread.clock, thread.order.foreign, isDeviceScope});
}

static void acquire(Thread &thread, const Snapshot &snapshot) {
  if (snapshot.block == thread.block->linear) {
    thread.clock.join(snapshot.clock);
  } else if (snapshot.isDeviceScope) {
    auto clocks = std::make_shared<ForeignClocks>();
    clocks->emplace(snapshot.block, snapshot.clock);
    thread.order.foreign = join(thread.order.foreign, clocks);
  }
  thread.order.foreign = join(thread.order.foreign, snapshot.foreign);
}

static void synchronize(Thread &thread, const void *address, uint32_t flags) {
  ThreadOrder &order = thread.order;
  for (const SnapshotRef &snapshot : machine->syncLocations.get(address)) {
    if (flags & kIsAcquire)
      acquire(thread, *snapshot);
    else if (!llvm::is_contained(order.found, snapshot))
      order.found.push_back(snapshot);
  }
  bool isDeviceScope = !(flags & kIsBlockScope);
  if (flags & kIsRelease)
    order.released = takeSnapshot(thread, isDeviceScope);
  if (order.released && flags & kIsWrite)
    machine->syncLocations.publish(address, order.released);
}

void emulator::fence(uint32_t isDeviceScope) {
  Thread &thread = *self;
  for (const SnapshotRef &snapshot : thread.order.found)
    acquire(thread, *snapshot);
  thread.order.found.clear();
  thread.order.released = takeSnapshot(thread, isDeviceScope);
}

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

static AccessKind getKind(uint32_t flags) {
  if (flags & kIsAtomic)
    return AccessKind::Atomic;
  return flags & kIsWrite ? AccessKind::Write : AccessKind::Read;
}

static void accessShared(char *address, uint32_t size, uint32_t alignment,
                         uint32_t flags, OpId op) {
  checkShared(address, size, alignment, op);
  recordShared(address, size, getKind(flags), self->now(op));
  if (machine->options.counters)
    count(OpCounters::Kind::Shared, sharedOffset(address), size, alignment, op);
}

static void accessGlobal(char *address, uint32_t size, uint32_t alignment,
                         uint32_t flags, OpId op) {
  int allocation = checkGlobal(address, size, alignment, op);
  recordGlobal(allocation, address, size, getKind(flags), self->now(op));
  if (machine->options.counters)
    count(OpCounters::Kind::Global, reinterpret_cast<uint64_t>(address), size,
          alignment, op);
}

static bool wantsToYield(uint32_t flags) {
  const LaunchOptions &options = machine->options;
  if (options.preempt > 0 && machine->random.chance(options.preempt))
    return true;
  return flags & kIsAtomic && options.schedule != Schedule::Lockstep &&
         machine->random.below(kAtomicYieldPeriod) == 0;
}

void emulator::accessMemory(char *address, uint32_t size, uint32_t alignment,
                            uint32_t flags, OpId op) {
  Thread &thread = *self;
  if (isShared(address))
    accessShared(address, size, alignment, flags, op);
  else if (thread.ownsLocal(address))
    return;
  else
    accessGlobal(address, size, alignment, flags, op);
  if (++thread.steps > kMaxSteps) {
    reportSpinning(op);
    stopLaunch();
  }
  if (wantsToYield(flags))
    yieldThread();
  // Nobody runs between this and the access itself.
  if (flags & kIsAtomic)
    synchronize(thread, address, flags);
}

char *emulator::sharedAddress(uint32_t index) {
  const KernelImage &kernel = machine->kernel;
  bool isDynamic = kernel.module->sharedGlobals[index].size == 0;
  return self->block->shared +
         (isDynamic ? machine->dynamicBegin
                    : kReservedShared + kernel.sharedOffsets[index]);
}

char *emulator::sharedFromInteger(uint32_t offset) {
  return machine->window + offset;
}

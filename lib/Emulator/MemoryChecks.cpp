//===- MemoryChecks.cpp - Bounds, alignment, races -------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Machine.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

/// Kept apart: what owns strings must return before the launch stops.
static void reportSharedRange(const void *address, uint32_t size, OpId op) {
  uint32_t end = machine->sharedEnd;
  report("access of " + Twine(size) +
         " bytes out of bounds of shared memory: " +
         describeShared(sharedOffset(address)) + ", the block has " +
         Twine(end - kReservedShared) + " bytes, " + describe(*self) + " at " +
         describeOp(op));
}

static void reportMisaligned(const std::string &where, uint32_t size,
                             uint32_t alignment, OpId op) {
  report("misaligned", "access of " + Twine(size) + " bytes at " + where +
                           " is not aligned to " + Twine(alignment) + ", " +
                           describe(*self) + " at " + describeOp(op));
}

void emulator::checkShared(const void *address, uint32_t size,
                           uint32_t alignment, OpId op) {
  uint64_t fromWindow = static_cast<const char *>(address) - machine->window;
  uint32_t offset = sharedOffset(address);
  if (fromWindow / kSlotSize != self->block->slot || offset < kReservedShared ||
      offset + size > machine->sharedEnd) {
    reportSharedRange(address, size, op);
    stopLaunch();
  }
  if (offset % alignment != 0) {
    reportMisaligned(describeShared(offset), size, alignment, op);
    stopLaunch();
  }
}

static void reportGlobalRange(const void *address, uint32_t size, OpId op) {
  report("access of " + Twine(size) +
         " bytes out of bounds: " + machine->memory.describe(address) + ", " +
         describe(*self) + " at " + describeOp(op));
}

int emulator::checkGlobal(const void *address, uint32_t size,
                          uint32_t alignment, OpId op) {
  int allocation = machine->memory.find(address, size);
  if (allocation < 0) {
    reportGlobalRange(address, size, op);
    stopLaunch();
  }
  if (reinterpret_cast<uint64_t>(address) % alignment != 0) {
    reportMisaligned(machine->memory.describe(address), size, alignment, op);
    stopLaunch();
  }
  return allocation;
}

//===----------------------------------------------------------------------===//
// Races
//===----------------------------------------------------------------------===//

static StringRef getName(AccessKind kind) {
  switch (kind) {
  case AccessKind::Read:
    return "read";
  case AccessKind::Write:
    return "write";
  case AccessKind::Atomic:
    return "atomic";
  }
  llvm_unreachable("unknown access kind");
}

/// "write by thread 5 at [op]" or "copy issued by thread 5 at [op]".
static std::string describeAccess(const Epoch &epoch, AccessKind kind) {
  uint32_t threads = machine->threadsPerBlock;
  bool isCopy = epoch.agent >= threads;
  return (Twine(isCopy ? "copy issued" : getName(kind)) + " by thread " +
          Twine(epoch.agent % threads) + " at " + describeOp(epoch.op))
      .str();
}

/// Reports differ by the ops and what they do, not by threads and places.
static std::string makeKey(const Epoch &access, AccessKind kind,
                           const Epoch &other, AccessKind otherKind) {
  return (Twine("race ") + Twine(access.op) + getName(kind) + " " +
          Twine(other.op) + getName(otherKind))
      .str();
}

static void reportShared(const Conflict &conflict) {
  std::string where = describeShared(conflict.offset);
  std::string access = describeAccess(conflict.access, conflict.kind);
  if (!conflict.other) {
    report("uninitialized " + Twine(conflict.access.op),
           "uninitialized " + where + ": " + access);
    return;
  }
  report(makeKey(conflict.access, conflict.kind, *conflict.other,
                 conflict.otherKind),
         "race on " + where + ": " + access + " is not ordered after " +
             describeAccess(*conflict.other, conflict.otherKind));
}

ThreadBlock::ThreadBlock() : shadow(reportShared) {}

void emulator::recordShared(const void *address, uint32_t size, AccessKind kind,
                            const Epoch &access) {
  if (machine->options.sharedRaces)
    self->block->shadow.access(sharedOffset(address), size, kind, access,
                               self->knows());
}

static void reportGlobal(const GlobalConflict &conflict) {
  auto inBlock = [&](const GlobalEpoch &access) {
    return conflict.access.block == conflict.other.block
               ? std::string()
               : (" in " + describeBlock(access.block));
  };
  const Epoch &access = conflict.access.epoch, &other = conflict.other.epoch;
  report(makeKey(access, conflict.kind, other, conflict.otherKind),
         "race on " + machine->memory.describe(conflict.address) + ": " +
             describeAccess(access, conflict.kind) + inBlock(conflict.access) +
             " is not ordered after " +
             describeAccess(other, conflict.otherKind) +
             inBlock(conflict.other));
}

void emulator::recordGlobal(int allocation, const void *address, uint32_t size,
                            AccessKind kind, const Epoch &access) {
  Machine &m = *machine;
  if (!m.options.globalRaces)
    return;
  std::unique_ptr<GlobalShadow> &shadow = m.globalShadows[allocation];
  if (!shadow) {
    const DeviceMemory::Allocation &memory =
        m.memory.getAllocations()[allocation];
    shadow =
        std::make_unique<GlobalShadow>(memory.begin, memory.size, reportGlobal);
  }
  uint32_t block = self->block->linear;
  shadow->access(static_cast<const char *>(address), size, kind,
                 {access, block},
                 {block, self->knows(), self->order.foreign.get()});
}

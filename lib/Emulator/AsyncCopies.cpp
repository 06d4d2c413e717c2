//===- AsyncCopies.cpp - cp.async ------------------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A copy may read its source and write its destination at any time between its
// issue and the wait of the issuing thread for its group. Until then the
// destination holds poison. For the race detector all copies of a thread are
// one agent whose time is the number of the group.
//
//===----------------------------------------------------------------------===//
#include "EntryPoints.h"

#include <cstring>

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

static constexpr int kPoison = 0xA5;

static void land(AsyncCopy &copy) {
  if (copy.landed)
    return;
  copy.landed = true;
  memcpy(copy.destination, copy.source, copy.sourceSize);
  memset(copy.destination + copy.sourceSize, 0, copy.size - copy.sourceSize);
}

static AsyncCopy *makeCopy() {
  Machine &m = *machine;
  if (m.freeCopies.empty()) {
    m.copyPool.push_back(std::make_unique<AsyncCopy>());
    return m.copyPool.back().get();
  }
  AsyncCopy *copy = m.freeCopies.back();
  m.freeCopies.pop_back();
  return copy;
}

/// A copy is free when its thread has waited for it and nobody else may land
/// it.
static void releaseIfUnused(AsyncCopy &copy) {
  if (!copy.isWaitedFor && !copy.isListed)
    machine->freeCopies.push_back(&copy);
}

static void landGroup(std::vector<AsyncCopy *> &group) {
  for (AsyncCopy *copy : group) {
    land(*copy);
    copy->isWaitedFor = false;
    releaseIfUnused(*copy);
  }
  group.clear();
}

static void unlist(AsyncCopy &copy) {
  copy.isListed = false;
  releaseIfUnused(copy);
}

bool emulator::landOneCopy() {
  std::vector<AsyncCopy *> &list = machine->copiesInFlight;
  while (!list.empty()) {
    AsyncCopy *&slot = list[machine->random.below(list.size())];
    AsyncCopy *copy = slot;
    slot = list.back();
    list.pop_back();
    bool isNew = !copy->landed;
    land(*copy);
    unlist(*copy);
    if (isNew)
      return true;
  }
  return false;
}

/// Drops landed copies from the list when it has grown to twice its size.
static void compactCopiesInFlight() {
  constexpr size_t kMinSize = 1024;
  Machine &m = *machine;
  if (m.copiesInFlight.size() < m.compactCopiesAt)
    return;
  llvm::erase_if(m.copiesInFlight, [](AsyncCopy *copy) {
    if (copy->landed)
      unlist(*copy);
    return copy->landed;
  });
  m.compactCopiesAt = std::max(kMinSize, 2 * m.copiesInFlight.size());
}

void emulator::landAllCopies(Thread &thread) {
  landGroup(thread.openGroup);
  for (std::vector<AsyncCopy *> &group : thread.groups)
    landGroup(group);
  thread.groups.clear();
}

static void reportSourceSize(uint32_t size, uint32_t sourceSize, OpId op) {
  report("cp.async reads " + Twine(sourceSize) + " of " + Twine(size) +
         " bytes: " + describe(*self) + " at " + describeOp(op));
}

void emulator::asyncCopy(char *destination, char *source, uint32_t size,
                         uint32_t sourceSize, OpId op) {
  Machine &m = *machine;
  Thread &thread = *self;
  if (sourceSize > size) {
    reportSourceSize(size, sourceSize, op);
    stopLaunch();
  }
  checkShared(destination, size, size, op);
  Epoch access(thread.committedGroups + 1, m.threadsPerBlock + thread.index,
               op);
  recordShared(destination, size, AccessKind::Write, access);
  // The source is aligned to the full size even where less is read.
  if (sourceSize) {
    int allocation = checkGlobal(source, sourceSize, size, op);
    recordGlobal(allocation, source, sourceSize, AccessKind::Read, access);
  }
  if (m.options.counters)
    thread.warp->accesses.add(op, OpCounters::Kind::Shared, thread.lane,
                              sharedOffset(destination), size, m.totals);
  ++m.result.asyncCopies;

  AsyncCopy *copy = makeCopy();
  *copy = {destination,         source, size, sourceSize, /*landed=*/false,
           /*isWaitedFor=*/true};
  thread.openGroup.push_back(copy);
  if (m.options.landing == Landing::Early) {
    land(*copy);
    return;
  }
  memset(destination, kPoison, size);
  if (m.options.landing == Landing::Random) {
    copy->isListed = true;
    m.copiesInFlight.push_back(copy);
  }
}

void emulator::asyncCommit() {
  Thread &thread = *self;
  thread.groups.push_back(std::move(thread.openGroup));
  thread.openGroup.clear();
  ++thread.committedGroups;
}

void emulator::asyncWait(int32_t pending) {
  Thread &thread = *self;
  if (pending < 0) {
    asyncCommit();
    pending = 0;
  }
  while (thread.groups.size() > static_cast<size_t>(pending)) {
    landGroup(thread.groups.front());
    thread.groups.pop_front();
  }
  if (thread.committedGroups > static_cast<uint32_t>(pending))
    thread.clock.raise(machine->threadsPerBlock + thread.index,
                       thread.committedGroups - pending);
  compactCopiesInFlight();
}

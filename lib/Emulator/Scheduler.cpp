//===- Scheduler.cpp - Which thread runs next ------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread that blocks hands over to another lane of its warp if one can run:
// collectives need them all. Otherwise the scheduler picks a warp. The Pct
// schedule follows Burckhardt et al., "A Randomized Scheduler with
// Probabilistic Guarantees of Finding Bugs" (ASPLOS 2010): strict priorities
// with few changes.
//
//===----------------------------------------------------------------------===//
#include "Machine.h"

#include "llvm/ADT/bit.h"

#include <cstdlib>

using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

Machine *emulator::machine = nullptr;
Thread *emulator::self = nullptr;

/// One step in so many changes a priority.
static constexpr uint32_t kPriorityChangePeriod = 24;
/// One step in so many lands copies, at most kMaxLandings.
static constexpr uint32_t kLandingPeriod = 4;
static constexpr uint32_t kMaxLandings = 8;

//===----------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------===//

/// A lane of `mask`, which is not empty.
static unsigned pickLane(uint32_t mask) {
  if (machine->options.schedule == Schedule::Lockstep)
    return llvm::countr_zero(mask);
  unsigned turn = machine->random.below(kWarpSize);
  return (llvm::countr_zero(llvm::rotr(mask, turn)) + turn) % kWarpSize;
}

static void switchTo(Thread &next) {
  Thread *previous = self;
  self = &next;
  Fiber::switchTo(previous->fiber, next.fiber);
}

static void switchToScheduler() {
  Fiber::switchTo(self->fiber, machine->scheduler);
}

void emulator::blockAt(OpId op) {
  Thread *thread = self;
  Warp &warp = *thread->warp;
  warp.runnable &= ~(1u << thread->lane);
  thread->waitsAt = op;
  if (warp.runnable && !machine->stopped)
    switchTo(*warp.lanes[pickLane(warp.runnable)]);
  else
    switchToScheduler();
  thread->steps = 0;
}

void emulator::wake(Thread &thread) {
  thread.warp->runnable |= 1u << thread.lane;
  thread.waitsAt = kNoOp;
}

void emulator::yieldThread() { switchToScheduler(); }

void emulator::stopLaunch() {
  machine->stopped = true;
  switchToScheduler();
  abort(); // Not reached: nobody resumes a stopped launch.
}

//===----------------------------------------------------------------------===//
// Threads
//===----------------------------------------------------------------------===//

static void exitThread() {
  Thread &thread = *self;
  Warp &warp = *thread.warp;
  ThreadBlock &block = *thread.block;
  uint32_t bit = 1u << thread.lane;
  thread.done = true;
  warp.runnable &= ~bit;
  warp.alive &= ~bit;
  --block.alive;
  --machine->alive;
  landAllCopies(thread);
  leaveCollectives(warp);
  leaveBarriers(block);
  switchToScheduler();
}

static void runThread() {
  machine->kernel.entry(machine->params);
  exitThread();
}

void emulator::startThread(Thread &thread) {
  thread.fiber.start(thread.stack, StackPool::kUsableSize, runThread);
}

//===----------------------------------------------------------------------===//
// Warps
//===----------------------------------------------------------------------===//

/// A warp with a lane that can run, null if there is none.
static Warp *pickWarp() {
  Machine &m = *machine;
  ++m.step;
  Warp *best = nullptr;
  switch (m.options.schedule) {
  case Schedule::Lockstep:
    for (size_t i = 0, e = m.warps.size(); i < e; ++i) {
      Warp *warp = m.warps[(m.step + i) % e];
      if (warp->runnable)
        return warp;
    }
    return nullptr;
  case Schedule::Random: {
    uint32_t numRunnable = 0;
    for (Warp *warp : m.warps)
      if (warp->runnable && m.random.below(++numRunnable) == 0)
        best = warp;
    return best;
  }
  case Schedule::Pct:
    if (m.random.below(kPriorityChangePeriod) == 0)
      m.warps[m.random.below(m.warps.size())]->priority = m.random.next();
    for (Warp *warp : m.warps)
      if (warp->runnable && (!best || warp->priority > best->priority))
        best = warp;
    return best;
  }
  return nullptr;
}

static void landSome() {
  Machine &m = *machine;
  if (m.options.landing != Landing::Random || m.copiesInFlight.empty() ||
      m.random.below(kLandingPeriod) != 0)
    return;
  for (uint32_t i = m.random.below(kMaxLandings) + 1; i-- && landOneCopy();) {
  }
}

void emulator::runGrid(llvm::function_ref<void(ThreadBlock &)> startBlock,
                       llvm::function_ref<void(ThreadBlock &)> finishBlock) {
  Machine &m = *machine;
  while (!m.stopped) {
    for (auto &block : m.slots) {
      while (block->alive == 0 && !m.waitingBlocks.empty())
        startBlock(*block);
    }
    if (m.alive == 0)
      return;
    Warp *warp = pickWarp();
    if (!warp) {
      if (!landOneCopy())
        reportDeadlock();
      continue;
    }
    uint32_t slot = warp->block->slot;
    self = warp->lanes[pickLane(warp->runnable)];
    Fiber::switchTo(m.scheduler, self->fiber);
    self = nullptr;
    landSome();
    ThreadBlock &block = *m.slots[slot];
    if (block.alive == 0 && !m.stopped)
      finishBlock(block);
  }
}

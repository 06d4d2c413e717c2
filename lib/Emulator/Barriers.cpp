//===- Barriers.cpp - Barriers of a block ----------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// barrier.sync.aligned and barrier.arrive.aligned with the ids 0 to 15. Without
// a thread count, all threads of the block that have not exited take part.
// Aligned: the lanes of a warp come to the same instruction.
//
//===----------------------------------------------------------------------===//
#include "EntryPoints.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

static void reportBarrierId(uint32_t id, OpId op) {
  report("barrier id " + Twine(id) + " is not in 0 to 15 at " + describeOp(op));
}

static void reportBarrierCount(int32_t count, OpId op) {
  report("barrier thread count " + Twine(count) +
         " is not a positive multiple of 32 up to the block's size at " +
         describeOp(op));
}

static void reportConflictingCounts(OpId op) {
  report("barrier phase with conflicting thread counts: " + describe(*self) +
         " at " + describeOp(op));
}

static void reportTooManyArrivals(OpId op) {
  report("more arrivals at a barrier than its thread count: " +
         describe(*self) + " at " + describeOp(op));
}

static void reportDivergentBarrier(OpId op, OpId other) {
  report("divergent barrier: " + describe(*self) + " waits at " +
         describeOp(op) + ", other lanes of its warp at " + describeOp(other));
}

static void resetBarrier(NamedBarrier &barrier) {
  barrier.waiting.clear();
  barrier.expected.reset();
  barrier.arrived = 0;
  barrier.opOfWarp.fill(kNoOp);
  barrier.clock.clear();
  barrier.foreign.reset();
}

static void completeBarrier(NamedBarrier &barrier) {
  for (Thread *thread : barrier.waiting) {
    thread->clock.join(barrier.clock);
    thread->order.foreign = join(thread->order.foreign, barrier.foreign);
    wake(*thread);
  }
  resetBarrier(barrier);
}

static void checkBarrier(uint32_t id, int32_t count, OpId op) {
  if (id >= kNumBarriers) {
    reportBarrierId(id, op);
    stopLaunch();
  }
  if (count >= 0 &&
      (count == 0 || count % kWarpSize != 0 ||
       uint32_t(count) > llvm::alignTo(machine->threadsPerBlock, kWarpSize))) {
    reportBarrierCount(count, op);
    stopLaunch();
  }
  NamedBarrier &barrier = self->block->barriers[id];
  bool countsAll = count < 0;
  if (barrier.arrived &&
      (barrier.countsAll != countsAll ||
       (!countsAll && barrier.expected != uint32_t(count)))) {
    reportConflictingCounts(op);
    stopLaunch();
  }
  OpId &opOfWarp = barrier.opOfWarp[self->warp->index];
  if (opOfWarp != kNoOp && opOfWarp != op) {
    reportDivergentBarrier(op, opOfWarp);
    stopLaunch();
  }
  opOfWarp = op;
}

static void enterBarrier(uint32_t id, int32_t count, bool waits, OpId op) {
  checkBarrier(id, count, op);
  Thread &thread = *self;
  NamedBarrier &barrier = thread.block->barriers[id];
  barrier.countsAll = count < 0;
  barrier.expected = count < 0 ? thread.block->alive : uint32_t(count);
  thread.clock.raise(thread.index, thread.time++);
  barrier.clock.join(thread.clock);
  barrier.foreign = join(barrier.foreign, thread.order.foreign);
  ++barrier.arrived;
  if (barrier.arrived > *barrier.expected) {
    reportTooManyArrivals(op);
    stopLaunch();
  }
  bool isComplete = barrier.arrived == *barrier.expected;
  if (isComplete) {
    if (waits) {
      thread.clock.join(barrier.clock);
      thread.order.foreign = join(thread.order.foreign, barrier.foreign);
    }
    completeBarrier(barrier);
  } else if (waits) {
    barrier.waiting.push_back(&thread);
    blockAt(op);
  }
}

void emulator::barrierSync(uint32_t id, int32_t count, OpId op) {
  enterBarrier(id, count, /*waits=*/true, op);
}

void emulator::barrierArrive(uint32_t id, int32_t count, OpId op) {
  enterBarrier(id, count, /*waits=*/false, op);
}

void emulator::leaveBarriers(ThreadBlock &block) {
  for (NamedBarrier &barrier : block.barriers)
    if (barrier.arrived && barrier.countsAll && barrier.arrived == block.alive)
      completeBarrier(barrier);
}

void emulator::resetBarriers(ThreadBlock &block) {
  for (NamedBarrier &barrier : block.barriers)
    resetBarrier(barrier);
}

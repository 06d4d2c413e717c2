//===- WarpCollectives.cpp - Instructions of whole warps -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Gathering the lanes of a warp, and the instructions that only move values:
// bar.warp.sync, shfl.sync, vote.sync.
//
//===----------------------------------------------------------------------===//
#include "EntryPoints.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::emulator;

//===----------------------------------------------------------------------===//
// Gathering
//===----------------------------------------------------------------------===//

static void reportDivergence(OpId op, uint32_t mask, const Collective &other) {
  report("divergent warp: " + describe(*self) + " executes " + describeOp(op) +
         " with mask 0x" + Twine::utohexstr(mask) + ", other lanes wait at " +
         describeOp(other.op) + " with mask 0x" + Twine::utohexstr(other.mask));
}

static void reportOutsideMask(OpId op, uint32_t mask) {
  report(describe(*self) + " is not in the mask 0x" + Twine::utohexstr(mask) +
         " of " + describeOp(op));
}

static void reportIncompleteWarp(OpId op) {
  report("incomplete warp: " + describe(*self) + " executes " + describeOp(op) +
         ", which needs all 32 lanes; others do not exist or "
         "have exited");
}

static void completeCollective(Warp &warp) {
  Collective &collective = warp.collective;
  collective.complete(warp);
  uint32_t lanes = collective.arrived;
  collective.arrived = 0;
  for (uint32_t rest = lanes; rest; rest &= rest - 1)
    warp.lanes[llvm::countr_zero(rest)]->waitsAt = kNoOp;
  warp.runnable |= lanes;
}

void emulator::gather(OpId op, uint32_t mask, void *data,
                      void (*complete)(Warp &)) {
  Thread &thread = *self;
  Warp &warp = *thread.warp;
  Collective &collective = warp.collective;
  if (!(mask >> thread.lane & 1)) {
    reportOutsideMask(op, mask);
    stopLaunch();
  }
  if (!collective.arrived) {
    collective.op = op;
    collective.mask = mask;
    collective.complete = complete;
  } else if (collective.op != op || collective.mask != mask) {
    reportDivergence(op, mask, collective);
    stopLaunch();
  }
  collective.arrived |= 1u << thread.lane;
  collective.data[thread.lane] = data;
  if (collective.arrived == (mask & warp.alive))
    completeCollective(warp);
  else
    blockAt(op);
}

void emulator::gatherFullWarp(OpId op, void *data, void (*complete)(Warp &)) {
  if (self->warp->alive != kAllLanes) {
    reportIncompleteWarp(op);
    stopLaunch();
  }
  gather(op, kAllLanes, data, complete);
}

void emulator::leaveCollectives(Warp &warp) {
  Collective &collective = warp.collective;
  if (collective.arrived &&
      collective.arrived == (collective.mask & warp.alive))
    completeCollective(warp);
}

//===----------------------------------------------------------------------===//
// bar.warp.sync
//===----------------------------------------------------------------------===//

/// Lanes of `warp` that take part, in order.
template <typename Function>
static void forEachLane(const Warp &warp, Function function) {
  for (uint32_t rest = warp.collective.arrived; rest; rest &= rest - 1)
    function(llvm::countr_zero(rest));
}

static void completeSyncWarp(Warp &warp) {
  VectorClock joined;
  ForeignKnowledge foreign;
  forEachLane(warp, [&](unsigned lane) {
    Thread &thread = *warp.lanes[lane];
    thread.clock.raise(thread.index, thread.time++);
    joined.join(thread.clock);
    foreign = join(foreign, thread.order.foreign);
  });
  forEachLane(warp, [&](unsigned lane) {
    warp.lanes[lane]->clock.join(joined);
    warp.lanes[lane]->order.foreign = foreign;
  });
}

void emulator::syncWarp(uint32_t mask, OpId op) {
  gather(op, mask, nullptr, completeSyncWarp);
}

//===----------------------------------------------------------------------===//
// shfl.sync
//===----------------------------------------------------------------------===//

namespace {
struct ShuffleOperands {
  uint32_t value, offset, maskAndClamp;
  ShuffleKind kind;
  uint32_t result, isValid;
};
} // namespace

static void reportShuffleSource(const Warp &warp, unsigned lane,
                                unsigned source) {
  OpId op = warp.collective.op;
  report("shuffle source " + Twine(op),
         describe(*warp.lanes[lane]) + " reads lane " + Twine(source) +
             ", which does not take part, at " + describeOp(op));
}

/// PTX ISA, "shfl.sync": segments from the mask, bounds from the clamp.
static void completeShuffle(Warp &warp) {
  Collective &collective = warp.collective;
  forEachLane(warp, [&](int lane) {
    auto &own = *static_cast<ShuffleOperands *>(collective.data[lane]);
    int offset = own.offset & 31;
    int clamp = own.maskAndClamp & 31;
    int segment = own.maskAndClamp >> 8 & 31;
    int highest = (lane & segment) | (clamp & ~segment);
    int lowest = lane & segment;
    int source = lane;
    bool isValid = false;
    switch (own.kind) {
    case ShuffleKind::Idx:
      source = lowest | (offset & ~segment & 31);
      isValid = source <= highest;
      break;
    case ShuffleKind::Up:
      source = lane - offset;
      isValid = source >= highest;
      break;
    case ShuffleKind::Down:
      source = lane + offset;
      isValid = source <= highest;
      break;
    case ShuffleKind::Bfly:
      source = lane ^ offset;
      isValid = source <= highest;
      break;
    }
    if (!isValid)
      source = lane;
    own.isValid = isValid;
    if (collective.arrived >> source & 1)
      own.result =
          static_cast<ShuffleOperands *>(collective.data[source])->value;
    else
      reportShuffleSource(warp, lane, source);
  });
}

void emulator::shuffle(uint32_t *results, uint32_t mask, uint32_t value,
                       uint32_t offset, uint32_t maskAndClamp, ShuffleKind kind,
                       OpId op) {
  ShuffleOperands operands{value, offset, maskAndClamp, kind, 0, 0};
  gather(op, mask, &operands, completeShuffle);
  results[0] = operands.result;
  results[1] = operands.isValid;
}

//===----------------------------------------------------------------------===//
// vote.sync
//===----------------------------------------------------------------------===//

namespace {
struct VoteOperands {
  bool predicate;
  VoteKind kind;
  uint32_t result;
};
} // namespace

static void completeVote(Warp &warp) {
  Collective &collective = warp.collective;
  uint32_t ballot = 0;
  auto operands = [&](unsigned lane) -> VoteOperands & {
    return *static_cast<VoteOperands *>(collective.data[lane]);
  };
  forEachLane(warp, [&](unsigned lane) {
    ballot |= uint32_t(operands(lane).predicate) << lane;
  });
  bool all = ballot == collective.arrived;
  forEachLane(warp, [&](unsigned lane) {
    switch (operands(lane).kind) {
    case VoteKind::Any:
      operands(lane).result = ballot != 0;
      break;
    case VoteKind::All:
      operands(lane).result = all;
      break;
    case VoteKind::Ballot:
      operands(lane).result = ballot;
      break;
    case VoteKind::Uni:
      operands(lane).result = all || ballot == 0;
      break;
    }
  });
}

uint32_t emulator::vote(uint32_t mask, uint32_t predicate, VoteKind kind,
                        OpId op) {
  VoteOperands operands{(predicate & 1) != 0, kind, 0};
  gather(op, mask, &operands, completeVote);
  return operands.result;
}

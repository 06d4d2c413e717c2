//===- AccessCounters.cpp - Bank conflicts and sectors ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "AccessCounters.h"

#include "llvm/ADT/SmallSet.h"
#include "llvm/Support/MathExtras.h"

#include <set>

using namespace mlir::qopt::emulator;

static constexpr unsigned kLanes = 32;
static constexpr unsigned kBanks = 32;
static constexpr unsigned kBankBytes = 4;
static constexpr unsigned kWavefrontBytes = kBanks * kBankBytes;
static constexpr unsigned kSectorBytes = 32;

/// Lanes are served in groups that need 128 bytes; within a group, different
/// words of one bank take turns.
static void addWavefronts(const AccessRequest &request, uint32_t bytes,
                          OpCounters &counters) {
  unsigned lanesPerGroup =
      std::min(kLanes, kWavefrontBytes / std::max(bytes, kBankBytes));
  for (unsigned first = 0; first < kLanes; first += lanesPerGroup) {
    std::array<std::set<uint64_t>, kBanks> words;
    size_t turns = 0;
    for (unsigned lane = first; lane < first + lanesPerGroup; ++lane) {
      if (!(request.lanes >> lane & 1))
        continue;
      for (uint32_t byte = 0; byte < std::max(bytes, 1u); byte += kBankBytes) {
        uint64_t word = (request.addresses[lane] + byte) / kBankBytes;
        std::set<uint64_t> &inBank = words[word % kBanks];
        inBank.insert(word);
        turns = std::max(turns, inBank.size());
      }
    }
    counters.cost += turns;
    counters.ideal += turns != 0;
  }
}

static void addSectors(const AccessRequest &request, uint32_t bytes,
                       OpCounters &counters) {
  std::set<uint64_t> sectors, distinct;
  for (unsigned lane = 0; lane < kLanes; ++lane) {
    if (!(request.lanes >> lane & 1))
      continue;
    for (uint32_t byte = 0; byte < bytes; ++byte) {
      sectors.insert((request.addresses[lane] + byte) / kSectorBytes);
      distinct.insert(request.addresses[lane] + byte);
    }
  }
  counters.cost += sectors.size();
  counters.ideal += llvm::divideCeil(distinct.size(), kSectorBytes);
}

void AccessTotals::add(uint32_t op, OpCounters::Kind kind, uint32_t bytes,
                       const AccessRequest &request) {
  OpCounters &total = counters[op];
  total.kind = kind;
  ++total.requests;
  if (kind == OpCounters::Kind::Shared)
    addWavefronts(request, bytes, total);
  else
    addSectors(request, bytes, total);
}

std::vector<OpCounters> AccessTotals::get(ArrayRef<std::string> opNames) const {
  std::vector<OpCounters> result;
  for (const auto &[op, total] : counters) {
    result.push_back(total);
    result.back().op = opNames[op];
  }
  return result;
}

void WarpAccesses::add(uint32_t op, OpCounters::Kind kind, unsigned lane,
                       uint64_t address, uint32_t bytes, AccessTotals &totals) {
  Stream &stream = streams[op];
  stream.kind = kind;
  stream.bytes = bytes;
  uint64_t index = stream.executions[lane]++ - stream.counted;
  while (stream.open.size() <= index)
    stream.open.emplace_back();
  AccessRequest &request = stream.open[index];
  request.lanes |= 1u << lane;
  request.addresses[lane] = address;
  while (!stream.open.empty() && stream.open.front().lanes == ~0u) {
    totals.add(op, kind, bytes, stream.open.front());
    stream.open.pop_front();
    ++stream.counted;
  }
}

void WarpAccesses::flush(AccessTotals &totals) {
  for (auto &[op, stream] : streams)
    for (const AccessRequest &request : stream.open)
      if (request.lanes)
        totals.add(op, stream.kind, stream.bytes, request);
  streams.clear();
}

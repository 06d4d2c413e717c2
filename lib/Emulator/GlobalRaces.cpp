//===- GlobalRaces.cpp - Happens-before between blocks ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "GlobalRaces.h"

#include "llvm/ADT/STLExtras.h"

#include <sys/mman.h>

using namespace mlir::qopt::emulator;

//===----------------------------------------------------------------------===//
// Knowledge of other blocks
//===----------------------------------------------------------------------===//

ForeignKnowledge mlir::qopt::emulator::join(const ForeignKnowledge &a,
                                            const ForeignKnowledge &b) {
  if (a == b || !b)
    return a;
  if (!a)
    return b;
  auto result = std::make_shared<ForeignClocks>(*a);
  for (const auto &[block, clock] : *b)
    (*result)[block].join(clock);
  return result;
}

bool GlobalKnowledge::includes(const GlobalEpoch &access) const {
  if (access.block == block)
    return own.includes(access.epoch);
  if (access.epoch.time == 0)
    return true;
  if (!foreign)
    return false;
  auto found = foreign->find(access.block);
  return found != foreign->end() &&
         access.epoch.time <= found->second.at(access.epoch.agent);
}

void SyncLocations::publish(const void *address, const SnapshotRef &snapshot) {
  auto &left = locations[address];
  if (!llvm::is_contained(left, snapshot))
    left.push_back(snapshot);
}

llvm::ArrayRef<SnapshotRef> SyncLocations::get(const void *address) const {
  auto found = locations.find(address);
  if (found == locations.end())
    return {};
  return found->second;
}

//===----------------------------------------------------------------------===//
// Shadow
//===----------------------------------------------------------------------===//

GlobalShadow::GlobalShadow(const char *begin, size_t size, Handler handler)
    : begin(begin), handler(handler) {
  mappingSize = (size / kGranule + 2) * sizeof(Granule);
  void *mapping = mmap(nullptr, mappingSize, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping != MAP_FAILED)
    granules = static_cast<Granule *>(mapping);
}

GlobalShadow::~GlobalShadow() {
  if (granules)
    munmap(granules, mappingSize);
}

/// [0] is the last access, [1] the last one of another block than [0]'s.
static void remember(GlobalEpoch (&last)[2], const GlobalEpoch &access) {
  if (last[0].epoch.time != 0 && last[0].block != access.block)
    last[1] = last[0];
  last[0] = access;
}

void GlobalShadow::visit(Cell &cell, const char *address, AccessKind kind,
                         const GlobalEpoch &access,
                         const GlobalKnowledge &knowledge) {
  auto check = [&](const GlobalEpoch &other, AccessKind otherKind) {
    if (!knowledge.includes(other))
      handler({address, kind, otherKind, access, other});
  };
  check(cell.write, AccessKind::Write);
  if (kind != AccessKind::Read)
    for (const GlobalEpoch &read : cell.reads)
      check(read, AccessKind::Read);
  if (kind != AccessKind::Atomic)
    for (const GlobalEpoch &atomic : cell.atomics)
      check(atomic, AccessKind::Atomic);
  switch (kind) {
  case AccessKind::Read:
    remember(cell.reads, access);
    break;
  case AccessKind::Write:
    cell = Cell();
    cell.write = access;
    break;
  case AccessKind::Atomic:
    remember(cell.atomics, access);
    break;
  }
}

void GlobalShadow::access(const char *address, uint32_t size, AccessKind kind,
                          const GlobalEpoch &access,
                          const GlobalKnowledge &knowledge) {
  if (!granules)
    return;
  for (const char *end = address + size; address < end;) {
    size_t offset = address - begin;
    Granule &granule = granules[offset / kGranule];
    size_t inside = offset % kGranule;
    size_t count =
        std::min<size_t>(kGranule - inside, static_cast<size_t>(end - address));
    bool isWhole = count == kGranule;
    if (isWhole && granule.split == 0) {
      visit(granule.whole, address, kind, access, knowledge);
    } else {
      if (granule.split == 0) {
        splits.emplace_back();
        splits.back().fill(granule.whole);
        granule.split = splits.size();
      }
      auto &cells = splits[granule.split - 1];
      for (size_t i = 0; i < count; ++i)
        visit(cells[inside + i], address + i, kind, access, knowledge);
    }
    address += count;
  }
}

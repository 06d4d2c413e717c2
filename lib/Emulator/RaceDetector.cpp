//===- RaceDetector.cpp - Happens-before on shared memory ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "RaceDetector.h"

#include <algorithm>

using namespace mlir::qopt::emulator;

void VectorClock::join(const VectorClock &other) {
  if (times.size() < other.times.size())
    times.resize(other.times.size());
  uint32_t *mine = times.data();
  const uint32_t *theirs = other.times.data();
  for (size_t i = 0, e = other.times.size(); i < e; ++i)
    mine[i] = std::max(mine[i], theirs[i]);
}

//===----------------------------------------------------------------------===//
// Cells
//===----------------------------------------------------------------------===//

void SharedShadow::checkWrite(const Cell &cell, uint32_t offset,
                              AccessKind kind, const Epoch &access,
                              const Knowledge &knowledge) {
  if (!knowledge.includes(cell.write))
    handler({offset, kind, AccessKind::Write, access, &cell.write});
}

void SharedShadow::checkReaders(const Cell &cell, uint32_t offset,
                                AccessKind kind, const Epoch &access,
                                const Knowledge &knowledge) {
  auto check = [&](const Epoch &reader) {
    if (!knowledge.includes(reader))
      handler({offset, kind, AccessKind::Read, access, &reader});
  };
  for (unsigned i = 0; i < cell.numReaders; ++i)
    check(cell.readers[i]);
  if (cell.moreReaders != kNone)
    for (const Epoch &reader : overflow[cell.moreReaders])
      check(reader);
}

void SharedShadow::checkAtomics(const Cell &cell, uint32_t offset,
                                AccessKind kind, const Epoch &access,
                                const Knowledge &knowledge) {
  if (cell.atomics == kNone)
    return;
  for (const Epoch &atomic : overflow[cell.atomics])
    if (!knowledge.includes(atomic))
      handler({offset, kind, AccessKind::Atomic, access, &atomic});
}

/// An earlier access need not be kept beside a later one of the same kind:
/// whoever is ordered after the later one is ordered after both.
static bool replaces(const Epoch &access, const Knowledge &knowledge,
                     const Epoch &earlier) {
  return earlier.agent == access.agent || knowledge.includes(earlier);
}

void SharedShadow::addTo(uint32_t &set, const Epoch &access,
                         const Knowledge &knowledge) {
  if (set == kNone) {
    set = overflow.size();
    overflow.emplace_back();
  }
  for (Epoch &earlier : overflow[set]) {
    if (replaces(access, knowledge, earlier)) {
      earlier = access;
      return;
    }
  }
  overflow[set].push_back(access);
}

void SharedShadow::read(Cell &cell, uint32_t offset, const Epoch &access,
                        const Knowledge &knowledge) {
  checkWrite(cell, offset, AccessKind::Read, access, knowledge);
  checkAtomics(cell, offset, AccessKind::Read, access, knowledge);
  if (cell.write.time == 0 && cell.atomics == kNone)
    handler({offset, AccessKind::Read, AccessKind::Write, access, nullptr});
  for (unsigned i = 0; i < cell.numReaders; ++i) {
    if (replaces(access, knowledge, cell.readers[i])) {
      cell.readers[i] = access;
      return;
    }
  }
  if (cell.numReaders < kInlineReaders)
    cell.readers[cell.numReaders++] = access;
  else
    addTo(cell.moreReaders, access, knowledge);
}

void SharedShadow::write(Cell &cell, uint32_t offset, const Epoch &access,
                         const Knowledge &knowledge) {
  checkWrite(cell, offset, AccessKind::Write, access, knowledge);
  checkReaders(cell, offset, AccessKind::Write, access, knowledge);
  checkAtomics(cell, offset, AccessKind::Write, access, knowledge);
  cell.write = access;
  cell.numReaders = 0;
  for (uint32_t set : {cell.moreReaders, cell.atomics})
    if (set != kNone)
      overflow[set].clear();
}

void SharedShadow::atomic(Cell &cell, uint32_t offset, const Epoch &access,
                          const Knowledge &knowledge) {
  checkWrite(cell, offset, AccessKind::Atomic, access, knowledge);
  checkReaders(cell, offset, AccessKind::Atomic, access, knowledge);
  // Whoever reads what an atomic updates reads what was there before, too.
  if (cell.write.time == 0 && cell.atomics == kNone)
    handler({offset, AccessKind::Atomic, AccessKind::Write, access, nullptr});
  addTo(cell.atomics, access, knowledge);
}

//===----------------------------------------------------------------------===//
// Granules
//===----------------------------------------------------------------------===//

void SharedShadow::reset(uint32_t bytes) {
  granules.resize((bytes + kGranule - 1) / kGranule);
  for (Granule &granule : granules) {
    granule.whole.write.time = 0;
    granule.whole.numReaders = 0;
    granule.whole.moreReaders = granule.whole.atomics = kNone;
    granule.split = kNone;
  }
  splits.clear();
  overflow.clear();
}

void SharedShadow::splitUp(Granule &granule) {
  granule.split = splits.size();
  splits.emplace_back();
  auto copySet = [&](uint32_t &set) {
    if (set == kNone)
      return;
    std::vector<Epoch> copy = overflow[set];
    set = overflow.size();
    overflow.push_back(std::move(copy));
  };
  for (Cell &cell : splits.back()) {
    cell = granule.whole;
    copySet(cell.moreReaders);
    copySet(cell.atomics);
  }
}

void SharedShadow::access(uint32_t offset, uint32_t size, AccessKind kind,
                          const Epoch &access, const Knowledge &knowledge) {
  auto visit = [&](Cell &cell, uint32_t at) {
    switch (kind) {
    case AccessKind::Read:
      return read(cell, at, access, knowledge);
    case AccessKind::Write:
      return write(cell, at, access, knowledge);
    case AccessKind::Atomic:
      return atomic(cell, at, access, knowledge);
    }
  };
  for (uint32_t end = offset + size; offset < end;) {
    Granule &granule = granules[offset / kGranule];
    uint32_t inside = offset % kGranule;
    uint32_t count = std::min(kGranule - inside, end - offset);
    bool isWhole = count == kGranule;
    if (isWhole && granule.split == kNone) {
      visit(granule.whole, offset);
    } else {
      if (granule.split == kNone)
        splitUp(granule);
      for (uint32_t i = 0; i < count; ++i)
        visit(splits[granule.split][inside + i], offset + i);
      if (isWhole && kind == AccessKind::Write) {
        // All bytes are equal again.
        granule.whole = splits[granule.split][0];
        granule.split = kNone;
      }
    }
    offset += count;
  }
}

//===- GlobalRaces.h - Happens-before between blocks -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Threads of different blocks are ordered by atomics and fences only: a fence
// (or a releasing atomic) takes a snapshot of what is ordered before it, later
// atomics of that thread leave it at their address, and a thread whose atomic
// finds it there has it after its next fence (or at once, if acquiring). This
// is the release and acquire pattern of the PTX memory model; read-modify-write
// chains keep what was left before.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EMULATOR_GLOBALRACES_H
#define QUANTOPT_LIB_EMULATOR_GLOBALRACES_H

#include "RaceDetector.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

#include <map>
#include <memory>

namespace mlir::qopt::emulator {

/// What a thread knows of other blocks, by linear block index. Immutable and
/// shared; null knows nothing.
using ForeignClocks = std::map<uint32_t, VectorClock>;
using ForeignKnowledge = std::shared_ptr<const ForeignClocks>;
ForeignKnowledge join(const ForeignKnowledge &a, const ForeignKnowledge &b);

/// Everything ordered before a fence.
struct Snapshot {
  uint32_t block;
  VectorClock clock;
  ForeignKnowledge foreign;
  /// From a fence of device scope; else of use inside its block only.
  bool isDeviceScope;
};
using SnapshotRef = std::shared_ptr<const Snapshot>;

/// A thread's part in synchronization through memory.
struct ThreadOrder {
  ForeignKnowledge foreign;
  /// Of the last fence.
  SnapshotRef released;
  /// Found by atomics since the last fence.
  llvm::SmallVector<SnapshotRef, 2> found;
};

/// What atomics have left at each address.
class SyncLocations {
public:
  void publish(const void *address, const SnapshotRef &snapshot);
  llvm::ArrayRef<SnapshotRef> get(const void *address) const;

private:
  llvm::DenseMap<const void *, llvm::SmallVector<SnapshotRef, 2>> locations;
};

/// An access by any block.
struct GlobalEpoch {
  Epoch epoch; ///< Time 0: none.
  uint32_t block = 0;
};

struct GlobalConflict {
  const void *address;
  AccessKind kind, otherKind;
  GlobalEpoch access, other;
};

/// What the accessing thread has seen.
struct GlobalKnowledge {
  uint32_t block;
  Knowledge own;
  const ForeignClocks *foreign;

  bool includes(const GlobalEpoch &access) const;
};

/// Last accesses to every byte of one allocation, like SharedShadow but with a
/// bounded number of readers and atomics: the last, and the last of another
/// block. Few races can hide behind that, and memory stays small.
class GlobalShadow {
public:
  using Handler = void (*)(const GlobalConflict &conflict);

  GlobalShadow(const char *begin, size_t size, Handler handler);
  ~GlobalShadow();
  GlobalShadow(const GlobalShadow &) = delete;
  GlobalShadow &operator=(const GlobalShadow &) = delete;

  void access(const char *address, uint32_t size, AccessKind kind,
              const GlobalEpoch &access, const GlobalKnowledge &knowledge);

private:
  static constexpr size_t kGranule = 16;

  struct Cell {
    GlobalEpoch write, reads[2], atomics[2];
  };
  struct Granule {
    Cell whole;
    /// Index + 1 into `splits`.
    uint32_t split;
  };

  void visit(Cell &cell, const char *address, AccessKind kind,
             const GlobalEpoch &access, const GlobalKnowledge &knowledge);

  const char *begin;
  Handler handler;
  /// Zero pages until touched.
  Granule *granules = nullptr;
  size_t mappingSize = 0;
  std::vector<std::array<Cell, kGranule>> splits;
};

} // namespace mlir::qopt::emulator

#endif // QUANTOPT_LIB_EMULATOR_GLOBALRACES_H

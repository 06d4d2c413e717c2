//===- RaceDetector.h - Happens-before on shared memory --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Vector clocks with one component per agent: each thread of a block is one,
// and so are all asynchronous copies of a thread. A race is found from the
// order that synchronization imposes, whatever order the accesses happened to
// have in this run.
//
// After Flanagan and Freund, "FastTrack" (PLDI 2009), with sets of readers.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_EMULATOR_RACEDETECTOR_H
#define QUANTOPT_LIB_EMULATOR_RACEDETECTOR_H

#include <array>
#include <cstdint>
#include <vector>

namespace mlir::qopt::emulator {

/// Index into the table of ops of a module.
using OpId = uint32_t;

/// A component of a block's vector clocks.
using Agent = uint32_t;

/// What is ordered before somebody: of each agent, everything up to a time.
class VectorClock {
public:
  uint32_t at(Agent agent) const {
    return agent < times.size() ? times[agent] : 0;
  }
  void raise(Agent agent, uint32_t time) {
    if (times.size() <= agent)
      times.resize(agent + 1);
    if (times[agent] < time)
      times[agent] = time;
  }
  void join(const VectorClock &other);
  void clear() { times.clear(); }

private:
  std::vector<uint32_t> times;
};

enum class AccessKind : uint32_t { Read, Write, Atomic };

/// One access: by whom, when, where in the program. Time 0: none.
struct Epoch {
  static constexpr unsigned kAgentBits = 12;
  static constexpr unsigned kOpBits = 20;

  uint32_t time = 0;
  uint32_t agent : kAgentBits;
  uint32_t op : kOpBits;

  Epoch() : agent(0), op(0) {}
  Epoch(uint32_t time, Agent agent, OpId op)
      : time(time), agent(agent), op(op) {}
};

/// What the accessing thread has seen: itself and what it was told.
struct Knowledge {
  Agent self;
  const VectorClock &clock;

  bool includes(const Epoch &epoch) const {
    return epoch.agent == self || epoch.time <= clock.at(epoch.agent);
  }
};

/// Two unordered accesses of which one at least writes and one at least is not
/// atomic, or a read of bytes nobody wrote (then `other` is null).
struct Conflict {
  uint32_t offset;
  AccessKind kind, otherKind;
  Epoch access;
  const Epoch *other;
};

/// Last accesses to every byte of a block's shared memory. Kept per 16 bytes
/// until somebody accesses a part of them.
class SharedShadow {
public:
  using Handler = void (*)(const Conflict &conflict);

  explicit SharedShadow(Handler handler) : handler(handler) {}

  /// Nobody has accessed any of `bytes` bytes.
  void reset(uint32_t bytes);
  /// Compares with and records an access to [offset, offset + size).
  void access(uint32_t offset, uint32_t size, AccessKind kind,
              const Epoch &access, const Knowledge &knowledge);

private:
  static constexpr uint32_t kGranule = 16;
  static constexpr unsigned kInlineReaders = 6;
  static constexpr uint32_t kNone = ~0u;

  /// Accesses since the last write that later ones may conflict with.
  struct Cell {
    Epoch write;
    Epoch readers[kInlineReaders];
    uint8_t numReaders;
    /// Index into `overflow`: more readers than fit, and atomics.
    uint32_t moreReaders, atomics;
  };
  struct Granule {
    Cell whole;
    /// Index into `splits`, where the bytes differ.
    uint32_t split;
  };

  void read(Cell &cell, uint32_t offset, const Epoch &access,
            const Knowledge &knowledge);
  void write(Cell &cell, uint32_t offset, const Epoch &access,
             const Knowledge &knowledge);
  void atomic(Cell &cell, uint32_t offset, const Epoch &access,
              const Knowledge &knowledge);
  void checkWrite(const Cell &cell, uint32_t offset, AccessKind kind,
                  const Epoch &access, const Knowledge &knowledge);
  void checkReaders(const Cell &cell, uint32_t offset, AccessKind kind,
                    const Epoch &access, const Knowledge &knowledge);
  void checkAtomics(const Cell &cell, uint32_t offset, AccessKind kind,
                    const Epoch &access, const Knowledge &knowledge);
  /// Adds to the set with index `set`, which is made if it is kNone.
  void addTo(uint32_t &set, const Epoch &access, const Knowledge &knowledge);
  void splitUp(Granule &granule);

  Handler handler;
  std::vector<Granule> granules;
  std::vector<std::array<Cell, kGranule>> splits;
  std::vector<std::vector<Epoch>> overflow;
};

} // namespace mlir::qopt::emulator

#endif // QUANTOPT_LIB_EMULATOR_RACEDETECTOR_H

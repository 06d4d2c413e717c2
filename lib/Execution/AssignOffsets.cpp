//===- AssignOffsets.cpp - Places for buffers in one arena -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One buffer after the other goes into the smallest gap that holds it between
// the placed ones which live at the same time. Several orders are tried, each
// repaired a few times, until one reaches the lower bound.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Execution/AssignOffsets.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace mlir::qopt;

/// Bytes that live, after each change: (position, sum), positions increasing.
static std::vector<std::pair<unsigned, int64_t>>
getLiveBytes(ArrayRef<BufferLifetime> buffers) {
  std::vector<std::pair<unsigned, int64_t>> changes;
  for (const BufferLifetime &buffer : buffers) {
    changes.push_back({buffer.begin, buffer.size});
    changes.push_back({buffer.end + 1, -buffer.size});
  }
  // At one position the ends come first: they are negative.
  llvm::sort(changes);
  int64_t live = 0;
  for (auto &[position, bytes] : changes)
    bytes = live += bytes;
  return changes;
}

int64_t mlir::qopt::getArenaLowerBound(ArrayRef<BufferLifetime> buffers) {
  int64_t most = 0;
  for (auto [position, bytes] : getLiveBytes(buffers))
    most = std::max(most, bytes);
  return most;
}

namespace {
/// Places buffers one at a time.
class Arena {
public:
  explicit Arena(ArrayRef<BufferLifetime> buffers)
      : buffers(buffers), offsets(buffers.size(), 0) {}

  void place(unsigned index);
  int64_t getSize() const { return size; }
  /// A buffer that ends where the arena does.
  unsigned getTop() const { return top; }
  SmallVector<int64_t> takeOffsets() { return std::move(offsets); }

private:
  ArrayRef<BufferLifetime> buffers;
  SmallVector<int64_t> offsets;
  /// Those that have a place, by offset.
  std::vector<unsigned> placed;
  int64_t size = 0;
  unsigned top = 0;
};
} // namespace

void Arena::place(unsigned index) {
  const BufferLifetime &buffer = buffers[index];
  int64_t best = -1, bestGap = 0, gapBegin = 0;
  for (unsigned other : placed) {
    const BufferLifetime &neighbour = buffers[other];
    if (neighbour.end < buffer.begin || buffer.end < neighbour.begin)
      continue;
    int64_t gap = offsets[other] - gapBegin;
    if (gap >= buffer.size && (best < 0 || gap < bestGap)) {
      best = gapBegin;
      bestGap = gap;
    }
    gapBegin = std::max(gapBegin, offsets[other] + neighbour.size);
  }
  int64_t offset = best < 0 ? gapBegin : best;
  offsets[index] = offset;
  if (offset + buffer.size > size) {
    size = offset + buffer.size;
    top = index;
  }
  auto after = llvm::partition_point(
      placed, [&](unsigned other) { return offsets[other] <= offset; });
  placed.insert(after, index);
}

/// For each buffer the most bytes that live while it does.
static SmallVector<int64_t> getPressure(ArrayRef<BufferLifetime> buffers) {
  auto live = getLiveBytes(buffers);
  SmallVector<int64_t> pressure;
  for (const BufferLifetime &buffer : buffers) {
    int64_t most = 0;
    auto it = llvm::partition_point(
        live, [&](auto &change) { return change.first < buffer.begin; });
    for (; it != live.end() && it->first <= buffer.end; ++it)
      most = std::max(most, it->second);
    pressure.push_back(most);
  }
  return pressure;
}

SmallVector<int64_t> mlir::qopt::assignOffsets(ArrayRef<BufferLifetime> buffers,
                                               int64_t &arenaSize) {
  int64_t bound = getArenaLowerBound(buffers);
  SmallVector<int64_t> pressure = getPressure(buffers);
  auto getLength = [&](unsigned i) {
    return int64_t(buffers[i].end) - buffers[i].begin + 1;
  };
  using Before = llvm::function_ref<bool(unsigned, unsigned)>;
  auto byBegin = [&](unsigned a, unsigned b) {
    return buffers[a].begin < buffers[b].begin;
  };
  auto bySize = [&](unsigned a, unsigned b) {
    return buffers[a].size > buffers[b].size;
  };
  auto byLength = [&](unsigned a, unsigned b) {
    return getLength(a) > getLength(b);
  };
  // Where most lives there is least choice.
  auto byPressure = [&](unsigned a, unsigned b) {
    return std::pair(pressure[a], buffers[a].size) >
           std::pair(pressure[b], buffers[b].size);
  };
  auto byPressureThenLength = [&](unsigned a, unsigned b) {
    return std::pair(pressure[a], getLength(a)) >
           std::pair(pressure[b], getLength(b));
  };
  // What ends up on top is placed first in the next attempt. Placing is
  // quadratic: a second is worth no percent.
  constexpr unsigned kManyBuffers = 1000;
  unsigned attempts = buffers.size() < kManyBuffers ? 16 : 1;
  SmallVector<int64_t> best;
  for (Before before : {Before(byBegin), Before(bySize), Before(byPressure),
                        Before(byPressureThenLength), Before(byLength)}) {
    std::vector<unsigned> order(buffers.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), before);
    for (unsigned attempt = 0; attempt < attempts; ++attempt) {
      Arena arena(buffers);
      for (unsigned index : order)
        arena.place(index);
      unsigned top = arena.getTop();
      if (best.empty() || arena.getSize() < arenaSize) {
        arenaSize = arena.getSize();
        best = arena.takeOffsets();
      }
      if (arenaSize == bound)
        return best;
      auto it = llvm::find(order, top);
      std::rotate(order.begin(), it, std::next(it));
    }
  }
  return best;
}

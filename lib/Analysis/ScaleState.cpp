//===- ScaleState.cpp - The lattices of scale propagation -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/ScaleState.h"

#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

bool Interval::isBounded() const {
  return !isEmpty() && std::isfinite(low) && std::isfinite(high);
}

Interval Interval::hull(Interval other) const {
  return {std::min(low, other.low), std::max(high, other.high)};
}

Interval Interval::clamp(Interval limits) const {
  if (isEmpty())
    return *this;
  return {std::min(std::max(low, limits.low), limits.high),
          std::min(std::max(high, limits.low), limits.high)};
}

bool ValueFacts::join(const ValueFacts &other) {
  ValueFacts joined{std::max(content, other.content), range.hull(other.range)};
  if (joined == *this)
    return false;
  *this = joined;
  return true;
}

ScaleState ScaleState::demand(unsigned demands) {
  ScaleState state;
  state.demands = demands;
  return state;
}

ScaleState ScaleState::final(quant::UniformQuantizedType type,
                             unsigned producer) {
  ScaleState state;
  state.types.push_back({type, producer});
  return state;
}

ScaleState::Level ScaleState::getLevel() const {
  if (types.size() > 1)
    return Level::Conflict;
  if (types.size() == 1)
    return Level::Type;
  return demands == kNoDemand ? Level::Bottom : Level::Demands;
}

bool ScaleState::join(const ScaleState &other) {
  bool rose = (demands | other.demands) != demands;
  demands |= other.demands;
  return joinTypes(other) || rose;
}

bool ScaleState::joinTypes(const ScaleState &other) {
  SmallVector<FinalType, 2> joined = types;
  for (const FinalType &entry : other.types) {
    auto *same = llvm::find_if(
        joined, [&](const FinalType &e) { return e.type == entry.type; });
    if (same == joined.end())
      joined.push_back(entry);
    else
      same->producer = std::min(same->producer, entry.producer);
  }
  // A producer has one type, so producers of different types differ.
  llvm::sort(joined, [](const FinalType &a, const FinalType &b) {
    return a.producer < b.producer;
  });
  if (joined.size() > 2)
    joined.truncate(2);
  if (joined == types)
    return false;
  types = std::move(joined);
  return true;
}

size_t
mlir::qopt::solveFixedPoint(ArrayRef<SmallVector<unsigned>> dependents,
                            llvm::function_ref<bool(unsigned node)> update,
                            PickNext pick) {
  SmallVector<unsigned> pending =
      llvm::to_vector(llvm::seq<unsigned>(0, dependents.size()));
  // From the back, so that nodes come in order at first.
  std::reverse(pending.begin(), pending.end());
  llvm::BitVector isPending(dependents.size(), true);
  size_t steps = 0;
  while (!pending.empty()) {
    size_t index = pick(pending.size());
    unsigned node = pending[index];
    pending[index] = pending.back();
    pending.pop_back();
    isPending.reset(node);
    ++steps;
    if (!update(node))
      continue;
    for (unsigned dependent : dependents[node])
      if (!isPending.test(dependent)) {
        isPending.set(dependent);
        pending.push_back(dependent);
      }
  }
  return steps;
}

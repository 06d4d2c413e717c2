//===- ScaleState.h - What is known of an edge's type -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The two lattices of scale propagation, apart from any IR, and the loop that
// solves equations over them.
//
// ValueFacts flow forward and say what a tensor holds. ScaleState flows in both
// directions and says which type it should have:
//
//   bottom  <  demands of readers  <  one final type  <  conflict
//
// Both joins are commutative, associative and idempotent, and no chain is long:
// with T final types in a module a ScaleState rises at most 2 + 2 T times (two
// demands; each of two places for a type holds ever earlier producers), and
// ValueFacts at most 2 + 2 C times, with C the limits that ops give to their
// results. Transfer functions only join, so every order of work ends, and in
// the same states.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ANALYSIS_SCALESTATE_H
#define QUANTOPT_ANALYSIS_SCALESTATE_H

#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"

#include <limits>
#include <vector>

namespace mlir::qopt {

//===----------------------------------------------------------------------===//
// Facts
//===----------------------------------------------------------------------===//

/// All values from `low` to `high`; empty where `low > high`.
struct Interval {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  static Interval everything() {
    return {-std::numeric_limits<double>::infinity(),
            std::numeric_limits<double>::infinity()};
  }
  bool isEmpty() const { return low > high; }
  /// Neither empty nor open to a side.
  bool isBounded() const;
  /// The smallest interval with both.
  Interval hull(Interval other) const;
  /// What `min(max(x, limits.low), limits.high)` makes of it.
  Interval clamp(Interval limits) const;

  bool operator==(const Interval &other) const {
    return low == other.low && high == other.high;
  }
};

/// What a float tensor holds, by rising order.
enum class Content {
  Nothing,  ///< constants and uninitialized memory: any integers will do
  Integers, ///< values of observed edges, moved
  Reals     ///< results of arithmetic
};

struct ValueFacts {
  Content content = Content::Nothing;
  Interval range;

  /// Takes what `other` adds; true if that was something.
  bool join(const ValueFacts &other);
  bool operator==(const ValueFacts &other) const {
    return content == other.content && range == other.range;
  }
};

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// What a reader asks of the type, as bits of a set.
enum Demand : unsigned {
  kNoDemand = 0,
  kEightBits = 1,     ///< a quantized contraction multiplies it
  kZeroPointZero = 2, ///< preferred: of a product of two run-time operands
};

/// A type that a model came with, and the index of the edge that has it.
struct FinalType {
  quant::UniformQuantizedType type;
  unsigned producer = 0;

  bool operator==(const FinalType &other) const {
    return type == other.type && producer == other.producer;
  }
};

class ScaleState {
public:
  enum class Level { Bottom, Demands, Type, Conflict };

  ScaleState() = default;
  static ScaleState demand(unsigned demands);
  static ScaleState final(quant::UniformQuantizedType type, unsigned producer);

  Level getLevel() const;
  unsigned getDemands() const { return demands; }
  /// The final types, at most two different ones: those of the first
  /// producers.
  ArrayRef<FinalType> getTypes() const { return types; }

  /// Takes what `other` adds; true if that was something.
  bool join(const ScaleState &other);
  /// Takes the types alone.
  bool joinTypes(const ScaleState &other);

  bool operator==(const ScaleState &other) const {
    return demands == other.demands && types == other.types;
  }

private:
  unsigned demands = kNoDemand;
  /// By ascending producer. Joining two lists keeps the first two types of
  /// both; any type among them is among the first two of the side that has it,
  /// hence the order of joins does not matter.
  SmallVector<FinalType, 2> types;
};

//===----------------------------------------------------------------------===//
// Fixed points
//===----------------------------------------------------------------------===//

/// Which of `size` pending nodes is next: any choice gives the same result,
/// which tests make use of.
using PickNext = llvm::function_ref<size_t(size_t size)>;

/// Calls `update` for every node, and again for those that depend on a node for
/// which it returned true (its state rose), until there are none. Returns the
/// number of calls.
size_t solveFixedPoint(ArrayRef<SmallVector<unsigned>> dependents,
                       llvm::function_ref<bool(unsigned node)> update,
                       PickNext pick);

} // namespace mlir::qopt

#endif // QUANTOPT_ANALYSIS_SCALESTATE_H

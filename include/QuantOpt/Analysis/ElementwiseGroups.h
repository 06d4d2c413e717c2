//===- ElementwiseGroups.h - Elementwise ops computed as one ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Elementwise ops form groups: an op whose result only ops of one group read,
// element by element, belongs to that group. One result leaves a group; what is
// inside never is in memory. Annotate observes what leaves groups, and
// fuse-epilogues makes one op of each, by the same rule.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ANALYSIS_ELEMENTWISEGROUPS_H
#define QUANTOPT_ANALYSIS_ELEMENTWISEGROUPS_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/DenseMap.h"

namespace mlir::qopt {

class ElementwiseGroups {
public:
  /// Groups the ops of all blocks below `root`. Observers are seen through:
  /// they compute nothing.
  explicit ElementwiseGroups(Operation *root);

  /// The op whose result leaves the group of `op`; null where `op` is in none.
  Operation *getLast(Operation *op) const { return last.lookup(op); }
  /// True if all that reads `value` is one group, element by element: it is no
  /// tensor in memory, given an op that computes its elements one by one.
  bool isInside(Value value) const;
  /// The groups with all their ops, in the order of the program; ops of a group
  /// as well.
  ArrayRef<SmallVector<Operation *>> getGroups() const { return groups; }

private:
  Operation *getReadingGroup(Value value) const;

  DenseMap<Operation *, Operation *> last;
  SmallVector<SmallVector<Operation *>> groups;
};

/// True if `op` may be in a group: it computes each element of its one result
/// from elements at the same place, has no side effects, and is no copy.
bool isGroupable(Operation *op);

} // namespace mlir::qopt

#endif // QUANTOPT_ANALYSIS_ELEMENTWISEGROUPS_H

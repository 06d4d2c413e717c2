//===- ElementwiseGroups.cpp - Elementwise ops computed as one ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Analysis/ElementwiseGroups.h"

#include "QuantOpt/Analysis/Elementwise.h"
#include "QuantOpt/Analysis/Movement.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace mlir::qopt;

/// Larger groups would spill registers and read too many streams at once.
static constexpr size_t kMaxScalarOps = 128;
static constexpr size_t kMaxOperands = 24;

/// The generic that computes what `op` does: `op` itself, or the body of an
/// idiom that is one elementwise op.
static linalg::GenericOp getElementwise(Operation *op) {
  if (auto composite = dyn_cast<CompositeOp>(op)) {
    linalg::GenericOp only;
    for (Operation &inner : composite.getBody().front().without_terminator()) {
      auto generic = dyn_cast<linalg::GenericOp>(inner);
      if (generic && only)
        return nullptr;
      if (generic)
        only = generic;
      else if (!isa<arith::ConstantOp, tensor::EmptyOp>(inner))
        return nullptr;
    }
    return only && composite->getNumResults() == 1 ? only : nullptr;
  }
  return dyn_cast<linalg::GenericOp>(op);
}

bool mlir::qopt::isGroupable(Operation *op) {
  linalg::GenericOp generic = getElementwise(op);
  return generic && isElementwise(generic) && !isCopy(generic) &&
         llvm::all_of(generic.getBody()->without_terminator(),
                      [](Operation &inner) {
                        return isMemoryEffectFree(&inner) &&
                               inner.getNumRegions() == 0 &&
                               !isa<tensor::ExtractOp>(inner);
                      });
}

/// True if `use` reads each element once, at its own place.
static bool readsInPlace(OpOperand &use) {
  Operation *op = use.getOwner();
  if (!isGroupable(op))
    return false;
  linalg::GenericOp generic = getElementwise(op);
  if (generic == op)
    return generic.getMatchingIndexingMap(&use).isIdentity();
  Value inner =
      cast<CompositeOp>(op).getBody().getArgument(use.getOperandNumber());
  return llvm::all_of(generic.getDpsInputOperands(), [&](OpOperand *input) {
    return input->get() != inner ||
           generic.getMatchingIndexingMap(input).isIdentity();
  });
}

Operation *ElementwiseGroups::getReadingGroup(Value value) const {
  Operation *group = nullptr;
  SmallVector<Value> values = {value};
  for (size_t i = 0; i < values.size(); ++i)
    for (OpOperand &use : values[i].getUses()) {
      Operation *user = use.getOwner();
      if (user->getBlock() != value.getParentBlock())
        return nullptr;
      if (isa<ObserveOp>(user)) {
        values.push_back(user->getResult(0));
        continue;
      }
      if (!readsInPlace(use))
        return nullptr;
      Operation *found = last.lookup(user);
      if (!found || (group && found != group))
        return nullptr;
      group = found;
    }
  return group;
}

bool ElementwiseGroups::isInside(Value value) const {
  return getReadingGroup(value) != nullptr;
}

ElementwiseGroups::ElementwiseGroups(Operation *root) {
  SmallVector<Operation *> ops;
  root->walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (isGroupable(op))
      ops.push_back(op);
    return isa<linalg::LinalgOp, CompositeOp>(op) ? WalkResult::skip()
                                                  : WalkResult::advance();
  });
  struct Size {
    size_t scalarOps = 0, operands = 0;
  };
  DenseMap<Operation *, Size> sizes;
  // Readers come first.
  for (Operation *op : llvm::reverse(ops)) {
    linalg::GenericOp generic = getElementwise(op);
    Size own{generic.getBody()->getOperations().size() - 1,
             op->getNumOperands()};
    Operation *group = getReadingGroup(op->getResult(0));
    if (group) {
      Size &size = sizes[group];
      if (size.scalarOps + own.scalarOps > kMaxScalarOps ||
          size.operands + own.operands > kMaxOperands + 1)
        group = nullptr;
      else
        size = {size.scalarOps + own.scalarOps,
                size.operands + own.operands - 1};
    }
    if (!group)
      sizes[op] = own;
    last[op] = group ? group : op;
  }
  DenseMap<Operation *, size_t> index;
  for (Operation *op : ops) {
    auto [it, isNew] = index.try_emplace(last[op], groups.size());
    if (isNew)
      groups.emplace_back();
    groups[it->second].push_back(op);
  }
}

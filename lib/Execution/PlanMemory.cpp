//===- PlanMemory.cpp - All buffers in one arena ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Shapes are static and control flow is structured, so lifetimes are intervals
// of program positions and a run needs no allocator: every allocation gets an
// offset, buffers that never live at the same time share memory. The arena is
// kept between runs, which spares page faults and leaves nothing to release
// when a failing check ends a run.
//
// A buffer that a loop hands to its own next iteration (scf.while) has no fixed
// place; it stays a memref.alloc, released at the end of the run.
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Execution/AssignOffsets.h"
#include "QuantOpt/Execution/Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// Program positions at which a buffer is needed, both ends included.
struct Interval {
  unsigned begin, end;
};

/// Positions of ops in program order.
class ProgramOrder {
public:
  explicit ProgramOrder(func::FuncOp entry) {
    entry.walk<WalkOrder::PreOrder>(
        [&](Operation *op) { positions.try_emplace(op, positions.size()); });
  }
  unsigned get(Operation *op) const { return positions.lookup(op); }
  /// The position of the last op inside `op`, or of `op` itself.
  unsigned getLast(Operation *op) const {
    while (op->getNumRegions() != 0) {
      Region *last = nullptr;
      for (Region &region : op->getRegions())
        if (!region.empty() && !region.front().empty())
          last = &region;
      if (!last)
        break;
      op = &last->front().back();
    }
    return get(op);
  }

private:
  DenseMap<Operation *, unsigned> positions;
};
} // namespace

/// The positions at which `user` needs a buffer allocated by `alloc`: where a
/// loop is around the user only, all of the loop, for its next iteration may
/// read what this one has written.
static Interval getNeed(Operation *user, Operation *alloc,
                        const ProgramOrder &order) {
  Interval need = {order.get(user), order.getLast(user)};
  for (Operation *parent = user->getParentOp();
       parent && !parent->isAncestor(alloc); parent = parent->getParentOp())
    if (isa<LoopLikeOpInterface>(parent))
      need = {order.get(parent), std::max(need.end, order.getLast(parent))};
  return need;
}

/// Follows `alloc` through views, pointers and control flow, from its first use
/// to its last. Nothing if a loop around the allocation carries it to the next
/// iteration.
static std::optional<Interval> findLifetime(memref::AllocOp alloc,
                                            const ProgramOrder &order) {
  unsigned none = order.get(alloc);
  Interval lifetime = {std::numeric_limits<unsigned>::max(), none};
  SmallVector<Value> worklist = {alloc.getResult()};
  DenseSet<Value> seen;
  auto follow = [&](Value value) {
    if (seen.insert(value).second)
      worklist.push_back(value);
  };
  while (!worklist.empty()) {
    for (OpOperand &use : worklist.pop_back_val().getUses()) {
      Operation *user = use.getOwner();
      // A view alone touches nothing.
      if (!isa<ViewLikeOpInterface>(user)) {
        Interval need = getNeed(user, alloc, order);
        lifetime.begin = std::min(lifetime.begin, need.begin);
        lifetime.end = std::max(lifetime.end, need.end);
      }
      if (isa<memref::LoadOp, memref::StoreOp, memref::CopyOp, func::CallOp,
              DestinationStyleOpInterface>(user))
        continue;
      if (auto loop = dyn_cast<scf::ForOp>(user)) {
        // A bound computed from the buffer's address cannot happen.
        unsigned index = use.getOperandNumber() - loop.getNumControlOperands();
        follow(loop.getRegionIterArg(index));
        follow(loop.getResult(index));
      } else if (auto yield = dyn_cast<scf::YieldOp>(user)) {
        Operation *parent = yield->getParentOp();
        unsigned index = use.getOperandNumber();
        if (isa<scf::IfOp, scf::IndexSwitchOp>(parent)) {
          follow(parent->getResult(index));
          continue;
        }
        // The same buffer in each iteration is not carried.
        auto loop = dyn_cast<scf::ForOp>(parent);
        if (!loop || use.get() != loop.getRegionIterArg(index))
          return std::nullopt;
      } else if (user->getNumRegions() != 0 ||
                 user->hasTrait<OpTrait::IsTerminator>()) {
        return std::nullopt;
      } else {
        for (Value result : user->getResults())
          follow(result);
      }
    }
  }
  lifetime.begin = std::min(lifetime.begin, lifetime.end);
  return lifetime;
}

/// Bytes of a dense buffer, rounded up to `alignment`.
static std::optional<int64_t> getSize(MemRefType type, int64_t alignment) {
  if (!type.hasStaticShape() || !type.getLayout().isIdentity())
    return std::nullopt;
  unsigned bits =
      type.getElementType().isIndex() ? 64 : type.getElementTypeBitWidth();
  int64_t size = llvm::divideCeil(bits, 8);
  for (int64_t dim : type.getShape())
    if (llvm::MulOverflow(size, dim, size))
      return std::nullopt;
  constexpr int64_t kMaxSize = int64_t(1) << 46;
  if (size > kMaxSize)
    return std::nullopt;
  return llvm::alignTo(size, alignment);
}

FailureOr<MemoryPlan> mlir::qopt::planMemory(func::FuncOp entry,
                                             int64_t alignment,
                                             StringRef refusal) {
  ProgramOrder order(entry);
  std::vector<memref::AllocOp> allocations;
  std::vector<BufferLifetime> lifetimes;
  WalkResult result = entry.walk<WalkOrder::PreOrder>([&](memref::AllocOp op) {
    std::optional<int64_t> size = getSize(op.getType(), alignment);
    if (!size) {
      op.emitError() << refusal << ": a buffer of type " << op.getType();
      return WalkResult::interrupt();
    }
    if (auto lifetime = findLifetime(op, order)) {
      allocations.push_back(op);
      lifetimes.push_back({*size, lifetime->begin, lifetime->end});
    }
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  SmallVector<memref::DeallocOp> deallocs;
  entry.walk([&](memref::DeallocOp op) { deallocs.push_back(op); });
  for (memref::DeallocOp op : deallocs)
    op.erase();

  MemoryPlan plan;
  plan.buffers = allocations.size();
  plan.lowerBound = getArenaLowerBound(lifetimes);
  SmallVector<int64_t> offsets = assignOffsets(lifetimes, plan.arenaBytes);
  auto bytes = MemRefType::get({std::max<int64_t>(plan.arenaBytes, 1)},
                               IntegerType::get(entry.getContext(), 8));
  unsigned position = entry.getNumArguments();
  if (failed(entry.insertArgument(position, bytes, {}, entry.getLoc())))
    return failure();
  Value arena = entry.getArgument(position);
  for (auto [op, offset] : llvm::zip(allocations, offsets)) {
    OpBuilder builder(op);
    Value shift = arith::ConstantIndexOp::create(builder, op.getLoc(), offset);
    Value view = memref::ViewOp::create(builder, op.getLoc(), op.getType(),
                                        arena, shift, ValueRange());
    op.replaceAllUsesWith(view);
    op.erase();
  }
  return plan;
}

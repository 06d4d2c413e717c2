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
#include "QuantOpt/Execution/Lowering.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
struct Allocation {
  memref::AllocOp op;
  int64_t size;
  /// Program positions, both ends included.
  unsigned begin, end;
  int64_t offset = -1;
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

/// The last position at which `user` needs a buffer allocated by `alloc`: a
/// loop around the user only needs it in its next iteration again.
static unsigned getLastNeed(Operation *user, Operation *alloc,
                            const ProgramOrder &order) {
  unsigned position = order.getLast(user);
  for (Operation *parent = user->getParentOp();
       parent && !parent->isAncestor(alloc); parent = parent->getParentOp())
    if (isa<LoopLikeOpInterface>(parent))
      position = std::max(position, order.getLast(parent));
  return position;
}

/// Follows `alloc` through views, pointers and control flow. Nothing if a loop
/// around the allocation carries it to the next iteration.
static std::optional<unsigned> findEnd(memref::AllocOp alloc,
                                       const ProgramOrder &order) {
  unsigned end = order.get(alloc);
  SmallVector<Value> worklist = {alloc.getResult()};
  DenseSet<Value> seen;
  auto follow = [&](Value value) {
    if (seen.insert(value).second)
      worklist.push_back(value);
  };
  while (!worklist.empty()) {
    for (OpOperand &use : worklist.pop_back_val().getUses()) {
      Operation *user = use.getOwner();
      end = std::max(end, getLastNeed(user, alloc, order));
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
  return end;
}

/// Assigns offsets in order of first use: each buffer goes into the smallest
/// gap between live ones that holds it. Returns the arena's size.
static int64_t assignOffsets(MutableArrayRef<Allocation> allocations) {
  int64_t arenaSize = 0;
  SmallVector<Allocation *> live; // By offset.
  for (Allocation &allocation : allocations) {
    llvm::erase_if(
        live, [&](Allocation *other) { return other->end < allocation.begin; });
    int64_t best = -1, bestGap = 0, gapBegin = 0;
    for (Allocation *other : live) {
      int64_t gap = other->offset - gapBegin;
      if (gap >= allocation.size && (best < 0 || gap < bestGap)) {
        best = gapBegin;
        bestGap = gap;
      }
      gapBegin = std::max(gapBegin, other->offset + other->size);
    }
    allocation.offset = best < 0 ? gapBegin : best;
    arenaSize = std::max(arenaSize, allocation.offset + allocation.size);
    live.insert(llvm::upper_bound(live, &allocation,
                                  [](Allocation *a, Allocation *b) {
                                    return a->offset < b->offset;
                                  }),
                &allocation);
  }
  return arenaSize;
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

FailureOr<int64_t> mlir::qopt::planMemory(func::FuncOp entry, int64_t alignment,
                                          StringRef refusal) {
  ProgramOrder order(entry);
  std::vector<Allocation> allocations;
  WalkResult result = entry.walk<WalkOrder::PreOrder>([&](memref::AllocOp op) {
    std::optional<int64_t> size = getSize(op.getType(), alignment);
    if (!size) {
      op.emitError() << refusal << ": a buffer of type " << op.getType();
      return WalkResult::interrupt();
    }
    if (auto end = findEnd(op, order))
      allocations.push_back({op, *size, order.get(op), *end});
    return WalkResult::advance();
  });
  if (result.wasInterrupted())
    return failure();
  SmallVector<memref::DeallocOp> deallocs;
  entry.walk([&](memref::DeallocOp op) { deallocs.push_back(op); });
  for (memref::DeallocOp op : deallocs)
    op.erase();

  int64_t arenaSize = assignOffsets(allocations);
  auto bytes = MemRefType::get({std::max<int64_t>(arenaSize, 1)},
                               IntegerType::get(entry.getContext(), 8));
  unsigned position = entry.getNumArguments();
  if (failed(entry.insertArgument(position, bytes, {}, entry.getLoc())))
    return failure();
  Value arena = entry.getArgument(position);
  for (Allocation &allocation : allocations) {
    OpBuilder builder(allocation.op);
    Location loc = allocation.op.getLoc();
    Value offset =
        arith::ConstantIndexOp::create(builder, loc, allocation.offset);
    Value view = memref::ViewOp::create(builder, loc, allocation.op.getType(),
                                        arena, offset, ValueRange());
    allocation.op.replaceAllUsesWith(view);
    allocation.op.erase();
  }
  return arenaSize;
}

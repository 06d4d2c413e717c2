//===- LoopsRowSums.cpp - Reductions between threads -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Sums of floats have 256 partial sums, of which element i adds to number i mod
// 256, and a tree over them: halves are added, 128 to 1 (docs/Numerics.md).
// With T threads of `lanes` elements, partial number (q * T + t) * lanes + l is
// with thread t: the levels over q come first and are in the thread, then the
// bits of t from the highest to the lowest, between warps and in the warp, then
// those of l in the thread.
//
// In the warp, threads that add pairwise do not both add all lanes: each takes
// half of them and sends the other half. So 8 lanes take 4 + 2 + 1 + 1 + 1
// shuffles for the bits of t and 3 for those of l, instead of 40. Sums do not
// depend on the order of the two operands.
//
// Other reductions have no order: lanes first, then threads, then warps.
//
//===----------------------------------------------------------------------===//
#include "LoopsRows.h"

using namespace mlir;
using namespace mlir::qopt;

static constexpr int64_t kWarp = 32;

//===----------------------------------------------------------------------===//
// Layout
//===----------------------------------------------------------------------===//

RowsLayout::RowsLayout(const LoopsPlan &plan)
    : threads(plan.config.getThreads()),
      rowThreads(plan.config.getRowThreads()), lanes(plan.config.getLanes()),
      items(plan.config.getItems()), length(plan.shape.getNumReduced()),
      chunk(rowThreads * lanes) {}

int64_t RowsLayout::getWarpsPerRow() const {
  return std::max<int64_t>(rowThreads / kWarp, 1);
}

static bool isOrdered(ReduceOp reduce) {
  return reduce.getKind() == ReduceKind::AddF;
}

int64_t RowsLayout::getNumPartials(ReduceOp reduce) const {
  return isOrdered(reduce) ? kSumPartials / rowThreads : lanes;
}

static int64_t getBytes(ReduceOp reduce) {
  return getElementBytes(reduce.getType());
}

int64_t RowsLayout::getSharedBytes(ReduceOp reduce) const {
  if (rowThreads <= kWarp)
    return 0;
  int64_t values = isOrdered(reduce) ? threads * lanes : threads / kWarp;
  return llvm::alignTo(values * getBytes(reduce), 16);
}

Value RowsLayout::enter(DeviceBuilder &b, bool isWide) {
  thread = b.threadId();
  threadInRow = b.rem(thread, rowThreads);
  Value rowInBlock = b.div(thread, rowThreads);
  Value block = b.blockIdX();
  if (isWide) {
    block = b.toI64(block);
    rowInBlock = b.toI64(rowInBlock);
  }
  return b.add(b.mul(block, threads / rowThreads), rowInBlock);
}

int64_t mlir::qopt::getRowsSharedBytes(const LoopsPlan &plan) {
  RowsLayout layout(plan);
  LoopsProgram program(plan.shape.op);
  int64_t bytes = 0;
  for (unsigned pass = 0; pass < program.getNumPasses(); ++pass)
    for (ReduceOp reduce : program.getReduces(pass))
      bytes += layout.getSharedBytes(reduce);
  return bytes;
}

//===----------------------------------------------------------------------===//
// In a thread
//===----------------------------------------------------------------------===//

/// Adds the upper half of `values` to the lower one until `count` are left.
static void foldHalves(DeviceBuilder &b, ReduceOp reduce,
                       SmallVector<Value> &values, size_t count) {
  while (values.size() > count) {
    size_t half = values.size() / 2;
    for (size_t i = 0; i < half; ++i)
      values[i] = combine(b, reduce, values[i], values[half + i]);
    values.truncate(half);
  }
}

SmallVector<Value> RowReducer::foldPartials(ReduceOp reduce,
                                            ValueRange partials) {
  SmallVector<Value> values(partials);
  foldHalves(b, reduce, values, layout.lanes);
  return values;
}

Value RowReducer::foldLanes(ReduceOp reduce, SmallVector<Value> values) {
  foldHalves(b, reduce, values, 1);
  return values.front();
}

//===----------------------------------------------------------------------===//
// In a warp
//===----------------------------------------------------------------------===//

Value RowReducer::shuffle(Value value, int64_t distance) {
  Type type = value.getType(), i32 = b.getI32Type();
  int64_t width = type.getIntOrFloatBitWidth();
  Type bits = b.getIntegerType(width);
  if (type != bits)
    value = arith::BitcastOp::create(b, bits, value);
  auto exchange = [&](Value word) -> Value {
    return NVVM::ShflOp::create(b, i32, b.i32(-1), word, b.i32(distance),
                                b.i32(kWarp - 1), NVVM::ShflKind::bfly,
                                UnitAttr());
  };
  if (width < 32) {
    value = exchange(arith::ExtUIOp::create(b, i32, value));
    value = arith::TruncIOp::create(b, bits, value);
  } else if (width == 32) {
    value = exchange(value);
  } else {
    Value shift = arith::ConstantOp::create(b, b.getIntegerAttr(bits, 32));
    Value high = arith::TruncIOp::create(
        b, i32, arith::ShRUIOp::create(b, value, shift));
    Value low = exchange(arith::TruncIOp::create(b, i32, value));
    high = arith::ExtUIOp::create(b, bits, exchange(high));
    value = arith::OrIOp::create(b, arith::ShLIOp::create(b, high, shift),
                                 arith::ExtUIOp::create(b, bits, low));
  }
  return type == bits ? value : arith::BitcastOp::create(b, type, value);
}

Value RowReducer::reduceWarp(ReduceOp reduce, SmallVector<Value> values) {
  // Distances at which threads took halves of the lanes, the upper bit of the
  // lane first.
  SmallVector<int64_t> splits;
  int64_t distance = std::min(layout.rowThreads, kWarp) / 2;
  for (; distance > 0; distance /= 2) {
    if (values.size() > 1) {
      Value isUpper =
          b.equal(b.bitAnd(layout.thread, distance), b.i32(distance));
      size_t half = values.size() / 2;
      SmallVector<Value> kept;
      for (size_t i = 0; i < half; ++i) {
        Value sent = b.select(isUpper, values[i], values[half + i]);
        Value mine = b.select(isUpper, values[half + i], values[i]);
        kept.push_back(combine(b, reduce, mine, shuffle(sent, distance)));
      }
      values = kept;
      splits.push_back(distance);
      continue;
    }
    values[0] = combine(b, reduce, values[0], shuffle(values[0], distance));
  }
  for (int64_t split : splits)
    for (Value &value : values)
      value = combine(b, reduce, value, shuffle(value, split));
  return foldLanes(reduce, values);
}

//===----------------------------------------------------------------------===//
// Between warps
//===----------------------------------------------------------------------===//

void RowReducer::publish(ReduceOp reduce, ValueRange values, int64_t region) {
  int64_t bytes = getBytes(reduce);
  auto put = [&](Value value, Value first, int64_t index) {
    Value slot = b.offset(shared, b.mul(first, bytes));
    b.store(toStorage(b, value, reduce.getType()),
            b.offset(slot, region + index * bytes), bytes);
  };
  if (isOrdered(reduce)) {
    for (auto [lane, value] : llvm::enumerate(values))
      put(value, layout.thread, lane * layout.threads);
    return;
  }
  Value total =
      reduceWarp(reduce, {foldLanes(reduce, SmallVector<Value>(values))});
  b.ifThen(b.equal(b.rem(layout.thread, kWarp), b.i32(0)),
           [&] { put(total, b.div(layout.thread, kWarp), 0); });
}

Value RowReducer::collect(ReduceOp reduce, int64_t region) {
  int64_t bytes = getBytes(reduce), warps = layout.getWarpsPerRow();
  Type access = getAccessType(b, reduce.getType());
  Value row = b.div(layout.thread, layout.rowThreads);
  Value first = isOrdered(reduce) ? b.add(b.mul(row, layout.rowThreads),
                                          b.rem(layout.thread, kWarp))
                                  : b.mul(row, warps);
  Value slots = b.offset(shared, b.mul(first, bytes));
  auto get = [&](int64_t index) {
    Value value =
        b.load(access, b.offset(slots, region + index * bytes), bytes);
    return fromStorage(b, value, reduce.getType());
  };
  if (!isOrdered(reduce)) {
    SmallVector<Value> values;
    for (int64_t warp = 0; warp < warps; ++warp)
      values.push_back(get(warp));
    return foldLanes(reduce, values);
  }
  SmallVector<Value> lanes;
  for (int64_t lane = 0; lane < layout.lanes; ++lane) {
    SmallVector<Value> values;
    for (int64_t warp = 0; warp < warps; ++warp)
      values.push_back(get(lane * layout.threads + warp * kWarp));
    lanes.push_back(foldLanes(reduce, values));
  }
  return reduceWarp(reduce, lanes);
}

SmallVector<Value> RowReducer::reduce(ArrayRef<ReduceOp> reduces,
                                      ValueRange partials) {
  SmallVector<Value> results;
  SmallVector<int64_t> regions;
  for (ReduceOp reduce : reduces) {
    int64_t count = layout.getNumPartials(reduce);
    SmallVector<Value> values =
        foldPartials(reduce, partials.take_front(count));
    partials = partials.drop_front(count);
    if (layout.rowThreads > kWarp) {
      regions.push_back(sharedBytes);
      publish(reduce, values, sharedBytes);
      sharedBytes += layout.getSharedBytes(reduce);
    } else if (isOrdered(reduce)) {
      results.push_back(reduceWarp(reduce, values));
    } else {
      results.push_back(reduceWarp(reduce, {foldLanes(reduce, values)}));
    }
  }
  if (regions.empty())
    return results;
  b.barrier();
  for (auto [reduce, region] : llvm::zip(reduces, regions))
    results.push_back(collect(reduce, region));
  return results;
}

//===- SplitK.cpp - Sums of several blocks, exact in any order -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SplitK.h"

using namespace mlir;
using namespace mlir::qopt;

static constexpr int64_t kSumBytes = 4;
static constexpr llvm::StringLiteral kDeviceScope = "device";

static Value atomic(DeviceBuilder &b, LLVM::AtomicBinOp kind, Value pointer,
                    Value value, LLVM::AtomicOrdering ordering) {
  return LLVM::AtomicRMWOp::create(b, kind, pointer, value, ordering,
                                   kDeviceScope, kSumBytes);
}

SplitK::SplitK(DeviceBuilder &builder, const GemmParameters &parameters,
               GemmConfigAttr config, Value tile, Value thread, int64_t numSums)
    : b(builder), splits(config.getSplitK()), threads(config.getNumThreads()),
      numSums(numSums), thread(thread) {
  counter = b.offset(parameters.workspace, b.mul(b.toI64(tile), kSumBytes));
  Value tileBytes = b.mul(b.toI64(tile), numSums * threads * kSumBytes);
  Value threadBytes = b.mul(b.toI64(thread), kSumBytes);
  sums = b.offset(parameters.workspace, b.add(b.toI64(parameters.counterBytes),
                                              b.add(tileBytes, threadBytes)));
}

Value SplitK::getSumPointer(int64_t index) {
  return b.offset(sums, index * threads * kSumBytes);
}

Value SplitK::add(ValueRange values, Value scratch) {
  for (auto [i, value] : llvm::enumerate(values))
    atomic(b, LLVM::AtomicBinOp::add, getSumPointer(i), value,
           LLVM::AtomicOrdering::monotonic);
  // All of this block's sums are in before it is counted; after the barrier
  // nobody reads shared memory any more.
  LLVM::FenceOp::create(b, LLVM::AtomicOrdering::acq_rel, kDeviceScope);
  b.barrier();
  b.ifThen(b.equal(thread, b.i32(0)), [&] {
    Value arrived = atomic(b, LLVM::AtomicBinOp::add, counter, b.i32(1),
                           LLVM::AtomicOrdering::acq_rel);
    b.store(arrived, scratch, kSumBytes);
  });
  b.barrier();
  Value arrived = b.load(b.getI32Type(), scratch, kSumBytes);
  return b.equal(arrived, b.i32(splits - 1));
}

SmallVector<Value> SplitK::takeTotals() {
  LLVM::FenceOp::create(b, LLVM::AtomicOrdering::acq_rel, kDeviceScope);
  Value zero = b.i32(0);
  // An exchange reads where the atomics wrote (L2), and cleans up.
  SmallVector<Value> totals;
  for (int64_t i = 0; i < numSums; ++i)
    totals.push_back(atomic(b, LLVM::AtomicBinOp::xchg, getSumPointer(i), zero,
                            LLVM::AtomicOrdering::monotonic));
  b.ifThen(b.equal(thread, zero), [&] {
    atomic(b, LLVM::AtomicBinOp::xchg, counter, zero,
           LLVM::AtomicOrdering::monotonic);
  });
  return totals;
}

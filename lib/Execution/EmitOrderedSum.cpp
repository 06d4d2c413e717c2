//===- EmitOrderedSum.cpp - Sums of floats in a fixed order ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/Numerics.md, "Sums of floats": element i goes to partial sum i mod
// 256, then the halves of the partial sums are added pairwise. They lie in an
// array on the stack, so that loops over neighbours in it, which LLVM
// vectorizes, are the innermost ones. Where the elements of one sum are far
// apart in memory but those of several sums are neighbours (channels), lanes of
// sums are added up side by side.
//
// Partial sums without an element are -0.0, which adds nothing: as many are
// made as round the number of elements up to a power of two.
//
//===----------------------------------------------------------------------===//
#include "Buffers.h"
#include "NestEmitter.h"
#include "QuantOpt/Analysis/OrderedSum.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

/// What one sum leaves to registers: a vector of AVX-512.
static constexpr int64_t kMaxVector = 16;

namespace mlir::qopt::cpu {
class SumEmitter {
public:
  SumEmitter(NestEmitter &nest, size_t firstReduction);

  /// Sums `begin` to `begin + lanes` (i64) of loop `lanesLoop`, or the only one
  /// of `lane` if that is null.
  void emit(const Lane &lane, const NestLoop *lanesLoop, Value begin,
            int64_t numLanes);

private:
  Value constant(int64_t value) { return nest.constant(value); }
  Value add(Value a, Value b) {
    return arith::AddIOp::create(nest.builder, nest.loc, a, b);
  }
  Value multiply(Value a, int64_t b) {
    return b == 1
               ? a
               : arith::MulIOp::create(nest.builder, nest.loc, a, constant(b));
  }
  Value addFloats(Value a, Value b) {
    return arith::AddFOp::create(nest.builder, nest.loc, a, b);
  }
  /// for (i = 0; i < end; ++i) body(i)
  void loop(int64_t end, function_ref<void(Value)> body);
  Value getPartial(Value position) {
    return advancePointer(nest.builder, nest.loc, partials, f32, position);
  }
  Value createPartials(int64_t count);
  /// Adds the element at `lane` to the partial sums of `slot`, one per lane of
  /// sums. `isFirst`: there is nothing in them yet.
  void accumulate(const Lane &lane, Value slot, bool isFirst);
  /// All elements, of one loop and of several.
  void accumulateLoop(const Lane &lane);
  void accumulateLoops(size_t level, const Lane &lane, Value position);
  void fill(int64_t begin, int64_t end);
  /// Adds the halves until `count` partial sums per lane are left.
  void addHalves(int64_t count);
  /// The sum of the first `count` partial sums of a single lane.
  Value addVector(int64_t count);
  void store(const Lane &lane, Value sum);

  NestEmitter &nest;
  const size_t firstReduction;
  ArrayRef<NestLoop> reductions;
  Type f32;
  /// Elements of a sum, partial sums with an element, and those with padding.
  int64_t numElements = 1, numUsed, numPartials;
  Value partials, identity;
  // Of the current call of emit:
  const NestLoop *lanesLoop = nullptr;
  Value firstLane;
  int64_t numLanes = 1;
};
} // namespace mlir::qopt::cpu

SumEmitter::SumEmitter(NestEmitter &nest, size_t firstReduction)
    : nest(nest), firstReduction(firstReduction),
      reductions(ArrayRef(nest.nest.loops).drop_front(firstReduction)),
      f32(nest.builder.getF32Type()) {
  for (const NestLoop &loop : reductions)
    numElements *= loop.extent;
  numUsed = std::min(numElements, kSumPartials);
  numPartials = llvm::PowerOf2Ceil(numUsed);
}

void SumEmitter::loop(int64_t end, function_ref<void(Value)> body) {
  if (end <= 0)
    return;
  OpBuilder &builder = nest.builder;
  auto op = scf::ForOp::create(builder, nest.loc, constant(0), constant(end),
                               constant(1));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(op.getBody());
  body(op.getInductionVar());
}

Value SumEmitter::createPartials(int64_t count) {
  constexpr unsigned kAlignment = 64;
  OpBuilder builder(nest.function.getContext());
  builder.setInsertionPointToStart(&nest.function.getBody().front());
  Value size = arith::ConstantIntOp::create(builder, nest.loc, count, 64);
  Type pointer = LLVM::LLVMPointerType::get(builder.getContext());
  return LLVM::AllocaOp::create(builder, nest.loc, pointer, f32, size,
                                kAlignment);
}

void SumEmitter::accumulate(const Lane &lane, Value slot, bool isFirst) {
  auto one = [&](Lane element, Value position) {
    Value pointer = getPartial(position);
    Value old = isFirst ? identity : nest.load(pointer, f32);
    element.running = {old};
    nest.emitBody(element);
    nest.store(element.running[0], pointer, f32);
  };
  if (!lanesLoop)
    return one(lane, slot);
  Value first = multiply(slot, numLanes);
  loop(numLanes, [&](Value i) {
    one(nest.advance(lane, *lanesLoop, add(firstLane, i)), add(first, i));
  });
}

void SumEmitter::accumulateLoop(const Lane &lane) {
  const NestLoop &reduction = reductions.front();
  auto rows = [&](int64_t count, Value base, bool isFirst) {
    loop(count, [&](Value j) {
      Value counter = base ? add(base, j) : j;
      accumulate(nest.advance(lane, reduction, counter), j, isFirst);
    });
  };
  rows(numUsed, nullptr, /*isFirst=*/true);
  int64_t whole = numElements / kSumPartials;
  loop(whole - 1, [&](Value i) {
    Value base = multiply(add(i, constant(1)), kSumPartials);
    rows(kSumPartials, base, /*isFirst=*/false);
  });
  if (whole > 0)
    rows(numElements % kSumPartials, constant(whole * kSumPartials),
         /*isFirst=*/false);
}

void SumEmitter::accumulateLoops(size_t level, const Lane &lane,
                                 Value position) {
  if (level == reductions.size()) {
    Value slot = position;
    if (numElements > kSumPartials)
      slot = arith::AndIOp::create(nest.builder, nest.loc, position,
                                   constant(kSumPartials - 1));
    return accumulate(lane, slot, /*isFirst=*/false);
  }
  const NestLoop &reduction = reductions[level];
  loop(reduction.extent, [&](Value counter) {
    Value next = add(multiply(position, reduction.extent), counter);
    accumulateLoops(level + 1, nest.advance(lane, reduction, counter), next);
  });
}

void SumEmitter::fill(int64_t begin, int64_t end) {
  loop(end - begin, [&](Value i) {
    nest.store(identity, getPartial(add(i, constant(begin))), f32);
  });
}

void SumEmitter::addHalves(int64_t count) {
  for (int64_t half = numPartials / 2; half >= count; half /= 2)
    loop(half * numLanes, [&](Value i) {
      Value pointer = getPartial(i);
      Value other = getPartial(add(i, constant(half * numLanes)));
      nest.store(addFloats(nest.load(pointer, f32), nest.load(other, f32)),
                 pointer, f32);
    });
}

Value SumEmitter::addVector(int64_t count) {
  OpBuilder &builder = nest.builder;
  auto type = VectorType::get(count, f32);
  Value sum = LLVM::LoadOp::create(builder, nest.loc, type, partials);
  for (int64_t half = count / 2; half >= 1; half /= 2) {
    // The upper half comes down; what is above it does not matter.
    SmallVector<int32_t> mask;
    for (int64_t i = 0; i < count; ++i)
      mask.push_back(static_cast<int32_t>(i < half ? i + half : i));
    Value upper =
        LLVM::ShuffleVectorOp::create(builder, nest.loc, sum, sum, mask);
    sum = addFloats(sum, upper);
  }
  return LLVM::ExtractElementOp::create(builder, nest.loc, sum, constant(0));
}

/// out = init + sum, where init is what out holds.
void SumEmitter::store(const Lane &lane, Value sum) {
  for (auto [operand, pointer] : llvm::zip(nest.nest.operands, lane.pointers))
    if (operand.isOutput)
      nest.store(addFloats(nest.load(pointer, f32), sum), pointer, f32);
}

void SumEmitter::emit(const Lane &lane, const NestLoop *theLanesLoop,
                      Value begin, int64_t count) {
  lanesLoop = theLanesLoop;
  firstLane = begin;
  numLanes = count;
  OpBuilder &builder = nest.builder;
  identity = arith::ConstantOp::create(builder, nest.loc,
                                       builder.getF32FloatAttr(-0.0f));
  partials = createPartials(numPartials * numLanes);
  if (reductions.size() == 1) {
    fill(numUsed * numLanes, numPartials * numLanes);
    accumulateLoop(lane);
  } else {
    fill(0, numPartials * numLanes);
    accumulateLoops(0, lane, constant(0));
  }
  if (!lanesLoop) {
    int64_t width = std::min(numPartials, kMaxVector);
    addHalves(width);
    return store(lane, addVector(width));
  }
  addHalves(1);
  loop(numLanes, [&](Value i) {
    store(nest.advance(lane, *lanesLoop, add(firstLane, i)),
          nest.load(getPartial(i), f32));
  });
}

void NestEmitter::emitOrderedSum(size_t level, const Lane &lane) {
  SumEmitter sums(*this, nest.firstRegisterLoop);
  if (nest.sumLanes == 0)
    return sums.emit(lane, nullptr, nullptr, 1);
  const NestLoop &lanes = nest.loops[level];
  int64_t whole = lanes.extent / nest.sumLanes * nest.sumLanes;
  {
    auto loop = scf::ForOp::create(builder, loc, constant(0), constant(whole),
                                   constant(nest.sumLanes));
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToStart(loop.getBody());
    sums.emit(lane, &lanes, loop.getInductionVar(), nest.sumLanes);
  }
  if (whole < lanes.extent)
    sums.emit(lane, &lanes, constant(whole), lanes.extent - whole);
}

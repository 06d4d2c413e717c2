//===- LoopsThreads.cpp - Loops with a thread per point --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread computes `lanes` consecutive points of the innermost parallel loop:
// pools, means over height and width, and whatever no other family takes. It
// walks the reduced points once per pass, small windows unrolled.
//
// The fixed order of sums of floats is a tree of partial sums. A thread visits
// its leaves depth first, in bit-reversed order, so that a sum per level is all
// it has to keep.
//
//===----------------------------------------------------------------------===//
#include "LoopsKernel.h"

using namespace mlir;
using namespace mlir::qopt;

/// Reduced points whose code stands side by side, and the scalar ops it may
/// have.
static constexpr int64_t kMaxUnrolledPoints = 64, kMaxUnrolledOps = 2048;
/// Iterations of the innermost loop that stand side by side.
static constexpr int64_t kMaxUnrolledSteps = 8;

namespace {
class ThreadsEmitter : public LoopsEmitter {
public:
  using LoopsEmitter::LoopsEmitter;

  void emit(Value unit);

private:
  /// By reduction, then by lane.
  using Values = SmallVector<Value>;

  /// The bodies of all lanes at a reduced point, ready for `values`.
  SmallVector<IRMapping> startBodies(const LoopsPosition &position,
                                     ArrayRef<Value> values);
  Values visit(const LoopsPosition &position);
  Values combineAll(ValueRange a, ValueRange b);
  Values getIdentities();

  void emitPass(unsigned pass);
  /// Points `first`, `first + step`, ... as the fixed order adds them.
  Values emitUnrolledTree(int64_t first, int64_t step);
  Values emitTree(Value first, int64_t step);
  /// Calls `body` for all reduced points in increasing order.
  void forEachPoint(const LoopsPosition &position, size_t level,
                    Values &carried,
                    function_ref<void(const LoopsPosition &, Values &)> body);
  void storeResults(bool isVarying, const LoopsPosition &position);
  bool isUnrolled() const;

  LoopsPosition row;
  /// By lane: uniform values.
  SmallVector<IRMapping> uniform;
  ArrayRef<ReduceOp> reduces;
};
} // namespace

//===----------------------------------------------------------------------===//
// One point
//===----------------------------------------------------------------------===//

SmallVector<IRMapping>
ThreadsEmitter::startBodies(const LoopsPosition &position,
                            ArrayRef<Value> values) {
  SmallVector<IRMapping> bodies = uniform;
  for (BlockArgument argument : program.getVaryingInputs(values)) {
    SmallVector<Value> elements =
        load(getInput(argument), position, plan.getLaneLoop(), bodies.size());
    for (auto [body, element] : llvm::zip(bodies, elements))
      body.map(argument, element);
  }
  return bodies;
}

static SmallVector<Value> getValues(ArrayRef<ReduceOp> reduces) {
  SmallVector<Value> values;
  for (ReduceOp reduce : reduces)
    values.push_back(reduce->getOperand(0));
  return values;
}

ThreadsEmitter::Values ThreadsEmitter::visit(const LoopsPosition &position) {
  SmallVector<Value> operands = getValues(reduces);
  SmallVector<IRMapping> bodies = startBodies(position, operands);
  Values values;
  for (Value operand : operands)
    for (IRMapping &body : bodies)
      values.push_back(cloneSlice(b, operand, body));
  return values;
}

ThreadsEmitter::Values ThreadsEmitter::combineAll(ValueRange x, ValueRange y) {
  Values values;
  for (size_t i = 0; i < x.size(); ++i)
    values.push_back(combine(b, reduces[i / uniform.size()], x[i], y[i]));
  return values;
}

ThreadsEmitter::Values ThreadsEmitter::getIdentities() {
  Values values;
  for (ReduceOp reduce : reduces)
    values.append(uniform.size(), getIdentity(b, reduce));
  return values;
}

//===----------------------------------------------------------------------===//
// All points
//===----------------------------------------------------------------------===//

bool ThreadsEmitter::isUnrolled() const {
  int64_t points = plan.shape.getNumReduced();
  LoopsOp op = plan.shape.op;
  int64_t ops =
      op.getProgram()->getOperations().size() * plan.config.getLanes();
  return points <= kMaxUnrolledPoints && points * ops <= kMaxUnrolledOps;
}

void ThreadsEmitter::forEachPoint(
    const LoopsPosition &position, size_t level, Values &carried,
    function_ref<void(const LoopsPosition &, Values &)> body) {
  if (level == plan.reductions.size()) {
    body(position, carried);
    return;
  }
  const KernelLoop &loop = plan.reductions[level];
  int64_t unroll = 1;
  if (level + 1 == plan.reductions.size())
    for (int64_t step = 2; step <= kMaxUnrolledSteps; ++step)
      if (loop.extent % step == 0)
        unroll = step;
  carried = b.loop(b.i32(loop.extent), unroll, carried,
                   [&](Value counter, ValueRange values) {
                     Values next(values);
                     LoopsPosition first = advance(position, loop, counter);
                     for (int64_t i = 0; i < unroll; ++i)
                       forEachPoint(advance(first, loop, b.i32(i)), level + 1,
                                    next, body);
                     return next;
                   });
}

ThreadsEmitter::Values ThreadsEmitter::emitUnrolledTree(int64_t first,
                                                        int64_t step) {
  if (step == kSumPartials)
    return visit(enterReduced(row, b.i32(first)));
  Values sums = emitUnrolledTree(first, 2 * step);
  // Partial sums without elements are -0.0 and change nothing.
  if (first + step >= plan.shape.getNumReduced())
    return sums;
  return combineAll(sums, emitUnrolledTree(first + step, 2 * step));
}

ThreadsEmitter::Values ThreadsEmitter::emitTree(Value first, int64_t step) {
  if (step < kSumPartials)
    return b.loop(b.i32(2), 1, getIdentities(),
                  [&](Value half, ValueRange sums) {
                    Value start = b.add(first, b.mul(half, step));
                    return combineAll(sums, emitTree(start, 2 * step));
                  });
  Value missing =
      b.sub(b.i32(plan.shape.getNumReduced() + kSumPartials - 1), first);
  return b.loop(b.div(missing, kSumPartials), 1, getIdentities(),
                [&](Value i, ValueRange sums) {
                  Value element = b.add(first, b.mul(i, kSumPartials));
                  return combineAll(sums, visit(enterReduced(row, element)));
                });
}

//===----------------------------------------------------------------------===//
// Passes
//===----------------------------------------------------------------------===//

void ThreadsEmitter::emitPass(unsigned pass) {
  reduces = program.getReduces(pass);
  Values results;
  if (isUnrolled()) {
    results = emitUnrolledTree(0, 1);
  } else if (program.isOrdered(pass)) {
    results = emitTree(b.i32(0), 1);
  } else {
    results = getIdentities();
    forEachPoint(row, 0, results,
                 [&](const LoopsPosition &position, Values &values) {
                   values = combineAll(values, visit(position));
                 });
  }
  for (auto [i, result] : llvm::enumerate(results)) {
    ReduceOp reduce = reduces[i / uniform.size()];
    uniform[i % uniform.size()].map(reduce.getResult(), result);
  }
}

void ThreadsEmitter::storeResults(bool isVarying,
                                  const LoopsPosition &position) {
  LoopsOp op = plan.shape.op;
  SmallVector<Value> yielded;
  for (unsigned result = 0; result < op.getInits().size(); ++result)
    if (program.isVarying(result) == isVarying)
      yielded.push_back(program.getYielded(result));
  if (yielded.empty())
    return;
  SmallVector<IRMapping> bodies = startBodies(position, yielded);
  for (unsigned result = 0; result < op.getInits().size(); ++result) {
    if (program.isVarying(result) != isVarying)
      continue;
    SmallVector<Value> values;
    for (IRMapping &body : bodies)
      values.push_back(emitResult(result, body));
    store(result, position, plan.getLaneLoop(), values);
  }
}

void ThreadsEmitter::emit(Value unit) {
  row = enterParallelLoops(unit);
  uniform.resize(plan.config.getLanes());
  for (BlockArgument argument : program.getUniformInputs()) {
    SmallVector<Value> elements =
        load(getInput(argument), row, plan.getLaneLoop(), uniform.size());
    for (auto [mapping, element] : llvm::zip(uniform, elements))
      mapping.map(argument, element);
  }
  for (unsigned pass = 0; pass <= program.getNumPasses(); ++pass) {
    for (IRMapping &mapping : uniform)
      program.emitUniform(b, pass, mapping);
    if (pass < program.getNumPasses())
      emitPass(pass);
  }
  storeResults(/*isVarying=*/false, row);
  if (!program.hasVaryingResult())
    return;
  Values none;
  forEachPoint(row, 0, none, [&](const LoopsPosition &position, Values &) {
    storeResults(/*isVarying=*/true, position);
  });
}

void mlir::qopt::emitLoopsThreads(const LoopsPlan &plan, DeviceBuilder &b,
                                  LLVM::LLVMFuncOp kernel) {
  Value block = b.blockIdX(), thread = b.threadId();
  if (plan.isWide) {
    block = b.toI64(block);
    thread = b.toI64(thread);
  }
  Value unit = b.add(b.mul(block, plan.config.getThreads()), thread);
  b.ifThen(b.less(unit, kernel.getArguments().back()),
           [&] { ThreadsEmitter(plan, b, kernel).emit(unit); });
}

//===- LoopsRows.cpp - Loops with threads sharing a row --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Softmax, layer norm, and every other reduction of long rows: T = row_threads
// threads share a row, the reduced points of a unit. Group k of thread t holds
// the `lanes` elements from (k * T + t) * lanes on. If `items` groups cover the
// row, they stay in registers from the first pass to the last; longer rows are
// read and computed again in every pass.
//
// Reductions go from the thread's elements over its warp (shuffles) to the
// warps of a row (shared memory, one barrier per pass). LoopsRowSums.cpp has
// the order of sums of floats.
//
// Threads beyond the last row compute it once more and store nothing; elements
// beyond the end of a row take part as identities.
//
//===----------------------------------------------------------------------===//
#include "LoopsRows.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// `lanes` consecutive elements of a thread.
struct Group {
  LoopsPosition position;
  /// By lane: which elements there are; empty if all of them.
  SmallVector<Value> exists;
  /// By lane: what is known of the body's values.
  SmallVector<IRMapping> bodies;
};

class RowsEmitter : public LoopsEmitter {
public:
  RowsEmitter(const LoopsPlan &plan, DeviceBuilder &builder,
              LLVM::LLVMFuncOp kernel, Value shared)
      : LoopsEmitter(plan, builder, kernel), layout(plan),
        reducer(layout, builder, shared) {}

  void emit();

private:
  /// The group from element `first` on, a multiple of T * lanes. It may reach
  /// beyond the row if `isChecked`.
  Group startGroup(Value first, bool isChecked);
  /// Loads what `values` need and is not known yet.
  void loadInputs(Group &group, ArrayRef<Value> values);
  /// All groups of the row: those in registers, or in a loop. `body` gets each
  /// group with its number modulo `items`, and may change what is carried.
  void
  forEachGroup(SmallVector<Value> &carried,
               function_ref<void(Group &, int64_t, SmallVector<Value> &)> body);
  void emitUniform(unsigned pass);
  void emitPass(unsigned pass);
  void storeUniformResults();
  void storeVaryingResults(Group &group);

  RowsLayout layout;
  RowReducer reducer;
  LoopsPosition row, first;
  /// The thread's first element of the row.
  Value start;
  IRMapping uniform;
  /// Those in registers.
  SmallVector<Group, 0> groups;
};
} // namespace

//===----------------------------------------------------------------------===//
// Groups
//===----------------------------------------------------------------------===//

Group RowsEmitter::startGroup(Value offset, bool isChecked) {
  Group group;
  Value element = b.add(start, offset);
  if (plan.reductions.size() == 1)
    group.position = advance(first, plan.reductions.front(), offset);
  else
    group.position = enterReduced(row, element);
  if (isChecked) {
    Value end = b.i32(layout.length);
    bool isWhole = layout.length % layout.lanes == 0;
    for (int64_t lane = 0; lane < layout.lanes; ++lane)
      group.exists.push_back(isWhole && lane > 0
                                 ? group.exists.front()
                                 : b.less(b.add(element, lane), end));
  }
  group.bodies.assign(layout.lanes, uniform);
  return group;
}

void RowsEmitter::loadInputs(Group &group, ArrayRef<Value> values) {
  for (BlockArgument argument : program.getVaryingInputs(values)) {
    if (group.bodies.front().contains(argument))
      continue;
    SmallVector<Value> elements =
        load(getInput(argument), group.position, plan.getLaneLoop(),
             layout.lanes, group.exists);
    for (auto [body, element] : llvm::zip(group.bodies, elements))
      body.map(argument, element);
  }
}

void RowsEmitter::forEachGroup(
    SmallVector<Value> &carried,
    function_ref<void(Group &, int64_t, SmallVector<Value> &)> body) {
  for (auto [item, group] : llvm::enumerate(groups))
    body(group, item, carried);
  if (layout.isInRegisters())
    return;
  int64_t step = layout.chunk * layout.items;
  bool isChecked = layout.length % step != 0;
  carried = b.loop(b.i32(llvm::divideCeil(layout.length, step)), 1, carried,
                   [&](Value iteration, ValueRange values) {
                     SmallVector<Value> next(values);
                     Value base = b.mul(iteration, step);
                     for (int64_t i = 0; i < layout.items; ++i) {
                       Group group =
                           startGroup(b.add(base, i * layout.chunk), isChecked);
                       body(group, i, next);
                     }
                     return next;
                   });
}

//===----------------------------------------------------------------------===//
// Passes
//===----------------------------------------------------------------------===//

void RowsEmitter::emitUniform(unsigned pass) {
  program.emitUniform(b, pass, uniform);
  for (Group &group : groups)
    for (IRMapping &body : group.bodies)
      for (auto [from, to] : uniform.getValueMap())
        body.map(from, to);
}

void RowsEmitter::emitPass(unsigned pass) {
  ArrayRef<ReduceOp> reduces = program.getReduces(pass);
  SmallVector<Value> operands, sums;
  for (ReduceOp reduce : reduces) {
    operands.push_back(reduce->getOperand(0));
    sums.append(layout.getNumPartials(reduce), getIdentity(b, reduce));
  }
  forEachGroup(sums, [&](Group &group, int64_t item, SmallVector<Value> &all) {
    loadInputs(group, operands);
    MutableArrayRef<Value> rest(all);
    for (auto [reduce, operand] : llvm::zip(reduces, operands)) {
      int64_t numPartials = layout.getNumPartials(reduce);
      MutableArrayRef<Value> partials = rest.take_front(numPartials);
      rest = rest.drop_front(numPartials);
      Value identity = getIdentity(b, reduce);
      for (int64_t lane = 0; lane < layout.lanes; ++lane) {
        Value value = cloneSlice(b, operand, group.bodies[lane]);
        if (!group.exists.empty())
          value = b.select(group.exists[lane], value, identity);
        Value &partial = partials[(item * layout.lanes + lane) % numPartials];
        partial = combine(b, reduce, partial, value);
      }
    }
  });
  SmallVector<Value> results = reducer.reduce(reduces, sums);
  for (auto [reduce, result] : llvm::zip(reduces, results))
    uniform.map(reduce->getResult(0), result);
}

void RowsEmitter::storeUniformResults() {
  LoopsOp op = plan.shape.op;
  b.ifThen(b.equal(layout.threadInRow, b.i32(0)), [&] {
    for (unsigned result = 0; result < op.getInits().size(); ++result)
      if (!program.isVarying(result))
        store(result, row, /*laneLoop=*/nullptr, emitResult(result, uniform));
  });
}

void RowsEmitter::storeVaryingResults(Group &group) {
  LoopsOp op = plan.shape.op;
  for (unsigned result = 0; result < op.getInits().size(); ++result) {
    if (!program.isVarying(result))
      continue;
    loadInputs(group, program.getYielded(result));
    SmallVector<Value> values;
    for (IRMapping &body : group.bodies)
      values.push_back(emitResult(result, body));
    store(result, group.position, plan.getLaneLoop(), values, group.exists);
  }
}

void RowsEmitter::emit() {
  Value unit = layout.enter(b, plan.isWide);
  Value numUnits = kernel.getArguments().back();
  Value isRow = b.less(unit, numUnits);
  row = enterParallelLoops(b.select(isRow, unit, b.add(numUnits, -1)));
  start = b.mul(layout.threadInRow, layout.lanes);
  if (plan.reductions.size() == 1)
    first = advance(row, plan.reductions.front(), start);
  for (BlockArgument argument : program.getUniformInputs())
    uniform.map(argument,
                load(getInput(argument), row, nullptr, /*lanes=*/1).front());
  if (layout.isInRegisters())
    for (int64_t at = 0; at < layout.length; at += layout.chunk)
      groups.push_back(
          startGroup(b.i32(at), at + layout.chunk > layout.length));

  for (unsigned pass = 0; pass <= program.getNumPasses(); ++pass) {
    emitUniform(pass);
    if (pass < program.getNumPasses())
      emitPass(pass);
  }
  b.ifThen(isRow, [&] {
    storeUniformResults();
    if (!program.hasVaryingResult())
      return;
    SmallVector<Value> none;
    forEachGroup(none, [&](Group &group, int64_t, SmallVector<Value> &) {
      storeVaryingResults(group);
    });
  });
}

void mlir::qopt::emitLoopsRows(const LoopsPlan &plan, DeviceBuilder &b,
                               LLVM::LLVMFuncOp kernel,
                               gpu::GPUModuleOp kernels) {
  Value shared;
  if (getRowsSharedBytes(plan) != 0)
    shared = getSharedMemory(b, kernels);
  RowsEmitter(plan, b, kernel, shared).emit();
}

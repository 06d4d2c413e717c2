//===- EmitLoopKernel.cpp - Code of a loop kernel --------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// point = block * 256 + thread; loop counters by division; pointers; the
// reduction loops with running values in registers; stores. The body is cloned
// once per lane, float operations exactly as they are.
//
//===----------------------------------------------------------------------===//
#include "EpilogueEmitter.h"
#include "LoopKernel.h"

#include "mlir/Dialect/Affine/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::qopt;

namespace {
/// Of one operand, by lane.
using LaneValues = SmallVector<Value>;

class LoopKernelEmitter {
public:
  LoopKernelEmitter(const LoopKernelPlan &plan, DeviceBuilder &builder,
                    LLVM::LLVMFuncOp kernel)
      : plan(plan), op(plan.shape.op), b(builder), kernel(kernel) {}

  /// Everything that the thread of `thePoint` does.
  void emitPoint(Value thePoint);

private:
  size_t getNumOperands() const { return plan.shape.operands.size(); }
  /// The pointers of the operands at `point`; notes the counters.
  SmallVector<Value> enterParallelLoops(Value point);
  /// `counter` iterations of `loop` in bytes of `operand`, null for none.
  Value getStep(const KernelLoop &loop, size_t operand, Value counter);
  /// The body in loops `level` and inwards. `running` has the old values of the
  /// outputs and gets the new ones; by operand, empty for inputs.
  void emitReductions(size_t level, ArrayRef<Value> pointers,
                      MutableArrayRef<LaneValues> running);
  /// What each lane's copy of the body starts from: arguments, counters, loads.
  SmallVector<IRMapping> startBodies(ArrayRef<Value> pointers,
                                     ArrayRef<LaneValues> running);
  /// A counter of the op as an index.
  Value getCounter(unsigned loop, int64_t lane);
  Value evaluateSubscripts(const LoopOperand &operand, Value base);
  LaneValues loadLanes(size_t operand, Value pointer);
  LaneValues getInitialValues(size_t operand, Value pointer);
  void storeLanes(size_t operand, Value pointer, ArrayRef<Value> values);
  Value loadCaptured(memref::LoadOp load, IRMapping &mapping);
  /// Notes where the check of `inner` (for its index `dim`) fails.
  void check(Operation &inner, unsigned dim, Value condition);

  const LoopKernelPlan &plan;
  linalg::LinalgOp op;
  DeviceBuilder &b;
  LLVM::LLVMFuncOp kernel;
  /// By loop of the op, where it is a loop of the kernel on its own.
  DenseMap<unsigned, Value> counters;
  /// The thread's.
  Value point;
};
} // namespace

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

static Type getStorageType(DeviceBuilder &b, Type type) {
  return b.getIntegerType(8 * getElementBytes(type));
}

Value mlir::qopt::fromStorage(DeviceBuilder &b, Value value, Type type) {
  if (type.isIndex())
    return arith::IndexCastOp::create(b, type, value);
  if (type.isInteger(1)) // Any byte but 0 is true.
    return arith::CmpIOp::create(
        b, arith::CmpIPredicate::ne, value,
        arith::ConstantIntOp::create(b, value.getType(), 0));
  return value;
}

Value mlir::qopt::toStorage(DeviceBuilder &b, Value value, Type type) {
  if (type.isIndex())
    return arith::IndexCastOp::create(b, b.getI64Type(), value);
  if (type.isInteger(1))
    return arith::ExtUIOp::create(b, b.getI8Type(), value);
  return value;
}

Type mlir::qopt::getAccessType(DeviceBuilder &b, Type type) {
  return isa<FloatType>(type) ? type : getStorageType(b, type);
}

LaneValues LoopKernelEmitter::loadLanes(size_t operand, Value pointer) {
  Type type = plan.shape.operands[operand].type.getElementType();
  Type access = getAccessType(b, type);
  int64_t bytes = getElementBytes(type);
  LaneValues values;
  if (!plan.isVector(operand)) {
    Value value = fromStorage(b, b.load(access, pointer, bytes), type);
    values.assign(plan.lanes, value);
    return values;
  }
  Value vector =
      b.load(VectorType::get(plan.lanes, access), pointer, plan.lanes * bytes);
  for (int64_t lane = 0; lane < plan.lanes; ++lane)
    values.push_back(fromStorage(b, b.vectorElement(vector, lane), type));
  return values;
}

void LoopKernelEmitter::storeLanes(size_t operand, Value pointer,
                                   ArrayRef<Value> values) {
  Type type = plan.shape.operands[operand].type.getElementType();
  SmallVector<Value> stored;
  for (Value value : values)
    stored.push_back(toStorage(b, value, type));
  int64_t bytes = getElementBytes(type) * plan.lanes;
  b.store(packElements(b, stored), pointer, bytes);
}

Value LoopKernelEmitter::loadCaptured(memref::LoadOp load, IRMapping &mapping) {
  MemRefType type = load.getMemRefType();
  SmallVector<int64_t> strides = *getStaticStrides(type);
  Value position = b.i64(0);
  for (unsigned dim = 0; dim < strides.size(); ++dim) {
    Value index = load.getIndices()[dim];
    int64_t extent = type.getDimSize(dim);
    bool isChecked = needsClamp(load, dim);
    if (extent == 1 && !isChecked)
      continue;
    Value counter = arith::IndexCastOp::create(b, b.getI64Type(),
                                               cloneSlice(b, index, mapping));
    // No access outside of the buffer, whatever the data says. An undefined
    // conversion must not give two values.
    if (isChecked) {
      counter = LLVM::FreezeOp::create(b, counter);
      check(*load, dim, b.less(counter, b.i64(extent)));
      counter = b.maxSigned(counter, b.i64(0));
      counter = b.minSigned(counter, b.i64(extent - 1));
    }
    position = b.add(position, b.mul(counter, strides[dim]));
  }
  Type element = type.getElementType();
  int64_t bytes = getElementBytes(element);
  size_t capture = llvm::find(plan.shape.captures, load.getMemRef()) -
                   plan.shape.captures.begin();
  Value base = kernel.getArgument(plan.shape.operands.size() + capture);
  Value pointer = b.offset(base, b.mul(position, bytes));
  return fromStorage(b, b.load(getAccessType(b, element), pointer, bytes),
                     element);
}

//===----------------------------------------------------------------------===//
// Body
//===----------------------------------------------------------------------===//

Value LoopKernelEmitter::getCounter(unsigned loop, int64_t lane) {
  Value counter = counters.lookup(loop);
  if (!counter) // A loop of one iteration.
    return arith::ConstantIndexOp::create(b, 0);
  if (!plan.parallel.empty() &&
      plan.parallel.back().loop == static_cast<int>(loop))
    counter = b.add(counter, lane);
  return arith::IndexCastUIOp::create(b, b.getIndexType(), counter);
}

void LoopKernelEmitter::check(Operation &inner, unsigned dim, Value condition) {
  ArrayRef<BodyCheck> checks = plan.shape.checks;
  const auto *it = llvm::find_if(checks, [&](const BodyCheck &check) {
    return check.op == &inner && check.dim == dim;
  });
  Value status = kernel.getArgument(plan.isDistinct.size());
  emitCheck(b, status, point, it - checks.begin(), condition);
}

/// The address of an operand whose subscripts are not linear.
Value LoopKernelEmitter::evaluateSubscripts(const LoopOperand &operand,
                                            Value base) {
  SmallVector<Value> dims;
  for (unsigned loop = 0; loop < plan.shape.extents.size(); ++loop)
    dims.push_back(getCounter(loop, /*lane=*/0));
  Value position = b.i64(0);
  for (auto [expr, stride] :
       llvm::zip(operand.map.getResults(), operand.strides)) {
    if (stride == 0)
      continue;
    Value index = affine::expandAffineExpr(b, b.getLoc(), expr, dims, {});
    index = arith::IndexCastOp::create(b, b.getI64Type(), index);
    position = b.add(position, b.mul(index, stride));
  }
  int64_t bytes = getElementBytes(operand.type.getElementType());
  return b.offset(base, b.mul(position, bytes));
}

SmallVector<IRMapping>
LoopKernelEmitter::startBodies(ArrayRef<Value> pointers,
                               ArrayRef<LaneValues> running) {
  SmallVector<IRMapping> mappings(plan.lanes);
  auto mapLanes = [&](BlockArgument argument, ArrayRef<Value> values) {
    for (auto [mapping, value] : llvm::zip(mappings, values))
      mapping.map(argument, value);
  };
  for (OpOperand *operand : op.getDpsInputOperands()) {
    if (isa<MemRefType>(operand->get().getType()))
      continue;
    IRMapping none;
    Value constant = cloneSlice(b, operand->get(), none);
    mapLanes(op.getMatchingBlockArgument(operand),
             LaneValues(plan.lanes, constant));
  }
  for (auto [i, operand] : llvm::enumerate(plan.shape.operands)) {
    BlockArgument argument = op.getMatchingBlockArgument(operand.operand);
    if (argument.use_empty())
      continue;
    if (operand.isOutput) {
      mapLanes(argument, running[i]);
      continue;
    }
    Value pointer = pointers[i];
    if (!operand.linear)
      pointer = evaluateSubscripts(operand, pointer);
    mapLanes(argument, loadLanes(i, pointer));
  }
  for (auto [lane, mapping] : llvm::enumerate(mappings)) {
    for (Operation &inner : op.getBlock()->without_terminator()) {
      if (auto assertion = dyn_cast<cf::AssertOp>(inner))
        check(inner, 0, cloneSlice(b, assertion.getArg(), mapping));
      if (inner.use_empty())
        continue;
      if (auto index = dyn_cast<linalg::IndexOp>(inner))
        mapping.map(index.getResult(), getCounter(index.getDim(), lane));
      else if (auto load = dyn_cast<memref::LoadOp>(inner))
        mapping.map(load.getResult(), loadCaptured(load, mapping));
    }
  }
  return mappings;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

Value LoopKernelEmitter::getStep(const KernelLoop &loop, size_t operand,
                                 Value counter) {
  const LoopOperand &loopOperand = plan.shape.operands[operand];
  int64_t stride = loop.strides[operand] *
                   getElementBytes(loopOperand.type.getElementType());
  if (stride == 0)
    return nullptr;
  if (plan.isFar[operand])
    counter = b.toI64(counter);
  return b.mul(counter, stride);
}

SmallVector<Value> LoopKernelEmitter::enterParallelLoops(Value point) {
  SmallVector<Value> offsets(getNumOperands());
  for (size_t i = plan.parallel.size(); i-- > 0;) {
    const KernelLoop &loop = plan.parallel[i];
    bool isInner = i + 1 == plan.parallel.size();
    Value counter = point;
    if (i != 0) {
      int64_t groups = isInner ? loop.extent / plan.lanes : loop.extent;
      counter = b.rem(point, groups);
      point = b.div(point, groups);
    }
    if (isInner)
      counter = b.mul(counter, plan.lanes);
    if (loop.loop >= 0)
      counters[loop.loop] = counter;
    for (size_t operand = 0; operand < offsets.size(); ++operand) {
      Value step = getStep(loop, operand, counter);
      Value &offset = offsets[operand];
      if (step)
        offset = offset ? b.add(offset, step) : step;
    }
  }
  SmallVector<Value> pointers;
  for (auto [i, offset] : llvm::enumerate(offsets)) {
    const LoopOperand &operand = plan.shape.operands[i];
    Value pointer = kernel.getArgument(i);
    if (operand.linear)
      pointer =
          b.offset(pointer, operand.linear->offset *
                                getElementBytes(operand.type.getElementType()));
    pointers.push_back(offset ? b.offset(pointer, offset) : pointer);
  }
  return pointers;
}

void LoopKernelEmitter::emitReductions(size_t level, ArrayRef<Value> pointers,
                                       MutableArrayRef<LaneValues> running) {
  if (level == plan.reductions.size()) {
    SmallVector<IRMapping> mappings = startBodies(pointers, running);
    unsigned output = 0;
    for (auto [i, operand] : llvm::enumerate(plan.shape.operands)) {
      if (!operand.isOutput)
        continue;
      Value result = op.getBlock()->getTerminator()->getOperand(output++);
      for (auto [value, mapping] : llvm::zip(running[i], mappings))
        value = cloneSlice(b, result, mapping);
    }
    return;
  }
  const KernelLoop &loop = plan.reductions[level];
  SmallVector<Value> carried;
  for (LaneValues &values : running)
    llvm::append_range(carried, values);
  auto scatter = [&](ValueRange values) {
    for (LaneValues &lanes : running)
      for (Value &value : lanes) {
        value = values.front();
        values = values.drop_front();
      }
  };
  bool isLong = loop.extent > INT32_MAX;
  Value end = isLong ? b.i64(loop.extent) : b.i32(loop.extent);
  SmallVector<Value> last =
      b.loop(end, 1, carried,
             [&](Value counter, ValueRange values) -> SmallVector<Value> {
               scatter(values);
               if (loop.loop >= 0)
                 counters[loop.loop] = counter;
               SmallVector<Value> inner(pointers);
               for (auto [i, pointer] : llvm::enumerate(inner))
                 if (Value step = getStep(loop, i, counter))
                   pointer = b.offset(pointer, step);
               emitReductions(level + 1, inner, running);
               SmallVector<Value> next;
               for (LaneValues &lanes : running)
                 llvm::append_range(next, lanes);
               return next;
             });
  scatter(last);
}

LaneValues LoopKernelEmitter::getInitialValues(size_t operand, Value pointer) {
  const LoopOperand &output = plan.shape.operands[operand];
  bool isRead = !plan.reductions.empty() ||
                !op.getMatchingBlockArgument(output.operand).use_empty();
  if (!isRead) // Placeholders, replaced by the body.
    return LaneValues(plan.lanes);
  if (Value constant = plan.initialValues[operand]) {
    IRMapping none;
    return LaneValues(plan.lanes, cloneSlice(b, constant, none));
  }
  return loadLanes(operand, pointer);
}

void LoopKernelEmitter::emitPoint(Value thePoint) {
  point = thePoint;
  SmallVector<Value> pointers = enterParallelLoops(point);
  SmallVector<LaneValues> running(getNumOperands());
  for (auto [i, operand] : llvm::enumerate(plan.shape.operands))
    if (operand.isOutput)
      running[i] = getInitialValues(i, pointers[i]);

  // A quantization at the end becomes saturating instructions.
  if (plan.reductions.empty() && op.getNumDpsInits() == 1) {
    EpilogueEmitter epilogue(*op.getBlock());
    if (epilogue.isQuantization()) {
      LaneValues results;
      for (IRMapping &mapping : startBodies(pointers, running))
        results.push_back(epilogue.emit(b, mapping));
      b.store(epilogue.pack(b, results), pointers.back(),
              plan.lanes * epilogue.getElementBytes());
      return;
    }
  }
  emitReductions(0, pointers, running);
  for (auto [i, operand] : llvm::enumerate(plan.shape.operands))
    if (operand.isOutput)
      storeLanes(i, pointers[i], running[i]);
}

void mlir::qopt::emitLoopKernel(const LoopKernelPlan &plan, DeviceBuilder &b,
                                LLVM::LLVMFuncOp kernel) {
  Value block = b.blockIdX(), thread = b.threadId();
  if (plan.isWide) {
    block = b.toI64(block);
    thread = b.toI64(thread);
  }
  Value point = b.add(b.mul(block, kLoopThreads), thread);
  Value numPoints = kernel.getArguments().back();
  b.ifThen(b.less(point, numPoints),
           [&] { LoopKernelEmitter(plan, b, kernel).emitPoint(point); });
  LLVM::ReturnOp::create(b, ValueRange());
}

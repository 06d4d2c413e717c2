//===- LoopsEmitter.cpp - Positions, loads and stores ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the families of loops kernels share. Loads never branch: where an
// element does not exist, the buffer's first one is read instead, and where a
// subscript is outside, the pad takes its place.
//
//===----------------------------------------------------------------------===//
#include "LoopsKernel.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::qopt;

LoopsEmitter::LoopsEmitter(const LoopsPlan &plan, DeviceBuilder &builder,
                           LLVM::LLVMFuncOp kernel)
    : plan(plan), program(plan.shape.op), b(builder), kernel(kernel) {
  LoopsOp op = plan.shape.op;
  numInits = op.getInits().size();
  for (size_t result = 0; result < numInits; ++result)
    emitters.emplace_back(*op.getProgram(), result);
}

size_t LoopsEmitter::getInput(BlockArgument argument) const {
  for (auto [i, operand] : llvm::enumerate(plan.shape.operands))
    if (operand.operand->getOperandNumber() == argument.getArgNumber())
      return i;
  llvm_unreachable("an argument that is used has an operand");
}

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

Value LoopsEmitter::getStep(const KernelLoop &loop, size_t operand,
                            Value counter) {
  int64_t stride =
      loop.strides[operand] *
      getElementBytes(plan.shape.operands[operand].getElementType());
  if (stride == 0)
    return nullptr;
  if (plan.isFar[operand])
    counter = b.toI64(counter);
  return b.mul(counter, stride);
}

LoopsPosition LoopsEmitter::advance(const LoopsPosition &position,
                                    const KernelLoop &loop, Value counter) {
  LoopsPosition next = position;
  for (auto [i, pointer] : llvm::enumerate(next.pointers))
    if (Value step = getStep(loop, i, counter))
      pointer = b.offset(pointer, step);
  if (loop.loop < 0)
    return next;
  for (auto [i, operand] : llvm::enumerate(plan.shape.operands))
    for (auto [dim, value] :
         llvm::zip(operand.checkedDims, next.subscripts[i])) {
      int64_t stride = operand.subscripts[dim].strides[loop.loop];
      if (stride == 0)
        continue;
      Value narrow =
          counter.getType().isInteger(32)
              ? counter
              : b.createOrFold<arith::TruncIOp>(b.getI32Type(), counter);
      value = b.add(value, b.mul(narrow, stride));
    }
  return next;
}

LoopsPosition LoopsEmitter::enterParallelLoops(Value unit) {
  LoopsPosition position;
  for (auto [i, operand] : llvm::enumerate(plan.shape.operands)) {
    int64_t bytes = getElementBytes(operand.getElementType());
    position.pointers.push_back(
        b.offset(kernel.getArgument(i), operand.address.offset * bytes));
    SmallVector<Value> &subscripts = position.subscripts.emplace_back();
    for (unsigned dim : operand.checkedDims)
      subscripts.push_back(b.i32(operand.subscripts[dim].offset));
  }
  for (size_t i = plan.parallel.size(); i-- > 0;) {
    const KernelLoop &loop = plan.parallel[i];
    Value counter = unit;
    if (i != 0) {
      int64_t groups = llvm::divideCeil(loop.extent, plan.steps[i]);
      counter = b.rem(unit, groups);
      unit = b.div(unit, groups);
    }
    counter = b.mul(counter, plan.steps[i]);
    if (loop.loop >= 0)
      counters[loop.loop] = counter;
    position = advance(position, loop, counter);
  }
  return position;
}

LoopsPosition LoopsEmitter::enterReduced(const LoopsPosition &row,
                                         Value element) {
  LoopsPosition position = row;
  for (size_t i = plan.reductions.size(); i-- > 0;) {
    const KernelLoop &loop = plan.reductions[i];
    Value counter = element;
    if (i != 0) {
      counter = b.rem(element, loop.extent);
      element = b.div(element, loop.extent);
    }
    position = advance(position, loop, counter);
  }
  return position;
}

//===----------------------------------------------------------------------===//
// Loads
//===----------------------------------------------------------------------===//

/// Both conditions; null is true.
static Value combineConditions(DeviceBuilder &b, Value x, Value y) {
  if (!x || !y)
    return x ? x : y;
  return b.bitAnd(x, y);
}

Value LoopsEmitter::isInside(size_t i, const LoopsPosition &position,
                             const KernelLoop *laneLoop, int64_t lane) {
  const LoopsOperand &operand = plan.shape.operands[i];
  Value inside;
  for (auto [dim, subscript] :
       llvm::zip(operand.checkedDims, position.subscripts[i])) {
    Value value = subscript;
    if (laneLoop && laneLoop->loop >= 0)
      value =
          b.add(value, lane * operand.subscripts[dim].strides[laneLoop->loop]);
    // Negative ones are large when unsigned.
    inside = combineConditions(
        b, inside, b.less(value, b.i32(operand.type.getDimSize(dim))));
  }
  return inside;
}

/// `count` times the pad, as elements in memory.
static Value createPad(DeviceBuilder &b, TypedAttr pad, VectorType type) {
  Type element = type.getElementType();
  Attribute value = pad;
  if (auto integer = dyn_cast<IntegerAttr>(pad))
    value = b.getIntegerAttr(element, integer.getValue().zextOrTrunc(
                                          element.getIntOrFloatBitWidth()));
  return arith::ConstantOp::create(b, DenseElementsAttr::get(type, value));
}

SmallVector<Value> LoopsEmitter::loadPiece(size_t i, Value pointer,
                                           int64_t width, Value inside) {
  const LoopsOperand &operand = plan.shape.operands[i];
  Type element = operand.getElementType();
  Type access = getAccessType(b, element);
  int64_t bytes = width * getElementBytes(element);
  auto type = VectorType::get(width, access);
  SmallVector<Value> values;
  auto append = [&](Value value) {
    values.push_back(fromStorage(b, value, element));
  };
  if (width == 1) {
    Value value = b.load(access, pointer, bytes);
    if (inside) {
      Value pad = createPad(b, operand.pad, type);
      value = b.select(inside, value, b.vectorElement(pad, 0));
    }
    append(value);
    return values;
  }
  Value vector;
  if (inside && bytes % 4 == 0) {
    // Whole words: one select for up to four elements.
    auto words = VectorType::get(bytes / 4, b.getI32Type());
    Value loaded = b.load(words, pointer, bytes);
    Value pad =
        LLVM::BitcastOp::create(b, words, createPad(b, operand.pad, type));
    SmallVector<Value> selected;
    for (int64_t word = 0; word < bytes / 4; ++word)
      selected.push_back(b.select(inside, b.vectorElement(loaded, word),
                                  b.vectorElement(pad, word)));
    vector = LLVM::BitcastOp::create(
        b, type, vector::FromElementsOp::create(b, words, selected));
  } else {
    vector = b.load(type, pointer, bytes);
    if (inside)
      vector = arith::SelectOp::create(b, inside, vector,
                                       createPad(b, operand.pad, type));
  }
  for (int64_t lane = 0; lane < width; ++lane)
    append(b.vectorElement(vector, lane));
  return values;
}

SmallVector<Value> LoopsEmitter::load(size_t i, const LoopsPosition &position,
                                      const KernelLoop *laneLoop, int64_t lanes,
                                      ArrayRef<Value> exists) {
  const LoopsOperand &operand = plan.shape.operands[i];
  int64_t stride = laneLoop ? laneLoop->strides[i] : 0;
  bool isSame = stride == 0 && !(laneLoop && laneLoop->loop >= 0 &&
                                 operand.isChecked(laneLoop->loop));
  int64_t width = stride == 1 ? plan.widths[i] : 1;
  int64_t bytes = getElementBytes(operand.getElementType());
  SmallVector<Value> values;
  for (int64_t lane = 0; lane < lanes; lane += width) {
    if (isSame && lane > 0) {
      values.push_back(values.front());
      continue;
    }
    Value pointer = b.offset(position.pointers[i], lane * stride * bytes);
    Value inside = isInside(i, position, laneLoop, lane);
    Value readable =
        combineConditions(b, inside, exists.empty() ? Value() : exists[lane]);
    if (readable)
      pointer = b.select(readable, pointer, kernel.getArgument(i));
    llvm::append_range(values, loadPiece(i, pointer, width, inside));
  }
  return values;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

Value LoopsEmitter::emitResult(unsigned result, IRMapping &mapping) {
  Value value = emitters[result].emit(b, mapping);
  return emitters[result].isQuantization()
             ? value
             : toStorage(b, value, emitters[result].getElementType());
}

void LoopsEmitter::store(unsigned result, const LoopsPosition &position,
                         const KernelLoop *laneLoop, ArrayRef<Value> values,
                         ArrayRef<Value> exists) {
  size_t i = getOutput(result);
  int64_t bytes = getElementBytes(plan.shape.operands[i].getElementType());
  int64_t stride = laneLoop ? laneLoop->strides[i] : 0;
  int64_t width = stride == 1 ? plan.widths[i] : 1;
  for (int64_t lane = 0; lane < static_cast<int64_t>(values.size());
       lane += width) {
    auto storePiece = [&] {
      Value piece = emitters[result].pack(b, values.slice(lane, width));
      b.store(piece, b.offset(position.pointers[i], lane * stride * bytes),
              width * bytes);
    };
    if (exists.empty())
      storePiece();
    else
      b.ifThen(exists[lane], storePiece);
  }
}

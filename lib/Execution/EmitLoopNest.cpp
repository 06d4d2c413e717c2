//===- EmitLoopNest.cpp - Code of a loop nest ------------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Loops are scf.for over i64, buffers are pointers that advance at each level,
// bodies are copies of the op's region. What LLVM's vectorizer needs is
// explicit in this form: constant trip counts and strides, and running values
// of reductions as loop-carried values instead of memory.
//
//===----------------------------------------------------------------------===//
#include "Buffers.h"
#include "NestEmitter.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::cpu;

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Value NestEmitter::load(Value pointer, Type elementType) {
  Type storage = getStorageType(elementType);
  Value value = LLVM::LoadOp::create(builder, loc, storage, pointer);
  if (elementType.isIndex())
    return arith::IndexCastOp::create(builder, loc, elementType, value);
  if (storage == elementType)
    return value;
  // i1: any byte but 0 is true.
  Value zero = arith::ConstantIntOp::create(builder, loc, storage, 0);
  return arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ne, value,
                               zero);
}

void NestEmitter::store(Value value, Value pointer, Type elementType) {
  Type storage = getStorageType(elementType);
  if (elementType.isIndex())
    value = arith::IndexCastOp::create(builder, loc, storage, value);
  else if (storage != elementType)
    value = arith::ExtUIOp::create(builder, loc, storage, value);
  LLVM::StoreOp::create(builder, loc, value, pointer);
}

Value NestEmitter::loadCaptured(memref::LoadOp op, const IRMapping &values) {
  MemRefType type = op.getMemRefType();
  SmallVector<int64_t> strides = *getStaticStrides(type);
  Value position = constant(0);
  for (auto [index, stride] : llvm::zip(op.getIndices(), strides)) {
    if (stride == 0)
      continue;
    Value counter = arith::IndexCastOp::create(
        builder, loc, builder.getI64Type(), values.lookupOrDefault(index));
    position = arith::AddIOp::create(
        builder, loc, position,
        arith::MulIOp::create(builder, loc, counter, constant(stride)));
  }
  Value pointer =
      advancePointer(builder, loc, bufferPointers.lookup(op.getMemRef()),
                     type.getElementType(), position);
  return load(pointer, type.getElementType());
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

/// Copies of the body's ops; `values` maps its arguments.
void NestEmitter::cloneBody(Lane &lane, IRMapping &values) {
  for (Operation &op : nest.op.getBlock()->without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      Value counter = lane.counters[index.getDim()];
      values.map(index.getResult(),
                 arith::IndexCastOp::create(builder, loc,
                                            builder.getIndexType(), counter));
    } else if (auto load = dyn_cast<memref::LoadOp>(op)) {
      values.map(load.getResult(), loadCaptured(load, values));
    } else {
      builder.clone(op, values);
    }
  }
}

void NestEmitter::emitBody(Lane &lane) {
  IRMapping values(mapping);
  size_t output = 0;
  for (auto [operand, pointer] : llvm::zip(nest.operands, lane.pointers)) {
    BlockArgument arg = nest.op.getMatchingBlockArgument(operand.operand);
    bool inRegister = operand.isOutput && !lane.running.empty();
    if (inRegister)
      values.map(arg, lane.running[output]);
    else if (!arg.use_empty())
      values.map(arg, load(pointer, operand.elementType));
    output += operand.isOutput;
  }
  cloneBody(lane, values);

  OperandRange results = nest.op.getBlock()->getTerminator()->getOperands();
  output = 0;
  for (auto [operand, pointer] : llvm::zip(nest.operands, lane.pointers)) {
    if (!operand.isOutput)
      continue;
    Value value = values.lookupOrDefault(results[output]);
    if (lane.running.empty())
      store(value, pointer, operand.elementType);
    else
      lane.running[output] = value;
    ++output;
  }
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

Lane NestEmitter::advance(const Lane &lane, const NestLoop &loop,
                          Value counter) {
  Lane result = lane;
  for (size_t i = 0; i < result.pointers.size(); ++i) {
    if (loop.strides[i] == 0)
      continue;
    Value elements = counter;
    if (loop.strides[i] != 1)
      elements = arith::MulIOp::create(builder, loc, counter,
                                       constant(loop.strides[i]),
                                       arith::IntegerOverflowFlags::nsw);
    result.pointers[i] = advancePointer(builder, loc, result.pointers[i],
                                        nest.operands[i].elementType, elements);
  }
  if (loop.dim >= 0)
    result.counters[loop.dim] = counter;
  return result;
}

void NestEmitter::emitRegisterLoop(size_t level, Lanes &lanes) {
  SmallVector<Value> inits;
  for (Lane &lane : lanes)
    inits.append(lane.running);
  auto loop = scf::ForOp::create(builder, loc, constant(0),
                                 constant(nest.loops[level].extent),
                                 constant(1), inits);
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Lanes inner;
  auto carried = loop.getRegionIterArgs();
  size_t numOutputs = lanes.front().running.size();
  for (auto [i, lane] : llvm::enumerate(lanes)) {
    inner.push_back(advance(lane, nest.loops[level], loop.getInductionVar()));
    auto values = carried.slice(i * numOutputs, numOutputs);
    inner.back().running.assign(values.begin(), values.end());
  }
  emitLevel(level + 1, inner);
  SmallVector<Value> yielded;
  for (Lane &lane : inner)
    yielded.append(lane.running);
  scf::YieldOp::create(builder, loc, yielded);
  for (auto [i, lane] : llvm::enumerate(lanes)) {
    auto values = loop.getResults().slice(i * numOutputs, numOutputs);
    lane.running.assign(values.begin(), values.end());
  }
}

/// Iterations `begin` to `end` of loop `level`, `step` of them at a time.
void NestEmitter::emitRange(size_t level, const Lane &lane, int64_t begin,
                            int64_t end, int64_t step) {
  if (begin >= end)
    return;
  auto loop = scf::ForOp::create(builder, loc, constant(begin), constant(end),
                                 constant(step));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToStart(loop.getBody());
  Lanes inner;
  for (int64_t i = 0; i < step; ++i) {
    Value counter = loop.getInductionVar();
    if (i > 0)
      counter = arith::AddIOp::create(builder, loc, counter, constant(i));
    inner.push_back(advance(lane, nest.loops[level], counter));
  }
  emitLevel(level + 1, inner);
}

void NestEmitter::emitInterleaved(size_t level, const Lane &lane) {
  int64_t extent = nest.loops[level].extent;
  int64_t whole = extent / nest.interleave * nest.interleave;
  emitRange(level, lane, 0, whole, nest.interleave);
  emitRange(level, lane, whole, extent, 1);
}

void NestEmitter::emitLevel(size_t level, Lanes &lanes) {
  if (nest.isOrderedSum && level == nest.getSumLevel())
    return emitOrderedSum(level, lanes.front());
  bool startsRegisters =
      level == nest.firstRegisterLoop && level < nest.loops.size();
  if (startsRegisters) {
    for (Lane &lane : lanes)
      for (auto [operand, pointer] : llvm::zip(nest.operands, lane.pointers))
        if (operand.isOutput)
          lane.running.push_back(load(pointer, operand.elementType));
    emitRegisterLoop(level, lanes);
    for (Lane &lane : lanes) {
      size_t output = 0;
      for (auto [operand, pointer] : llvm::zip(nest.operands, lane.pointers))
        if (operand.isOutput)
          store(lane.running[output++], pointer, operand.elementType);
      lane.running.clear();
    }
    return;
  }
  if (level == nest.loops.size()) {
    for (Lane &lane : lanes)
      emitBody(lane);
    return;
  }
  if (level > nest.firstRegisterLoop)
    return emitRegisterLoop(level, lanes);
  if (level + 1 == nest.firstRegisterLoop && nest.interleave > 1)
    return emitInterleaved(level, lanes.front());
  emitRange(level, lanes.front(), 0, nest.loops[level].extent, 1);
}

void NestEmitter::emit(ArrayRef<Value> operandPointers) {
  // An empty loop: no element is touched, not even an output.
  for (const NestLoop &loop : nest.loops)
    if (loop.extent == 0)
      return;
  Lane lane;
  lane.counters.assign(nest.op.getNumLoops(), Value());
  for (auto [operand, pointer] : llvm::zip(nest.operands, operandPointers))
    lane.pointers.push_back(
        advancePointer(builder, loc, pointer, operand.elementType,
                       builder.getI64IntegerAttr(operand.offset)));
  Lanes lanes = {lane};
  emitLevel(0, lanes);
}

void cpu::emitLoopNest(func::FuncOp function, LoopNest &nest,
                       ArrayRef<Value> operandPointers,
                       const DenseMap<Value, Value> &bufferPointers,
                       const IRMapping &mapping) {
  NestEmitter(function, nest, bufferPointers, mapping).emit(operandPointers);
}

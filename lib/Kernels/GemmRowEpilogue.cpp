//===- GemmRowEpilogue.cpp - From accumulators to stores -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A thread's share of a result row: consecutive columns. Operands and results
// move in the widest vectors that alignment allows. Where N is no multiple of
// the block's columns, each vector is checked by its first column; its width
// divides N, so that it is in or out as a whole.
//
//===----------------------------------------------------------------------===//
#include "GemmKernel.h"

#include <numeric>

using namespace mlir;
using namespace mlir::qopt;

GemmRowEpilogue::GemmRowEpilogue(DeviceBuilder &builder,
                                 const GemmProblem &problem,
                                 const GemmParameters &parameters,
                                 const EpilogueEmitter &emitter)
    : b(builder), problem(problem), p(parameters), emitter(emitter) {}

/// Elements per access: a power of two of at most 16 bytes that divides the
/// thread's columns, keeps alignment, and, where `checked`, divides N.
static int64_t getVectorWidth(const GemmProblem &problem, int64_t count,
                              int64_t bytes, int64_t alignment, bool checked) {
  constexpr int64_t kMaxBytes = 16;
  int64_t width = std::gcd(count, kMaxBytes / bytes);
  width = std::gcd(width, std::max<int64_t>(1, alignment / bytes));
  return checked ? std::gcd(width, problem.n) : width;
}

SmallVector<Value> GemmRowEpilogue::loadElements(const EpilogueOperand &operand,
                                                 Value rowPointer,
                                                 int64_t count) {
  int64_t bytes = operand.getElementBytes();
  bool checked =
      problem.n % problem.config.getBlockN() != 0 && !operand.paddedColumns;
  int64_t width =
      getVectorWidth(problem, count, bytes, operand.rowAlignment, checked);
  // Truth values are bytes.
  Type type = operand.elementType;
  Type stored = type.isInteger(1) ? b.getI8Type() : type;
  SmallVector<Value> values;
  for (int64_t i = 0; i < count; i += width) {
    Value first = b.add(column, i);
    if (checked)
      first = b.select(b.less(first, p.n), first, b.i32(0));
    Value pointer = b.offset(rowPointer, b.mul(b.toI64(first), bytes));
    if (width == 1) {
      values.push_back(b.load(stored, pointer, bytes));
    } else {
      Value vector =
          b.load(VectorType::get(width, stored), pointer, width * bytes);
      for (int64_t e = 0; e < width; ++e)
        values.push_back(b.vectorElement(vector, e));
    }
  }
  if (stored != type)
    for (Value &value : values)
      value = b.createOrFold<arith::TruncIOp>(type, value);
  return values;
}

void GemmRowEpilogue::loadColumns(Value firstColumn, int64_t numColumns) {
  column = firstColumn;
  count = numColumns;
  for (auto [operand, base] : llvm::zip(problem.operands, p.operands)) {
    columnValues.emplace_back();
    if (operand.hasRow)
      continue;
    if (operand.hasColumn)
      columnValues.back() = loadElements(operand, base, count);
    else
      columnValues.back().assign(
          count, b.load(operand.elementType, base, operand.getElementBytes()));
  }
}

void GemmRowEpilogue::store(Value row, ValueRange accumulators) {
  Value existing = b.minUnsigned(row, b.sub(p.m, b.i32(1)));
  Value wideRow = b.toI64(existing);
  // Operands of this row, read where they exist.
  SmallVector<SmallVector<Value>> values = columnValues;
  for (auto [i, operand] : llvm::enumerate(problem.operands)) {
    if (!operand.hasRow)
      continue;
    int64_t bytes = operand.getElementBytes();
    Value stride = operand.hasColumn ? b.toI64(p.operandStrides[i]) : b.i64(1);
    Value pointer =
        b.offset(p.operands[i], b.mul(b.mul(wideRow, stride), bytes));
    if (operand.hasColumn)
      values[i] = loadElements(operand, pointer, count);
    else
      values[i].assign(count, b.load(operand.elementType, pointer, bytes));
  }
  SmallVector<Value> results;
  for (int64_t c = 0; c < count; ++c) {
    SmallVector<Value> arguments = {accumulators[c]};
    for (ArrayRef<Value> operand : values)
      arguments.push_back(operand[c]);
    results.push_back(emitter.emit(b, arguments));
  }
  int64_t bytes = emitter.getElementBytes();
  bool checked = problem.n % problem.config.getBlockN() != 0;
  int64_t width =
      getVectorWidth(problem, count, bytes, problem.d.rowAlignment, checked);
  Value pointer = b.offset(
      p.d,
      b.mul(b.add(b.mul(wideRow, b.toI64(p.ldd)), b.toI64(column)), bytes));
  b.ifThen(b.less(row, p.m), [&] {
    for (int64_t i = 0; i < count; i += width) {
      auto storeVector = [&] {
        Value packed = emitter.pack(b, ValueRange(results).slice(i, width));
        b.store(packed, b.offset(pointer, i * bytes), width * bytes);
      };
      if (checked)
        b.ifThen(b.less(b.add(column, i), p.n), storeVector);
      else
        storeVector();
    }
  });
}

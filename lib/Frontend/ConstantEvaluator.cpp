//===- ConstantEvaluator.cpp - Ops on constants as constants ----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ConstantEvaluator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::qopt;

/// A type of which values can be known.
static bool isKnowable(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor)
    return getScalarBytes(type) != 0;
  int64_t count = 1;
  if (!tensor.hasStaticShape() || getScalarBytes(tensor.getElementType()) == 0)
    return false;
  for (int64_t size : tensor.getShape())
    if (llvm::MulOverflow(count, size, count))
      return false;
  return true;
}

static bool hasSupportedBody(Block &block) {
  return llvm::all_of(
      block, [](Operation &op) { return ScalarProgram::isSupported(&op); });
}

bool ConstantEvaluator::isSupported(Operation *op) {
  if (!llvm::all_of(op->getOperandTypes(), isKnowable) ||
      !llvm::all_of(op->getResultTypes(), isKnowable))
    return false;
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return linalgOp.hasPureTensorSemantics() &&
           hasSupportedBody(*linalgOp.getBlock());
  if (auto generate = dyn_cast<tensor::GenerateOp>(op))
    return hasSupportedBody(generate.getBody().front());
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return static_cast<bool>(pad.getConstantPaddingValue());
  if (isa<scf::ForOp, scf::IfOp>(op))
    return llvm::all_of(op->getRegions(), [](Region &region) {
      return region.empty() ||
             (region.hasOneBlock() &&
              llvm::all_of(
                  region.front().without_terminator(),
                  [](Operation &nested) { return isSupported(&nested); }));
    });
  if (isa<arith::ConstantOp, tensor::EmptyOp, tensor::ExtractSliceOp,
          tensor::InsertSliceOp, tensor::ConcatOp, tensor::ExpandShapeOp,
          tensor::CollapseShapeOp, tensor::CastOp, tensor::SplatOp,
          tensor::FromElementsOp>(op))
    return true;
  return op->getNumRegions() == 0 && op->getNumResults() == 1 &&
         !isa<RankedTensorType>(op->getResult(0).getType()) &&
         ScalarProgram::isSupported(op);
}

LogicalResult ConstantEvaluator::charge(int64_t work) {
  workLeft -= std::min(work, workLeft + 1);
  return success(workLeft >= 0);
}

SmallVector<int64_t>
ConstantEvaluator::getNumbers(ArrayRef<OpFoldResult> mixed) const {
  return llvm::map_to_vector(mixed, [&](OpFoldResult number) -> int64_t {
    if (auto value = dyn_cast<Value>(number))
      return lookup(value).scalar;
    return cast<IntegerAttr>(cast<Attribute>(number)).getInt();
  });
}

TypedAttr ConstantEvaluator::getAttr(Value value, StringRef hint) const {
  const ConstantValue &entry = lookup(value);
  if (entry.getTensorType())
    return cast<TypedAttr>(entry.tensor.getAttr(hint));
  return getScalarAttr(value.getType(), entry.scalar);
}

LogicalResult ConstantEvaluator::evaluateConstant(Operation *op,
                                                  Attribute attr) {
  if (auto elements = dyn_cast<ElementsAttr>(attr)) {
    FailureOr<ConstantTensor> tensor = ConstantTensor::get(elements);
    if (failed(tensor))
      return failure();
    setTensor(op->getResult(0), std::move(*tensor));
    return success();
  }
  FailureOr<ScalarBits> bits = getScalarConstant(attr);
  if (failed(bits))
    return failure();
  setScalar(op->getResult(0), *bits);
  return success();
}

LogicalResult ConstantEvaluator::evaluateScalar(Operation *op) {
  ScalarProgram program;
  auto range =
      llvm::make_range(op->getIterator(), std::next(op->getIterator()));
  if (failed(program.compile(*op->getBlock(), range, known)) ||
      failed(charge(1)) || failed(program.run()))
    return failure();
  setScalar(op->getResult(0), program[program.getRegister(op->getResult(0))]);
  return success();
}

//===----------------------------------------------------------------------===//
// Data movement
//===----------------------------------------------------------------------===//

/// Where a slice lies in a tensor of `shape`: its strides in elements there.
/// Failure where it leaves the tensor, which is undefined.
static FailureOr<int64_t> locateSlice(ArrayRef<int64_t> shape,
                                      ArrayRef<int64_t> offsets,
                                      ArrayRef<int64_t> sizes,
                                      MutableArrayRef<int64_t> strides) {
  int64_t position = 0;
  for (auto [extent, offset, size, stride, elements] : llvm::zip_equal(
           shape, offsets, sizes, strides, getRowMajorStrides(shape))) {
    int64_t last = offset + (size - 1) * stride;
    if (size > 0 &&
        (offset < 0 || offset >= extent || last < 0 || last >= extent))
      return failure();
    position += offset * elements;
    stride *= elements;
  }
  return position;
}

LogicalResult
ConstantEvaluator::evaluateExtractSlice(tensor::ExtractSliceOp op) {
  const ConstantTensor &source = getTensor(op.getSource());
  SmallVector<int64_t> sizes = getNumbers(op.getMixedSizes());
  SmallVector<int64_t> strides = getNumbers(op.getMixedStrides());
  FailureOr<int64_t> offset = locateSlice(
      source.getShape(), getNumbers(op.getMixedOffsets()), sizes, strides);
  auto full = RankedTensorType::get(sizes, op.getType().getElementType());
  if (failed(offset) ||
      full.getNumElements() != op.getType().getNumElements() ||
      failed(charge(full.getNumElements())))
    return failure();
  setTensor(op.getResult(),
            source.gather(full, *offset, strides).reshape(op.getType()));
  return success();
}

LogicalResult ConstantEvaluator::evaluateInsertSlice(tensor::InsertSliceOp op) {
  const ConstantTensor &source = getTensor(op.getSource());
  SmallVector<int64_t> sizes = getNumbers(op.getMixedSizes());
  SmallVector<int64_t> strides = getNumbers(op.getMixedStrides());
  FailureOr<int64_t> offset =
      locateSlice(op.getDestType().getShape(), getNumbers(op.getMixedOffsets()),
                  sizes, strides);
  auto full = RankedTensorType::get(sizes, op.getDestType().getElementType());
  if (failed(offset) || full.getNumElements() != source.getNumElements() ||
      failed(charge(op.getDestType().getNumElements())))
    return failure();
  ConstantTensor result = getTensor(op.getDest()).clone();
  result.scatter(source.reshape(full), *offset, strides);
  setTensor(op.getResult(), std::move(result));
  return success();
}

LogicalResult ConstantEvaluator::evaluatePad(tensor::PadOp op) {
  // The value is an arith.constant, inside the op or before it.
  Attribute padding;
  if (!matchPattern(op.getConstantPaddingValue(), m_Constant(&padding)))
    return failure();
  FailureOr<ScalarBits> bits = getScalarConstant(padding);
  RankedTensorType type = op.getResultType();
  if (failed(bits) || failed(charge(type.getNumElements())))
    return failure();
  const ConstantTensor &source = getTensor(op.getSource());
  SmallVector<int64_t> low = getNumbers(op.getMixedLowPad());
  SmallVector<int64_t> strides(low.size(), 1);
  // Negative padding would cut; it is rare enough to be left alone.
  FailureOr<int64_t> offset =
      locateSlice(type.getShape(), low, source.getShape(), strides);
  if (failed(offset))
    return failure();
  ConstantTensor result(type);
  for (int64_t i = 0, e = type.getNumElements(); i < e; ++i)
    result.store(i, *bits);
  result.scatter(source, *offset, strides);
  setTensor(op.getResult(), std::move(result));
  return success();
}

LogicalResult ConstantEvaluator::evaluateConcat(tensor::ConcatOp op) {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  if (failed(charge(type.getNumElements())))
    return failure();
  ConstantTensor result(type);
  SmallVector<int64_t> strides = getRowMajorStrides(type.getShape());
  int64_t position = 0;
  for (Value input : op.getInputs()) {
    const ConstantTensor &source = getTensor(input);
    result.scatter(source, position * strides[op.getDim()], strides);
    position += source.getShape()[op.getDim()];
  }
  setTensor(op.getResult(), std::move(result));
  return success();
}

LogicalResult ConstantEvaluator::evaluateSplat(tensor::SplatOp op) {
  ConstantTensor result(op.getType());
  if (failed(charge(result.getNumElements())))
    return failure();
  for (int64_t i = 0, e = result.getNumElements(); i < e; ++i)
    result.store(i, lookup(op.getInput()).scalar);
  setTensor(op.getResult(), std::move(result));
  return success();
}

LogicalResult
ConstantEvaluator::evaluateFromElements(tensor::FromElementsOp op) {
  ConstantTensor result(cast<RankedTensorType>(op.getType()));
  for (auto [i, element] : llvm::enumerate(op.getElements()))
    result.store(i, lookup(element).scalar);
  setTensor(op.getResult(), std::move(result));
  return charge(op.getElements().size());
}

LogicalResult ConstantEvaluator::evaluateGenerate(tensor::GenerateOp op) {
  auto type = cast<RankedTensorType>(op.getType());
  Block &body = op.getBody().front();
  ScalarProgram program;
  SmallVector<unsigned> arguments;
  for (Value argument : body.getArguments())
    arguments.push_back(program.getRegister(argument));
  unsigned yielded = program.getRegister(body.getTerminator()->getOperand(0));
  if (failed(program.compile(body, body.without_terminator(), known)) ||
      failed(charge(type.getNumElements() * (program.getNumSteps() + 1))))
    return failure();
  ConstantTensor result(type);
  SmallVector<int64_t> strides = getRowMajorStrides(type.getShape());
  for (int64_t i = 0, e = type.getNumElements(); i < e; ++i) {
    for (auto [argument, stride, size] :
         llvm::zip(arguments, strides, type.getShape()))
      program[argument] = i / stride % size;
    if (failed(program.run()))
      return failure();
    result.store(i, program[yielded]);
  }
  setTensor(op.getResult(), std::move(result));
  return success();
}

//===----------------------------------------------------------------------===//
// Control flow
//===----------------------------------------------------------------------===//

LogicalResult ConstantEvaluator::evaluateBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (failed(evaluate(&op)))
      return failure();
  return success();
}

LogicalResult ConstantEvaluator::evaluateLoop(scf::ForOp op) {
  int64_t lower = lookup(op.getLowerBound()).scalar;
  int64_t upper = lookup(op.getUpperBound()).scalar;
  int64_t step = lookup(op.getStep()).scalar;
  if (step <= 0 || op.getUnsignedCmp() || !op.getStep().getType().isIndex())
    return failure();
  SmallVector<ConstantValue> carried;
  for (Value init : op.getInitArgs())
    carried.push_back(lookup(init));
  for (int64_t i = lower; i < upper; i += step) {
    if (failed(charge(1)))
      return failure();
    setScalar(op.getInductionVar(), i);
    for (auto [argument, value] : llvm::zip(op.getRegionIterArgs(), carried))
      known[argument] = value;
    if (failed(evaluateBlock(*op.getBody())))
      return failure();
    for (auto [value, yielded] : llvm::zip(carried, op.getYieldedValues()))
      value = lookup(yielded);
    if (i > upper - step)
      break;
  }
  for (auto [result, value] : llvm::zip(op.getResults(), carried))
    known[result] = value;
  return success();
}

LogicalResult ConstantEvaluator::evaluateIf(scf::IfOp op) {
  bool condition = lookup(op.getCondition()).scalar != 0;
  Region &region = condition ? op.getThenRegion() : op.getElseRegion();
  if (region.empty())
    return success();
  if (failed(evaluateBlock(region.front())))
    return failure();
  Operation *yield = region.front().getTerminator();
  for (auto [result, yielded] :
       llvm::zip(op.getResults(), yield->getOperands()))
    known[result] = ConstantValue(lookup(yielded));
  return success();
}

LogicalResult ConstantEvaluator::evaluate(Operation *op) {
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return evaluateLinalg(linalgOp);
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case<arith::ConstantOp>([&](arith::ConstantOp constant) {
        return evaluateConstant(constant, constant.getValue());
      })
      // What an empty tensor holds is undefined: zeros will do.
      .Case<tensor::EmptyOp>([&](tensor::EmptyOp empty) {
        if (failed(charge(empty.getType().getNumElements())))
          return failure();
        setTensor(empty, ConstantTensor(empty.getType()));
        return success();
      })
      .Case<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(
          [&](auto movement) {
            auto type = cast<RankedTensorType>(movement.getResult().getType());
            setTensor(movement.getResult(),
                      getTensor(movement->getOperand(0)).reshape(type));
            return success();
          })
      .Case([&](tensor::SplatOp o) { return evaluateSplat(o); })
      .Case([&](tensor::ExtractSliceOp o) { return evaluateExtractSlice(o); })
      .Case([&](tensor::InsertSliceOp o) { return evaluateInsertSlice(o); })
      .Case([&](tensor::PadOp o) { return evaluatePad(o); })
      .Case([&](tensor::ConcatOp o) { return evaluateConcat(o); })
      .Case([&](tensor::GenerateOp o) { return evaluateGenerate(o); })
      .Case([&](tensor::FromElementsOp o) { return evaluateFromElements(o); })
      .Case([&](scf::ForOp o) { return evaluateLoop(o); })
      .Case([&](scf::IfOp o) { return evaluateIf(o); })
      .Default([&](Operation *o) { return evaluateScalar(o); });
}

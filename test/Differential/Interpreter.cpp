//===- Interpreter.cpp - What a QDQ form means ----------------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::differential;

Tensor differential::makeTensor(Type type) {
  Tensor tensor;
  tensor.type = type;
  if (auto ranked = dyn_cast<RankedTensorType>(type))
    tensor.shape.assign(ranked.getShape().begin(), ranked.getShape().end());
  tensor.data.resize(ShapedType::getNumElements(tensor.shape), ofInt(0));
  return tensor;
}

void differential::forEachIndex(
    ArrayRef<int64_t> shape,
    function_ref<void(int64_t, ArrayRef<int64_t>)> visit) {
  int64_t count = ShapedType::getNumElements(shape);
  SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t flat = 0; flat < count; ++flat) {
    visit(flat, index);
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d])
        break;
      index[d] = 0;
    }
  }
}

bool Interpreter::fail(Operation &op, const Twine &message) {
  if (error->empty())
    *error = (op.getName().getStringRef() + ": " + message).str();
  return false;
}

TensorRef Interpreter::get(Value value) {
  auto it = values.find(value);
  return it == values.end() ? nullptr : it->second;
}

void Interpreter::set(Value value, Tensor tensor) {
  values[value] = std::make_shared<const Tensor>(std::move(tensor));
}

std::vector<TensorRef> Interpreter::run(func::FuncOp entry,
                                        ArrayRef<TensorRef> inputs,
                                        std::string &message) {
  error = &message;
  values.clear();
  for (auto [argument, input] : llvm::zip_equal(entry.getArguments(), inputs))
    values[argument] = input;
  Block &body = entry.getBody().front();
  if (!runBlock(body))
    return {};
  std::vector<TensorRef> results;
  for (Value result : body.getTerminator()->getOperands())
    results.push_back(get(result));
  return results;
}

bool Interpreter::runBlock(Block &block) {
  for (Operation &op : block.without_terminator())
    if (!runOp(op))
      return false;
  return true;
}

bool Interpreter::runOp(Operation &op) {
  if (op.hasTrait<OpTrait::ConstantLike>())
    return runConstant(op);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op)) {
    set(empty, makeTensor(empty.getType()));
    return true;
  }
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return runFor(loop);
  if (auto cast = dyn_cast<quant::QuantizeCastOp>(op))
    return runQuantize(cast);
  if (auto cast = dyn_cast<quant::DequantizeCastOp>(op))
    return runDequantize(cast);
  if (auto cast = dyn_cast<quant::StorageCastOp>(op))
    return runStorage(cast);
  if (auto cast = dyn_cast<DynamicQuantizeOp>(op))
    return runDynamicQuantize(cast);
  if (auto cast = dyn_cast<DynamicDequantizeOp>(op))
    return runDynamicDequantize(cast);
  if (isMovement(op))
    return runMovement(op);
  if (auto structured = dyn_cast<linalg::LinalgOp>(op))
    return runStructured(structured);
  return runScalar(op);
}

bool Interpreter::runConstant(Operation &op) {
  Attribute attr;
  if (!matchPattern(&op, m_Constant(&attr)))
    return fail(op, "constant of an unknown kind");
  auto elements = dyn_cast<ElementsAttr>(attr);
  if (!elements)
    return runScalar(op);
  Tensor result = makeTensor(op.getResult(0).getType());
  Type type = elements.getElementType();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    ArrayRef<char> data = resource.getRawHandle().getBlob()->getData();
    bool isSplat = false;
    if (!DenseElementsAttr::isValidRawBuffer(elements.getShapedType(), data,
                                             isSplat))
      return fail(op, "resource of another size");
    elements =
        DenseElementsAttr::getFromRawBuffer(elements.getShapedType(), data);
  }
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  if (!dense)
    return fail(op, "constant that is not dense");
  size_t i = 0;
  if (isa<FloatType>(type)) {
    for (APFloat value : dense.getValues<APFloat>())
      result.data[i++] = ofFloat(type.isF64() ? value.convertToDouble()
                                              : double(value.convertToFloat()));
  } else {
    unsigned width = getWidth(type);
    for (APInt value : dense.getValues<APInt>())
      result.data[i++] = ofInt(width == 1 ? int64_t(value.getZExtValue())
                                          : value.getSExtValue());
  }
  set(op.getResult(0), std::move(result));
  return true;
}

bool Interpreter::runScalar(Operation &op) {
  ScalarProgram program;
  std::string problem;
  auto lookup = [&](Value value) { return get(value); };
  if (llvm::any_of(op.getResultTypes(), llvm::IsaPred<ShapedType>) ||
      op.getNumRegions() != 0)
    return fail(op, "not known to the interpreter");
  if (!program.compile(op, lookup, problem))
    return fail(op, problem);
  ScalarError undefined;
  const Scalar *result = program.run(nullptr, nullptr, undefined);
  if (!undefined.message.empty())
    return fail(op, undefined.message);
  for (auto [i, value] : llvm::enumerate(op.getResults())) {
    Tensor tensor = makeTensor(value.getType());
    tensor.data.front() = result[i];
    set(value, std::move(tensor));
  }
  return true;
}

bool Interpreter::runFor(scf::ForOp op) {
  int64_t begin = get(op.getLowerBound())->data.front().i;
  int64_t end = get(op.getUpperBound())->data.front().i;
  int64_t step = get(op.getStep())->data.front().i;
  if (step <= 0)
    return fail(*op, "step that is not positive");
  SmallVector<TensorRef> carried;
  for (Value init : op.getInitArgs())
    carried.push_back(get(init));
  for (int64_t i = begin; i < end; i += step) {
    Tensor counter = makeTensor(op.getInductionVar().getType());
    counter.data.front() = ofInt(i);
    set(op.getInductionVar(), std::move(counter));
    for (auto [argument, value] : llvm::zip(op.getRegionIterArgs(), carried))
      values[argument] = value;
    if (!runBlock(*op.getBody()))
      return false;
    for (auto [i, value] :
         llvm::enumerate(op.getBody()->getTerminator()->getOperands()))
      carried[i] = get(value);
  }
  for (auto [result, value] : llvm::zip(op.getResults(), carried))
    values[result] = value;
  return true;
}

std::vector<int64_t> Interpreter::getIndices(ArrayRef<OpFoldResult> mixed) {
  std::vector<int64_t> indices;
  for (OpFoldResult index : mixed)
    indices.push_back(getConstantIntValue(index).value_or(0));
  for (auto [i, index] : llvm::enumerate(mixed))
    if (auto value = dyn_cast<Value>(index))
      if (TensorRef known = get(value))
        indices[i] = known->data.front().i;
  return indices;
}

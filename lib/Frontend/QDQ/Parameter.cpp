//===- Parameter.cpp - Constants that elementwise ops read ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "ScalarWalk.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Analysis/Elementwise.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

/// Scales and zero points are vectors; what is larger is data.
static constexpr int64_t kMaxNumbers = int64_t(1) << 22;

bool Parameter::isAll(double value) const {
  return llvm::all_of(values, [&](double v) { return v == value; });
}

Parameter Parameter::number(double value) {
  Parameter result;
  result.values = {value};
  return result;
}

std::optional<Parameter>
Parameter::combine(const Parameter &a, const Parameter &b,
                   function_ref<double(double, double)> fn) {
  Parameter result;
  SmallVector<int64_t> stepsA, stepsB;
  auto add = [&](int64_t dim, int64_t block, int64_t count) {
    result.dims.push_back(dim);
    result.blocks.push_back(block);
    result.counts.push_back(count);
  };
  size_t i = 0, j = 0;
  while (i < a.dims.size() || j < b.dims.size()) {
    bool inA =
        i < a.dims.size() && (j == b.dims.size() || a.dims[i] <= b.dims[j]);
    bool inB =
        j < b.dims.size() && (i == a.dims.size() || b.dims[j] <= a.dims[i]);
    if (inA && inB &&
        (a.blocks[i] != b.blocks[j] || a.counts[i] != b.counts[j]))
      return std::nullopt;
    if (inA)
      add(a.dims[i], a.blocks[i], a.counts[i]);
    else
      add(b.dims[j], b.blocks[j], b.counts[j]);
    stepsA.push_back(inA);
    stepsB.push_back(inB);
    i += inA;
    j += inB;
  }
  // From "varies along it" to strides.
  int64_t strideA = 1, strideB = 1, total = 1;
  for (size_t d = result.dims.size(); d-- > 0;) {
    stepsA[d] *= std::exchange(strideA, stepsA[d] ? strideA * result.counts[d]
                                                  : strideA);
    stepsB[d] *= std::exchange(strideB, stepsB[d] ? strideB * result.counts[d]
                                                  : strideB);
    total *= result.counts[d];
  }
  if (total > kMaxNumbers)
    return std::nullopt;
  SmallVector<int64_t> index(result.dims.size(), 0);
  int64_t atA = 0, atB = 0;
  for (int64_t n = 0; n < total; ++n) {
    result.values.push_back(fn(a.values[atA], b.values[atB]));
    for (size_t d = index.size(); d-- > 0;) {
      atA += stepsA[d];
      atB += stepsB[d];
      if (++index[d] < result.counts[d])
        break;
      atA -= stepsA[d] * index[d];
      atB -= stepsB[d] * index[d];
      index[d] = 0;
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Tensors of constants
//===----------------------------------------------------------------------===//

/// The numbers of a constant, integers with their sign.
static std::optional<std::vector<double>> readNumbers(ElementsAttr attr) {
  if (attr.getNumElements() > kMaxNumbers)
    return std::nullopt;
  if (isa<FloatType>(attr.getElementType())) {
    FailureOr<std::vector<float>> values = readFloats(attr);
    if (failed(values))
      return std::nullopt;
    return std::vector<double>(values->begin(), values->end());
  }
  FailureOr<std::vector<char>> bytes = readRawBytes(attr);
  if (failed(bytes) || !attr.getElementType().isInteger())
    return std::nullopt;
  size_t width = attr.getElementType().getIntOrFloatBitWidth() / 8;
  if (width > sizeof(int64_t))
    return std::nullopt;
  std::vector<double> result;
  for (size_t i = 0; i < bytes->size(); i += width) {
    int64_t value = 0;
    memcpy(&value, bytes->data() + i, width);
    unsigned unused = 64 - 8 * width;
    result.push_back(static_cast<int64_t>(uint64_t(value) << unused) >> unused);
  }
  return result;
}

/// The constant that tensor `value` holds, over its dimensions.
static std::optional<Parameter> readTensor(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || !type.hasStaticShape())
    return std::nullopt;
  if (auto op = value.getDefiningOp<linalg::GenericOp>())
    return isElementwise(op) ? readParameter(getYielded(op)) : std::nullopt;
  if (auto fill = value.getDefiningOp<linalg::FillOp>()) {
    auto constant = fill.value().getDefiningOp<arith::ConstantOp>();
    auto number = constant ? dyn_cast<FloatAttr>(constant.getValue()) : nullptr;
    if (!number)
      return std::nullopt;
    return Parameter::number(number.getValueAsDouble());
  }
  // A vector behind dimensions of size 1 is still a vector.
  Value source;
  if (auto expand = value.getDefiningOp<tensor::ExpandShapeOp>())
    source = expand.getSrc();
  else if (auto collapse = value.getDefiningOp<tensor::CollapseShapeOp>())
    source = collapse.getSrc();
  ElementsAttr attr = getConstantElements(source ? source : value);
  if (!attr)
    return std::nullopt;
  if (auto splat = dyn_cast<SplatElementsAttr>(attr)) {
    auto one = RankedTensorType::get({1}, type.getElementType());
    std::optional<std::vector<double>> values =
        readNumbers(cast<ElementsAttr>(splat.resizeSplat(one)));
    if (!values)
      return std::nullopt;
    return Parameter::number(values->front());
  }
  std::optional<std::vector<double>> values = readNumbers(attr);
  if (!values)
    return std::nullopt;
  Parameter result;
  for (auto [dim, size] : llvm::enumerate(type.getShape()))
    if (size != 1) {
      result.dims.push_back(dim);
      result.blocks.push_back(1);
      result.counts.push_back(size);
    }
  result.values = std::move(*values);
  return result;
}

/// `parameter` over the dimensions of an operand that loops read through `map`,
/// over those loops. Extents of the loops are `ranges`.
static std::optional<Parameter> moveToLoops(const Parameter &parameter,
                                            AffineMap map,
                                            ArrayRef<int64_t> ranges) {
  Parameter result;
  result.values = parameter.values;
  for (auto [dim, block, count] :
       llvm::zip(parameter.dims, parameter.blocks, parameter.counts)) {
    AffineExpr expr = map.getResult(dim);
    int64_t divisor = 1;
    if (auto binary = dyn_cast<AffineBinaryOpExpr>(expr)) {
      auto constant = dyn_cast<AffineConstantExpr>(binary.getRHS());
      if (binary.getKind() != AffineExprKind::FloorDiv || !constant)
        return std::nullopt;
      expr = binary.getLHS();
      divisor = constant.getValue();
    }
    auto loop = dyn_cast<AffineDimExpr>(expr);
    // Loops in another order would transpose the numbers.
    if (!loop ||
        (!result.dims.empty() && result.dims.back() >= loop.getPosition()) ||
        ranges[loop.getPosition()] != block * divisor * count)
      return std::nullopt;
    result.dims.push_back(loop.getPosition());
    result.blocks.push_back(block * divisor);
    result.counts.push_back(count);
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Scalars
//===----------------------------------------------------------------------===//

static std::optional<Parameter> readArgument(linalg::GenericOp op,
                                             BlockArgument arg) {
  OpOperand &operand = op->getOpOperand(arg.getArgNumber());
  if (op.isDpsInit(&operand))
    return std::nullopt;
  if (!isa<RankedTensorType>(operand.get().getType())) {
    auto constant = operand.get().getDefiningOp<arith::ConstantOp>();
    if (!constant)
      return std::nullopt;
    return readParameter({op, operand.get()});
  }
  std::optional<Parameter> tensor = readTensor(operand.get());
  if (!tensor)
    return std::nullopt;
  return moveToLoops(*tensor, op.getMatchingIndexingMap(&operand),
                     op.getStaticLoopRanges());
}

static double toF32(double value) { return static_cast<float>(value); }

/// `value` as an integer of `bits` bits that is meant without a sign.
static double toUnsigned(double value, unsigned bits) {
  return value < 0 ? value + std::ldexp(1.0, bits) : value;
}

std::optional<Parameter> mlir::qopt::readParameter(Scalar scalar) {
  linalg::GenericOp generic = scalar.op;
  if (auto arg = dyn_cast<BlockArgument>(scalar.value)) {
    if (arg.getOwner() != generic.getBody())
      return std::nullopt;
    return readArgument(generic, arg);
  }
  Operation *op = scalar.value.getDefiningOp();
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    if (auto number = dyn_cast<FloatAttr>(constant.getValue()))
      return Parameter::number(number.getValueAsDouble());
    auto number = dyn_cast<IntegerAttr>(constant.getValue());
    if (!number || number.getValue().getSignificantBits() > 53)
      return std::nullopt;
    return Parameter::number(number.getValue().getSExtValue());
  }
  Type type = scalar.value.getType();
  auto unary = [&](function_ref<double(double)> fn) {
    std::optional<Parameter> in = readParameter({generic, op->getOperand(0)});
    if (in)
      for (double &value : in->values)
        value = fn(value);
    return in;
  };
  auto binary =
      [&](function_ref<double(double, double)> fn) -> std::optional<Parameter> {
    std::optional<Parameter> a = readParameter({generic, op->getOperand(0)});
    if (!a)
      return std::nullopt;
    std::optional<Parameter> b = readParameter({generic, op->getOperand(1)});
    if (!b)
      return std::nullopt;
    return Parameter::combine(*a, *b, fn);
  };
  if (op->getNumOperands() == 0 || !op->getOperand(0).getType().isIntOrFloat())
    return std::nullopt;
  unsigned inBits = op->getOperand(0).getType().getIntOrFloatBitWidth();
  if (isa<arith::TruncFOp>(op) && type.isF32())
    return unary(toF32);
  if (isa<arith::ExtFOp, arith::ExtSIOp>(op))
    return unary([](double v) { return v; });
  if (isa<arith::ExtUIOp>(op))
    return unary([&](double v) { return toUnsigned(v, inBits); });
  // The other operations are those of f32: doubles round to it correctly.
  if (!type.isF32())
    return std::nullopt;
  if (isa<arith::SIToFPOp>(op))
    return unary(toF32);
  if (isa<arith::UIToFPOp>(op))
    return unary([&](double v) { return toF32(toUnsigned(v, inBits)); });
  if (isa<arith::NegFOp>(op))
    return unary([](double v) { return -v; });
  if (isa<arith::AddFOp>(op))
    return binary([](double a, double b) { return toF32(a + b); });
  if (isa<arith::SubFOp>(op))
    return binary([](double a, double b) { return toF32(a - b); });
  if (isa<arith::MulFOp>(op))
    return binary([](double a, double b) { return toF32(a * b); });
  if (isa<arith::DivFOp>(op))
    return binary([](double a, double b) { return toF32(a / b); });
  return std::nullopt;
}

//===- InterpretQuantization.cpp - Casts between floats and integers ------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/Numerics.md, sections 1 and 5. A value of quantized type holds its
// integers as they are stored; only the type knows their scale.
//
//===----------------------------------------------------------------------===//
#include "Interpreter.h"

using namespace mlir;
using namespace mlir::qopt;
using namespace mlir::qopt::differential;

namespace {
/// Scale and zero point of every element of a quantized tensor.
struct Parameters {
  std::vector<float> scale;
  std::vector<int32_t> zeroPoint;
  quantmath::IntRange range;
  bool isUniform = false;
};
} // namespace

/// Reads per-tensor, per-axis and block types by the position of each element.
static bool readParameters(Type type, Parameters &result) {
  auto tensor = cast<RankedTensorType>(type);
  auto element = cast<quant::QuantizedType>(tensor.getElementType());
  result.range = {int32_t(element.getStorageTypeMin()),
                  int32_t(element.getStorageTypeMax())};
  size_t count = tensor.getNumElements();
  if (auto uniform = dyn_cast<quant::UniformQuantizedType>(element)) {
    result.isUniform = true;
    result.scale.assign(count, float(uniform.getScale()));
    result.zeroPoint.assign(count, int32_t(uniform.getZeroPoint()));
    return true;
  }
  if (auto axis = dyn_cast<quant::UniformQuantizedPerAxisType>(element)) {
    forEachIndex(tensor.getShape(), [&](int64_t, ArrayRef<int64_t> index) {
      int64_t channel = index[axis.getQuantizedDimension()];
      result.scale.push_back(float(axis.getScales()[channel]));
      result.zeroPoint.push_back(int32_t(axis.getZeroPoints()[channel]));
    });
    return true;
  }
  auto block = dyn_cast<quant::UniformQuantizedSubChannelType>(element);
  if (!block)
    return false;
  auto scales = block.getScales().getValues<APFloat>();
  auto zeroPoints = block.getZeroPoints().getValues<APInt>();
  ArrayRef<int64_t> shape = block.getScales().getType().getShape();
  forEachIndex(tensor.getShape(), [&](int64_t, ArrayRef<int64_t> index) {
    // A dimension that is not listed is one block.
    int64_t flat = 0;
    for (auto [dim, size] : llvm::enumerate(shape)) {
      auto dims = block.getQuantizedDimensions();
      const auto *listed = llvm::find(dims, int32_t(dim));
      int64_t position =
          listed == dims.end()
              ? 0
              : index[dim] / block.getBlockSizes()[listed - dims.begin()];
      flat = flat * size + position;
    }
    result.scale.push_back(scales[flat].convertToFloat());
    result.zeroPoint.push_back(int32_t(zeroPoints[flat].getSExtValue()));
  });
  return true;
}

bool Interpreter::runQuantize(quant::QuantizeCastOp op) {
  TensorRef input = get(op.getInput());
  Parameters to;
  if (!readParameters(op.getResult().getType(), to))
    return fail(*op, "quantized type of an unknown kind");
  Tensor result = makeTensor(op.getResult().getType());
  result.isInexact = input->isInexact;
  const Accumulator *acc = input->accumulator.get();
  bool divide = op->hasAttr("qopt.divide");
  bool isFused = acc && !acc->isDynamic && to.isUniform &&
                 to.range.hi - to.range.lo < 256 &&
                 (!divide || isCompensated(*acc)) &&
                 op.getInput().hasOneUse() && arithmetic == Arithmetic::Integer;
  std::vector<double> table;
  if (evaluateTable(op, table)) {
    for (auto [i, y] : llvm::enumerate(table)) {
      float s = to.scale[i];
      int32_t z = to.zeroPoint[i];
      result.data[i] = ofInt(
          divide ? quantmath::quantizeDiv(float(y), s, z, to.range)
                 : quantmath::saturate(quantmath::roundHalfEven(y / double(s)),
                                       z, to.range));
    }
  } else if (isFused) {
    float s = to.scale.front();
    int32_t z = to.zeroPoint.front();
    std::vector<int32_t> q = divide
                                 ? requantizeCompensated(*acc, s, z, to.range)
                                 : requantize(*acc, s, z, to.range);
    for (auto [i, value] : llvm::enumerate(q))
      result.data[i] = ofInt(value);
  } else {
    for (size_t i = 0; i < result.size(); ++i) {
      auto x = float(input->data[i].f);
      float s = to.scale[i];
      int32_t z = to.zeroPoint[i];
      result.data[i] =
          ofInt(divide ? quantmath::quantizeDiv(x, s, z, to.range)
                       : quantmath::quantizeMul(
                             x, quantmath::reciprocalScale(s), z, to.range));
    }
  }
  if (arithmetic == Arithmetic::Float)
    result.step.assign(to.scale.begin(), to.scale.end());
  set(op.getResult(), std::move(result));
  return true;
}

bool Interpreter::runDequantize(quant::DequantizeCastOp op) {
  TensorRef input = get(op.getInput());
  Parameters from;
  if (!readParameters(op.getInput().getType(), from))
    return fail(*op, "quantized type of an unknown kind");
  Tensor result = makeTensor(op.getResult().getType());
  result.isInexact = input->isInexact;
  result.step = input->step;
  auto quantized = std::make_shared<Quantized>();
  for (size_t i = 0; i < result.size(); ++i) {
    auto q = int32_t(input->data[i].i);
    quantized->q.push_back(q);
    result.data[i] =
        ofFloat(quantmath::dequantize(q, from.scale[i], from.zeroPoint[i]));
  }
  quantized->scale = std::move(from.scale);
  quantized->zeroPoint = std::move(from.zeroPoint);
  quantized->range = from.range;
  // scast of a constant keeps its integers: see runStorage.
  quantized->isConstant = input->quantized && input->quantized->isConstant;
  quantized->isPerTensor = from.isUniform;
  result.quantized = std::move(quantized);
  set(op.getResult(), std::move(result));
  return true;
}

bool Interpreter::runStorage(quant::StorageCastOp op) {
  TensorRef input = get(op.getInput());
  Tensor result = *input;
  result.type = op.getResult().getType();
  // Storage is signless: 200 of u8 is kept as 200 in a quantized value, as -56
  // in an i8.
  Type quantized = getElementTypeOrSelf(result.type);
  if (!isa<quant::QuantizedType>(quantized))
    quantized = getElementTypeOrSelf(op.getInput().getType());
  auto type = cast<quant::QuantizedType>(quantized);
  unsigned width = type.getStorageTypeIntegralWidth();
  for (Scalar &s : result.data) {
    bool toUnsigned =
        !type.isSigned() &&
        isa<quant::QuantizedType>(getElementTypeOrSelf(result.type));
    s.i = wrap(s.i, width);
    if (toUnsigned)
      s.i &= (int64_t(1) << width) - 1;
  }
  if (op.getInput().getDefiningOp() &&
      op.getInput().getDefiningOp()->hasTrait<OpTrait::ConstantLike>()) {
    auto constant = std::make_shared<Quantized>();
    constant->isConstant = true;
    result.quantized = std::move(constant);
  }
  set(op.getResult(), std::move(result));
  return true;
}

/// The elements that share a scale: consecutive ones.
static int64_t getGroupSize(const Tensor &input, Granularity per) {
  return per == Granularity::Tensor ? int64_t(input.size())
                                    : input.shape.back();
}

bool Interpreter::runDynamicQuantize(DynamicQuantizeOp op) {
  TensorRef input = get(op.getInput());
  Tensor result = makeTensor(op.getQuantized().getType());
  Tensor scales = makeTensor(op.getScale().getType());
  result.isInexact = scales.isInexact = input->isInexact;
  int64_t group = getGroupSize(*input, op.getPer());
  quantmath::IntRange range = quantmath::rangeOf(quantmath::Storage::S8);
  for (size_t row = 0; row < scales.size(); ++row) {
    float amax = 0;
    for (int64_t i = 0; i < group; ++i)
      amax =
          quantmath::combineAmax(amax, float(input->data[row * group + i].f));
    quantmath::DynamicScale scale = quantmath::dynamicScale(amax);
    scales.data[row] = ofFloat(scale.scale);
    for (int64_t i = row * group; i < int64_t(row + 1) * group; ++i) {
      result.data[i] = ofInt(quantmath::quantizeMul(
          float(input->data[i].f), scale.reciprocal, /*z=*/0, range));
      if (arithmetic == Arithmetic::Float)
        result.step.push_back(scale.scale);
    }
  }
  set(op.getQuantized(), std::move(result));
  set(op.getScale(), std::move(scales));
  return true;
}

bool Interpreter::runDynamicDequantize(DynamicDequantizeOp op) {
  TensorRef input = get(op.getQuantized()), scales = get(op.getScale());
  Tensor result = makeTensor(op.getResult().getType());
  result.isInexact = input->isInexact || scales->isInexact;
  result.step = input->step;
  int64_t group = getGroupSize(*input, op.getPer());
  auto quantized = std::make_shared<Quantized>();
  quantized->isDynamic = true;
  quantized->range = quantmath::rangeOf(quantmath::Storage::S8);
  for (size_t i = 0; i < result.size(); ++i) {
    auto q = int32_t(input->data[i].i);
    auto scale = float(scales->data[i / group].f);
    quantized->q.push_back(q);
    quantized->scale.push_back(scale);
    result.data[i] = ofFloat(quantmath::dequantize(q, scale, 0));
  }
  quantized->zeroPoint.assign(result.size(), 0);
  result.quantized = std::move(quantized);
  set(op.getResult(), std::move(result));
  return true;
}

//===- QuantizeWeights.cpp - Constant weights to integers with scales ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Conversion/QuantizeWeights.h"

#include "QuantOpt/Analysis/Constants.h"
#include "QuantOpt/Support/QuantMath.h"
#include "mlir/IR/Builders.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

/// Weights use the narrow range: -128 never occurs.
static constexpr quantmath::IntRange kWeightRange =
    quantmath::weightRangeOf(quantmath::Storage::S8);

void mlir::qopt::forEachWeight(ArrayRef<int64_t> shape,
                               ArrayRef<int64_t> channelDims,
                               function_ref<void(int64_t, int64_t)> fn) {
  SmallVector<int64_t> channelStride(shape.size(), 0), index(shape.size(), 0);
  int64_t stride = 1;
  for (size_t i = channelDims.size(); i-- > 0;) {
    channelStride[channelDims[i]] = stride;
    stride *= shape[channelDims[i]];
  }
  int64_t count = ShapedType::getNumElements(shape), channel = 0;
  for (int64_t element = 0; element < count; ++element) {
    fn(element, channel);
    for (size_t d = shape.size(); d-- > 0;) {
      channel += channelStride[d];
      if (++index[d] < shape[d])
        break;
      channel -= channelStride[d] * shape[d];
      index[d] = 0;
    }
  }
}

/// The !quant.uniform type of weights with these scales.
static quant::QuantizedType makeWeightType(MLIRContext *context,
                                           ArrayRef<int64_t> shape,
                                           ArrayRef<int64_t> channelDims,
                                           ArrayRef<float> scales) {
  Builder b(context);
  Type i8 = b.getI8Type(), f32 = b.getF32Type();
  constexpr unsigned isSigned = quant::QuantizationFlags::Signed;
  const int64_t low = kWeightRange.lo, high = kWeightRange.hi;
  if (channelDims.empty())
    return quant::UniformQuantizedType::get(isSigned, i8, f32, scales[0], 0,
                                            low, high);
  SmallVector<double> wide(scales.begin(), scales.end());
  if (channelDims.size() == 1)
    return quant::UniformQuantizedPerAxisType::get(
        isSigned, i8, f32, wide, SmallVector<int64_t>(wide.size(), 0),
        channelDims[0], low, high);
  // Several channel dimensions (groups x channels): blocks of one along them.
  SmallVector<int64_t> scaleShape(shape.size(), 1),
      blocks(channelDims.size(), 1);
  for (int64_t dim : channelDims)
    scaleShape[dim] = shape[dim];
  SmallVector<int32_t> axes(channelDims.begin(), channelDims.end());
  return quant::UniformQuantizedSubChannelType::get(
      isSigned, i8, f32,
      DenseElementsAttr::get(RankedTensorType::get(scaleShape, f32), scales),
      DenseElementsAttr::get(RankedTensorType::get(scaleShape, i8), int8_t(0)),
      axes, blocks, low, high);
}

int64_t QuantizedWeights::getBytes() const {
  return values.getNumElements() + sizeof(float) * numScales;
}

FailureOr<QuantizedWeights>
mlir::qopt::quantizeWeights(const Quantizable &match, bool perTensor) {
  ElementsAttr attr = getConstantElements(match.weight->get());
  auto type = cast<RankedTensorType>(attr.getType());
  FailureOr<std::vector<float>> values = readFloats(attr);
  if (failed(values))
    return match.op->emitError("has weights that are not f32");
  ArrayRef<int64_t> channelDims;
  if (!perTensor)
    channelDims = match.weightChannelDims;
  int64_t channels = 1;
  for (int64_t dim : channelDims)
    channels *= type.getDimSize(dim);

  SmallVector<double> amax(channels, 0.0);
  bool finite = true;
  forEachWeight(type.getShape(), channelDims, [&](int64_t i, int64_t channel) {
    double magnitude = std::fabs((*values)[i]);
    finite &= std::isfinite(magnitude);
    amax[channel] = std::max(amax[channel], magnitude);
  });
  if (!finite)
    return match.op->emitError("has weights that are NaN or infinite");

  QuantizedWeights result;
  SmallVector<float> scales, reciprocals;
  for (double a : amax) {
    quantmath::ScaleChoice choice = quantmath::symmetricScale(a);
    result.deadChannels += choice.dead;
    scales.push_back(choice.scale);
    reciprocals.push_back(quantmath::reciprocalScale(choice.scale));
  }
  std::vector<char> bytes(values->size());
  // Σ|qw| per output channel even where one scale serves the whole tensor.
  int64_t outputs = 1;
  for (int64_t dim : match.weightChannelDims)
    outputs *= type.getDimSize(dim);
  result.absoluteSums.assign(outputs, 0);
  forEachWeight(type.getShape(), match.weightChannelDims,
                [&](int64_t i, int64_t output) {
                  int64_t channel = channels == 1 ? 0 : output;
                  int32_t q = quantmath::quantizeMul(
                      (*values)[i], reciprocals[channel], 0, kWeightRange);
                  bytes[i] = static_cast<char>(q);
                  result.absoluteSums[output] += std::abs(q);
                });
  auto storageType = RankedTensorType::get(
      type.getShape(), IntegerType::get(type.getContext(), 8));
  StringRef hint = "weight_i8";
  result.values = makeConstantElements(storageType, std::move(bytes), hint);
  result.numScales = scales.size();
  result.type =
      makeWeightType(type.getContext(), type.getShape(), channelDims, scales);
  return result;
}

void mlir::qopt::insertWeightCasts(const Quantizable &match,
                                   const QuantizedWeights &weights) {
  OpBuilder builder(match.op);
  Location loc = match.op->getLoc();
  auto floatType = cast<RankedTensorType>(match.weight->get().getType());
  Value constant = makeConstant(builder, loc, weights.values);
  Value quantized = quant::StorageCastOp::create(
      builder, loc, floatType.clone(weights.type), constant);
  match.weight->set(
      quant::DequantizeCastOp::create(builder, loc, floatType, quantized));
}

bool mlir::qopt::isContractionWeight(const QuantizedParameters &parameters,
                                     const Quantizable &match) {
  return parameters.isSigned &&
         (parameters.channelDims.empty() ||
          parameters.channelDims == match.weightChannelDims) &&
         llvm::all_of(parameters.zeroPoints, [](int32_t z) { return z == 0; });
}

bool mlir::qopt::cannotOverflow(Type activation,
                                ArrayRef<int64_t> absoluteSums) {
  quantmath::IntRange range = quantmath::rangeOf(quantmath::Storage::S8);
  int32_t zeroPoint = 0;
  if (auto uniform =
          dyn_cast_or_null<quant::UniformQuantizedType>(activation)) {
    range = {static_cast<int32_t>(uniform.getStorageTypeMin()),
             static_cast<int32_t>(uniform.getStorageTypeMax())};
    zeroPoint = static_cast<int32_t>(uniform.getZeroPoint());
  }
  return llvm::all_of(absoluteSums, [&](int64_t sum) {
    return quantmath::AccumulatorBound{
        quantmath::maxMagnitude(range) * sum,
        quantmath::maxDistance(range, zeroPoint) * sum}
        .fitsInt32();
  });
}

std::string mlir::qopt::describeOverflow(const Quantizable &match) {
  return "an i32 accumulator could overflow: " +
         std::to_string(match.reductionSize) + " products per result";
}

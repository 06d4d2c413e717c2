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
#include "QuantOpt/Conversion/WeightLayout.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Threading.h"
#include "llvm/Support/FormatVariadic.h"

#include <atomic>

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

namespace {
/// Quantizes one weight, channels in parallel.
class WeightQuantizer {
public:
  WeightQuantizer(MLIRContext *context, ArrayRef<float> weights,
                  const WeightLayout &layout, WeightMethod method)
      : integers(weights.size()), scales(layout.getNumChannels()),
        absoluteSums(layout.getNumChannels()), context(context),
        weights(weights), layout(layout), method(method) {}

  /// False if a weight is not finite.
  bool run(bool perTensor);

  std::vector<char> integers;
  /// By output channel. With one scale for the tensor they have that, and only
  /// `dead` is the channel's own.
  std::vector<WeightScale> scales;
  std::vector<int64_t> absoluteSums;
  std::optional<WeightScale> ofTensor;

private:
  /// Channels [first, first + count).
  void quantizeGroup(int64_t first, int64_t count);
  void quantizeChannel(int64_t channel, const float *from, int8_t *to);

  MLIRContext *context;
  ArrayRef<float> weights;
  const WeightLayout &layout;
  WeightMethod method;
  std::atomic<bool> finite{true};
};
} // namespace

void WeightQuantizer::quantizeChannel(int64_t channel, const float *from,
                                      int8_t *to) {
  int64_t size = layout.getChannelSize();
  WeightScale &scale = scales[channel];
  if (ofTensor) {
    scale = *ofTensor;
    scale.dead = std::all_of(from, from + size, [](float w) { return w == 0; });
  } else if (!chooseWeightScale(from, size, method, scale)) {
    finite = false;
    return;
  }
  absoluteSums[channel] = quantizeWeights(from, size, scale.scale, to);
}

void WeightQuantizer::quantizeGroup(int64_t first, int64_t count) {
  auto *out = reinterpret_cast<int8_t *>(integers.data());
  if (layout.isDense()) {
    for (int64_t c = first; c < first + count; ++c) {
      int64_t offset = c * layout.getChannelSize();
      quantizeChannel(c, weights.data() + offset, out + offset);
    }
    return;
  }
  // A distance that is no power of two: rows do not compete for the same sets
  // of the cache.
  constexpr int64_t kPadding = 16;
  int64_t stride = layout.getChannelSize() + kPadding;
  std::vector<float> rows(count * stride);
  std::vector<int8_t> integerRows(count * stride);
  layout.gather(weights.data(), first, count, rows.data(), stride);
  for (int64_t c = 0; c < count; ++c)
    quantizeChannel(first + c, &rows[c * stride], &integerRows[c * stride]);
  layout.scatter(integerRows.data(), stride, first, count, out);
}

bool WeightQuantizer::run(bool perTensor) {
  auto onThreads = [&](size_t count, const std::function<void(size_t)> &body) {
    parallelFor(context, 0, count, body);
  };
  if (perTensor) {
    ofTensor.emplace();
    if (!chooseWeightScale(weights.data(), weights.size(), method, *ofTensor,
                           onThreads))
      return false;
  }
  int64_t group = layout.getGroupSize(), channels = layout.getNumChannels();
  onThreads((channels + group - 1) / group, [&](size_t i) {
    int64_t first = i * group;
    quantizeGroup(first, std::min(group, channels - first));
  });
  return finite;
}

/// What the report says of scales, from those that are used.
static void noteScales(ArrayRef<WeightScale> scales, QuantizedWeights &result) {
  bool first = true;
  for (const WeightScale &scale : scales) {
    result.flooredScales += scale.limited;
    result.squaredError += scale.squaredError;
    result.squaredSum += scale.squaredSum;
    if (scale.dead)
      continue;
    result.scaleMin =
        first ? scale.scale : std::min(result.scaleMin, scale.scale);
    result.scaleMax =
        first ? scale.scale : std::max(result.scaleMax, scale.scale);
    first = false;
  }
}

FailureOr<QuantizedWeights>
mlir::qopt::quantizeWeights(const Quantizable &match, bool perTensor,
                            WeightMethod method) {
  ElementsAttr attr = getConstantElements(match.weight->get());
  auto type = cast<RankedTensorType>(attr.getType());
  FailureOr<FloatElements> weights = FloatElements::get(attr);
  if (failed(weights))
    return match.op->emitError("has weights that are not f32");
  MLIRContext *context = type.getContext();
  WeightLayout layout(type.getShape(), match.weightChannelDims);
  WeightQuantizer quantizer(context, weights->getValues(), layout, method);
  if (!quantizer.run(perTensor))
    return match.op->emitError("has weights that are NaN or infinite");

  QuantizedWeights result;
  ArrayRef<WeightScale> scales = quantizer.scales;
  for (auto [channel, scale] : llvm::enumerate(scales))
    if (scale.dead)
      result.deadChannels.push_back(channel);
  if (perTensor)
    scales = *quantizer.ofTensor;
  noteScales(scales, result);
  result.numScales = scales.size();
  SmallVector<float> numbers;
  for (const WeightScale &scale : scales)
    numbers.push_back(scale.scale);
  result.type = makeWeightType(context, type.getShape(),
                               perTensor ? ArrayRef<int64_t>()
                                         : ArrayRef(match.weightChannelDims),
                               numbers);
  result.absoluteSums.assign(quantizer.absoluteSums.begin(),
                             quantizer.absoluteSums.end());
  StringRef hint = "weight_i8";
  result.values = makeConstantElements(
      RankedTensorType::get(type.getShape(), IntegerType::get(context, 8)),
      std::move(quantizer.integers), hint);
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

/// Largest magnitude of a stored integer and of its distance from the zero
/// point; `type` null: dynamic, symmetric s8.
static quantmath::AccumulatorBound boundOperand(Type type) {
  quantmath::IntRange range = quantmath::rangeOf(quantmath::Storage::S8);
  int32_t zeroPoint = 0;
  if (auto uniform = dyn_cast_or_null<quant::UniformQuantizedType>(type)) {
    range = {static_cast<int32_t>(uniform.getStorageTypeMin()),
             static_cast<int32_t>(uniform.getStorageTypeMax())};
    zeroPoint = static_cast<int32_t>(uniform.getZeroPoint());
  }
  return {quantmath::maxMagnitude(range),
          quantmath::maxDistance(range, zeroPoint)};
}

AccumulatorProof mlir::qopt::boundAccumulators(Type activation,
                                               ArrayRef<int64_t> absoluteSums) {
  AccumulatorProof proof;
  for (auto [channel, sum] : llvm::enumerate(absoluteSums))
    if (sum > proof.absoluteSum) {
      proof.channel = channel;
      proof.absoluteSum = sum;
    }
  quantmath::AccumulatorBound operand = boundOperand(activation);
  proof.bound = {operand.raw * proof.absoluteSum,
                 operand.corrected * proof.absoluteSum};
  return proof;
}

AccumulatorProof mlir::qopt::boundProducts(Type activation, Type other,
                                           int64_t reductionSize) {
  quantmath::AccumulatorBound lhs = boundOperand(activation);
  quantmath::AccumulatorBound rhs = boundOperand(other);
  AccumulatorProof proof;
  proof.absoluteSum = rhs.raw * reductionSize;
  // Zero-point terms may wrap around on the way: the corrected sum fits.
  proof.bound = {lhs.raw * rhs.raw * reductionSize,
                 lhs.corrected * rhs.corrected * reductionSize};
  return proof;
}

std::string mlir::qopt::describeOverflow(const Quantizable &match,
                                         const AccumulatorProof &proof) {
  if (!match.weight)
    return llvm::formatv("an i32 accumulator could overflow: it sums {0} "
                         "products of run-time values and can reach {1}, and "
                         "the limit is {2}",
                         match.reductionSize, proof.getMax(),
                         quantmath::kInt32Max)
        .str();
  return llvm::formatv("an i32 accumulator could overflow: output channel {0} "
                       "sums {1} products with a sum of |qw| of {2}, so |acc| "
                       "can reach {3}, and the limit is {4}",
                       proof.channel, match.reductionSize, proof.absoluteSum,
                       proof.getMax(), quantmath::kInt32Max)
      .str();
}

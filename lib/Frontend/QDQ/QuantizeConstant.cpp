//===- QuantizeConstant.cpp - Quantized constants of producers --*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantizeConstant.h"

#include "QuantOpt/Support/QuantMath.h"
#include "mlir/IR/DialectResourceBlobManager.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

/// `integers` in two's complement of `bits` bits (8, 16 or 32).
static ElementsAttr makeIntegers(MLIRContext *context,
                                 ArrayRef<int32_t> integers,
                                 ArrayRef<int64_t> shape, unsigned bits,
                                 StringRef hint) {
  auto type = RankedTensorType::get(shape, IntegerType::get(context, bits));
  size_t width = bits / 8;
  std::vector<char> bytes(integers.size() * width);
  for (auto [i, value] : llvm::enumerate(integers))
    memcpy(bytes.data() + i * width, &value, width);
  return makeConstantElements(type, std::move(bytes), hint);
}

/// Q_div or Q_mul of storage of up to 32 bits. 8 and 16 bits are QuantMath's;
/// int32 biases saturate in f64, where their limits are exact.
static int32_t quantize(float x, float scale, int32_t zeroPoint,
                        const QuantizedParameters &parameters, bool divides) {
  float rounded = std::nearbyintf(
      divides ? x / scale : x * quantmath::reciprocalScale(scale));
  if (std::isnan(rounded))
    rounded = 0;
  return std::clamp<double>(double(rounded) + zeroPoint, parameters.low,
                            parameters.high);
}

ElementsAttr mlir::qopt::quantizeConstant(MLIRContext *context,
                                          ArrayRef<float> values,
                                          ArrayRef<int64_t> shape,
                                          const QuantizedParameters &parameters,
                                          bool divides) {
  std::vector<int32_t> integers(values.size());
  forEachElement(parameters, shape, [&](int64_t i, int64_t n) {
    integers[i] = quantize(values[i], parameters.scales[n],
                           parameters.zeroPoints[n], parameters, divides);
  });
  return makeIntegers(context, integers, shape, parameters.bits, "weight_i8");
}

FailureOr<QuantizedConstant>
mlir::qopt::normalizeConstant(ElementsAttr attr,
                              const QuantizedParameters &parameters) {
  MLIRContext *context = attr.getContext();
  ArrayRef<int64_t> shape = cast<ShapedType>(attr.getType()).getShape();
  QuantizedParameters normal = parameters;
  auto finish = [&](ElementsAttr elements) -> FailureOr<QuantizedConstant> {
    FailureOr<quant::QuantizedType> type = normal.getType(context, shape);
    if (failed(type))
      return failure();
    return QuantizedConstant{elements, *type};
  };
  if (parameters.bits != 8)
    return finish(attr);
  FailureOr<std::vector<int32_t>> integers =
      readIntegers(attr, parameters.isSigned);
  if (failed(integers))
    return failure();
  int32_t min = 0, max = 0;
  forEachElement(parameters, shape, [&](int64_t i, int64_t n) {
    int32_t distance = (*integers)[i] - parameters.zeroPoints[n];
    min = std::min(min, distance);
    max = std::max(max, distance);
  });
  bool fits = min >= quantmath::kInt8Min && max <= quantmath::kInt8Max;
  bool isI8 = attr.getElementType().isInteger(8);
  if (fits) {
    bool narrow = min >= -quantmath::kInt8Max;
    bool isPlain = parameters.isSigned && parameters.isSymmetric();
    if (!isPlain) {
      forEachElement(parameters, shape, [&](int64_t i, int64_t n) {
        (*integers)[i] -= parameters.zeroPoints[n];
      });
      normal.isSigned = true;
      llvm::fill(normal.zeroPoints, 0);
      normal.high = quantmath::kInt8Max;
      normal.low = quantmath::kInt8Min;
    }
    if (narrow)
      normal.low = std::max(normal.low, -quantmath::kInt8Max);
    if (isPlain && isI8)
      return finish(attr);
  } else if (isI8) {
    return finish(attr);
  }
  StringRef hint = "weight_i8";
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr))
    hint = resource.getRawHandle().getKey();
  return finish(makeIntegers(context, *integers, shape, 8, hint));
}

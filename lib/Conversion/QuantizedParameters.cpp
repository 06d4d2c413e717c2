//===- QuantizedParameters.cpp - Scales and zero points of !quant.uniform types
//---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Conversion/QuantizedParameters.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace mlir::qopt;

bool QuantizedParameters::hasOneZeroPoint() const {
  return llvm::all_equal(zeroPoints);
}

FailureOr<QuantizedParameters>
QuantizedParameters::get(quant::QuantizedType type) {
  QuantizedParameters result;
  if (auto uniform = dyn_cast<quant::UniformQuantizedType>(type)) {
    result.scales.push_back(uniform.getScale());
    result.zeroPoints.push_back(uniform.getZeroPoint());
  } else if (auto axis = dyn_cast<quant::UniformQuantizedPerAxisType>(type)) {
    result.channelDims.push_back(axis.getQuantizedDimension());
    result.scales.assign(axis.getScales().begin(), axis.getScales().end());
    result.zeroPoints.assign(axis.getZeroPoints().begin(),
                             axis.getZeroPoints().end());
  } else if (auto block =
                 dyn_cast<quant::UniformQuantizedSubChannelType>(type)) {
    if (llvm::any_of(block.getBlockSizes(), [](int64_t b) { return b != 1; }))
      return failure();
    result.channelDims.assign(block.getQuantizedDimensions().begin(),
                              block.getQuantizedDimensions().end());
    llvm::sort(result.channelDims);
    for (const APFloat &scale : block.getScales().getValues<APFloat>())
      result.scales.push_back(scale.convertToFloat());
    for (const APInt &zeroPoint : block.getZeroPoints().getValues<APInt>())
      result.zeroPoints.push_back(zeroPoint.getSExtValue());
  } else {
    return failure();
  }
  result.isSigned = type.isSigned();
  result.bits = type.getStorageTypeIntegralWidth();
  result.low = type.getStorageTypeMin();
  result.high = type.getStorageTypeMax();
  return result;
}

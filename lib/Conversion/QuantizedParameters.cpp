//===- QuantizedParameters.cpp - Scales and zero points of !quant.uniform types
//---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Conversion/QuantizedParameters.h"

#include "QuantOpt/Support/QuantMath.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace mlir::qopt;

bool QuantizedParameters::hasOneZeroPoint() const {
  return llvm::all_equal(zeroPoints);
}

bool QuantizedParameters::isSymmetric() const {
  return llvm::all_of(zeroPoints, [](int32_t z) { return z == 0; });
}

bool QuantizedParameters::hasBlocks() const {
  return llvm::any_of(blockSizes, [](int64_t b) { return b != 1; });
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

FailureOr<QuantizedParameters>
QuantizedParameters::get(quant::QuantizedType type, bool allowBlocks) {
  QuantizedParameters result;
  result.isSigned = type.isSigned();
  if (auto uniform = dyn_cast<quant::UniformQuantizedType>(type)) {
    result.scales.push_back(uniform.getScale());
    result.zeroPoints.push_back(uniform.getZeroPoint());
  } else if (auto axis = dyn_cast<quant::UniformQuantizedPerAxisType>(type)) {
    result.channelDims.push_back(axis.getQuantizedDimension());
    result.blockSizes.push_back(1);
    result.scales.assign(axis.getScales().begin(), axis.getScales().end());
    result.zeroPoints.assign(axis.getZeroPoints().begin(),
                             axis.getZeroPoints().end());
  } else if (auto block =
                 dyn_cast<quant::UniformQuantizedSubChannelType>(type)) {
    auto info = block.getBlockSizeInfo();
    SmallVector<std::pair<int32_t, int64_t>> sorted(info);
    llvm::sort(sorted);
    for (auto [dim, size] : sorted) {
      result.channelDims.push_back(dim);
      result.blockSizes.push_back(size);
    }
    if (result.hasBlocks() && !allowBlocks)
      return failure();
    for (const APFloat &scale : block.getScales().getValues<APFloat>())
      result.scales.push_back(scale.convertToFloat());
    for (const APInt &zeroPoint : block.getZeroPoints().getValues<APInt>())
      result.zeroPoints.push_back(type.isSigned() ? zeroPoint.getSExtValue()
                                                  : zeroPoint.getZExtValue());
  } else {
    return failure();
  }
  result.bits = type.getStorageTypeIntegralWidth();
  result.low = type.getStorageTypeMin();
  result.high = type.getStorageTypeMax();
  return result;
}

FailureOr<quant::QuantizedType>
QuantizedParameters::getType(MLIRContext *context,
                             ArrayRef<int64_t> shape) const {
  Builder builder(context);
  Type storage = builder.getIntegerType(bits), f32 = builder.getF32Type();
  unsigned flags = isSigned ? quant::QuantizationFlags::Signed : 0;
  auto ignore = [&]() {
    // Failure says it; the caller knows the op and what to do.
    InFlightDiagnostic diagnostic = emitError(builder.getUnknownLoc());
    diagnostic.abandon();
    return diagnostic;
  };
  if (channelDims.empty()) {
    auto type = quant::UniformQuantizedType::getChecked(
        ignore, flags, storage, f32, scales.front(), zeroPoints.front(), low,
        high);
    if (!type)
      return failure();
    return quant::QuantizedType(type);
  }
  if (channelDims.size() == 1 && !hasBlocks()) {
    auto type = quant::UniformQuantizedPerAxisType::getChecked(
        ignore, flags, storage, f32,
        SmallVector<double>(scales.begin(), scales.end()),
        SmallVector<int64_t>(zeroPoints.begin(), zeroPoints.end()),
        channelDims.front(), low, high);
    if (!type)
      return failure();
    return quant::QuantizedType(type);
  }
  // Scales from 2^20 on are printed in a way that the parser takes for f64.
  constexpr float kMaxPrintedScale = 1 << 20;
  if (llvm::any_of(scales, [](float s) { return s >= kMaxPrintedScale; }))
    return failure();
  SmallVector<int64_t> counts(shape.size(), 1);
  for (auto [dim, block] : llvm::zip(channelDims, blockSizes))
    counts[dim] = shape[dim] / block;
  SmallVector<APInt> integers;
  for (int32_t zeroPoint : zeroPoints)
    integers.emplace_back(bits, zeroPoint, /*isSigned=*/true,
                          /*implicitTrunc=*/true);
  auto type = quant::UniformQuantizedSubChannelType::getChecked(
      ignore, flags, storage, f32,
      DenseElementsAttr::get(RankedTensorType::get(counts, f32),
                             ArrayRef<float>(scales)),
      DenseElementsAttr::get(RankedTensorType::get(counts, storage), integers),
      SmallVector<int32_t>(channelDims.begin(), channelDims.end()), blockSizes,
      low, high);
  if (!type)
    return failure();
  return quant::QuantizedType(type);
}

//===----------------------------------------------------------------------===//
// Data movement
//===----------------------------------------------------------------------===//

namespace {
/// The numbers of a tensor by all of its dimensions: `counts[d]` equal blocks
/// along each.
class Grid {
public:
  Grid(const QuantizedParameters &parameters, ArrayRef<int64_t> shape)
      : shape(shape), counts(shape.size(), 1), scales(parameters.scales),
        zeroPoints(parameters.zeroPoints) {
    for (auto [dim, block] :
         llvm::zip(parameters.channelDims, parameters.blockSizes))
      counts[dim] = shape[dim] / block;
  }

  void store(QuantizedParameters &parameters) const {
    parameters.channelDims.clear();
    parameters.blockSizes.clear();
    for (auto [dim, count] : llvm::enumerate(counts))
      if (count > 1) {
        parameters.channelDims.push_back(dim);
        parameters.blockSizes.push_back(shape[dim] / count);
      }
    parameters.scales = scales;
    parameters.zeroPoints = zeroPoints;
  }

  /// New counts; number n of the result is number `source(index of n)`, an
  /// index over the old counts.
  void gather(ArrayRef<int64_t> newCounts,
              function_ref<void(ArrayRef<int64_t>, MutableArrayRef<int64_t>)>
                  toSource) {
    SmallVector<float> newScales;
    SmallVector<int32_t> newZeroPoints;
    SmallVector<int64_t> index(newCounts.size(), 0), source(counts.size(), 0);
    int64_t total = 1;
    for (int64_t count : newCounts)
      total *= count;
    for (int64_t n = 0; n < total; ++n) {
      toSource(index, source);
      int64_t flat = 0;
      for (auto [i, count] : llvm::zip(source, counts))
        flat = flat * count + i;
      newScales.push_back(scales[flat]);
      newZeroPoints.push_back(zeroPoints[flat]);
      for (size_t d = index.size(); d-- > 0;) {
        if (++index[d] < newCounts[d])
          break;
        index[d] = 0;
      }
    }
    counts.assign(newCounts.begin(), newCounts.end());
    scales = std::move(newScales);
    zeroPoints = std::move(newZeroPoints);
  }

  /// One number for each index of `dim`.
  void refine(int64_t dim) {
    if (counts[dim] == shape[dim])
      return;
    int64_t block = shape[dim] / counts[dim];
    SmallVector<int64_t> refined(counts);
    refined[dim] = shape[dim];
    gather(refined, [&](ArrayRef<int64_t> to, MutableArrayRef<int64_t> from) {
      llvm::copy(to, from.begin());
      from[dim] /= block;
    });
  }

  SmallVector<int64_t> shape, counts;
  SmallVector<float> scales;
  SmallVector<int32_t> zeroPoints;
};
} // namespace

void QuantizedParameters::transpose(ArrayRef<int64_t> shape,
                                    ArrayRef<int64_t> permutation) {
  Grid grid(*this, shape);
  SmallVector<int64_t> newShape, newCounts;
  for (int64_t dim : permutation) {
    newShape.push_back(shape[dim]);
    newCounts.push_back(grid.counts[dim]);
  }
  grid.gather(newCounts,
              [&](ArrayRef<int64_t> to, MutableArrayRef<int64_t> from) {
                for (auto [i, dim] : llvm::enumerate(permutation))
                  from[dim] = to[i];
              });
  grid.shape = newShape;
  grid.store(*this);
}

void QuantizedParameters::collapse(ArrayRef<int64_t> shape,
                                   ArrayRef<ReassociationIndices> groups) {
  Grid grid(*this, shape);
  // What varies must be the outer part of each group, so that the inner part is
  // a block.
  for (const ReassociationIndices &group : groups) {
    bool innerVaries = false;
    for (int64_t dim : llvm::reverse(group)) {
      if (innerVaries)
        grid.refine(dim);
      innerVaries |= grid.counts[dim] > 1;
    }
  }
  SmallVector<int64_t> newShape, newCounts;
  for (const ReassociationIndices &group : groups) {
    newShape.push_back(1);
    newCounts.push_back(1);
    for (int64_t dim : group) {
      newShape.back() *= shape[dim];
      newCounts.back() *= grid.counts[dim];
    }
  }
  grid.shape = newShape;
  grid.counts = newCounts;
  grid.store(*this);
}

void QuantizedParameters::expand(ArrayRef<int64_t> shape,
                                 ArrayRef<ReassociationIndices> groups,
                                 ArrayRef<int64_t> newShape) {
  Grid grid(*this, shape);
  SmallVector<int64_t> newCounts(newShape.size(), 1);
  for (auto [dim, group] : llvm::enumerate(groups)) {
    if (grid.counts[dim] == 1)
      continue;
    // Inner dimensions that a block covers have one number.
    int64_t block = shape[dim] / grid.counts[dim];
    for (int64_t inner : llvm::reverse(group)) {
      int64_t size = newShape[inner];
      if (block % size == 0) {
        block /= size;
      } else if (size % block == 0) {
        newCounts[inner] = size / block;
        block = 1;
      } else {
        // A block ends inside of a row.
        grid.refine(dim);
        for (int64_t each : group)
          newCounts[each] = newShape[each];
        break;
      }
    }
  }
  grid.shape.assign(newShape.begin(), newShape.end());
  grid.counts = newCounts;
  grid.store(*this);
}

void QuantizedParameters::slice(ArrayRef<int64_t> shape,
                                ArrayRef<int64_t> offsets,
                                ArrayRef<int64_t> sizes) {
  Grid grid(*this, shape);
  SmallVector<int64_t> newCounts, begins;
  for (auto [dim, offset, size] : llvm::enumerate(offsets, sizes)) {
    int64_t block = shape[dim] / grid.counts[dim];
    bool whole = grid.counts[dim] == 1;
    if (!whole && (offset % block || size % block)) {
      grid.refine(dim);
      block = 1;
    }
    newCounts.push_back(whole ? 1 : size / block);
    begins.push_back(whole ? 0 : offset / block);
  }
  grid.gather(newCounts,
              [&](ArrayRef<int64_t> to, MutableArrayRef<int64_t> from) {
                for (auto [i, begin] : llvm::enumerate(begins))
                  from[i] = to[i] + begin;
              });
  grid.shape.assign(sizes.begin(), sizes.end());
  grid.store(*this);
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

void mlir::qopt::forEachElement(const QuantizedParameters &parameters,
                                ArrayRef<int64_t> shape,
                                function_ref<void(int64_t, int64_t)> fn) {
  // Along a dimension the number changes by `strides` every `blocks` indices.
  SmallVector<int64_t> strides(shape.size(), 0), blocks(shape.size(), 1);
  int64_t stride = 1;
  for (size_t i = parameters.channelDims.size(); i-- > 0;) {
    int64_t dim = parameters.channelDims[i];
    strides[dim] = stride;
    blocks[dim] = parameters.blockSizes[i];
    stride *= shape[dim] / blocks[dim];
  }
  SmallVector<int64_t> index(shape.size(), 0);
  int64_t number = 0;
  for (int64_t i = 0, e = ShapedType::getNumElements(shape); i < e; ++i) {
    fn(i, number);
    for (size_t d = shape.size(); d-- > 0;) {
      number -= index[d] / blocks[d] * strides[d];
      if (++index[d] < shape[d]) {
        number += index[d] / blocks[d] * strides[d];
        break;
      }
      index[d] = 0;
    }
  }
}

template <typename T> static std::vector<int32_t> widen(ArrayRef<char> bytes) {
  std::vector<int32_t> result;
  result.reserve(bytes.size() / sizeof(T));
  for (size_t i = 0; i < bytes.size(); i += sizeof(T)) {
    T value;
    memcpy(&value, bytes.data() + i, sizeof(T));
    result.push_back(static_cast<int32_t>(value));
  }
  return result;
}

FailureOr<std::vector<int32_t>> mlir::qopt::readIntegers(ElementsAttr attr,
                                                         bool isSigned) {
  if (!attr.getElementType().isInteger())
    return failure();
  unsigned bits = attr.getElementType().getIntOrFloatBitWidth();
  if (auto dense = dyn_cast<DenseIntElementsAttr>(attr); dense && bits < 8) {
    std::vector<int32_t> result;
    for (const APInt &value : dense.getValues<APInt>())
      result.push_back(isSigned ? value.getSExtValue() : value.getZExtValue());
    return result;
  }
  FailureOr<std::vector<char>> bytes = readRawBytes(attr);
  if (failed(bytes))
    return failure();
  switch (bits) {
  case 8:
    return isSigned ? widen<int8_t>(*bytes) : widen<uint8_t>(*bytes);
  case 16:
    return isSigned ? widen<int16_t>(*bytes) : widen<uint16_t>(*bytes);
  case 32:
    return widen<int32_t>(*bytes);
  default:
    return failure();
  }
}

FailureOr<std::vector<float>> mlir::qopt::readRealValues(Value value) {
  if (ElementsAttr attr = getConstantElements(value))
    return readFloats(attr);
  std::optional<QuantizedConstant> constant = getQuantizedConstant(value);
  if (!constant)
    return failure();
  FailureOr<QuantizedParameters> parameters =
      QuantizedParameters::get(constant->type, /*allowBlocks=*/true);
  if (failed(parameters))
    return failure();
  FailureOr<std::vector<int32_t>> integers =
      readIntegers(constant->elements, parameters->isSigned);
  if (failed(integers))
    return failure();
  std::vector<float> result(integers->size());
  forEachElement(
      *parameters, cast<ShapedType>(constant->elements.getType()).getShape(),
      [&](int64_t i, int64_t n) {
        result[i] = quantmath::dequantize((*integers)[i], parameters->scales[n],
                                          parameters->zeroPoints[n]);
      });
  return result;
}

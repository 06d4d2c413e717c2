//===- PackConstant.cpp - Constants in the layout of kernels --------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A strided copy with zeros where the packed tensor is larger. It goes through
// a small buffer, so that host memory does not grow with the padding.
//
//===----------------------------------------------------------------------===//
#include "PlanExecutor.h"

#include <algorithm>
#include <cstring>

using namespace mlir::qopt;
using namespace mlir::qopt::runtime;
using artifact::Constant;
using artifact::PackedConstant;

namespace {
/// One dimension of the packed tensor.
struct Dimension {
  /// Elements, and how many of them the constant has.
  uint64_t extent, available;
  /// Elements between neighbours in the constant.
  uint64_t stride;
};
} // namespace

static std::vector<Dimension> getDimensions(const Constant &constant,
                                            const PackedConstant &packed) {
  size_t rank = constant.dims.size();
  std::vector<uint64_t> strides(rank, 1);
  for (size_t d = rank; d-- > 1;)
    strides[d - 1] = strides[d] * uint64_t(constant.dims[d]);
  std::vector<Dimension> dimensions;
  for (size_t d = 0; d < rank; ++d) {
    uint32_t from = packed.permutation[d];
    dimensions.push_back({uint64_t(packed.dims[d]),
                          uint64_t(constant.dims[from]), strides[from]});
  }
  // A scalar is a row of one.
  if (rank == 0)
    dimensions.push_back({1, 1, 1});
  return dimensions;
}

/// Copies `count` elements that are `stride` elements apart.
template <typename T>
static void gather(const uint8_t *from, uint64_t stride, uint64_t count,
                   uint8_t *to) {
  for (uint64_t i = 0; i < count; ++i)
    memcpy(to + i * sizeof(T), from + i * stride * sizeof(T), sizeof(T));
}

static void gatherBytes(uint64_t elementSize, const uint8_t *from,
                        uint64_t stride, uint64_t count, uint8_t *to) {
  if (stride == 1) {
    memcpy(to, from, count * elementSize);
    return;
  }
  switch (elementSize) {
  case 1:
    return gather<uint8_t>(from, stride, count, to);
  case 2:
    return gather<uint16_t>(from, stride, count, to);
  case 4:
    return gather<uint32_t>(from, stride, count, to);
  default:
    return gather<uint64_t>(from, stride, count, to);
  }
}

void runtime::packConstant(
    const Constant &constant, const PackedConstant &packed,
    uint64_t maxPieceBytes,
    const std::function<void(uint64_t, const void *, uint64_t)> &consume) {
  uint64_t elementSize = artifact::byteSize(constant.dtype, {});
  uint64_t total = artifact::byteSize(constant.dtype, packed.dims);
  if (total == 0)
    return;
  std::vector<Dimension> outer = getDimensions(constant, packed);
  Dimension row = outer.back();
  outer.pop_back();

  uint64_t capacity = std::min(
      std::max(maxPieceBytes / elementSize, uint64_t(1)) * elementSize, total);
  std::vector<uint8_t> piece(capacity);
  uint64_t filled = 0, flushed = 0;
  std::vector<uint64_t> index(outer.size(), 0);
  while (flushed + filled < total) {
    // The row of this index, or none of it where the index is in the padding.
    uint64_t start = 0, available = row.available;
    for (size_t d = 0; d < outer.size(); ++d) {
      start += index[d] * outer[d].stride;
      if (index[d] >= outer[d].available)
        available = 0;
    }
    for (uint64_t i = 0; i < row.extent;) {
      uint64_t count =
          std::min(row.extent - i, (capacity - filled) / elementSize);
      uint64_t real = i < available ? std::min(count, available - i) : 0;
      uint8_t *to = piece.data() + filled;
      if (real)
        gatherBytes(elementSize,
                    constant.data + (start + i * row.stride) * elementSize,
                    row.stride, real, to);
      memset(to + real * elementSize, 0, (count - real) * elementSize);
      i += count;
      filled += count * elementSize;
      if (filled == capacity || flushed + filled == total) {
        consume(flushed, piece.data(), filled);
        flushed += filled;
        filled = 0;
      }
    }
    for (size_t d = outer.size(); d-- > 0;) {
      if (++index[d] < outer[d].extent)
        break;
      index[d] = 0;
    }
  }
}

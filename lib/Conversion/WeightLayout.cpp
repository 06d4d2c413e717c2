//===- WeightLayout.cpp - The weights of each output channel ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Conversion/WeightLayout.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace mlir;
using namespace mlir::qopt;

/// Merges each loop into the one outside of it if both walk memory as one.
SmallVector<WeightLayout::Loop> WeightLayout::mergeLoops(ArrayRef<Loop> loops) {
  SmallVector<Loop> merged;
  for (const Loop &loop : loops) {
    if (loop.extent == 1)
      continue;
    if (!merged.empty() && merged.back().stride == loop.stride * loop.extent) {
      merged.back().extent *= loop.extent;
      merged.back().stride = loop.stride;
    } else {
      merged.push_back(loop);
    }
  }
  if (merged.empty())
    merged.push_back({1, 1});
  return merged;
}

WeightLayout::WeightLayout(ArrayRef<int64_t> shape,
                           ArrayRef<int64_t> channelDims) {
  SmallVector<Loop> channels, summed;
  int64_t stride = 1;
  for (int64_t dim = shape.size(); dim-- > 0;) {
    bool isChannel = llvm::is_contained(channelDims, dim);
    (isChannel ? channels : summed).push_back({shape[dim], stride});
    (isChannel ? numChannels : channelSize) *= shape[dim];
    stride *= shape[dim];
  }
  std::reverse(channels.begin(), channels.end());
  std::reverse(summed.begin(), summed.end());
  channelLoops = mergeLoops(channels);
  summedLoops = mergeLoops(summed);
  dense = summedLoops.size() == 1 && summedLoops[0].stride == 1 &&
          channelLoops.size() == 1 &&
          (channelLoops[0].stride == channelSize || numChannels == 1);
}

int64_t WeightLayout::getGroupSize() const {
  // Scratch rows stay in the second-level cache, but a group reads and writes
  // whole cache lines where channels are neighbours in memory.
  constexpr int64_t kElements = int64_t(1) << 18;
  constexpr int64_t kMinChannels = 64;
  return std::max(kElements / std::max<int64_t>(channelSize, 1),
                  dense ? int64_t(1) : kMinChannels);
}

int64_t WeightLayout::getOffset(ArrayRef<Loop> loops, int64_t index) {
  int64_t offset = 0;
  for (const Loop &loop : llvm::reverse(loops)) {
    offset += index % loop.extent * loop.stride;
    index /= loop.extent;
  }
  return offset;
}

template <typename Fn> void WeightLayout::forEachRun(Fn fn) const {
  if (channelSize == 0)
    return;
  ArrayRef<Loop> outer = ArrayRef(summedLoops).drop_back();
  int64_t length = summedLoops.back().extent;
  for (int64_t run = 0; run * length < channelSize; ++run)
    fn(run * length, getOffset(outer, run), length);
}

template <typename T>
void WeightLayout::gather(const T *weight, int64_t first, int64_t count,
                          T *rows, int64_t rowStride) const {
  SmallVector<int64_t> starts;
  for (int64_t c = 0; c < count; ++c)
    starts.push_back(getOffset(channelLoops, first + c));
  int64_t stride = summedLoops.back().stride;
  forEachRun([&](int64_t k, int64_t offset, int64_t length) {
    if (stride == 1) {
      for (int64_t c = 0; c < count; ++c)
        std::copy_n(weight + starts[c] + offset, length,
                    rows + c * rowStride + k);
      return;
    }
    for (int64_t i = 0; i < length; ++i)
      for (int64_t c = 0; c < count; ++c)
        rows[c * rowStride + k + i] = weight[starts[c] + offset + i * stride];
  });
}

template <typename T>
void WeightLayout::scatter(const T *rows, int64_t rowStride, int64_t first,
                           int64_t count, T *weight) const {
  SmallVector<int64_t> starts;
  for (int64_t c = 0; c < count; ++c)
    starts.push_back(getOffset(channelLoops, first + c));
  int64_t stride = summedLoops.back().stride;
  forEachRun([&](int64_t k, int64_t offset, int64_t length) {
    if (stride == 1) {
      for (int64_t c = 0; c < count; ++c)
        std::copy_n(rows + c * rowStride + k, length,
                    weight + starts[c] + offset);
      return;
    }
    for (int64_t i = 0; i < length; ++i)
      for (int64_t c = 0; c < count; ++c)
        weight[starts[c] + offset + i * stride] = rows[c * rowStride + k + i];
  });
}

template void WeightLayout::gather(const float *, int64_t, int64_t, float *,
                                   int64_t) const;
template void WeightLayout::scatter(const int8_t *, int64_t, int64_t, int64_t,
                                    int8_t *) const;

//===- WeightLayout.h - The weights of each output channel ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Output channels are the indices of some dimensions of a weight, row-major;
// the other dimensions are summed over. Channels are worked on as dense rows,
// some at a time: a column of a matrix is copied to a row of scratch memory and
// its integers are copied back, never the whole weight.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_CONVERSION_WEIGHTLAYOUT_H
#define QUANTOPT_CONVERSION_WEIGHTLAYOUT_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>

namespace mlir::qopt {

class WeightLayout {
public:
  /// A row-major weight of `shape` whose output channels are `channelDims`
  /// (ascending; none: one channel).
  WeightLayout(ArrayRef<int64_t> shape, ArrayRef<int64_t> channelDims);

  int64_t getNumChannels() const { return numChannels; }
  /// Weights of each channel.
  int64_t getChannelSize() const { return channelSize; }
  /// Channels to handle together, so that whole cache lines are moved.
  int64_t getGroupSize() const;

  /// Channels are dense rows already, one after the other.
  bool isDense() const { return dense; }
  /// rows[c, k] = weight k of channel first + c, for c < count. `rowStride` in
  /// elements, at least the channel size.
  template <typename T>
  void gather(const T *weight, int64_t first, int64_t count, T *rows,
              int64_t rowStride) const;
  /// The way back.
  template <typename T>
  void scatter(const T *rows, int64_t rowStride, int64_t first, int64_t count,
               T *weight) const;

private:
  struct Loop {
    int64_t extent, stride;
  };
  static SmallVector<Loop> mergeLoops(ArrayRef<Loop> loops);
  /// Offset in the weight of an index of some loops.
  static int64_t getOffset(ArrayRef<Loop> loops, int64_t index);
  /// Calls `fn(k, offset, length)` for runs of `length` weights of a channel
  /// from weight k on, at distances of the innermost summed loop's stride.
  template <typename Fn> void forEachRun(Fn fn) const;

  SmallVector<Loop> channelLoops, summedLoops; ///< outermost first
  int64_t numChannels = 1, channelSize = 1;
  bool dense = false;
};

} // namespace mlir::qopt

#endif // QUANTOPT_CONVERSION_WEIGHTLAYOUT_H

//===- Readers.h - What reads an edge, and how much errors cost ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_CALIBRATION_READERS_H
#define QUANTOPT_LIB_CALIBRATION_READERS_H

#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Statistics/Ranges.h"

namespace mlir::qopt {

/// The contractions with constant weights that read an observed edge.
class EdgeReaders {
public:
  explicit EdgeReaders(ObserveOp edge);

  /// How the channels that the readers weigh apart lie in the observed tensor;
  /// none where readers disagree or data movement mixes them.
  ChannelLayout getChannelLayout() const { return layout; }

  /// Reads the weights once, given the largest magnitude of each channel (empty
  /// where they are not known).
  void weigh(const Distribution &values, ArrayRef<float> channelMaxima);

  /// The expected squared error of the readers' results, relative to them.
  double getCost(const Distribution &values, RangeStorage storage,
                 const Range &range) const;

private:
  SmallVector<Quantizable> readers;
  ChannelLayout layout;
};

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_CALIBRATION_READERS_H

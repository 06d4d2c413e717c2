//===- Readers.h - What reads an edge, and how much errors cost -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What an error of an activation does to the results of the contractions that
// read it depends on the channel it is in: a weight of that channel multiplies
// it. Which channel a value of the histogram came from is not known, but how
// likely each is follows from the channels' largest magnitudes.
// docs/Numerics.md, "Method auto".
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_CALIBRATION_READERS_H
#define QUANTOPT_LIB_CALIBRATION_READERS_H

#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Statistics/SampleStatistics.h"

namespace mlir::qopt {

/// The contractions with constant weights that read an observed edge.
class EdgeReaders {
public:
  explicit EdgeReaders(ObserveOp edge);

  /// How the channels that the readers tell apart lie in the observed tensor;
  /// none where readers disagree or data movement mixes them.
  ChannelLayout getChannelLayout() const { return layout; }

  /// The distribution `values` with each value weighted by what an error of it
  /// costs: in relation to the energy of its sample, times the energy of the
  /// weights that multiply it. Reads the weights once. Touches no context.
  Distribution weigh(const Distribution &values,
                     const SampleStatistics &samples) const;

private:
  /// Sum of the squares of all weights that multiply each channel.
  std::vector<double> getImportance() const;

  struct Reader {
    Quantizable match;
    /// For each dimension of the weight its stride in channels of the edge, 0
    /// for those that index none.
    SmallVector<int64_t> channelStrides;
  };
  std::vector<Reader> readers;
  ChannelLayout layout;
};

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_CALIBRATION_READERS_H

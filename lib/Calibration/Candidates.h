//===- Candidates.h - Ways to quantize an observed edge ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_CALIBRATION_CANDIDATES_H
#define QUANTOPT_LIB_CALIBRATION_CANDIDATES_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Statistics/Ranges.h"

namespace mlir::qopt {

/// What a candidate attribute is made of.
struct Candidate {
  Storage storage;
  Method method;
  Range range;
  /// Expected squared error as `weighted` has it; relative.
  double cost;
};

/// Every method on every storage kind that fits `values`: s8 and asymmetric u8,
/// u8 where there are no negative values. `weighted` are the values by what
/// their errors cost (EdgeReaders::weigh). Touches no context: any thread may
/// call it.
std::vector<Candidate> makeCandidates(const Distribution &values,
                                      const Distribution &weighted,
                                      const RangeOptions &options);

/// The attribute of an edge with these candidates.
StatsAttr makeStats(MLIRContext *context, const EdgeStatistics &edge,
                    const Distribution &values, ArrayRef<Candidate> candidates);

/// The attribute of an edge of which only a symmetric scale is known, from a
/// TensorRT cache.
StatsAttr makeSymmetricStats(MLIRContext *context, float scale);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_CALIBRATION_CANDIDATES_H

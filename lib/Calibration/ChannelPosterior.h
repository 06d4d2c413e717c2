//===- ChannelPosterior.h - Which channel a value may be of ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// docs/Numerics.md, "Method auto", has the formulas. Deterministic: no libm.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_CALIBRATION_CHANNELPOSTERIOR_H
#define QUANTOPT_LIB_CALIBRATION_CHANNELPOSTERIOR_H

#include "QuantOpt/Statistics/SampleStatistics.h"
#include "mlir/Support/LLVM.h"

namespace mlir::qopt {

/// For each bin of |x| of `values` the expected importance of the channel that
/// a value in it came from, given the largest magnitude of each channel and the
/// importance of each. One number per channel, kHistogramBins in the result.
std::vector<double> getExpectedImportance(const Distribution &values,
                                          ArrayRef<float> channelMaxima,
                                          ArrayRef<double> importance);

/// `values` with these weights as counts, scaled to a total of about 2^50; a
/// bin with any weight keeps a count of one at least.
Distribution makeWeighted(const Distribution &values,
                          const WeightedHistogram &weights);

/// The k for which the mean of u^2 under a density proportional to exp(-k u) on
/// [0, 1] is `meanSquare`, in (0, 1).
double solveDecay(double meanSquare);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_CALIBRATION_CHANNELPOSTERIOR_H

//===- SampleEnergy.h - Sums of squares in a fixed order --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_STATISTICS_SAMPLEENERGY_H
#define QUANTOPT_LIB_STATISTICS_SAMPLEENERGY_H

#include <cstddef>

namespace mlir::qopt::statistics {

inline constexpr size_t kEnergyPartials = 16;

/// Adds the square of value i to partials[i mod 16]. Of a sample that comes in
/// pieces all but the last have a multiple of 16 values. Assumes that the
/// caller has put the floating-point environment in order.
void addSquares(const float *data, size_t count, double *partials);

/// The energy octave of a sample of `count` values with these sums.
int getOctave(const double *partials, size_t count);

} // namespace mlir::qopt::statistics

#endif // QUANTOPT_LIB_STATISTICS_SAMPLEENERGY_H

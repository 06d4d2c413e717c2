//===- WeightScales.h - Scales of constant weights ---------------*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Which part of a channel's weights symmetric s8 should cover:
// docs/Numerics.md, "Scales of weights". A channel here is any set of weights
// with one scale: an output channel, or a whole tensor. Deterministic on every
// machine and for any number of threads: no libm, f64 sums in a fixed order.
//
// Needs neither LLVM nor exceptions.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_STATISTICS_WEIGHTSCALES_H
#define QUANTOPT_STATISTICS_WEIGHTSCALES_H

#include <cstddef>
#include <cstdint>
#include <functional>

namespace mlir::qopt {

/// How the scale of a channel follows from its weights.
enum class WeightMethod {
  Max, ///< The largest magnitude is the largest integer.
  MSE ///< The least sum of (w - D(Q(w)))^2; the largest weights may be clipped.
};

struct WeightScale {
  /// Positive, within [2^-40, 2^40]; 1 for a channel of zeros.
  float scale = 1;
  /// All weights are 0.
  bool dead = false;
  /// The scale of the largest magnitude was outside the limits.
  bool limited = false;
  /// Sum of (w - D(Q(w)))^2, and of w^2, in f64.
  double squaredError = 0, squaredSum = 0;
};

/// Calls a function for all indices below a count, in any order, on any
/// threads, and returns when all are done.
using ForEachIndex =
    std::function<void(size_t, const std::function<void(size_t)> &)>;

/// Chooses the scale of `count` weights. False if one is NaN or infinite.
/// Large channels are cut into parts that `forEach` may run on threads; null:
/// one after the other. The result is the same either way.
bool chooseWeightScale(const float *weights, size_t count, WeightMethod method,
                       WeightScale &result,
                       const ForEachIndex &forEach = nullptr);

/// Sum of (w - D(Q(w)))^2 with this scale, as `chooseWeightScale` computes it.
double getWeightError(const float *weights, size_t count, float scale);

/// Q_mul into [-127, 127]. Returns the sum of |q|. The weights are finite.
int64_t quantizeWeights(const float *weights, size_t count, float scale,
                        int8_t *integers);

namespace detail {
/// Vector instructions for the sums above; all give the same bits.
enum class WeightVectors { Portable, Avx2, Avx512 };
/// The best this machine has.
WeightVectors getWeightVectors();
/// The errors of `numScales` scales on at most 4096 weights, added to `errors`.
void addWeightErrors(WeightVectors vectors, const float *weights, size_t count,
                     const float *scales, size_t numScales, double *errors);
} // namespace detail

} // namespace mlir::qopt

#endif // QUANTOPT_STATISTICS_WEIGHTSCALES_H

//===- QuantizeWeights.h - Constant weights to integers with scales ---*- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_CONVERSION_QUANTIZEWEIGHTS_H
#define QUANTOPT_CONVERSION_QUANTIZEWEIGHTS_H

#include "QuantOpt/Analysis/Quantizable.h"
#include "QuantOpt/Conversion/QuantizedParameters.h"
#include "QuantOpt/Statistics/WeightScales.h"
#include "QuantOpt/Support/QuantMath.h"

namespace mlir::qopt {

/// A weight as s8 in [-127, 127], symmetric, one scale per output channel.
struct QuantizedWeights {
  /// i8, the shape of the float weight.
  ElementsAttr values;
  /// Per-tensor, per-axis or (several channel dimensions) sub-channel type.
  quant::QuantizedType type;
  /// Σ|qw| over each output channel: bounds its accumulator.
  SmallVector<int64_t> absoluteSums;
  /// Output channels whose weights are all 0, ascending.
  SmallVector<int64_t> deadChannels;
  int64_t numScales = 0;
  /// Scales clamped to 2^-40 or 2^40.
  int64_t flooredScales = 0;
  /// Of the scales of channels that are not dead; 1 where all are.
  float scaleMin = 1, scaleMax = 1;
  /// Σ (w - D(Q(w)))² and Σ w² over the tensor.
  double squaredError = 0, squaredSum = 0;
};

/// Quantizes the constant weight of `match` (docs/Numerics.md, "Scales of
/// weights"), on the context's threads. Emits an error at the op where a weight
/// is not finite.
FailureOr<QuantizedWeights>
quantizeWeights(const Quantizable &match, bool perTensor, WeightMethod method);

/// The output channel whose accumulator can become largest.
struct AccumulatorProof {
  int64_t channel = 0;
  /// Its Σ|qw|.
  int64_t absoluteSum = 0;
  quantmath::AccumulatorBound bound = {0, 0};

  /// Upper bound of |acc| in all channels.
  int64_t getMax() const { return std::max(bound.raw, bound.corrected); }
  /// No i32 accumulator of the op can overflow.
  bool holds() const { return bound.fitsInt32(); }
};

/// Bounds the accumulators of channels with these Σ|qw|, with activations of
/// quantized type `activation` (null: dynamic, symmetric s8).
AccumulatorProof boundAccumulators(Type activation,
                                   ArrayRef<int64_t> absoluteSums);

/// The same for products of two run-time operands with these types (null:
/// dynamic), `reductionSize` of them in a sum.
AccumulatorProof boundProducts(Type activation, Type other,
                               int64_t reductionSize);

/// Why `match` stays float where `proof` does not hold.
std::string describeOverflow(const Quantizable &match,
                             const AccumulatorProof &proof);

/// Replaces the weight operand by `dcast(scast(constant))`.
void insertWeightCasts(const Quantizable &match,
                       const QuantizedWeights &weights);

/// True if a constant weight with these parameters is what integer contractions
/// take: s8 with zero points 0, and one scale or one per output channel of
/// `match`.
bool isContractionWeight(const QuantizedParameters &parameters,
                         const Quantizable &match);

/// The flat output-channel index of every element of a weight in row-major
/// order is a mixed-radix walk over `shape`; this calls
/// `fn(elementIndex, channelIndex)` for each.
void forEachWeight(ArrayRef<int64_t> shape, ArrayRef<int64_t> channelDims,
                   function_ref<void(int64_t, int64_t)> fn);

} // namespace mlir::qopt

#endif // QUANTOPT_CONVERSION_QUANTIZEWEIGHTS_H

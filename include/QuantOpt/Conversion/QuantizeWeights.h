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

namespace mlir::qopt {

/// A weight as s8 in [-127, 127], symmetric, one scale per output channel.
struct QuantizedWeights {
  /// i8, the shape of the float weight.
  ElementsAttr values;
  /// Per-tensor, per-axis or (several channel dimensions) sub-channel type.
  quant::QuantizedType type;
  /// Σ|qw| over each output channel: bounds its accumulator.
  SmallVector<int64_t> absoluteSums;
  int64_t deadChannels = 0;
  int64_t numScales = 0;

  /// Bytes of the integers and of their f32 scales.
  int64_t getBytes() const;
};

/// Quantizes the constant weight of `match` (docs/Numerics.md, "Choosing scale
/// and zero point"). Emits an error at the op where a weight is not finite.
FailureOr<QuantizedWeights> quantizeWeights(const Quantizable &match,
                                            bool perTensor);

/// True if no i32 accumulator of channels with these Σ|qw| can overflow, with
/// activations of quantized type `activation` (null: dynamic, symmetric s8).
bool cannotOverflow(Type activation, ArrayRef<int64_t> absoluteSums);

/// Why `match` stays float where an accumulator could overflow.
std::string describeOverflow(const Quantizable &match);

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

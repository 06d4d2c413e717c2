//===- MatchQDQ.h - Quantize and dequantize in any spelling -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_QDQ_MATCHQDQ_H
#define QUANTOPT_LIB_FRONTEND_QDQ_MATCHQDQ_H

#include "QuantOpt/Conversion/QuantizedParameters.h"
#include "ScalarWalk.h"

namespace mlir::qopt {

/// q = clamp(rne(x / s) + z, lo, hi), or with x · r in place of the division.
struct QuantizeMatch {
  /// x.
  Scalar input;
  bool divides = false;
  /// s where it divides, else r.
  Parameter factor;
  Parameter zeroPoint;
  /// Infinite where the spelling does not clamp.
  double low, high;
  /// How integers come out: bits of the element type and its sign. 0 bits where
  /// the values stay f32 all the way (fake quantization).
  unsigned bits = 0;
  bool isSigned = true;

  /// The smallest and largest integer, at most those of the storage.
  int32_t getLow() const;
  int32_t getHigh() const;
  /// Scale, zero point and limits where the scale is `scale` (of a dequantize
  /// that reads the integers); nothing if x is multiplied by something that is
  /// not its reciprocal, or if the numbers are no valid parameters.
  std::optional<QuantizedParameters>
  getParameters(const Parameter &scale) const;
  /// The scale where no dequantize says it.
  std::optional<Parameter> findScale() const;
};

/// Matches the computation of `scalar`: a value of 8, 16 or 32 bit integers, or
/// (`fake`) of integral f32.
std::optional<QuantizeMatch> matchQuantize(Scalar scalar, bool fake = false);

/// y = f32(q - z) · s.
struct DequantizeMatch {
  /// q: a quantized f32 value in fake quantization.
  Scalar input;
  Parameter scale;
  Parameter zeroPoint;
  bool isFake = false;
  /// How q is extended.
  bool isSigned = true;
};

/// Matches the computation of `scalar` (f32).
std::optional<DequantizeMatch> matchDequantize(Scalar scalar);

/// `numbers` per dimension of a tensor with one dimension per loop.
std::optional<QuantizedParameters> makeParameters(const Parameter &scale,
                                                  const Parameter &zeroPoint,
                                                  unsigned bits, bool isSigned,
                                                  int32_t low, int32_t high);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_QDQ_MATCHQDQ_H

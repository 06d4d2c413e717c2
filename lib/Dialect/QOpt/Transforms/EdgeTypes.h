//===- EdgeTypes.h - A type for one edge by its statistics ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_DIALECT_QOPT_TRANSFORMS_EDGETYPES_H
#define QUANTOPT_LIB_DIALECT_QOPT_TRANSFORMS_EDGETYPES_H

#include "QuantOpt/Analysis/ScaleAnalysis.h"
#include "QuantOpt/Dialect/QOpt/Transforms/Passes.h"

namespace mlir::qopt {

/// The least SQNR, in dB, that an edge in memory may have at 8 bits where 16
/// are a choice.
inline constexpr double kMemorySqnrDb = 50.0;

/// Errors within 1 dB are as good: what agreeing on a type, or keeping a range
/// that is known without data, may cost.
inline constexpr double kAgreementTolerance = 1.2589254117941673;

/// The options of scale propagation that choose types.
struct TypeOptions {
  CalibrationMethod method;
  ActivationMode activations;
  ActivationBits bits;
  bool storageS8;
};

StringRef stringifyMethod(CalibrationMethod method);

/// The 8-bit type of `storage` for the limits `low <= 0 <= high`, u8 shifted to
/// s8 where `storageS8` asks for that.
quant::UniformQuantizedType makeType(MLIRContext *context, Storage storage,
                                     double low, double high, bool storageS8);

/// Symmetric s16 for magnitudes up to `amax`.
quant::UniformQuantizedType makeWideType(MLIRContext *context, double amax);

/// The least and the greatest value of `type`.
Interval getLimits(quant::UniformQuantizedType type);

bool isAllowed(Storage storage, ActivationMode mode, bool oneSided);

/// True if calibration has compared errors with what the readers give, so that
/// costs are relative.
bool wereWeighed(StatsAttr stats);

/// Asymmetric storage pays for its zero-point term if its error is at most this
/// part of that of others, given what the readers demand.
double getAsymmetricGain(unsigned demands);

/// The candidate with the least cost among those of `options.method` that
/// `filter` takes; the earlier one on ties. `demands` of the readers decide how
/// much a zero point must win. Null where there is none.
CandidateAttr chooseCandidate(StatsAttr stats, const TypeOptions &options,
                              unsigned demands,
                              function_ref<bool(CandidateAttr)> filter);

/// What to expect of types that calibration has not tried: steps of s add
/// s^2 / 12 per value that is not exact, as many as the candidates show; what a
/// range clips costs at most what it costs a candidate inside of it.
class ErrorEstimate {
public:
  /// In the units `method` compares candidates by: `auto` by what errors do to
  /// the readers, others by the squared error of the values.
  ErrorEstimate(StatsAttr stats, CalibrationMethod method);

  /// The expected error; infinite where `type` clips more than any candidate.
  double getError(quant::UniformQuantizedType type) const;
  /// The share of values that `type` clips, at most; 1 where that is not known.
  double getClipped(quant::UniformQuantizedType type) const;
  /// How many times the error of `own` that of `type` is; 1 where neither has
  /// any.
  double getLoss(quant::UniformQuantizedType type,
                 quant::UniformQuantizedType own) const;

private:
  struct Point {
    double low, high, clippingError, clipped;
  };
  /// The candidate inside the limits of `type` that clips least; null for none.
  const Point *findInside(quant::UniformQuantizedType type) const;
  bool coversAll(quant::UniformQuantizedType type) const;

  double min, max;
  /// Of the error of a step: the share of values that are not exact.
  double density;
  SmallVector<Point> points;
};

/// The type an edge would have if it were alone.
struct OwnType {
  enum class Source { Candidate, KnownRange, Wide } source;
  quant::UniformQuantizedType type;
  /// The best one for 8 bits.
  CandidateAttr candidate;
  /// In dB, of what reads the edge, with 8 bits; where calibration knows.
  std::optional<double> sqnr8;
};

/// Chooses it by the statistics of `edge`, which has some. An error where they
/// hold no candidate that the options allow.
FailureOr<OwnType> chooseOwnType(const ScaleAnalysis::Edge &edge,
                                 const TypeOptions &options);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_DIALECT_QOPT_TRANSFORMS_EDGETYPES_H

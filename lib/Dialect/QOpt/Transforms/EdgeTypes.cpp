//===- EdgeTypes.cpp - A type for one edge by its statistics --------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EdgeTypes.h"

#include "QuantOpt/Analysis/Policy.h"
#include "QuantOpt/Support/QuantMath.h"

#include <cmath>

using namespace mlir;
using namespace mlir::qopt;

/// Asymmetric storage costs a zero-point term per output channel: it must lower
/// the expected squared error at least this much (about 1 dB).
static constexpr double kAsymmetricGain = 0.8;
/// The same (3 dB) where the other operand is no constant: that term is a sum
/// over data then.
static constexpr double kAsymmetricGainOfProducts = 0.5;

StringRef mlir::qopt::stringifyMethod(CalibrationMethod method) {
  static constexpr StringLiteral names[] = {"auto", "max", "percentile",
                                            "entropy", "mse"};
  return names[static_cast<int>(method)];
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

quant::UniformQuantizedType mlir::qopt::makeType(MLIRContext *context,
                                                 Storage storage, double low,
                                                 double high, bool storageS8) {
  quantmath::ScaleChoice choice;
  bool isSigned = storage == Storage::S8;
  switch (storage) {
  case Storage::S8:
    choice = quantmath::symmetricScale(std::max(-low, high));
    break;
  case Storage::U8:
    choice = quantmath::oneSidedScale(high);
    break;
  case Storage::U8Asymmetric:
    choice = quantmath::asymmetricScale(
        low, high, quantmath::rangeOf(quantmath::Storage::U8));
    break;
  }
  int64_t least = isSigned ? -128 : 0, greatest = isSigned ? 127 : 255;
  int64_t zeroPoint = choice.zeroPoint;
  if (storageS8 && !isSigned) {
    isSigned = true;
    least -= 128;
    greatest -= 128;
    zeroPoint -= 128;
  }
  Builder b(context);
  return quant::UniformQuantizedType::get(
      isSigned ? quant::QuantizationFlags::Signed : 0, b.getI8Type(),
      b.getF32Type(), choice.scale, zeroPoint, least, greatest);
}

quant::UniformQuantizedType mlir::qopt::makeWideType(MLIRContext *context,
                                                     double amax) {
  quantmath::IntRange range = quantmath::rangeOf(quantmath::Storage::S16);
  Builder b(context);
  return quant::UniformQuantizedType::get(
      quant::QuantizationFlags::Signed, b.getIntegerType(16), b.getF32Type(),
      quantmath::symmetricScale(amax, range.hi).scale, /*zeroPoint=*/0,
      range.lo, range.hi);
}

Interval mlir::qopt::getLimits(quant::UniformQuantizedType type) {
  auto toReal = [&](int64_t value) {
    return static_cast<double>(value - type.getZeroPoint()) * type.getScale();
  };
  return {toReal(type.getStorageTypeMin()), toReal(type.getStorageTypeMax())};
}

//===----------------------------------------------------------------------===//
// Candidates
//===----------------------------------------------------------------------===//

bool mlir::qopt::isAllowed(Storage storage, ActivationMode mode,
                           bool oneSided) {
  switch (mode) {
  case ActivationMode::Auto:
    return true;
  case ActivationMode::Symmetric:
    return storage == (oneSided ? Storage::U8 : Storage::S8);
  case ActivationMode::Asymmetric:
    return storage == Storage::U8Asymmetric;
  }
  llvm_unreachable("unknown activation mode");
}

static bool isAskedFor(Method candidate, CalibrationMethod method) {
  switch (method) {
  case CalibrationMethod::Auto:
    return true;
  case CalibrationMethod::Max:
    return candidate == Method::Max;
  case CalibrationMethod::Percentile:
    return candidate == Method::Percentile;
  case CalibrationMethod::Entropy:
    return candidate == Method::Entropy;
  case CalibrationMethod::MSE:
    return candidate == Method::MSE;
  }
  llvm_unreachable("unknown calibration method");
}

bool mlir::qopt::wereWeighed(StatsAttr stats) {
  return llvm::any_of(stats.getCandidates(), [](CandidateAttr c) {
    return c.getMethod() == Method::Auto;
  });
}

/// What candidates are compared by. `auto` looks at what errors do to the
/// readers; a method that was asked for has chosen its range already, and
/// storage kinds are compared by the error of the values.
static double getError(CandidateAttr candidate, CalibrationMethod method) {
  return method == CalibrationMethod::Auto ? candidate.getCost()
                                           : candidate.getError();
}

double mlir::qopt::getAsymmetricGain(unsigned demands) {
  return demands & kZeroPointZero ? kAsymmetricGainOfProducts : kAsymmetricGain;
}

CandidateAttr
mlir::qopt::chooseCandidate(StatsAttr stats, const TypeOptions &options,
                            unsigned demands,
                            function_ref<bool(CandidateAttr)> filter) {
  // Calibration has tried all thresholds for `auto`; statistics from elsewhere
  // (a TensorRT cache) may have other candidates only.
  bool weighed =
      options.method == CalibrationMethod::Auto && wereWeighed(stats);
  // With its zero-point term paid for.
  auto getCost = [&](CandidateAttr candidate) {
    bool asymmetric = candidate.getStorage() == Storage::U8Asymmetric;
    return getError(candidate, options.method) /
           (asymmetric ? getAsymmetricGain(demands) : 1.0);
  };
  CandidateAttr best;
  for (CandidateAttr candidate : stats.getCandidates())
    if (isAskedFor(candidate.getMethod(), options.method) &&
        filter(candidate) &&
        (!weighed || candidate.getMethod() == Method::Auto) &&
        (!best || getCost(candidate) < getCost(best)))
      best = candidate;
  return best;
}

//===----------------------------------------------------------------------===//
// ErrorEstimate
//===----------------------------------------------------------------------===//

static double getStepError(quant::UniformQuantizedType type) {
  return type.getScale() * type.getScale() / 12.0;
}

ErrorEstimate::ErrorEstimate(StatsAttr stats, CalibrationMethod method)
    : min(stats.getMin()), max(stats.getMax()), density(1.0) {
  auto makeCandidateType = [&](CandidateAttr c) {
    return makeType(stats.getContext(), c.getStorage(), c.getMin(), c.getMax(),
                    /*storageS8=*/false);
  };
  // A TensorRT cache knows no errors.
  bool known = stats.getCount() != 0;
  auto getDensity = [&](CandidateAttr c) {
    return ::getError(c, method) / getStepError(makeCandidateType(c));
  };
  if (known) {
    // Method max clips nothing: all its error is that of steps.
    std::optional<double> unclipped, least;
    for (CandidateAttr c : stats.getCandidates()) {
      least = std::min(least.value_or(getDensity(c)), getDensity(c));
      if (c.getMethod() == Method::Max)
        unclipped = std::max(unclipped.value_or(0.0), getDensity(c));
    }
    density = unclipped.value_or(least.value_or(1.0));
  }
  for (CandidateAttr c : stats.getCandidates()) {
    double steps = density * getStepError(makeCandidateType(c));
    double clipping = known ? ::getError(c, method) - steps : 0.0;
    points.push_back(
        {c.getMin(), c.getMax(), std::max(clipping, 0.0), c.getClipped()});
  }
}

/// Up to half a step outside counts as inside, as it does for Q.
static bool covers(quant::UniformQuantizedType type, double low, double high) {
  Interval limits = getLimits(type);
  double half = 0.5 * type.getScale();
  return low >= limits.low - half && high <= limits.high + half;
}

bool ErrorEstimate::coversAll(quant::UniformQuantizedType type) const {
  return covers(type, std::min(min, 0.0), std::max(max, 0.0));
}

const ErrorEstimate::Point *
ErrorEstimate::findInside(quant::UniformQuantizedType type) const {
  const Point *best = nullptr;
  for (const Point &point : points)
    if (covers(type, std::max(point.low, std::min(min, 0.0)),
               std::min(point.high, std::max(max, 0.0))) &&
        (!best || point.clippingError < best->clippingError))
      best = &point;
  return best;
}

double ErrorEstimate::getError(quant::UniformQuantizedType type) const {
  double steps = density * getStepError(type);
  if (coversAll(type))
    return steps;
  const Point *inside = findInside(type);
  return inside ? steps + inside->clippingError
                : std::numeric_limits<double>::infinity();
}

double ErrorEstimate::getClipped(quant::UniformQuantizedType type) const {
  if (coversAll(type))
    return 0.0;
  const Point *inside = findInside(type);
  return inside ? inside->clipped : 1.0;
}

double ErrorEstimate::getLoss(quant::UniformQuantizedType type,
                              quant::UniformQuantizedType own) const {
  double error = getError(type), ownError = getError(own);
  return error <= ownError ? 1.0 : error / ownError;
}

//===----------------------------------------------------------------------===//
// Own types
//===----------------------------------------------------------------------===//

FailureOr<OwnType> mlir::qopt::chooseOwnType(const ScaleAnalysis::Edge &edge,
                                             const TypeOptions &options) {
  ObserveOp op = edge.op;
  MLIRContext *context = op.getContext();
  StatsAttr stats = *op.getStats();
  bool oneSided = stats.getMin() >= 0;
  CandidateAttr candidate =
      chooseCandidate(stats, options, edge.demands, [&](CandidateAttr c) {
        return isAllowed(c.getStorage(), options.activations, oneSided);
      });
  // A TensorRT cache knows symmetric scales only.
  if (!candidate && options.method == CalibrationMethod::Auto &&
      options.activations == ActivationMode::Symmetric)
    candidate =
        chooseCandidate(stats, options, edge.demands, [](CandidateAttr c) {
          return c.getStorage() == Storage::S8;
        });
  if (!candidate)
    return op.emitError() << "edge '" << op.getName()
                          << "' has statistics without a candidate for the "
                             "allowed storage kinds and method '"
                          << stringifyMethod(options.method)
                          << "': calibrate it again";

  OwnType own{OwnType::Source::Candidate,
              makeType(context, candidate.getStorage(), candidate.getMin(),
                       candidate.getMax(), options.storageS8),
              candidate, std::nullopt};
  if (wereWeighed(stats) && candidate.getCost() > 0)
    own.sqnr8 = -10.0 * std::log10(candidate.getCost());

  // Limits that hold for all data are better than those of some, unless they
  // are much wider than what occurs.
  if (options.method == CalibrationMethod::Auto && edge.range.isBounded()) {
    ErrorEstimate errors(stats, options.method);
    quant::UniformQuantizedType known =
        makeType(context, candidate.getStorage(), std::min(edge.range.low, 0.0),
                 std::max(edge.range.high, 0.0), options.storageS8);
    if (stats.getCount() != 0 &&
        errors.getLoss(known, own.type) <= kAgreementTolerance) {
      own.type = known;
      own.source = OwnType::Source::KnownRange;
    }
  }
  if (edge.demands & kEightBits)
    return own;
  ActivationBits bits = options.bits;
  if (std::optional<RequestedBits> requested = getRequestedBits(op))
    bits =
        requested->bits > 8 ? ActivationBits::Sixteen : ActivationBits::Eight;
  if (bits == ActivationBits::Sixteen ||
      (bits == ActivationBits::Auto && own.sqnr8 &&
       *own.sqnr8 < kMemorySqnrDb)) {
    own.type = makeWideType(
        context, std::max(-stats.getMin().value, stats.getMax().value));
    own.source = OwnType::Source::Wide;
  }
  return own;
}

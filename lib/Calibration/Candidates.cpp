//===- Candidates.cpp - Ways to quantize an observed edge ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Candidates.h"

#include "QuantOpt/Support/QuantMath.h"

using namespace mlir;
using namespace mlir::qopt;

static RangeStorage toRangeStorage(Storage storage) {
  switch (storage) {
  case Storage::S8:
    return RangeStorage::S8;
  case Storage::U8:
    return RangeStorage::U8;
  case Storage::U8Asymmetric:
    return RangeStorage::U8Asymmetric;
  }
  llvm_unreachable("unknown storage");
}

static RangeMethod toRangeMethod(Method method) {
  switch (method) {
  case Method::Max:
    return RangeMethod::Max;
  case Method::Percentile:
    return RangeMethod::Percentile;
  case Method::Entropy:
    return RangeMethod::Entropy;
  case Method::MSE:
    return RangeMethod::MSE;
  case Method::Auto:
    break;
  }
  llvm_unreachable("unknown method");
}

/// Thresholds that method auto tries: the largest magnitude times powers of
/// 2^(-1/12), down to a 64th.
static constexpr int kThresholds = 73;
static constexpr double kThresholdRatio = 0.94387431268169349664;
/// Costs within 1 dB of the least are as good: of those, what clips least.
/// Small gains by clipping do not carry over from calibration data to others.
static constexpr double kTolerance = 1.2589254117941673;

/// The range of the largest threshold whose cost is within tolerance of the
/// least cost; `cost` is its cost.
static qopt::Range chooseAuto(const Distribution &values,
                              const RangeSelector &weighted,
                              RangeStorage storage, double &cost) {
  auto getLimits = [&](double threshold) {
    return std::pair(std::max(std::min(values.min, 0.0), -threshold),
                     std::min(std::max(values.max, 0.0), threshold));
  };
  std::array<double, kThresholds> errors;
  double threshold = values.getAmax();
  for (double &error : errors) {
    auto [low, high] = getLimits(threshold);
    error = weighted.estimateError(storage, low, high);
    threshold *= kThresholdRatio;
  }
  double least = *llvm::min_element(errors);
  threshold = values.getAmax();
  for (double error : errors) {
    if (error <= kTolerance * least) {
      auto [low, high] = getLimits(threshold);
      qopt::Range range = weighted.evaluate(storage, low, high);
      cost = range.meanSquaredError;
      return range;
    }
    threshold *= kThresholdRatio;
  }
  llvm_unreachable("the least cost is within its tolerance");
}

/// The mean square of the values, 1 where they are all zero.
static double getEnergy(const Distribution &values) {
  double width = values.getBinWidth(), sum = 0;
  for (unsigned t = 0; t < kHistogramBins; ++t) {
    // Of values spread evenly over the bin.
    double square = width * width * (double(t) * (t + 1) + 1.0 / 3);
    sum += square * (double(values.positive[t]) + double(values.negative[t]));
  }
  return sum > 0 ? sum / double(values.count) : 1.0;
}

std::vector<Candidate> mlir::qopt::makeCandidates(const Distribution &values,
                                                  const Distribution &weighted,
                                                  const RangeOptions &options) {
  std::vector<Candidate> candidates;
  RangeSelector selector(values, options), costs(weighted, options);
  // Costs are relative to what the readers give.
  double energy = getEnergy(weighted);
  for (Storage storage : {Storage::U8, Storage::S8, Storage::U8Asymmetric}) {
    if (storage == Storage::U8 && values.min < 0)
      continue;
    RangeStorage rangeStorage = toRangeStorage(storage);
    Candidate best{storage, Method::Auto, {}, 0.0};
    qopt::Range range = chooseAuto(values, costs, rangeStorage, best.cost);
    best.range = selector.evaluate(rangeStorage, range.low, range.high);
    best.cost /= energy;
    candidates.push_back(best);
    for (Method method :
         {Method::Max, Method::Percentile, Method::MSE, Method::Entropy}) {
      qopt::Range range = selector.choose(toRangeMethod(method), rangeStorage);
      double cost =
          costs.evaluate(rangeStorage, range.low, range.high).meanSquaredError;
      candidates.push_back({storage, method, range, cost / energy});
    }
  }
  return candidates;
}

StatsAttr mlir::qopt::makeStats(MLIRContext *context,
                                const EdgeStatistics &edge,
                                const Distribution &values,
                                ArrayRef<Candidate> candidates) {
  SmallVector<CandidateAttr> attrs;
  for (const Candidate &candidate : candidates)
    attrs.push_back(CandidateAttr::get(
        context, candidate.storage, candidate.method, candidate.range.low,
        candidate.range.high, candidate.range.meanSquaredError,
        candidate.range.clippedFraction, candidate.cost));
  uint64_t nonFinite = edge.getNaNs() + edge.getPositiveInfinities() +
                       edge.getNegativeInfinities();
  return StatsAttr::get(context, values.min, values.max, edge.getCount(),
                        nonFinite, values.sentinels, attrs);
}

StatsAttr mlir::qopt::makeSymmetricStats(MLIRContext *context, float scale) {
  double amax = static_cast<double>(scale) * quantmath::kInt8Max;
  auto candidate =
      CandidateAttr::get(context, Storage::S8, Method::Max, -amax, amax,
                         /*error=*/0.0, /*clipped=*/0.0, /*cost=*/0.0);
  return StatsAttr::get(context, -amax, amax, /*count=*/0, /*nonFinite=*/0,
                        /*sentinels=*/0, candidate);
}

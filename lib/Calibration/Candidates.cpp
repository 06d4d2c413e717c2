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
  }
  llvm_unreachable("unknown method");
}

std::vector<Candidate> mlir::qopt::makeCandidates(const Distribution &values,
                                                  const EdgeReaders &readers,
                                                  const RangeOptions &options) {
  std::vector<Candidate> candidates;
  RangeSelector selector(values, options);
  // The simpler first: ties go to the earlier one.
  for (Method method :
       {Method::Max, Method::Percentile, Method::MSE, Method::Entropy})
    for (Storage storage : {Storage::U8, Storage::S8, Storage::U8Asymmetric}) {
      if (storage == Storage::U8 && values.min < 0)
        continue;
      RangeStorage rangeStorage = toRangeStorage(storage);
      qopt::Range range = selector.choose(toRangeMethod(method), rangeStorage);
      candidates.push_back({storage, method, range,
                            readers.getCost(values, rangeStorage, range)});
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

//===- Statistics.cpp - What calibration knows of one edge ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Calibration/Statistics.h"

#include "QuantOpt/Support/QuantMath.h"

#include <algorithm>
#include <cfloat>

using namespace mlir;
using namespace mlir::qopt;

void EdgeStatistics::observe(const float *data, int64_t n) {
  // Independent lanes let the compiler vectorise without reassociating.
  constexpr int64_t lanes = 16;
  float low[lanes], high[lanes];
  int32_t finite[lanes] = {};
  std::fill_n(low, lanes, min);
  std::fill_n(high, lanes, max);
  int64_t finiteCount = 0, i = 0;
  auto update = [&](int64_t lane, float x) {
    bool isFinite = __builtin_fabsf(x) <= FLT_MAX; // false for NaN
    low[lane] = isFinite && x < low[lane] ? x : low[lane];
    high[lane] = isFinite && x > high[lane] ? x : high[lane];
    finite[lane] += isFinite;
  };
  while (i + lanes <= n) {
    // Blocks keep the 32-bit lane counters from overflowing.
    int64_t end = std::min(n - n % lanes, i + (int64_t(1) << 30));
    for (; i < end; i += lanes)
      for (int64_t lane = 0; lane < lanes; ++lane)
        update(lane, data[i + lane]);
    for (int32_t &lane : finite) {
      finiteCount += lane;
      lane = 0;
    }
  }
  for (; i < n; ++i)
    update(0, data[i]);
  finiteCount += finite[0];
  min = *std::min_element(low, low + lanes);
  max = *std::max_element(high, high + lanes);
  count += n;
  nonFinite += n - finiteCount;
}

void EdgeStatistics::merge(const EdgeStatistics &other) {
  min = std::min(min, other.min);
  max = std::max(max, other.max);
  count += other.count;
  nonFinite += other.nonFinite;
}

StatsAttr EdgeStatistics::getAttr(MLIRContext *context) const {
  return StatsAttr::get(context, getMin(), getMax(), count, nonFinite,
                        getMaxCandidates(context, getMin(), getMax()));
}

SmallVector<CandidateAttr>
mlir::qopt::getMaxCandidates(MLIRContext *context, double min, double max) {
  // Every range contains 0, which stays exact.
  min = std::min(min, 0.0);
  max = std::max(max, 0.0);
  double amax = std::max(-min, max);
  auto make = [&](Storage storage, double low, double high, double step) {
    return CandidateAttr::get(context, storage, Method::Max, low, high,
                              step * step / 12.0);
  };
  SmallVector<CandidateAttr> candidates;
  if (min == 0)
    candidates.push_back(
        make(Storage::U8, 0.0, max, max / quantmath::kUInt8Max));
  candidates.push_back(
      make(Storage::S8, -amax, amax, amax / quantmath::kInt8Max));
  candidates.push_back(make(Storage::U8Asymmetric, min, max,
                            (max - min) / quantmath::kUInt8Max));
  return candidates;
}

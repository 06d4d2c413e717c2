//===- Ranges.cpp - Ranges of values from their distribution --------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Statistics/Ranges.h"
#include "SquaredErrorSieve.h"

#include <algorithm>
#include <map>

using namespace mlir::qopt;
using namespace mlir::qopt::ranges;

struct RangeSelector::Impl {
  Impl(const Distribution &values, RangeOptions options)
      : values(values), options(options) {}

  Range evaluate(RangeStorage storage, Limits limits) const;
  Limits chooseLimits(RangeMethod method, RangeStorage storage);
  const Range &choose(RangeMethod method, RangeStorage storage);

  const Histogram values;
  const RangeOptions options;
  std::shared_ptr<const ErrorTables> errorTables;
  std::map<std::pair<RangeMethod, RangeStorage>, Range> chosen;
};

Range RangeSelector::Impl::evaluate(RangeStorage storage, Limits limits) const {
  limits = fitToStorage(limits, storage);
  Range range;
  range.low = limits.low * values.width;
  range.high = limits.high * values.width;
  if (values.count == 0)
    return range;
  Lattice lattice = getLattice(values, limits, storage);
  Errors above = values.positive.quantize(lattice.step, lattice.positive);
  Errors below = values.negative.quantize(lattice.step, lattice.negative);
  double count = double(values.count), width = values.width;
  range.meanSquaredError =
      (above.squared + below.squared) / count * (width * width);
  range.meanError = (above.sum - below.sum) / count * width;
  double high = (lattice.positive + 0.5) * lattice.step;
  double low = (lattice.negative + 0.5) * lattice.step;
  range.clippedFraction =
      (values.positive.countAbove(high) + values.negative.countAbove(low)) /
      count;
  return range;
}

Limits RangeSelector::Impl::chooseLimits(RangeMethod method,
                                         RangeStorage storage) {
  switch (method) {
  case RangeMethod::Max:
    break;
  case RangeMethod::Percentile:
    return choosePercentile(values, storage, options.percentile);
  case RangeMethod::Entropy:
    return chooseEntropy(values, storage);
  case RangeMethod::MSE:
    return chooseMeanSquaredError(values, storage, errorTables);
  }
  return getMaxLimits(values, storage);
}

const Range &RangeSelector::Impl::choose(RangeMethod method,
                                         RangeStorage storage) {
  auto [entry, isNew] = chosen.try_emplace({method, storage});
  Range &range = entry->second;
  if (!isNew || values.isDead())
    return range;
  // Without negative values the zero point is 0, except that percentiles are
  // cut on both sides.
  if (storage == RangeStorage::U8Asymmetric && !(values.min < 0) &&
      method != RangeMethod::Percentile)
    return range = choose(method, RangeStorage::U8);
  return range = evaluate(storage, chooseLimits(method, storage));
}

RangeSelector::RangeSelector(const Distribution &values, RangeOptions options)
    : impl(std::make_unique<Impl>(values, options)) {}
RangeSelector::~RangeSelector() = default;
RangeSelector::RangeSelector(RangeSelector &&) = default;
RangeSelector &RangeSelector::operator=(RangeSelector &&) = default;

Range RangeSelector::choose(RangeMethod method, RangeStorage storage) {
  return impl->choose(method, storage);
}

double RangeSelector::estimateError(RangeStorage storage, double low,
                                    double high) const {
  const Histogram &values = impl->values;
  if (values.isDead())
    return 0;
  if (!impl->errorTables)
    impl->errorTables = std::make_shared<ErrorTables>(values);
  Limits limits = {low * values.perUnit, high * values.perUnit};
  double squared = impl->errorTables->sieve(
      getLattice(values, fitToStorage(limits, storage), storage));
  return std::max(squared, 0.0) / double(values.count) *
         (values.width * values.width);
}

Range RangeSelector::evaluate(RangeStorage storage, double low,
                              double high) const {
  double perUnit = impl->values.perUnit;
  return impl->evaluate(storage, {low * perUnit, high * perUnit});
}

Range mlir::qopt::chooseRange(const Distribution &values, RangeMethod method,
                              RangeStorage storage,
                              const RangeOptions &options) {
  return RangeSelector(values, options).choose(method, storage);
}

Range mlir::qopt::evaluateRange(const Distribution &values,
                                RangeStorage storage, double low, double high) {
  return RangeSelector(values).evaluate(storage, low, high);
}

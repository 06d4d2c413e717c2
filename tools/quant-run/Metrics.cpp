//===- Metrics.cpp - How outputs are compared and scored ------------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "Metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace mlir::qopt::run;

static constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
static constexpr double kInfinity = std::numeric_limits<double>::infinity();

static double percentage(uint64_t part, uint64_t whole) {
  return whole ? 100.0 * double(part) / double(whole) : kNaN;
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

void ValueStatistics::add(const double *values, size_t size) {
  for (size_t i = 0; i < size; ++i) {
    if (std::isnan(values[i])) {
      ++nans;
      continue;
    }
    least = std::min(least, values[i]);
    greatest = std::max(greatest, values[i]);
    sum += values[i];
    ++count;
  }
}

double ValueStatistics::min() const { return count ? least : kNaN; }
double ValueStatistics::max() const { return count ? greatest : kNaN; }
double ValueStatistics::mean() const { return sum / double(count); }

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

void ErrorStatistics::add(const double *reference, const double *values,
                          size_t size) {
  for (size_t i = 0; i < size; ++i) {
    double r = reference[i], v = values[i];
    if (!std::isfinite(r) || !std::isfinite(v)) {
      bool agree = r == v || (std::isnan(r) && std::isnan(v));
      mismatches += !agree;
      continue;
    }
    double error = r - v;
    largest = std::max(largest, std::fabs(error));
    errorEnergy += error * error;
    referenceEnergy += r * r;
    valueEnergy += v * v;
    product += r * v;
    ++count;
  }
}

double ErrorStatistics::maxAbs() const {
  return mismatches ? kInfinity : largest;
}

double ErrorStatistics::rms() const {
  if (mismatches)
    return kInfinity;
  return count ? std::sqrt(errorEnergy / double(count)) : 0;
}

double ErrorStatistics::sqnrDb() const {
  if (mismatches)
    return -kInfinity;
  if (largest == 0)
    return kInfinity;
  return 10 * std::log10(referenceEnergy / errorEnergy);
}

double ErrorStatistics::cosine() const {
  if (mismatches)
    return kNaN;
  double cosine =
      product / (std::sqrt(referenceEnergy) * std::sqrt(valueEnergy));
  return std::isnan(cosine) ? cosine : std::min(1.0, std::max(-1.0, cosine));
}

//===----------------------------------------------------------------------===//
// Classes
//===----------------------------------------------------------------------===//

size_t mlir::qopt::run::argmax(const double *values, size_t count) {
  size_t best = 0;
  for (size_t i = 0; i < count; ++i) {
    if (std::isnan(values[i]))
      return i;
    if (values[i] > values[best])
      best = i;
  }
  return best;
}

void ArgmaxAgreement::add(const double *reference, const double *values,
                          size_t size) {
  for (size_t i = 0; i < size; ++i)
    agreeing += argmax(reference + i * width, width) ==
                argmax(values + i * width, width);
  rows += size;
}

double ArgmaxAgreement::percent() const { return percentage(agreeing, rows); }

void TopK::add(const double *scores, size_t label) {
  ++rows;
  size_t better = 0;
  for (size_t i = 0; i < classes; ++i) {
    if (std::isnan(scores[i]))
      return;
    better +=
        scores[i] > scores[label] || (scores[i] == scores[label] && i < label);
  }
  first += better < 1;
  firstFive += better < 5;
}

double TopK::top1Percent() const { return percentage(first, rows); }

double TopK::top5Percent() const {
  constexpr size_t kLeastClasses = 6;
  return classes < kLeastClasses ? kNaN : percentage(firstFive, rows);
}

double mlir::qopt::run::areaUnderCurve(const std::vector<double> &scores,
                                       const std::vector<bool> &positive) {
  for (double score : scores)
    if (std::isnan(score))
      return kNaN;
  std::vector<size_t> order(scores.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return scores[a] < scores[b]; });

  // Mann and Whitney: from the sum of the positives' ranks, where equal scores
  // share the mean of the ranks they take up.
  double rankSum = 0, positives = 0;
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin, positivesHere = 0;
    for (; end < order.size() && scores[order[end]] == scores[order[begin]];
         ++end)
      positivesHere += positive[order[end]];
    double meanRank = (double(begin) + 1 + double(end)) / 2;
    rankSum += meanRank * double(positivesHere);
    positives += double(positivesHere);
    begin = end;
  }
  double negatives = double(order.size()) - positives;
  return (rankSum - positives * (positives + 1) / 2) / (positives * negatives);
}

//===- EntropySearch.cpp - The window of least divergence -----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "EntropySearch.h"

#include <algorithm>

using namespace mlir::qopt;
using namespace mlir::qopt::ranges;

/// Bound of the rounding errors of the sieve, relative to N. A term t log t is
/// off by at most 2^-51 t (1 + log t), log t is below 44, and all terms
/// together count every value at most eight times.
static constexpr double kSieveError = 2e-13;
/// Every so many candidates are tried first, to have a good one to prune with.
static constexpr unsigned kCoarseStep = 32;

__extension__ typedef __int128 Wide;

EntropySearch::EntropySearch(std::vector<uint64_t> bins, unsigned levelBits)
    : log(Logarithm::get()), counts(std::move(bins)), levelBits(levelBits),
      levels(1u << levelBits), before(counts.size() + 1),
      nonEmptyBefore(counts.size() + 1), entropyBefore(counts.size() + 1),
      logs(counts.size() / levels + 2), table(2 * counts.size()) {
  using namespace quantmath::detail;
  for (size_t i = 0; i < counts.size(); ++i) {
    uint64_t n = counts[i];
    before[i + 1] = before[i] + n;
    nonEmptyBefore[i + 1] = nonEmptyBefore[i] + (n != 0);
    DoubleDouble entropy = entropyBefore[i];
    if (n > 1) {
      DoubleDouble total = twoSum(entropy.hi, double(n) * log(double(n)));
      entropy = fastTwoSum(total.hi, entropy.lo + total.lo);
    }
    entropyBefore[i + 1] = entropy;
  }
  for (size_t c = 1; c < logs.size(); ++c)
    logs[c] = log(double(c));
}

/// sum n log n - S log(S / c) of the bins [begin, end).
inline double EntropySearch::getDeficit(unsigned begin, unsigned end) const {
  uint64_t total = sum(begin, end);
  if (total == 0)
    return 0;
  double mass = double(total);
  return getEntropy(begin, end) -
         mass * (log(mass) - logs[countNonEmpty(begin, end)]);
}

/// A lower bound without logarithms: the divergence of a bin that clipped
/// values go to and the rest is at least (p - q)^2 / (2 p) where p > q.
double EntropySearch::getQuickBound(const Candidate &candidate) const {
  double ratio =
      double(before.back()) / double(sum(candidate.begin, candidate.end));
  double bound = 0;
  auto clip = [&](unsigned begin, unsigned end, unsigned bin,
                  uint64_t clipped) {
    double p = double(counts[bin] + clipped);
    double q = double(sum(begin, end)) / countNonEmpty(begin, end) * ratio;
    if (p > q)
      bound = std::max(bound, (p - q) * (p - q) / (2 * p));
  };
  if (candidate.low)
    clip(candidate.begin, getStart(candidate, 1), candidate.begin,
         candidate.low);
  if (candidate.high)
    clip(getStart(candidate, levels - 1), candidate.end, candidate.end - 1,
         candidate.high);
  return bound;
}

void EntropySearch::setClipping(Candidate &candidate) const {
  candidate.firstLevel = 0;
  candidate.endLevel = levels;
  candidate.clipping = 0;
  auto clip = [&](unsigned begin, unsigned end, unsigned bin,
                  uint64_t clipped) {
    double mass = double(sum(begin, end));
    double logMean = log(mass) - logs[countNonEmpty(begin, end)];
    double all = double(counts[bin] + clipped);
    candidate.clipping += (getEntropy(begin, end) - mass * logMean) +
                          (all * log(all) - getEntropy(bin, bin + 1)) -
                          double(clipped) * logMean;
  };
  if (candidate.low)
    clip(candidate.begin, getStart(candidate, ++candidate.firstLevel),
         candidate.begin, candidate.low);
  if (candidate.high)
    clip(getStart(candidate, --candidate.endLevel), candidate.end,
         candidate.end - 1, candidate.high);
  uint64_t inside = sum(candidate.begin, candidate.end);
  double total = double(before.back());
  if (inside != before.back())
    candidate.clipping += total * log(double(inside) / total);
}

void EntropySearch::addCandidate(unsigned begin, unsigned end) {
  Candidate candidate;
  candidate.begin = begin;
  candidate.end = end;
  candidate.low = before[begin];
  candidate.high = before.back() - before[end];
  if (end - begin < levels || (candidate.low && counts[begin] == 0) ||
      (candidate.high && counts[end - 1] == 0))
    return;
  candidates.push_back(candidate);
}

double EntropySearch::sieve(const Candidate &candidate) const {
  double divergence = candidate.clipping;
  unsigned begin = getStart(candidate, candidate.firstLevel);
  for (unsigned level = candidate.firstLevel; level < candidate.endLevel;
       ++level) {
    unsigned end = getStart(candidate, level + 1);
    divergence += getDeficit(begin, end);
    begin = end;
  }
  return divergence;
}

/// D of every `width` bins within [begin, end).
void EntropySearch::fillTable(unsigned width, unsigned begin, unsigned end) {
  auto &[oldWidth, oldBegin, oldEnd] = filled[width & 1];
  auto fill = [&](unsigned from, unsigned to) {
    for (; from < to; ++from)
      table[2 * from + (width & 1)] = getDeficit(from, from + width);
  };
  end -= width - 1; // Last place to begin at.
  if (oldWidth != width) {
    fill(begin, end);
    oldWidth = width, oldBegin = begin, oldEnd = end;
    return;
  }
  fill(begin, oldBegin);
  fill(oldEnd, end);
  oldBegin = std::min(begin, oldBegin), oldEnd = std::max(end, oldEnd);
}

/// The same as `sieve`, or anything above `limit`.
double EntropySearch::sieveByTable(const Candidate &candidate,
                                   double limit) const {
  constexpr unsigned kBlock = 32;
  const unsigned width = candidate.end - candidate.begin;
  const double *first = table.data() + 2 * candidate.begin;
  double divergence = candidate.clipping;
  unsigned level = candidate.firstLevel;
  unsigned position = level * width + levels - 1;
  unsigned begin = position >> levelBits;
  auto addLevel = [&](double &sum) {
    position += width;
    unsigned end = position >> levelBits;
    sum += first[2 * begin + ((end - begin) & 1)];
    begin = end;
  };
  while (level < candidate.endLevel) {
    // Two chains of additions.
    unsigned stop = std::min(level + kBlock, candidate.endLevel);
    double even = 0, odd = 0;
    for (; level + 2 <= stop; level += 2) {
      addLevel(even);
      addLevel(odd);
    }
    if (level < stop) {
      addLevel(odd);
      ++level;
    }
    divergence += even + odd;
    if (divergence > limit)
      break;
  }
  return divergence;
}

/// (1 + d) log(1 + d) - d >= 0, accurate relative to itself.
static double divergenceTerm(double d, const Logarithm &log) {
  if (d > 0x1p-5 || d < -0x1p-5)
    return d > -1 ? (1 + d) * log(1 + d) - d : 1;
  // d^2 (1/2 - d/6 + d^2/12 - ... + (-d)^(n-2) / (n (n - 1))).
  constexpr int kTerms = 12;
  double sum = 0;
  for (int n = kTerms; n >= 2; --n)
    sum = 1.0 / (n * (n - 1)) - d * sum;
  return d * d * sum;
}

/// KL(P || Q) as the sum of q ((1 + d) log(1 + d) - d), 1 + d = p / q. With
/// p = n / N and q = S / (c M), p / q = (n c / S) / (N / M).
double EntropySearch::evaluate(const Candidate &candidate) const {
  double inside = double(sum(candidate.begin, candidate.end));
  double excess = double(candidate.low + candidate.high) / inside; // N/M - 1.
  double divergence = 0;
  for (unsigned level = 0; level < levels; ++level) {
    unsigned begin = getStart(candidate, level);
    unsigned end = getStart(candidate, level + 1);
    uint64_t total = sum(begin, end);
    if (total == 0)
      continue;
    unsigned nonEmpty = countNonEmpty(begin, end);
    double q = double(total) / nonEmpty / inside;
    for (unsigned bin = begin; bin < end; ++bin) {
      if (counts[bin] == 0)
        continue;
      Wide n = counts[bin];
      n += bin == candidate.begin ? candidate.low : 0;
      n += bin + 1 == candidate.end ? candidate.high : 0;
      double d = double(n * nonEmpty - Wide(total)) / double(total);
      divergence += q * divergenceTerm((d - excess) / (1 + excess), log);
    }
  }
  return divergence;
}

/// Sets what `sieve` gives, or anything above `best` and twice the slack.
void EntropySearch::sieveAll() {
  const double slack = kSieveError * double(before.back());
  double best = quantmath::detail::kInfinity;
  for (size_t i = 0; i < candidates.size(); i += kCoarseStep) {
    Candidate &candidate = candidates[candidates.size() - 1 - i];
    if (getQuickBound(candidate) > best + 2 * slack)
      continue;
    setClipping(candidate);
    candidate.sieved = sieve(candidate);
    best = std::min(best, candidate.sieved);
  }
  std::vector<Candidate *> open;
  for (Candidate &candidate : candidates) {
    if (candidate.sieved != quantmath::detail::kInfinity ||
        getQuickBound(candidate) > best + 2 * slack)
      continue;
    setClipping(candidate);
    if (candidate.clipping <= best + 2 * slack)
      open.push_back(&candidate);
  }

  // Windows whose levels have the same two widths share tables.
  auto getLevelWidth = [&](const Candidate &candidate) {
    return (candidate.end - candidate.begin) >> levelBits;
  };
  for (size_t first = 0, last = 0; first < open.size(); first = last) {
    unsigned width = getLevelWidth(*open[first]);
    while (last < open.size() && getLevelWidth(*open[last]) == width)
      ++last;
    // The last one contains the others.
    fillTable(width, open[last - 1]->begin, open[last - 1]->end);
    fillTable(width + 1, open[last - 1]->begin, open[last - 1]->end);
    for (size_t i = first; i < last; ++i) {
      open[i]->sieved = sieveByTable(*open[i], best + 2 * slack);
      best = std::min(best, open[i]->sieved);
    }
  }
}

const Candidate *EntropySearch::run() {
  sieveAll();
  double best = quantmath::detail::kInfinity;
  for (const Candidate &candidate : candidates)
    best = std::min(best, candidate.sieved);
  const double slack = kSieveError * double(before.back());
  const Candidate *result = nullptr;
  double least = 0;
  for (size_t i = candidates.size(); i-- > 0;) {
    if (candidates[i].sieved > best + 2 * slack)
      continue;
    double divergence = evaluate(candidates[i]);
    if (result && !(divergence < least))
      continue;
    result = &candidates[i];
    least = divergence;
  }
  return result;
}

//===- Entropy.cpp - Limits of the least Kullback-Leibler divergence ------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A candidate is a window of bins. Its reference P holds the counts n, those
// beyond the window added to its last bin (or first and last); Q spreads the
// sum S of every level evenly over the c bins of the level that are not empty.
// With N values in all and M in the window,
//
//   N KL(P || Q) = sum over levels of D + N log(M / N) + clipping terms,
//   D = sum n log n - S log(S / c) >= 0,
//
// so that a candidate costs one D per level. Those with clipped values are
// apart as `Candidate::clipping`, which also is a lower bound of the whole. As
// the widths of levels differ by at most one in a window and there are few
// widths, D is tabulated by width and first bin.
//
// The terms cancel, so this only sieves: every candidate that may be the best
// within a bound of the rounding errors is evaluated again from terms that are
// all of one sign.
//
//===----------------------------------------------------------------------===//
#include "Logarithm.h"
#include "RangeHistogram.h"

#include <algorithm>

using namespace mlir::qopt;
using namespace mlir::qopt::ranges;

/// log2 of the levels: as many as an s8 magnitude (0 to 127) and a u8 (0 to
/// 255) have values.
static constexpr unsigned kSignedLevelBits = 7, kUnsignedLevelBits = 8;
/// Bound of the rounding errors of the sieve, relative to N. A term t log t is
/// off by at most 2^-51 t (1 + log t), log t is below 44, and all terms
/// together count every value at most eight times.
static constexpr double kSieveError = 2e-13;
/// Every so many candidates are tried first, to have a good one to prune with.
static constexpr unsigned kCoarseStep = 32;

__extension__ typedef __int128 Wide;

namespace {

/// Bins [begin, end); `low` and `high` values are clipped on either side.
struct Candidate {
  unsigned begin, end;
  uint64_t low, high;
  /// Divergence of clipping, with that of the levels it goes to, times N.
  double clipping = 0;
  /// The other levels.
  unsigned firstLevel, endLevel;
};

class EntropySearch {
public:
  EntropySearch(std::vector<uint64_t> counts, unsigned levelBits);

  /// Adds the window [begin, end), wider than those added before. Where it has
  /// fewer bins than levels, or an empty bin at an end with clipped values (for
  /// which Q would be 0 and P not), it is none.
  void addCandidate(unsigned begin, unsigned end);
  /// The best one, the last of equal ones. None where there is no candidate.
  const Candidate *run();

private:
  /// First bin of a level.
  unsigned getStart(const Candidate &candidate, unsigned level) const {
    unsigned width = candidate.end - candidate.begin;
    return candidate.begin + ((level * width + levels - 1) >> levelBits);
  }
  uint64_t sum(unsigned begin, unsigned end) const {
    return before[end] - before[begin];
  }
  unsigned countNonEmpty(unsigned begin, unsigned end) const {
    return nonEmptyBefore[end] - nonEmptyBefore[begin];
  }
  /// sum n log n.
  double getEntropy(unsigned begin, unsigned end) const {
    return (entropyBefore[end].hi - entropyBefore[begin].hi) +
           (entropyBefore[end].lo - entropyBefore[begin].lo);
  }
  double getDeficit(unsigned begin, unsigned end) const;
  void setClipping(Candidate &candidate) const;
  void fillTable(unsigned width, unsigned begin, unsigned end, unsigned slot);
  double sieve(const Candidate &candidate) const;
  double sieveByTable(const Candidate &candidate, double limit) const;
  double evaluate(const Candidate &candidate) const;

  const Logarithm &log;
  const std::vector<uint64_t> counts;
  const unsigned levelBits, levels;
  /// Sums over the bins before one; of n log n as unevaluated sums.
  std::vector<uint64_t> before;
  std::vector<unsigned> nonEmptyBefore;
  std::vector<quantmath::detail::DoubleDouble> entropyBefore;
  /// log c.
  std::vector<double> logs;
  std::vector<Candidate> candidates;
  /// D of the bins from [i / 2] on, in two widths; the smaller is `tableWidth`.
  std::vector<double> table;
  unsigned tableWidth = 0;
};

} // namespace

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
  setClipping(candidate);
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
void EntropySearch::fillTable(unsigned width, unsigned begin, unsigned end,
                              unsigned slot) {
  for (; begin + width <= end; ++begin)
    table[2 * begin + slot] = getDeficit(begin, begin + width);
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
    sum += first[2 * begin + (end - begin - tableWidth)];
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

const Candidate *EntropySearch::run() {
  if (candidates.empty())
    return nullptr;
  const double slack = kSieveError * double(before.back());
  double best = quantmath::detail::kInfinity;
  std::vector<double> sieved(candidates.size(), best);
  for (size_t i = 0; i < candidates.size(); i += kCoarseStep) {
    size_t at = candidates.size() - 1 - i;
    if (candidates[at].clipping > best + slack)
      continue;
    sieved[at] = sieve(candidates[at]);
    best = std::min(best, sieved[at]);
  }

  // Windows whose levels have the same two widths share a table.
  for (size_t first = 0, last = 0; first < candidates.size(); first = last) {
    auto getLevelWidth = [&](size_t i) {
      return (candidates[i].end - candidates[i].begin) >> levelBits;
    };
    unsigned begin = counts.size(), end = 0;
    for (; last < candidates.size() &&
           getLevelWidth(last) == getLevelWidth(first);
         ++last)
      if (candidates[last].clipping <= best + slack) {
        begin = std::min(begin, candidates[last].begin);
        end = std::max(end, candidates[last].end);
      }
    if (begin >= end)
      continue;
    tableWidth = getLevelWidth(first);
    fillTable(tableWidth, begin, end, 0);
    fillTable(tableWidth + 1, begin, end, 1);
    for (size_t i = first; i < last; ++i) {
      if (candidates[i].clipping > best + slack)
        continue;
      sieved[i] = sieveByTable(candidates[i], best + 2 * slack);
      best = std::min(best, sieved[i]);
    }
  }

  const Candidate *result = nullptr;
  double least = 0;
  for (size_t i = candidates.size(); i-- > 0;) {
    if (sieved[i] > best + 2 * slack)
      continue;
    double divergence = evaluate(candidates[i]);
    if (result && !(divergence < least))
      continue;
    result = &candidates[i];
    least = divergence;
  }
  return result;
}

/// Magnitudes, from 0 to a threshold.
static Limits chooseThreshold(const Histogram &values, RangeStorage storage) {
  bool isSigned = storage == RangeStorage::S8;
  unsigned end = values.positive.getEnd();
  if (isSigned)
    end = std::max(end, values.negative.getEnd());
  std::vector<uint64_t> counts(end);
  for (unsigned bin = 0; bin < end; ++bin)
    counts[bin] = values.positive.getCount(bin) +
                  (isSigned ? values.negative.getCount(bin) : 0);
  EntropySearch search(std::move(counts),
                       isSigned ? kSignedLevelBits : kUnsignedLevelBits);
  for (unsigned bin = 0; bin < end; ++bin)
    search.addCandidate(0, bin + 1);
  Limits limits = getMaxLimits(values, storage);
  if (const Candidate *best = search.run())
    limits.high = std::min(limits.high, double(best->end));
  return fitToStorage({-limits.high, limits.high}, storage);
}

/// Windows [-T, T], each end at the last bin that is not empty.
static Limits chooseWindow(const Histogram &values) {
  unsigned below = values.negative.getEnd(), above = values.positive.getEnd();
  std::vector<uint64_t> counts(below + above);
  for (unsigned bin = 0; bin < below; ++bin)
    counts[below - 1 - bin] = values.negative.getCount(bin);
  for (unsigned bin = 0; bin < above; ++bin)
    counts[below + bin] = values.positive.getCount(bin);
  EntropySearch search(std::move(counts), kUnsignedLevelBits);
  unsigned low = 0, high = 0;
  for (unsigned bin = 0; bin < std::max(below, above); ++bin) {
    unsigned oldLow = low, oldHigh = high;
    if (values.negative.getCount(bin) != 0)
      low = bin + 1;
    if (values.positive.getCount(bin) != 0)
      high = bin + 1;
    // The clipped values of one sign do not go to a bin of the other.
    if ((low == 0 && below != 0) || (high == 0 && above != 0))
      continue;
    if (low != oldLow || high != oldHigh)
      search.addCandidate(below - low, below + high);
  }
  Limits limits = getMaxLimits(values, RangeStorage::U8Asymmetric);
  if (const Candidate *best = search.run()) {
    limits.low = std::max(limits.low, double(best->begin) - double(below));
    limits.high = std::min(limits.high, double(best->end) - double(below));
  }
  return limits;
}

Limits ranges::chooseEntropy(const Histogram &values, RangeStorage storage) {
  return storage == RangeStorage::U8Asymmetric
             ? chooseWindow(values)
             : chooseThreshold(values, storage);
}

//===- EntropySearch.h - The window of least divergence -------------------===//
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
#ifndef QUANTOPT_LIB_STATISTICS_ENTROPYSEARCH_H
#define QUANTOPT_LIB_STATISTICS_ENTROPYSEARCH_H

#include "Logarithm.h"

#include <vector>

namespace mlir::qopt::ranges {

/// Bins [begin, end); `low` and `high` values are clipped on either side.
struct Candidate {
  unsigned begin, end;
  uint64_t low, high;
  /// Divergence of clipping, with that of the levels it goes to, times N.
  double clipping = 0;
  /// The other levels.
  unsigned firstLevel, endLevel;
  /// The whole divergence, times N.
  double sieved = quantmath::detail::kInfinity;
};

/// Finds the window of `counts` with the least KL(P || Q), Q having
/// 2^levelBits levels.
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
  double getQuickBound(const Candidate &candidate) const;
  void setClipping(Candidate &candidate) const;
  void sieveAll();
  double sieve(const Candidate &candidate) const;
  void fillTable(unsigned width, unsigned begin, unsigned end);
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
  /// D of the bins from [i / 2] on, in an even and an odd width in turn.
  std::vector<double> table;
  struct {
    unsigned width = 0, begin = 0, end = 0;
  } filled[2];
};

} // namespace mlir::qopt::ranges

#endif // QUANTOPT_LIB_STATISTICS_ENTROPYSEARCH_H

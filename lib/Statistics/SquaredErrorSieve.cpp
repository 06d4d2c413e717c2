//===- SquaredErrorSieve.cpp - Tables and sums of the sieve ---------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "SquaredErrorSieve.h"

#include <algorithm>

using namespace mlir::qopt;
using namespace mlir::qopt::ranges;

void Tails::add(const Half &half) {
  const std::vector<double> &counts = half.getRegular();
  // Sums of (x - bin)^0, (x - bin)^1, (x - bin)^2 and x above the bin.
  double count = 0, excess = 0, error = 0, sum = 0;
  for (unsigned bin = counts.size(); bin-- > 0;) {
    double n = counts[bin], top = bin + 1.0;
    error += 2 * excess + count + n / 3;
    excess += count + 0.5 * n;
    clipping[bin] += error;
    Tail &tail = table[bin];
    tail.constant += sum + 0.5 * n * (top * top);
    tail.linear += count + n * top;
    tail.quadratic += 0.5 * n;
    count += n;
    sum += n * (bin + 0.5);
  }
  double below = 0;
  for (unsigned bin = 0; bin < kHistogramBins + 2; ++bin) {
    table[bin].squaresBelow += below;
    if (bin < counts.size())
      below += counts[bin] * (bin * (bin + 1.0) + 1.0 / 3);
  }
  squares += below;
  end = std::max(end, double(counts.size()));
  for (const Piece &piece : half.getCutPieces()) {
    double length = piece.end - piece.begin, center = piece.getCenter();
    pieces.push_back(piece);
    squares += piece.count * (center * center + length * length / 12);
    for (unsigned bin = 0; bin <= piece.begin; ++bin)
      clipping[bin] += piece.count *
                       ((center - bin) * (center - bin) + length * length / 12);
  }
}

/// sum over j = 1 .. levels of count * E[max(x - (j - 1/2) step, 0)].
static double sumPieceExcess(const Piece &piece, double step, int levels) {
  double places = piece.begin / step + 0.5;
  int below = places < levels ? int(places) : levels;
  double sum = piece.count * below * (piece.getCenter() - 0.5 * (step * below));
  double length = piece.end - piece.begin;
  if (!(length > 0))
    return sum;
  for (int level = below + 1; level <= levels; ++level) {
    double rest = piece.end - (level - 0.5) * step;
    if (!(rest > 0))
      break;
    sum += piece.count * rest * rest / (2 * length);
  }
  return sum;
}

double Tails::getExcess(double step, int level) const {
  double place = (level - 0.5) * step;
  double excess = place < end ? lookUp(place) : 0;
  for (const Piece &piece : pieces) {
    if (place <= piece.begin)
      excess += piece.count * (piece.getCenter() - place);
    else if (place < piece.end)
      excess += piece.count * (piece.end - place) * (piece.end - place) /
                (2 * (piece.end - piece.begin));
  }
  return excess;
}

void Sieve::advance(int end) {
  end = std::min(end, count);
  // Two chains of additions.
  double even = 0, odd = 0;
  for (; level + 2 <= end; level += 2) {
    even += tails.lookUp((level + 0.5) * step);
    odd += tails.lookUp((level + 1.5) * step);
  }
  if (level < end)
    odd += tails.lookUp((level++ + 0.5) * step);
  excess += even + odd;
  if (isDone()) {
    double sum = excess;
    for (const Piece &piece : tails.pieces)
      sum += sumPieceExcess(piece, step, levels);
    total = tails.squares - 2 * step * sum;
    return;
  }
  // Of the values up to b alone, G is less by G(b) + (b - place) n with n
  // values beyond b.
  double b = (level + 0.5) * step, bin = unsigned(b);
  const Tails::Tail &tail = tails.table[unsigned(b)];
  double beyond = tail.linear - 2 * tail.quadratic * b;
  double gains =
      excess - level * (tails.lookUp(b) + beyond * (b - 0.5 * (level * step)));
  double squares = tail.squaresBelow +
                   2 * tail.quadratic * (b * b * b - bin * bin * bin) / 3;
  inside = squares - 2 * step * gains;
}

ErrorTables::ErrorTables(const Histogram &values) {
  positive.add(values.positive);
  negative.add(values.negative);
  if (values.negative.getTotal() == 0 || values.positive.getTotal() == 0)
    return;
  both.add(values.positive);
  both.add(values.negative);
}

/// Blocks of integers after which to look whether to give up: 16, 32, 64, ...
static constexpr int kFirstCheck = 16;

/// s8: one look-up for both signs, and one negative integer more.
double ErrorTables::sieveBothSigns(const Lattice &lattice, double limit,
                                   double clipped) const {
  Sieve sieve(both, lattice.step, lattice.positive);
  int check = kFirstCheck;
  do {
    sieve.advance(check);
    if (sieve.getInside() + clipped > limit)
      return sieve.getInside() + clipped;
    check *= 2;
  } while (!sieve.isDone());
  return sieve.getKnown() -
         2 * lattice.step * negative.getExcess(lattice.step, lattice.negative);
}

double ErrorTables::sieve(const Lattice &lattice, double limit,
                          double clipped) const {
  if (lattice.negative == lattice.positive + 1 && both.getSquares() > 0)
    return sieveBothSigns(lattice, limit, clipped);
  Sieve above(positive, lattice.step, lattice.positive);
  Sieve below(negative, lattice.step, lattice.negative);
  int check = kFirstCheck;
  do {
    above.advance(check);
    below.advance(check);
    // What is inside is not clipped, what is known may be.
    double bound = std::max(above.getInside() + below.getInside() + clipped,
                            above.getKnown() + below.getKnown());
    if (bound > limit)
      return bound;
    check *= 2;
  } while (!above.isDone() || !below.isDone());
  return above.getKnown() + below.getKnown();
}

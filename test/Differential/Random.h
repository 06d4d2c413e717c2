//===- Random.h - The same random numbers on every machine -----*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// splitmix64 and nothing of <random>, whose distributions differ between
// standard libraries: a seed must mean one graph for ever.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_DIFFERENTIAL_RANDOM_H
#define QUANTOPT_TEST_DIFFERENTIAL_RANDOM_H

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace mlir::qopt::differential {

class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}

  uint64_t next() {
    uint64_t z = (state += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// An integer of [low, high].
  int64_t range(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(next() % uint64_t(high - low + 1));
  }
  /// True once in `n` times.
  bool oneIn(uint64_t n) { return next() % n == 0; }
  template <typename T> T pick(std::initializer_list<T> values) {
    return values.begin()[next() % values.size()];
  }
  /// A multiple of 2^-24 in [0, 1).
  float uniform() { return float(next() >> 40) * 0x1p-24f; }
  /// In [-1, 1).
  float symmetric() { return 2.0f * uniform() - 1.0f; }
  /// Roughly normal: the sum of four uniform numbers, within [-2, 2].
  float bell() { return uniform() + uniform() + uniform() + uniform() - 2.0f; }

private:
  uint64_t state;
};

} // namespace mlir::qopt::differential

#endif // QUANTOPT_TEST_DIFFERENTIAL_RANDOM_H

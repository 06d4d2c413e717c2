//===- Logarithm.h - A fast natural logarithm without libm ----------------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// log(2^e m) = e log 2 - log(1/c) + log(1 + r): 1/c from a table by the upper 7
// bits of the mantissa m, r = m / c - 1, |r| < 2^-7.9. The absolute error is
// below 2^-51 (1 + |log x|). The same bits everywhere: + and * in a fixed
// order; the table comes from QuantMath, whose logarithm is 200 times slower.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_STATISTICS_LOGARITHM_H
#define QUANTOPT_LIB_STATISTICS_LOGARITHM_H

#include "QuantOpt/Support/QuantMathFunctions.h"

#include <array>

namespace mlir::qopt::ranges {

class Logarithm {
public:
  static const Logarithm &get() {
    static const Logarithm instance;
    return instance;
  }

  /// Of a positive, normal x.
  double operator()(double x) const {
    uint64_t bits = quantmath::detail::bitCast<uint64_t>(x);
    int exponent = int(bits >> 52) - 1023;
    double mantissa = quantmath::detail::bitCast<double>((bits & kMantissa) |
                                                         uint64_t(1023) << 52);
    const Entry &entry = table[(bits >> 45) & (kEntries - 1)];
    double r = mantissa * entry.reciprocal - 1;
    // Up to r^7 / 7; the next term is below 2^-66.
    double r2 = r * r;
    double tail =
        (1.0 / 3 - r * 0.25) + r2 * ((0.2 - r * (1.0 / 6)) + r2 * (1.0 / 7));
    return (exponent * kLn2 + entry.log) + (r + r2 * (r * tail - 0.5));
  }

private:
  static constexpr unsigned kEntries = 128;
  static constexpr uint64_t kMantissa = (uint64_t(1) << 52) - 1;
  static constexpr double kLn2 = quantmath::detail::kLn2.hi;

  struct Entry {
    double reciprocal, log;
  };

  Logarithm() {
    for (unsigned i = 0; i < kEntries; ++i) {
      double reciprocal = 1 / (1 + (i + 0.5) / kEntries);
      table[i] = {reciprocal, -quantmath::log(reciprocal)};
    }
  }

  std::array<Entry, kEntries> table;
};

} // namespace mlir::qopt::ranges

#endif // QUANTOPT_LIB_STATISTICS_LOGARITHM_H

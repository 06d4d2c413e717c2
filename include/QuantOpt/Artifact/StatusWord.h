//===- StatusWord.h - What a failed check leaves behind ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernels cannot stop a run. A launch that checks conditions (indices of a
// gather) has a 64-bit word of its own, zero while nothing failed, which
// threads raise by atomic maximum to the complement of
//
//   point << 8 | check
//
// where `point` counts the points of the launch, samples one after the other,
// and `check` its conditions. So the word names the first point that failed and
// the first check there, whatever the order of the threads. A launch goes on
// with indices inside of their buffers.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ARTIFACT_STATUSWORD_H
#define QUANTOPT_ARTIFACT_STATUSWORD_H

#include <cstdint>

namespace mlir::qopt {

constexpr unsigned kStatusWordBytes = 8;
/// Bits of the number of a check.
constexpr unsigned kCheckBits = 8;
/// The most checks of a launch.
constexpr unsigned kMaxChecks = 1u << kCheckBits;

/// A word other than zero, decoded.
struct FailedCheck {
  explicit FailedCheck(uint64_t word)
      : point(~word >> kCheckBits), check(~word & (kMaxChecks - 1)) {}

  uint64_t point;
  unsigned check;
};

} // namespace mlir::qopt

#endif // QUANTOPT_ARTIFACT_STATUSWORD_H

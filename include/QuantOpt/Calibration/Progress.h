//===- Progress.h - A progress line on the terminal ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_CALIBRATION_PROGRESS_H
#define QUANTOPT_CALIBRATION_PROGRESS_H

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace mlir::qopt {

/// Shows "what: 12 of 128 samples, 9.6 per second, 12 s left" on stderr while
/// stderr is a terminal; silent otherwise. Thread-safe.
class Progress {
public:
  /// `done` samples of `total` were counted before, by an earlier run.
  Progress(std::string what, int64_t total, int64_t done = 0);
  void advance(int64_t samples);
  /// Clears the line.
  void finish();

private:
  void show();

  const std::string what;
  const int64_t total, doneBefore;
  int64_t done;
  const bool visible;
  std::chrono::steady_clock::time_point start, lastShown;
  std::mutex mutex;
};

} // namespace mlir::qopt

#endif // QUANTOPT_CALIBRATION_PROGRESS_H

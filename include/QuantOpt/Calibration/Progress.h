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

/// Shows "what 12/32, 3.1/s, 6 s left" on stderr while stderr is a terminal;
/// silent otherwise. Thread-safe.
class Progress {
public:
  Progress(std::string what, int64_t total);
  void advance();
  /// Clears the line.
  void finish();

private:
  std::string what;
  int64_t total, done = 0;
  bool visible;
  std::chrono::steady_clock::time_point start, lastShown;
  std::mutex mutex;
};

} // namespace mlir::qopt

#endif // QUANTOPT_CALIBRATION_PROGRESS_H

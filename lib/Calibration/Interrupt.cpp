//===- Interrupt.cpp - Stop a calibration early ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#include "QuantOpt/Calibration/Interrupt.h"

#include <atomic>

using namespace mlir::qopt;

static std::atomic<int> running = 0;
static std::atomic<bool> stopRequested = false;
static_assert(std::atomic<int>::is_always_lock_free &&
                  std::atomic<bool>::is_always_lock_free,
              "signal handlers may touch lock-free atomics only");

bool mlir::qopt::requestCalibrationStop() {
  if (running == 0)
    return false;
  stopRequested = true;
  return true;
}

bool mlir::qopt::isCalibrationStopRequested() { return stopRequested; }

StoppableCalibration::StoppableCalibration() {
  if (running++ == 0)
    stopRequested = false;
}

StoppableCalibration::~StoppableCalibration() { --running; }

//===- Interrupt.h - Stop a calibration early ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A library must not take over its host's signals: the driver catches Ctrl-C
// and asks here; another host may do the same from any thread.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_CALIBRATION_INTERRUPT_H
#define QUANTOPT_CALIBRATION_INTERRUPT_H

namespace mlir::qopt {

/// Lets a running `qopt-calibrate` finish the samples it has begun, save what
/// it has collected and fail. Safe to call from a signal handler. False where
/// none is running: then nothing happens.
bool requestCalibrationStop();

/// Whether a stop was requested since the calibration began.
bool isCalibrationStopRequested();

/// While one exists, a calibration is running and can be stopped.
class StoppableCalibration {
public:
  StoppableCalibration();
  ~StoppableCalibration();
  StoppableCalibration(const StoppableCalibration &) = delete;
  StoppableCalibration &operator=(const StoppableCalibration &) = delete;
};

} // namespace mlir::qopt

#endif // QUANTOPT_CALIBRATION_INTERRUPT_H

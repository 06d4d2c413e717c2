//===- CalibrationData.h - Samples from npz files ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_CALIBRATION_CALIBRATIONDATA_H
#define QUANTOPT_CALIBRATION_CALIBRATIONDATA_H

#include "QuantOpt/Execution/CpuExecutable.h"
#include "QuantOpt/Statistics/CalibrationTable.h"
#include "mlir/IR/Location.h"

#include <memory>
#include <mutex>
#include <vector>

namespace mlir::qopt {

/// The inputs of one run of the model: one dense buffer per argument, in the
/// model's element types.
using Sample = std::vector<std::vector<char>>;

/// Reads the samples of a list of npz files in order, one run at a time, so
/// that memory does not grow with their number. Thread-safe.
class CalibrationData {
public:
  /// Opens `paths` (files, or folders whose .npz files are taken sorted) for a
  /// model with these inputs. Arrays are found by the inputs' names; shape
  /// `[N, ...]` for an input `[B, ...]` gives N/B runs, a remainder is dropped
  /// with a remark. Wrong names, ranks, shapes or types are errors at `loc`
  /// that say what was expected.
  static FailureOr<std::unique_ptr<CalibrationData>>
  open(ArrayRef<std::string> paths, ArrayRef<CpuExecutable::TensorSpec> inputs,
       Location loc);
  ~CalibrationData();

  int64_t getNumRuns() const;

  /// Fills `sample` with the next run's inputs and sets `run` to its number,
  /// from 0; false at the end. On a read error, `error` says what went wrong
  /// and the result is false.
  bool next(Sample &sample, int64_t &run, std::string &error);

  /// The files read so far and digests of what was read from them.
  std::vector<CalibrationTable::DataFile> getConsumed() const;

  /// Goes past the runs that an interrupted calibration has seen. False with
  /// `error` where the data are not the ones it was begun with.
  bool skip(ArrayRef<CalibrationTable::DataFile> consumed, std::string &error);

private:
  struct Impl;
  explicit CalibrationData(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl;
};

} // namespace mlir::qopt

#endif // QUANTOPT_CALIBRATION_CALIBRATIONDATA_H

//===- Collect.h - Run the float model and observe its edges ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_CALIBRATION_COLLECT_H
#define QUANTOPT_LIB_CALIBRATION_COLLECT_H

#include "QuantOpt/Calibration/CalibrationData.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Statistics/SampleStatistics.h"

#include <optional>

namespace mlir::qopt {

/// A model compiled for calibration: the values of its observers go into
/// statistics while it runs.
class ObservedModel {
public:
  /// `observers` are those of `module`, in walk order, with the layouts of
  /// their channels.
  static FailureOr<std::unique_ptr<ObservedModel>>
  compile(ModuleOp module, StringRef entry, ArrayRef<ObserveOp> observers,
          ArrayRef<ChannelLayout> layouts);

  const CpuExecutable &getExecutable() const { return *executable; }
  /// Rows of data in one run: the first dimension of the first input.
  int64_t getSamplesPerRun() const;

  /// The inputs of the earliest run in which some observer saw a NaN or
  /// +infinity, kept to find out where it came from.
  struct NonFiniteRun {
    int64_t run;
    Sample inputs;
  };

  /// Runs what is left of `data`, one run per thread at a time with statistics
  /// of its own, and adds to `statistics` (one per observer) all that was seen.
  /// Ends early, and successfully, where a stop was requested. `threads` 0: one
  /// per core. Errors are reported at `loc`.
  LogicalResult collect(CalibrationData &data, unsigned threads,
                        int64_t runsBefore,
                        MutableArrayRef<SampleStatistics> statistics,
                        std::optional<NonFiniteRun> &nonFinite, Location loc);

private:
  ObservedModel() = default;

  std::unique_ptr<CpuExecutable> executable;
  /// Samples that lie one after the other in each observed tensor.
  SmallVector<int64_t> samplesOf;
};

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_CALIBRATION_COLLECT_H

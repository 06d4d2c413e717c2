//===- NonFinite.h - Which op first made a NaN or an infinity ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_CALIBRATION_NONFINITE_H
#define QUANTOPT_LIB_CALIBRATION_NONFINITE_H

#include "QuantOpt/Calibration/CalibrationData.h"

namespace mlir::qopt {

/// Runs function `entry` of `module` on `inputs` once more, with every f32
/// tensor of its body watched, and warns at the first op, in program order,
/// that gives a NaN or +infinity while its operands hold none; at the entry
/// where an argument does. Says nothing if it cannot be told.
void reportFirstNonFinite(ModuleOp module, StringRef entry,
                          const Sample &inputs, int64_t run);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_CALIBRATION_NONFINITE_H

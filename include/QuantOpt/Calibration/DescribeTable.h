//===- DescribeTable.h - A calibration table for people ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_CALIBRATION_DESCRIBETABLE_H
#define QUANTOPT_CALIBRATION_DESCRIBETABLE_H

#include "mlir/Support/LLVM.h"

#include <string>

namespace mlir::qopt {

/// Prints what the file at `path` holds, a calibration table of quant-opt or a
/// TensorRT calibration cache: where it comes from, and a row per edge with
/// counts, exact range, percentiles of |x| and special values. As text for
/// people or as one JSON object. False with `error` where it cannot be read.
bool describeTable(const std::string &path, bool json, raw_ostream &os,
                   std::string &error);

} // namespace mlir::qopt

#endif // QUANTOPT_CALIBRATION_DESCRIBETABLE_H

//===- Sketch.h - A distribution in 64 bins, for people ---------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_CALIBRATION_SKETCH_H
#define QUANTOPT_LIB_CALIBRATION_SKETCH_H

#include "QuantOpt/Analysis/Report.h"
#include "QuantOpt/Statistics/EdgeStatistics.h"

namespace mlir::qopt {

/// `values`, of which there are some, in Histogram::kBins bins of equal width
/// from their minimum to their maximum. A bin of the distribution that lies in
/// several is shared out by its width.
Report::Histogram sketch(const Distribution &values);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_CALIBRATION_SKETCH_H

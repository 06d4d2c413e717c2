//===- Phases.h - The phases of a job ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_PIPELINES_PHASES_H
#define QUANTOPT_PIPELINES_PHASES_H

#include "llvm/ADT/StringRef.h"

namespace mlir::qopt {

/// Driver flags, pipeline options, docs, folders and tests use these words and
/// this order.
enum class Phase {
  Import,    ///< linalg or TOSA -> normal form
  Annotate,  ///< names and observers on edges that may become integer
  Calibrate, ///< observers get statistics
  Propagate, ///< statistics -> one type per edge
  Quantize,  ///< -> QDQ form
  Lower,     ///< -> integer form
  Kernels,   ///< -> kernel ops and GPU modules
  Emit       ///< -> text, PTX, cubin or artifact
};

llvm::StringRef stringifyPhase(Phase phase);

} // namespace mlir::qopt

#endif // QUANTOPT_PIPELINES_PHASES_H

//===- ModelDigest.h - What a calibration table belongs to ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_CALIBRATION_MODELDIGEST_H
#define QUANTOPT_CALIBRATION_MODELDIGEST_H

#include "mlir/IR/BuiltinOps.h"

#include <string>

namespace mlir::qopt {

/// Digests (BLAKE3, 32 lower-case hex digits) of a model in normal form.
/// Locations, observers and what annotate added do not count, so that they are
/// the same whatever is observed or kept float.
struct ModelDigest {
  /// Ops, types and attributes, without the values of tensor constants.
  std::string structure;
  /// The values of tensor constants, in order.
  std::string weights;
};

/// Reads every constant once.
ModelDigest getModelDigest(ModuleOp module);

} // namespace mlir::qopt

#endif // QUANTOPT_CALIBRATION_MODELDIGEST_H

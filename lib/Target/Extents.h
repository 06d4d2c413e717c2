//===- Extents.h - Integers that depend on the batch -----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_TARGET_EXTENTS_H
#define QUANTOPT_LIB_TARGET_EXTENTS_H

#include "QuantOpt/Artifact/Artifact.h"
#include "mlir/IR/Value.h"

#include <optional>
#include <string>

namespace mlir::qopt {

/// `value`, an index or integer made of constants and affine.apply of `batch`,
/// as an extent. If it has no such form, `reason` says why ("is ...").
std::optional<artifact::Extent> matchExtent(Value value, Value batch,
                                            std::string &reason);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_TARGET_EXTENTS_H

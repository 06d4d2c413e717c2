//===- AgreeOnTypes.h - One type per group where that costs little *- C++
//-*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_DIALECT_QOPT_TRANSFORMS_AGREEONTYPES_H
#define QUANTOPT_LIB_DIALECT_QOPT_TRANSFORMS_AGREEONTYPES_H

#include "EdgeTypes.h"

namespace mlir::qopt {

/// What becomes of an edge.
struct EdgeDecision {
  enum class Kind {
    Dynamic,  ///< no type: neither statistics nor another edge tell one
    Own,      ///< the best type by its statistics
    Model,    ///< the type that the model came with
    Shared,   ///< the type of its group
    PassedOn, ///< the type of the only edge that reads it
  } kind = Kind::Dynamic;
  quant::UniformQuantizedType type;
  /// By its statistics, where it has some.
  std::optional<OwnType> own;
  /// The edge whose type it takes (Shared: where a model gave it; PassedOn).
  std::optional<unsigned> source;
  /// Own, in a group: the least factor by which agreeing on one type would have
  /// raised the error of an edge. 1: there was none to agree on.
  double lossOfSharing = 1.0;
};

/// Decides for every edge of `analysis`, group by group. An edge with
/// statistics that no type fits is an error at its observer.
FailureOr<SmallVector<EdgeDecision>> agreeOnTypes(const ScaleAnalysis &analysis,
                                                  const TypeOptions &options);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_DIALECT_QOPT_TRANSFORMS_AGREEONTYPES_H

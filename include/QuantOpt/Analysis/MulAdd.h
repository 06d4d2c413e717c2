//===- MulAdd.h - Ops whose body is a sum of products ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Recognises the bodies that kernels of every target compute; which contraction
// or convolution it is follows from the indexing maps.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ANALYSIS_MULADD_H
#define QUANTOPT_ANALYSIS_MULADD_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace mlir::qopt {

/// How the two inputs of a sum of products are read.
struct MulAdd {
  enum class Factor { F32, S8, U8 };
  Factor lhs;
  Factor rhs;
};

/// `out = out + lhs * rhs` with operands in any order: all f32, or i32 of two
/// i8 inputs, each sign- or zero-extended. Needs one reduction loop at least. A
/// sum that was marked (OrderedSum.h) before a product was fused into it is
/// none.
std::optional<MulAdd> matchMulAdd(linalg::LinalgOp op);

/// Positive or negative zero, or integer zero.
bool isZeroScalar(Value value);

} // namespace mlir::qopt

#endif // QUANTOPT_ANALYSIS_MULADD_H

//===- Elementwise.h - Structure of elementwise linalg ops ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Recognises by meaning, not by text, the elementwise generics that fold into
// a contraction's weights or epilogue: per-channel affine functions (bias,
// batch norm in any number of ops) and clamps (ReLU, ReLU6 in any spelling).
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ANALYSIS_ELEMENTWISE_H
#define QUANTOPT_ANALYSIS_ELEMENTWISE_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace mlir::qopt {

/// All loops parallel, one result with the identity map, pure tensor semantics.
bool isElementwise(linalg::GenericOp op);

/// The one operand of an elementwise op that is read with the identity map and
/// is not a constant; null where there is none or several.
OpOperand *getMainInput(linalg::GenericOp op);

/// `y = min(max(x, low), high)` on the main input; infinite where open.
struct Clamp {
  float low;
  float high;
};
std::optional<Clamp> matchClamp(linalg::GenericOp op);

/// `y[c] = scale[c]·x + shift[c]` on the main input, the channel being the
/// index along `channelDims` of the iteration space (row-major over them).
struct ChannelAffine {
  SmallVector<double> scale;
  SmallVector<double> shift;
};
std::optional<ChannelAffine> matchChannelAffine(linalg::GenericOp op,
                                                ArrayRef<int64_t> channelDims);

/// `y = x * factor` or `y = x / divisor`, the other being 1: one positive
/// constant for all elements of the main input.
struct Scaling {
  double factor = 1, divisor = 1;
};
std::optional<Scaling> matchScaling(linalg::GenericOp op);

/// The constant scalar `value` is, seen through 0-d and splat tensors.
std::optional<double> getConstantScalar(Value value);

} // namespace mlir::qopt

#endif // QUANTOPT_ANALYSIS_ELEMENTWISE_H

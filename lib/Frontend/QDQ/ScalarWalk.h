//===- ScalarWalk.h - One element's computation, backwards ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What happens to one element of a tensor, step by step, seen from its end:
// through the bodies of elementwise generics and from one generic to the one
// that feeds it, so that a computation is the same in one body or in six ops.
// Operands that are constants become parameters of a step, wherever they come
// from: body, captured scalar, 0-d or 1-element tensor, vector along an axis.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_QDQ_SCALARWALK_H
#define QUANTOPT_LIB_FRONTEND_QDQ_SCALARWALK_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>

namespace mlir::qopt {

/// A constant that varies along some dimensions at most: one number, or one for
/// each block of indices.
struct Parameter {
  /// Dimensions (of a tensor, or loops of a generic) it varies along,
  /// ascending.
  SmallVector<int64_t> dims;
  /// For each of `dims`, how many indices in a row share a number.
  SmallVector<int64_t> blocks;
  /// For each of `dims`, the number of blocks.
  SmallVector<int64_t> counts;
  /// Row-major over the blocks. Every f32 and every integer of up to 53 bits is
  /// exact.
  std::vector<double> values;

  bool isOneNumber() const { return dims.empty(); }
  /// All numbers are `value`.
  bool isAll(double value) const;

  static Parameter number(double value);
  /// `fn` of the numbers at the same place. Nothing if they vary along the same
  /// dimension in blocks of different size.
  static std::optional<Parameter>
  combine(const Parameter &a, const Parameter &b,
          function_ref<double(double, double)> fn);
};

/// A value in the body of an elementwise generic.
struct Scalar {
  linalg::GenericOp op;
  Value value;
};

/// The result of `op` for one element.
Scalar getYielded(linalg::GenericOp op);

/// A body argument that reads the result of another elementwise generic at the
/// same index is that generic's yielded value.
Scalar lookThrough(Scalar scalar);

/// The constant that `scalar` is, over the loops of its op.
std::optional<Parameter> readParameter(Scalar scalar);

/// The last thing that was done to an element.
struct Step {
  enum class Kind {
    Multiply,  ///< f32, by `parameter`
    Divide,    ///< f32, by `parameter`
    Add,       ///< f32 or integer, of `parameter`
    Max,       ///< with `parameter`
    Min,       ///< with `parameter`
    Round,     ///< to the nearest integer, ties to even
    ToInteger, ///< f32 to integer
    ToFloat,   ///< integer to f32
    Extend,    ///< to a wider integer
    Truncate,  ///< to a narrower integer
  };
  Kind kind;
  Scalar input;
  Parameter parameter;
  /// Of ToInteger, ToFloat and Extend.
  bool isSigned = true;
};

/// The last step of the computation of `scalar`; nothing where it is an
/// argument that no elementwise op computes, or something else.
std::optional<Step> getLastStep(Scalar scalar);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_QDQ_SCALARWALK_H

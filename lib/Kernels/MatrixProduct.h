//===- MatrixProduct.h - Contractions as matrix products -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. Recognizes contractions that are products of
// matrices, result[b, m, n] = sum over k of a[b, m, k] * b[b, n, k], and plans
// how their operands are read: as they are, behind a transpose that made them,
// or through a transpose of their own.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_MATRIXPRODUCT_H
#define QUANTOPT_LIB_KERNELS_MATRIXPRODUCT_H

#include "GemmLayout.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>
#include <string>

namespace mlir::qopt {

/// How one operand gets the layout of the gemm.
struct MatrixOperand {
  /// The contraction's operand, or what is behind it, by loops of the
  /// contraction.
  TensorView view;
  /// A transpose to build first, of `view` in shape `splitShape`; empty if
  /// there is none.
  SmallVector<int64_t> splitShape, transpose;
  /// What the gemm reads.
  OperandDims dims;
  /// Constants only: the shape in the order they are stored, and `permutation`
  /// of the `qopt.pack`.
  SmallVector<int64_t> storedShape, packing;
  bool isConstant = false;
  /// Extended from i8 by zeros.
  bool isUnsigned = false;
};

struct MatrixProduct {
  linalg::LinalgOp op;
  MatrixOperand a;
  MatrixOperand b;
  /// The contraction's result as that of the gemm.
  OperandDims result;
  /// What the sums start from if that is not zero, else null.
  OpOperand *init = nullptr;
};

/// True for a sum in f32 of products of two inputs of one 16-bit float type,
/// each extended in the body.
bool isHalfMulAdd(linalg::LinalgOp op);

/// Matches `op`, a sum of products on tensors (matchMulAdd, isHalfMulAdd).
/// Operands get transposes of their own if there are `minTransposedMacs`
/// multiply-adds at least, or if that costs nothing. If it is no product of
/// matrices in these layouts, `reason` says why.
std::optional<MatrixProduct> matchMatrixProduct(linalg::LinalgOp op,
                                                int64_t minTransposedMacs,
                                                std::string &reason);

/// The operand in the layout of the gemm; constants without padding.
Value buildMatrixOperand(OpBuilder &builder, Location loc,
                         const MatrixOperand &operand);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_MATRIXPRODUCT_H

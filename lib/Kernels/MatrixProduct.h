//===- MatrixProduct.h - Contractions as matrix products -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. Says whether a contraction is the product that
// `qopt.gemm` computes, `c[b, m, n] = sum_k a[b, m, k] * b[b, n, k]`, and how
// its operands come to that layout: by reshapes, which cost nothing, by another
// order of a transpose that is there anyway, by a new transpose where the
// product is large enough to pay for it, or, for constants, by `qopt.pack`.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_MATRIXPRODUCT_H
#define QUANTOPT_LIB_KERNELS_MATRIXPRODUCT_H

#include "mlir/Dialect/Linalg/IR/Linalg.h"

#include <optional>
#include <string>

namespace mlir::qopt {

/// How one operand gets the layout of the gemm.
struct MatrixOperand {
  /// The contraction's operand, or what a transpose behind it reads.
  Value value;
  /// A transpose of `value` to build first, empty if there is none.
  SmallVector<int64_t> transpose;
  /// The shape after that, [M, K], [N, K] or with a leading batch; for
  /// constants the same dims in the order they are stored.
  SmallVector<int64_t> shape;
  /// Constants only: `permutation` of the `qopt.pack`.
  SmallVector<int64_t> packing;
  bool isConstant = false;
  /// Extended from i8 by zeros.
  bool isUnsigned = false;
};

struct MatrixProduct {
  linalg::LinalgOp op;
  MatrixOperand a;
  MatrixOperand b;
  /// Extents of the result: [M, N], or [batch, M, N].
  SmallVector<int64_t> shape;
  /// What the sums start from if that is not zero, else null.
  OpOperand *init = nullptr;
};

/// Matches `op`, a sum of products on tensors (see matchMulAdd). Operands get
/// transposes of their own if there are `minTransposedMacs` multiply-adds at
/// least. If it is no product of matrices in these layouts, `reason` says why.
std::optional<MatrixProduct> matchMatrixProduct(linalg::LinalgOp op,
                                                int64_t minTransposedMacs,
                                                std::string &reason);

/// Sums start from +0 as the kernels' do, or `init` is what they start from.
bool startsFromZero(OpOperand *init);

/// The operand in the layout of the gemm; constants without padding.
Value buildMatrixOperand(OpBuilder &builder, Location loc,
                         const MatrixOperand &operand);

/// `value` with another shape of as many elements in the same order. Constants
/// stay constants; anything else is reshaped by at most two ops.
Value buildReshape(OpBuilder &builder, Location loc, Value value,
                   ArrayRef<int64_t> shape);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_MATRIXPRODUCT_H

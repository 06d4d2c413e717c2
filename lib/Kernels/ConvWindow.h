//===- ConvWindow.h - Convolutions as products with a window ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. An 8-bit convolution of an image with its channels
// last and a constant is the product of a matrix whose rows are windows of the
// image (#qopt.window) and the constant, packed to [N, R * S * C / groups].
// Stride, dilation, groups and rank follow from the indexing maps; pads of the
// image, and pixels that a transposed convolution inserts, become part of the
// window.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_CONVWINDOW_H
#define QUANTOPT_LIB_KERNELS_CONVWINDOW_H

#include "MatrixProduct.h"
#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"

namespace mlir::qopt {

using LoopList = SmallVector<unsigned>;

/// `expr` with 0 for all loops of extent 1.
AffineExpr dropUnitLoops(AffineExpr expr, ArrayRef<int64_t> extents);

/// The loops of plain subscripts, those of extent 1 left out.
LoopList getPlainLoops(AffineMap map, ArrayRef<int64_t> extents);

/// The constant input `weight` of `op` as [N, K] by the loops `rows` and
/// `depth`, those of extent 1 left out; where its dims are not in these two
/// pieces, by a constant in the right order. The value is null if its elements
/// cannot be read.
MatrixOperand packWeight(linalg::LinalgOp op, Value weight,
                         const LoopList &rows, const LoopList &depth);

/// Rewrites subscripts that only loops of extent 1 make compound, `p + r` with
/// one `r`, where they cover a whole dim: a convolution with one tap and no
/// stride becomes a product of matrices. Returns `op` or what replaced it.
linalg::LinalgOp dropUnitTaps(linalg::LinalgOp op);

/// A convolution as a product; `a` is the image, which has no maps.
struct ConvProduct {
  MatrixProduct product;
  WindowAttr window;
};

/// True if an operand of `op` is indexed by more than plain loops.
bool readsWindows(linalg::LinalgOp op);

/// Matches `op`, a sum of products on tensors (see matchMulAdd). If it is no
/// convolution that kernels compute, `reason` says why.
std::optional<ConvProduct> matchConvolution(linalg::LinalgOp op,
                                            std::string &reason);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_CONVWINDOW_H

//===- OrderedSum.h - Sums of floats in a fixed order ----------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A reduction `out = out + e` in f32 that is no sum of products is added up in
// the order of docs/Numerics.md, "Sums of floats", on all targets. Which ops
// are such sums is decided on the integer form, before anything is fused: the
// addition is marked, and stays so while its op is fused with others.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_ANALYSIS_ORDEREDSUM_H
#define QUANTOPT_ANALYSIS_ORDEREDSUM_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace mlir::qopt {

/// Elements are spread over this many partial sums.
constexpr int64_t kSumPartials = 256;

/// On the `arith.addf` in the body of a linalg op: a sum in the fixed order.
constexpr llvm::StringLiteral kOrderedSumAttr = "qopt.ordered_sum";

/// True if result `index` of `op` is `out + e`, where e does not depend on
/// running values and the op is no sum of products (matchMulAdd).
bool isOrderedSum(linalg::LinalgOp op, unsigned index);

/// Marks all such sums of `entry`. An op with several results is split, so that
/// a sum is an op of its own.
void markOrderedSums(func::FuncOp entry);

/// True if `op`, of one result, was marked.
bool isMarkedSum(linalg::LinalgOp op);

} // namespace mlir::qopt

#endif // QUANTOPT_ANALYSIS_ORDEREDSUM_H

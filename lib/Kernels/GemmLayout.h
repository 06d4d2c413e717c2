//===- GemmLayout.h - Which loops are the dims of a gemm -------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. Given where the operands of a product lie in memory,
// groups its loops into the dims of a `qopt.gemm`: up to two batch dims, rows,
// columns and summed ones, each of them one stride in every operand that has
// it.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_GEMMLAYOUT_H
#define QUANTOPT_LIB_KERNELS_GEMMLAYOUT_H

#include "TensorView.h"
#include "mlir/IR/AffineMap.h"

namespace mlir::qopt {

/// By the operands that a loop indexes: all, a and the result, b and the
/// result, a and b.
enum class LoopKind { Batch, M, N, K };

/// Where an operand lies.
struct OperandMemory {
  StridedParts parts;
  /// A constant that is yet to be laid out: in any order.
  bool isFree = false;
};

/// The loops of a gemm; a group may be empty (extent 1) but for the batches.
struct GemmDims {
  SmallVector<LoopParts, 2> batches;
  LoopParts m, n, k;

  unsigned getRank() const { return batches.size() + 2; }
  /// [batch..., M, N].
  SmallVector<int64_t> getLogicalShape() const;
};

/// Why a product is no gemm.
enum class GemmMisfit {
  None,
  DepthOfA,    ///< a is not contiguous along the summed loops
  DepthOfB,    ///< b is not
  Columns,     ///< no columns are innermost in the result
  ManyBatches, ///< more than two batch dims
};

/// Splits the parts of the operands so that each loop has the same ones in all
/// of them. False if that is not possible.
bool refineParts(ArrayRef<OperandMemory *> operands);

/// Groups refined parts; `kinds` are those of the loops. Rows and columns that
/// cannot be one dim become batches that b or a do not have.
std::optional<GemmDims> groupLoops(const OperandMemory &a,
                                   const OperandMemory &b,
                                   const OperandMemory &d,
                                   ArrayRef<LoopKind> kinds,
                                   GemmMisfit &misfit);

/// The shape of an operand of a gemm and how its dims are indexed.
struct OperandDims {
  SmallVector<int64_t> shape;
  /// As in `operand_maps`.
  AffineMap map;
  /// Extents of the parts, in the order of the dims.
  SmallVector<int64_t> partExtents;
  /// The parts of each dim.
  SmallVector<LoopParts> dims;
};

enum class GemmOperand { A, B, Result };

/// The dims of `memory` as those of operand `operand`, in the order of memory.
OperandDims getOperandDims(MLIRContext *context, const GemmDims &dims,
                           const OperandMemory &memory, GemmOperand operand);

/// `operand_maps` of a gemm, null where the op would assume the same.
ArrayAttr getOperandMaps(AffineMap a, AffineMap b, AffineMap d);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_GEMMLAYOUT_H

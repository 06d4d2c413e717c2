//===- Plain.h - Our own loops for contractions and convolutions *- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Both kinds of operation are one implicit matrix product: rows are output
// positions, columns output channels, and a row of the left operand is gathered
// through strides (im2col, a few rows at a time). Depthwise convolutions have
// one column per product and get loops of their own.
//
//===----------------------------------------------------------------------===//

#ifndef QUANTOPT_LIB_EXECUTION_KERNELS_PLAIN_H
#define QUANTOPT_LIB_EXECUTION_KERNELS_PLAIN_H

#include "KernelSupport.h"

namespace mlir::qopt::cpu {

/// `groups` independent products out[row, n] = sum_k lhs[row, k] * rhs[k, n]
/// whose rows and k are multi-dimensional. Strides in elements.
struct ImplicitGemm {
  struct RowDim {
    int64_t extent, lhsStride, outStride;
  };
  struct SumDim {
    int64_t extent, lhsStride, rhsStride;
  };
  ElementType lhsType, rhsType;
  int64_t groups = 1, lhsGroup = 0, rhsGroup = 0, outGroup = 0;
  std::vector<RowDim> rows; ///< Outermost first; never empty.
  std::vector<SumDim> sums; ///< Outermost first: the order of summation.
  int64_t n = 1, rhsStride = 0, outStride = 0;
  bool accumulate = false, rhsConstant = false;
  /// The caller's operands are exchanged.
  bool swapped = false;

  int64_t rowCount() const;
  int64_t sumCount() const;
  /// How many consecutive k have consecutive left elements (at least 1).
  int64_t runLength() const;
};

ImplicitGemm toImplicitGemm(const ContractionSpec &spec);
ImplicitGemm toImplicitGemm(const ConvolutionSpec &spec);

/// The offsets of a range of rows; `lhs` and `out` have `count` elements.
void rowOffsets(const ImplicitGemm &gemm, int64_t first, int64_t count,
                int64_t *lhs, int64_t *out);

/// The left (`rhs` false) or right offset of every k.
std::vector<int64_t> sumOffsets(const ImplicitGemm &gemm, bool rhs);

/// Never null. Sums of f32 are made in increasing k with one product and one
/// addition each (never fused), so their bits are the same on every machine.
std::unique_ptr<Kernel> createPlainGemm(ImplicitGemm gemm);
/// Null unless spec is depthwise: one channel in and out per group.
std::unique_ptr<Kernel> createPlainDepthwise(const ConvolutionSpec &spec);
/// Integer products on AMX tiles; null where vectorLevel() is below Amx, where
/// the product is too small for tiles to pay, and, unless `mayGather`, where
/// the left operand cannot be read in place (several times slower).
std::unique_ptr<Kernel> createAmxGemm(const ImplicitGemm &gemm, bool mayGather);

/// The inner loop of createPlainGemm, for one level of vector instructions.
struct MicroKernel {
  const char *name;
  int rows, cols; ///< Of the largest tile.
  int pack;       ///< Consecutive k that lie side by side: 2 (s16) or 1 (f32).
  /// tile[r, c] = sum over steps s and i < pack of
  ///   a[r * lda + s * pack + i] * b[(s * cols + c) * pack + i]
  /// for r < rows; `tile` has `cols` columns. s16 operands or f32.
  void (*run)(const void *a, int64_t lda, const void *b, int64_t steps,
              void *tile, int rows);
};

/// The fastest ones for the level in effect.
const MicroKernel &integerMicroKernel();
const MicroKernel &floatMicroKernel();

/// Widens 8-bit integers to 16 bits.
void widen(ElementType type, const void *src, int64_t count, int16_t *dst);

} // namespace mlir::qopt::cpu

#endif // QUANTOPT_LIB_EXECUTION_KERNELS_PLAIN_H

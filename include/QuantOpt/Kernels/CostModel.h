//===- CostModel.h - How long a gemm takes with a configuration -*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The configurations there are, as data, and an estimate by which one of them
// is chosen: waves of blocks times the time of a tile, or the bytes that must
// come from memory, whichever is longer. Needs no GPU and searches nothing; the
// same input gives the same choice on every machine. docs/Kernels.md states the
// formulas.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_KERNELS_COSTMODEL_H
#define QUANTOPT_KERNELS_COSTMODEL_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"
#include "QuantOpt/Kernels/ChipInfo.h"

namespace mlir::qopt {

/// What the time of a gemm depends on, the configuration apart.
struct GemmShape {
  int64_t batch = 1, m = 1, n = 1, k = 1;
  /// 8-bit operands, else 16-bit floats or f32.
  bool isInteger = true;
  bool isHalf = false;
  /// Bytes, at most 16, that all rows of a and b are aligned to beside those of
  /// K: less than K says where they are slices of others.
  int64_t rowAlignment = 16;
  /// All batches multiply by the same matrix b.
  bool sharesB = true;
  /// b is a constant: packed, so that its rows are aligned and padded.
  bool packsB = true;
  /// Bytes of one result element, and of what the epilogue reads for each one
  /// from operands with rows and columns.
  int64_t resultBytes = 1;
  int64_t operandBytes = 0;
  /// Scalar ops of the epilogue per result element.
  int64_t scalarOps = 6;

  static GemmShape get(GemmOp op);
  int64_t getElementBytes() const { return isInteger ? 1 : isHalf ? 2 : 4; }
  /// Bytes of a row of a: what `block_k` counts for mma and dp4a.
  int64_t getDepth() const { return k * getElementBytes(); }
  /// Greatest power of two, at most 16, that rows are aligned to.
  int64_t getRowAlignment() const;
};

/// What a block takes of a multiprocessor.
struct GemmResources {
  int64_t threads = 0;
  int64_t sharedBytes = 0;
  /// Per thread; an estimate on the high side of what ptxas allocates.
  int64_t registers = 0;
};
GemmResources getGemmResources(GemmConfigAttr config);

/// Blocks that a multiprocessor of `chip` runs at once; 0 if not even one fits.
int64_t getBlocksPerMultiprocessor(GemmConfigAttr config, const ChipInfo &chip);

/// What limits the estimated time.
enum class GemmBound {
  Math,         ///< tensor cores, dp4a or fma units
  SharedMemory, ///< reads and writes of tiles
  L2,           ///< tiles on their way to shared memory
  Memory,       ///< bytes that come from and go to DRAM once
  Latency,      ///< starting, filling and ending blocks: too little work
};
StringRef stringifyGemmBound(GemmBound bound);

struct GemmCost {
  /// Without the launch.
  double microseconds = 0;
  /// Blocks divided by those that all multiprocessors run at once.
  double waves = 0;
  GemmBound bound = GemmBound::Latency;
};

/// `config` must fit the chip.
GemmCost estimateGemm(const GemmShape &shape, GemmConfigAttr config,
                      const ChipInfo &chip);

/// Every configuration that can compute the gemm on the chip, in the order that
/// decides between equal costs.
SmallVector<GemmConfigAttr> getGemmCandidates(MLIRContext *context,
                                              const GemmShape &shape,
                                              const ChipInfo &chip);

/// The candidate with the least estimated time; null if there is none.
GemmConfigAttr selectGemmConfig(MLIRContext *context, const GemmShape &shape,
                                const ChipInfo &chip);

/// Checks that `config` can compute the gemm on the chip.
LogicalResult verifyGemmConfig(GemmConfigAttr config, const GemmShape &shape,
                               const ChipInfo &chip,
                               function_ref<InFlightDiagnostic()> emitError);

} // namespace mlir::qopt

#endif // QUANTOPT_KERNELS_COSTMODEL_H

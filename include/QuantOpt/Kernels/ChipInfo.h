//===- ChipInfo.h - What a GPU offers to kernels ---------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_KERNELS_CHIPINFO_H
#define QUANTOPT_KERNELS_CHIPINFO_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace mlir::qopt {

/// One row per `--target`. Sizes from the CUDA programming guide's table of
/// compute capabilities; rates follow from the boards' data sheets, except as
/// ChipInfo.cpp says.
struct ChipInfo {
  /// "sm_80".
  llvm::StringLiteral name;
  /// 80.
  int computeCapability;
  /// Multiprocessors of the reference board the cost model assumes.
  int64_t multiprocessors;
  /// Shared memory that one block may have, in bytes (dynamic).
  int64_t sharedPerBlock;
  /// Shared memory of a multiprocessor, and what each block takes in addition.
  int64_t sharedPerMultiprocessor;
  int64_t sharedReservedPerBlock;
  int64_t registersPerMultiprocessor;
  int64_t threadsPerMultiprocessor;
  int64_t blocksPerMultiprocessor;
  /// Dense 8-bit multiply-adds of tensor cores per clock and multiprocessor.
  int64_t mmaMacsPerClock;
  /// dp4a instructions per clock and multiprocessor.
  int64_t dp4aPerClock;
  /// f32 fused multiply-adds per clock and multiprocessor.
  int64_t f32MacsPerClock;
  /// The same in f64, which expanded functions compute in.
  int64_t f64MacsPerClock;
  /// Bytes per clock that a multiprocessor gets from L2 while all of them read.
  int64_t l2BytesPerClock;
  /// Sustained clock in MHz and memory bandwidth in GB/s of the reference
  /// board.
  int64_t clockMHz;
  int64_t memoryGBps;
};

/// All known chips, by compute capability.
llvm::ArrayRef<ChipInfo> getChips();

/// Null for a name that is no known chip.
const ChipInfo *findChip(llvm::StringRef name);

} // namespace mlir::qopt

#endif // QUANTOPT_KERNELS_CHIPINFO_H

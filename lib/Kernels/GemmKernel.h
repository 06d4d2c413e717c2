//===- GemmKernel.h - What all gemm kernels share --------------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. GemmProblem is a `qopt.gemm` on buffers as kernel
// builders see it: layouts, tails, epilogue operands, and the parameters of the
// kernel function. One file per kernel family derives the code from it.
//
// Extents and strides are run-time arguments, so that layers of different
// sizes share a kernel; what changes the code (tails, alignment, signedness,
// the epilogue) is part of the kernel's key.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_GEMMKERNEL_H
#define QUANTOPT_LIB_KERNELS_GEMMKERNEL_H

#include "DeviceBuilder.h"
#include "EpilogueEmitter.h"
#include "QuantOpt/Kernels/KernelLaunch.h"

namespace mlir::qopt {

/// Batch dims of a gemm at most.
constexpr size_t kMaxBatchDims = 2;

/// A matrix operand: element strides of the batch dims, 0 where the operand
/// does not have the dim, and of rows; columns are contiguous.
struct MatrixLayout {
  std::array<int64_t, kMaxBatchDims> batchStrides = {0, 0};
  int64_t rowStride = 0;
  /// Greatest power of two, at most 16, that divides the address in bytes of
  /// every row's first element.
  int64_t rowAlignment = 16;
};

/// An epilogue operand: which dims of the result index it.
struct EpilogueOperand {
  Value buffer;
  Type elementType;
  bool hasBatch = false, hasRow = false, hasColumn = false;
  /// Element strides, 0 where a dim is not there; a column stride is 1.
  std::array<int64_t, kMaxBatchDims> batchStrides = {0, 0};
  int64_t rowStride = 0;
  /// Elements beyond N may be read up to a multiple of the block's columns.
  bool paddedColumns = false;
  /// As MatrixLayout::rowAlignment, for operands with columns.
  int64_t rowAlignment = 16;

  int64_t getElementBytes() const {
    return (elementType.getIntOrFloatBitWidth() + 7) / 8;
  }
};

struct GemmProblem {
  Operation *op;
  GemmConfigAttr config;
  /// Extents of the batch dims, and their product.
  SmallVector<int64_t, kMaxBatchDims> batchShape;
  int64_t batch, m, n, k;
  MatrixLayout a, b, d;
  /// b has whole tiles of rows, and of depth: no checks when it is read.
  bool paddedRowsB, paddedDepthB;
  SmallVector<EpilogueOperand> operands;

  GemmOp getOp() const { return cast<GemmOp>(op); }
  bool isBatched() const { return !batchShape.empty(); }
  /// Of a and b.
  int64_t getElementBytes() const;

  /// Reads layouts; an error at the op where a kernel cannot work with them.
  static FailureOr<GemmProblem> create(GemmOp op);

  /// What the kernel's code depends on, as text: equal keys, equal kernels.
  std::string getKey() const;
  /// "gemm_u8s8_s8_128x256x64_s4".
  std::string getKernelName() const;
  /// Blocks in z: a block for every batch, numbered row-major. s0 is the extent
  /// of the first batch dim.
  AffineExpr getGridZ() const;
  /// M, which is s0 where there is no batch.
  AffineExpr getRowsOfBatch() const;
};

/// The kernel function under construction: its parameters as values.
struct GemmParameters {
  Value a, b, d;
  SmallVector<Value> operands;
  Value workspace;
  Value m, n, k;
  /// Row strides in elements, i32.
  Value lda, ldb, ldd;
  /// Row strides of epilogue operands that have rows and columns, i32.
  SmallVector<Value> operandStrides;
  /// Bytes of the counters in front of the workspace's partial sums, i32.
  Value counterBytes;
};

/// Creates the function and moves the pointers to this block's batch.
GemmParameters createGemmKernel(DeviceBuilder &builder,
                                gpu::GPUModuleOp kernels,
                                const GemmProblem &problem, StringRef name);

/// The launch arguments in the order of createGemmKernel's parameters.
/// s0 is that of getGemmRows.
SmallVector<KernelArgument> getGemmArguments(const GemmProblem &problem,
                                             int64_t counterBytes);

/// One row of epilogue operands and results, shared by all families.
class GemmRowEpilogue {
public:
  GemmRowEpilogue(DeviceBuilder &builder, const GemmProblem &problem,
                  const GemmParameters &parameters,
                  const EpilogueEmitter &emitter);

  /// Loads what depends on the columns [column, column + count) only; to be
  /// called once before `store`. `column` (i32) is a multiple of `count`.
  void loadColumns(Value column, int64_t count);
  /// Computes and stores row `row` (i32, may be beyond M: nothing is stored)
  /// of these columns from `count` accumulators.
  void store(Value row, ValueRange accumulators);

private:
  /// Elements [column, column + count) of an operand's row at `rowPointer`.
  SmallVector<Value> loadElements(const EpilogueOperand &operand,
                                  Value rowPointer, int64_t count);

  DeviceBuilder &b;
  const GemmProblem &problem;
  const GemmParameters &p;
  const EpilogueEmitter &emitter;
  Value column;
  int64_t count = 0;
  /// By operand; empty where rows matter.
  SmallVector<SmallVector<Value>> columnValues;
};

FailureOr<KernelLaunch> buildGemmMma(const GemmProblem &problem,
                                     gpu::GPUModuleOp kernels);
FailureOr<KernelLaunch> buildGemmDp4a(const GemmProblem &problem,
                                      gpu::GPUModuleOp kernels);
FailureOr<KernelLaunch> buildGemmSimt(const GemmProblem &problem,
                                      gpu::GPUModuleOp kernels);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_GEMMKERNEL_H

//===- MergeEpilogues.h - One epilogue of several gemms --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Internal to lib/Kernels. Epilogues that are equal but for constants become
// one for the columns of all gemms side by side: where they differ, it reads a
// vector with an element per column.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_KERNELS_MERGEEPILOGUES_H
#define QUANTOPT_LIB_KERNELS_MERGEEPILOGUES_H

#include "QuantOpt/Dialect/QOpt/IR/QOpt.h"

#include <memory>

namespace mlir::qopt {

/// True if `x` and `y` are one value, or the same view of one.
bool isSameView(Value x, Value y);

/// The bytes of several constants one after the other, outermost dims first:
/// `dim` is the one along which they are joined; the others are equal. Null if
/// one is not readable.
ElementsAttr joinConstants(ArrayRef<ElementsAttr> constants, int64_t dim,
                           StringRef hint);

class MergedEpilogue {
public:
  /// Compares the epilogues; null if they differ in more than constants, or if
  /// merged they would not end in a quantization although each of them does.
  static std::unique_ptr<MergedEpilogue> create(ArrayRef<GemmOp> gemms);
  ~MergedEpilogue();

  /// Operands, maps and region of the merged gemm.
  SmallVector<Value> buildOperands(OpBuilder &builder, Location loc) const;
  ArrayRef<AffineMap> getMaps() const { return maps; }
  void moveBody(Region &region);

private:
  explicit MergedEpilogue(ArrayRef<GemmOp> gemms)
      : gemms(gemms.begin(), gemms.end()), first(gemms.front()) {}
  bool build();
  /// The value for operands of corresponding ops; null if there is none.
  Value mergeOperands(OpBuilder &builder, ArrayRef<Value> values);
  Value addOperand(Value shared, ElementsAttr columns, AffineMap map,
                   Type element);
  /// What `value`, of gemm `index`, is for each of its columns; null if it is
  /// no constant per column.
  ElementsAttr getColumns(size_t index, Value value) const;

  SmallVector<GemmOp> gemms;
  GemmOp first;
  Region region;
  /// By operand: a value that all read, or the constant to make.
  SmallVector<Value> sharedOperands;
  SmallVector<ElementsAttr> columnOperands;
  SmallVector<AffineMap> maps;
  /// Results of the first gemm's ops, and what stands for them.
  DenseMap<Value, Value> merged;
  /// Of each gemm: results of its ops to those of the first one.
  SmallVector<DenseMap<Value, Value>> corresponding;
  /// Merged operands and constants by what they were.
  SmallVector<std::pair<SmallVector<Value>, Value>> leaves;
};

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_KERNELS_MERGEEPILOGUES_H

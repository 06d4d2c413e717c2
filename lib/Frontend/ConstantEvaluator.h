//===- ConstantEvaluator.h - Ops on constants as constants ------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An interpreter of linalg, tensor, scalar arith and math ops and of loops over
// known values. It gives the bits the ops give at run time, or nothing.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_CONSTANTEVALUATOR_H
#define QUANTOPT_LIB_FRONTEND_CONSTANTEVALUATOR_H

#include "ScalarProgram.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace mlir::qopt {

class ConstantEvaluator {
public:
  /// `workLimit` bounds the scalar operations and copied elements of all
  /// evaluations together.
  explicit ConstantEvaluator(int64_t workLimit) : workLeft(workLimit) {}

  /// True if `op` has a form that can be evaluated where all it reads is known.
  static bool isSupported(Operation *op);

  /// Evaluates `op`; everything it reads must have been evaluated before.
  /// Failure where a result is undefined, an assertion does not hold or the
  /// limit is reached; nothing is known of its results then.
  LogicalResult evaluate(Operation *op);

  /// True once the op that defines `value` has been evaluated.
  bool isKnown(Value value) const { return known.contains(value); }
  const ConstantValue &lookup(Value value) const {
    return known.find(value)->second;
  }
  /// What is known of `value` as an attribute; large tensors become resources
  /// named after `hint`.
  TypedAttr getAttr(Value value, StringRef hint) const;

private:
  LogicalResult charge(int64_t work);
  void setTensor(Value value, ConstantTensor tensor) {
    known[value] = {std::move(tensor), 0};
  }
  void setScalar(Value value, ScalarBits bits) { known[value] = {{}, bits}; }
  const ConstantTensor &getTensor(Value value) const {
    return lookup(value).tensor;
  }
  /// The numbers of a mixed static and dynamic list, signed.
  SmallVector<int64_t> getNumbers(ArrayRef<OpFoldResult> mixed) const;

  LogicalResult evaluateConstant(Operation *op, Attribute attr);
  LogicalResult evaluateScalar(Operation *op);
  LogicalResult evaluateLinalg(linalg::LinalgOp op);
  LogicalResult evaluateExtractSlice(tensor::ExtractSliceOp op);
  LogicalResult evaluateInsertSlice(tensor::InsertSliceOp op);
  LogicalResult evaluatePad(tensor::PadOp op);
  LogicalResult evaluateConcat(tensor::ConcatOp op);
  LogicalResult evaluateGenerate(tensor::GenerateOp op);
  LogicalResult evaluateSplat(tensor::SplatOp op);
  LogicalResult evaluateFromElements(tensor::FromElementsOp op);
  LogicalResult evaluateLoop(scf::ForOp op);
  LogicalResult evaluateIf(scf::IfOp op);
  /// The ops of `block`; its terminator's operands are known afterwards.
  LogicalResult evaluateBlock(Block &block);

  ConstantValues known;
  int64_t workLeft;
};

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_CONSTANTEVALUATOR_H

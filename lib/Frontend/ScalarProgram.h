//===- ScalarProgram.h - Compiled bodies of constant ops --------*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_LIB_FRONTEND_SCALARPROGRAM_H
#define QUANTOPT_LIB_FRONTEND_SCALARPROGRAM_H

#include "ConstantTensor.h"
#include "ScalarSteps.h"

#include "llvm/ADT/DenseMap.h"

namespace mlir::qopt {

/// What is known of a value: the elements of a tensor, or a scalar.
struct ConstantValue {
  /// Null for scalars.
  RankedTensorType getTensorType() const { return tensor.getType(); }

  ConstantTensor tensor;
  ScalarBits scalar = 0;
};

/// The known values by the SSA values they belong to.
using ConstantValues = llvm::DenseMap<Value, ConstantValue>;

/// Scalar ops of one block as a list of steps over numbered registers.
class ScalarProgram {
public:
  ScalarProgram() = default;
  ScalarProgram(const ScalarProgram &) = delete;
  ScalarProgram &operator=(const ScalarProgram &) = delete;

  /// True if `op` can be part of a program, whatever its operands are.
  static bool isSupported(Operation *op);

  /// Makes `ops` of `block` a program that reads `known`; arguments of the
  /// block are registers to be set. Failure where an op is not supported or
  /// reads something else. Programs are compiled once.
  LogicalResult compile(Block &block, iterator_range<Block::iterator> ops,
                        const ConstantValues &known);

  /// The register of `value`, a new one where it has none.
  unsigned getRegister(Value value);
  ScalarBits &operator[](unsigned index) { return registers[index]; }
  /// Sets what `linalg.index` of dimension `dim` gives.
  void setIndex(unsigned dim, int64_t value) { indices[dim] = value; }
  void setNumIndices(unsigned count) { indices.assign(count, 0); }

  /// What one run costs.
  int64_t getNumSteps() const { return steps.size(); }
  /// Executes once. Failure where a result is undefined or an assertion fails.
  LogicalResult run();

private:
  FailureOr<ScalarStep> makeStep(Operation &op, const ConstantValues &known);

  llvm::DenseMap<Value, unsigned> numbers;
  std::vector<ScalarBits> registers;
  std::vector<ScalarStep> steps;
  SmallVector<int64_t> indices;
};

/// The bits of a number; failure for other attributes and widths.
FailureOr<ScalarBits> getScalarConstant(Attribute attr);
/// The number with these bits.
TypedAttr getScalarAttr(Type type, ScalarBits bits);

} // namespace mlir::qopt

#endif // QUANTOPT_LIB_FRONTEND_SCALARPROGRAM_H

//===- QOpt.h - The qopt dialect: ops, attributes, interface ---*- C++ -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_DIALECT_QOPT_IR_QOPT_H
#define QUANTOPT_DIALECT_QOPT_IR_QOPT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/Quant/IR/Quant.h"
#include "mlir/Dialect/Quant/IR/QuantTypes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/bit.h"

namespace mlir::qopt {
/// What an operand of a quantizable op is to quantization.
enum class OperandRole {
  Activation, ///< quantized per tensor with a calibrated or run-time scale
  Weight,     ///< a constant quantized per output channel
  Init,       ///< the initial accumulator; must be zero
  Float       ///< never quantized
};

/// A double as an attribute parameter: equal when the bits are.
struct Real {
  double value = 0;

  Real() = default;
  Real(double value) : value(value) {}
  operator double() const { return value; }
  bool operator==(const Real &other) const {
    return llvm::bit_cast<uint64_t>(value) ==
           llvm::bit_cast<uint64_t>(other.value);
  }
  friend llvm::hash_code hash_value(const Real &real) {
    return llvm::hash_value(llvm::bit_cast<uint64_t>(real.value));
  }
};
} // namespace mlir::qopt

#include "QuantOpt/Dialect/QOpt/IR/QOptDialect.h.inc"
#include "QuantOpt/Dialect/QOpt/IR/QOptEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "QuantOpt/Dialect/QOpt/IR/QOptAttrs.h.inc"

#include "QuantOpt/Dialect/QOpt/IR/QOptInterfaces.h.inc"

#define GET_OP_CLASSES
#include "QuantOpt/Dialect/QOpt/IR/QOptOps.h.inc"

#endif // QUANTOPT_DIALECT_QOPT_IR_QOPT_H

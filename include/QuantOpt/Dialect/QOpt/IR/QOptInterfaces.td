//===- QOptInterfaces.td - How third-party ops take part in quantization ---*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_DIALECT_QOPT_IR_QOPTINTERFACES_TD
#define QUANTOPT_DIALECT_QOPT_IR_QOPTINTERFACES_TD

include "mlir/IR/OpBase.td"

def QuantizableOpInterface : OpInterface<"QuantizableOpInterface"> {
  let cppNamespace = "::mlir::qopt";
  let description = [{
    The extension point for ops the structural matchers do not know. It answers
    the same questions as a matcher (`Analysis/Quantizable.h`): which operand is
    an activation, which one a constant weight, which dimensions of the weight
    are output channels, and how the integer version of the op is built.
  }];
  let methods = [
    InterfaceMethod<"The role of operand `index` in quantization.",
      "::mlir::qopt::OperandRole", "getOperandRole", (ins "unsigned":$index)>,
    InterfaceMethod<[{
      The dimensions of weight operand `index` that are output channels (one
      scale each).
    }], "::llvm::SmallVector<int64_t>", "getWeightChannelDims",
      (ins "unsigned":$index)>,
    InterfaceMethod<[{
      For each weight channel dimension (in the order of
      `getWeightChannelDims`), the dimension of the result it becomes.
    }], "::llvm::SmallVector<int64_t>", "getResultChannelDims", (ins)>,
    InterfaceMethod<[{
      The number of products summed into one result element: bounds the i32
      accumulator.
    }], "int64_t", "getReductionSize", (ins)>,
    InterfaceMethod<[{
      Builds the integer op: same shape, operands are 8-bit integers (`activation`
      is u8 when `activationUnsigned`), the result is the exact i32 accumulator.
      Returns null and emits an error where the op has no integer form.
    }], "::mlir::Value", "buildIntegerAccumulator",
      (ins "::mlir::OpBuilder &":$builder, "::mlir::Value":$activation,
           "bool":$activationUnsigned, "::mlir::Value":$weight)>
  ];
}

#endif // QUANTOPT_DIALECT_QOPT_IR_QOPTINTERFACES_TD

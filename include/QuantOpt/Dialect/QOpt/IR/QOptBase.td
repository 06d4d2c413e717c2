//===- QOptBase.td - The qopt dialect ---*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_DIALECT_QOPT_IR_QOPTBASE_TD
#define QUANTOPT_DIALECT_QOPT_IR_QOPTBASE_TD

include "mlir/IR/OpBase.td"

def QOpt_Dialect : Dialect {
  let name = "qopt";
  let cppNamespace = "::mlir::qopt";
  let summary = "What quantization knows about a value, between float and integer";
  let description = [{
    The dialect holds what upstream has no op for: observers that carry the
    statistics and the agreed type of an edge, anchors of multi-op idioms, and
    quantization with run-time scales. Static quantization itself is upstream's
    `quant.qcast` and `quant.dcast`, contractions are upstream `linalg`. No op of
    this dialect is left in integer form.
  }];
  let useDefaultAttributePrinterParser = 1;
  let dependentDialects = ["::mlir::quant::QuantDialect"];
}

#endif // QUANTOPT_DIALECT_QOPT_IR_QOPTBASE_TD

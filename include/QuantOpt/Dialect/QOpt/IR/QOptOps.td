//===- QOptOps.td - Operations of the qopt dialect ---*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_DIALECT_QOPT_IR_QOPTOPS_TD
#define QUANTOPT_DIALECT_QOPT_IR_QOPTOPS_TD

include "QuantOpt/Dialect/QOpt/IR/QOptAttrs.td"
include "QuantOpt/Dialect/QOpt/IR/QOptBase.td"
include "QuantOpt/Dialect/QOpt/IR/QOptKernelOps.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class QOpt_Op<string mnemonic, list<Trait> traits = []>
    : Op<QOpt_Dialect, mnemonic, traits>;

def QOpt_ObserveOp : QOpt_Op<"observe", [Pure, SameOperandsAndResultType]> {
  let summary = "An edge that may become integer, and all that is known of it";
  let description = [{
    An identity on a float tensor. `qopt-annotate` inserts it with a `name`,
    `qopt-calibrate` adds `stats`, `qopt-propagate-scales` adds the agreed
    `type`, `qopt-quantize` replaces it by `quant.qcast` and `quant.dcast` (or by
    a dynamic quantization where there are no statistics). `channelMaxima` is the
    largest magnitude in each channel that the readers' weights tell apart,
    where calibration has seen them.

    A `type` without `stats` is the producer's, of a model that came quantized: it
    is final. `divide` says that the producer divides by the scale (ONNX) where
    others multiply by its reciprocal.

    ```mlir
    %1 = qopt.observe %0 {name = "conv_0:0",
           stats = #qopt.stats<min = -1.25, max = 3.5, count = 6422528,
                               nonfinite = 0, candidates = []>,
           type = !quant.uniform<i8:f32, 2.750000e-02>} : tensor<1x56x56x64xf32>
    ```
  }];
  let arguments = (ins AnyRankedTensor:$input, StrAttr:$name,
                       OptionalAttr<QOpt_StatsAttr>:$stats,
                       OptionalAttr<TypeAttr>:$type,
                       OptionalAttr<DenseF32ArrayAttr>:$channelMaxima,
                       UnitAttr:$divide);
  let builders = [
    OpBuilder<(ins "::mlir::Value":$input, "::llvm::StringRef":$name), [{
      build($_builder, $_state, input.getType(), input,
            $_builder.getStringAttr(name), StatsAttr(), ::mlir::TypeAttr(),
            ::mlir::DenseF32ArrayAttr(), ::mlir::UnitAttr());
    }]>
  ];
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$input attr-dict `:` type($input)";
  let hasVerifier = 1;
}

def QOpt_DynamicQuantizeOp : QOpt_Op<"dynamic_quantize", [Pure]> {
  let summary = "Symmetric s8 quantization with a scale computed at run time";
  let description = [{
    `scale = max|x| / 127` over the whole tensor or over each row (all dimensions
    but the last), `quantized = Q_mul(x; 1/scale, 0)`: docs/Numerics.md, "Dynamic
    quantization".

    ```mlir
    %q, %s = qopt.dynamic_quantize %x {per = #qopt<granularity row>}
        : tensor<4x8xf32> -> tensor<4x8xi8>, tensor<4xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input,
                       QOpt_GranularityAttr:$per);
  let results = (outs RankedTensorOf<[I8]>:$quantized,
                      RankedTensorOf<[F32]>:$scale);
  let assemblyFormat =
      "$input attr-dict `:` type($input) `->` type($quantized) `,` type($scale)";
  let hasVerifier = 1;
}

def QOpt_DynamicDequantizeOp : QOpt_Op<"dynamic_dequantize", [Pure]> {
  let summary = "The real values of a dynamically quantized tensor";
  let description = [{
    `f32(quantized) * scale`: the QDQ form's counterpart of `quant.dcast` for
    scales that are run-time values.

    ```mlir
    %y = qopt.dynamic_dequantize %q, %s {per = #qopt<granularity row>}
        : tensor<4x8xi8>, tensor<4xf32> -> tensor<4x8xf32>
    ```
  }];
  let arguments = (ins RankedTensorOf<[I8]>:$quantized,
                       RankedTensorOf<[F32]>:$scale,
                       QOpt_GranularityAttr:$per);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $quantized `,` $scale attr-dict `:` type($quantized) `,` type($scale)
    `->` type($result)
  }];
  let hasVerifier = 1;
}

def QOpt_CompositeOp : QOpt_Op<"composite",
    [IsolatedFromAbove, RecursiveMemoryEffects, SingleBlock]> {
  let summary = "A named multi-op idiom around its original ops";
  let description = [{
    Raised in import (softmax, layer norm, GELU, ...): an anchor for names,
    policy, report and kernels. The region holds the original float ops, its
    arguments are the operands, so that inlining it is always legal.

    ```mlir
    %1 = qopt.composite "relu" (%0) {
    ^bb0(%x: tensor<4xf32>):
      ...
      qopt.yield %y : tensor<4xf32>
    } : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins StrAttr:$idiom, Variadic<AnyType>:$inputs);
  let results = (outs Variadic<AnyType>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $idiom `(` $inputs `)` $body attr-dict `:` functional-type($inputs, $results)
  }];
  let hasRegionVerifier = 1;
}

def QOpt_YieldOp : QOpt_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let summary = "Ends the region of a qopt op";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

#endif // QUANTOPT_DIALECT_QOPT_IR_QOPTOPS_TD

//===- QOptAttrs.td - Attributes of the qopt dialect ---*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_DIALECT_QOPT_IR_QOPTATTRS_TD
#define QUANTOPT_DIALECT_QOPT_IR_QOPTATTRS_TD

include "QuantOpt/Dialect/QOpt/IR/QOptBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

//===----------------------------------------------------------------------===//
// Enums
//===----------------------------------------------------------------------===//

def QOpt_Storage : I32EnumAttr<"Storage",
    "how real values of an activation map to 8-bit integers", [
      I32EnumAttrCase<"S8", 0, "s8">,
      I32EnumAttrCase<"U8", 1, "u8">,
      I32EnumAttrCase<"U8Asymmetric", 2, "u8_asymmetric">
    ]> {
  let cppNamespace = "::mlir::qopt";
  let description = [{
    `s8`: symmetric, zero point 0. `u8`: one-sided, zero point 0.
    `u8_asymmetric`: any range that contains 0, with a zero point.
  }];
}

def QOpt_Method : I32EnumAttr<"Method", "how a range was derived from statistics", [
      I32EnumAttrCase<"Max", 0, "max">,
      I32EnumAttrCase<"Percentile", 1, "percentile">,
      I32EnumAttrCase<"Entropy", 2, "entropy">,
      I32EnumAttrCase<"MSE", 3, "mse">,
      I32EnumAttrCase<"Auto", 4, "auto">
    ]> {
  let cppNamespace = "::mlir::qopt";
}

def QOpt_Granularity : I32EnumAttr<"Granularity",
    "how many scales a dynamically quantized value has", [
      I32EnumAttrCase<"Tensor", 0, "tensor">,
      I32EnumAttrCase<"Row", 1, "row">
    ]> {
  let cppNamespace = "::mlir::qopt";
  let genSpecializedAttr = 0;
}
def QOpt_GranularityAttr : EnumAttr<QOpt_Dialect, QOpt_Granularity, "granularity">;

def QOpt_GemmKind : I32EnumAttr<"GemmKind", "which kernel family computes a gemm", [
      I32EnumAttrCase<"Mma", 0, "mma">,
      I32EnumAttrCase<"Dp4a", 1, "dp4a">,
      I32EnumAttrCase<"Simt", 2, "simt">
    ]> {
  let cppNamespace = "::mlir::qopt";
  let description = [{
    `mma`: 8-bit tensor-core tiles (mma.sync m16n8k32). `dp4a`: 8-bit dot products
    for few rows. `simt`: f32 multiply-adds.
  }];
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

class QOpt_Attr<string name, string attrMnemonic>
    : AttrDef<QOpt_Dialect, name> {
  let mnemonic = attrMnemonic;
}

def QOpt_CandidateAttr : QOpt_Attr<"Candidate", "candidate"> {
  let summary = "One way to quantize an observed value";
  let description = [{
    The limits a calibration method proposes for one storage kind, and what to
    expect of them:
    - `error`: mean squared difference to the real values, in squared real units;
    - `clipped`: the share of values outside of the limits;
    - `cost`: what the differences do to the results of the ops that read the
      edge, relative to those results; comparable between the candidates of one
      edge. Equal to `error` where nothing is known of the readers.

    Example: `#qopt.candidate<u8, max, min = 0.0, max = 3.5, error = 1.5e-05,
    clipped = 0.0, cost = 2.0e-03>`; `clipped` may be left out where it is 0,
    `cost` where it is the error.
  }];
  let parameters = (ins "::mlir::qopt::Storage":$storage,
                        "::mlir::qopt::Method":$method,
                        "::mlir::qopt::Real":$min, "::mlir::qopt::Real":$max,
                        "::mlir::qopt::Real":$error,
                        "::mlir::qopt::Real":$clipped,
                        "::mlir::qopt::Real":$cost);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def QOpt_StatsAttr : QOpt_Attr<"Stats", "stats"> {
  let summary = "What calibration saw on an edge";
  let description = [{
    Exact minimum and maximum over all finite observed values but sentinels
    (docs/Numerics.md, "Sentinels"), the number of observed values, of NaN and
    infinite ones and of sentinels (may be left out where it is 0), and one
    candidate per storage kind and method: all that scale propagation needs.

    Example:
    `#qopt.stats<min = -1.25, max = 3.5, count = 64, nonfinite = 0, candidates = [...]>`
  }];
  let parameters = (ins "::mlir::qopt::Real":$min, "::mlir::qopt::Real":$max,
                        "int64_t":$count,
                        "int64_t":$nonFinite, "int64_t":$sentinels,
                        ArrayRefParameter<"CandidateAttr">:$candidates);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def QOpt_GemmConfigAttr : QOpt_Attr<"GemmConfig", "gemm_config"> {
  let summary = "How a gemm is cut into blocks, warps and stages";
  let description = [{
    Chosen by `qopt-select-configs` or given by hand; data only, the kernel
    builders check that they can realize it.

    - `mma`: a block computes `block_m x block_n` in steps of `block_k` bytes along
      K; a warp computes `warp_m x warp_n` of it; `stages` tiles are in flight.
    - `dp4a`: a block computes `block_m` rows (at most 16) by `block_n` columns; a
      warp owns `warp_n` columns at a time (`warp_m` = `block_m`) and steps
      `block_k` bytes along K (a multiple of 512: 16 bytes per lane).
    - `simt`: as `mma` with `warp_m x warp_n` results per thread; `block_k` counts
      f32 elements.

    `split_k` blocks share the K range of one tile; their exact i32 sums are added
    in a workspace, the last one runs the epilogue. 1 except for `mma`.

    Example: `#qopt.gemm_config<mma, block = [128, 256, 64], warp = [64, 64],
    stages = 4, split_k = 1>`
  }];
  let parameters = (ins "::mlir::qopt::GemmKind":$kind,
                        "int64_t":$blockM, "int64_t":$blockN, "int64_t":$blockK,
                        "int64_t":$warpM, "int64_t":$warpN,
                        "int64_t":$stages, "int64_t":$splitK);
  let assemblyFormat = [{
    `<` $kind `,` `block` `=` `[` $blockM `,` $blockN `,` $blockK `]` `,`
    `warp` `=` `[` $warpM `,` $warpN `]` `,` `stages` `=` $stages `,`
    `split_k` `=` $splitK `>`
  }];
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// Threads of a block.
    int64_t getNumThreads() const;
  }];
}

#endif // QUANTOPT_DIALECT_QOPT_IR_QOPTATTRS_TD

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
    `mma`: tensor-core tiles, 8-bit (mma.sync m16n8k32) or f16 and bf16
    (m16n8k16). `dp4a`: 8-bit dot products for few rows. `simt`: f32
    multiply-adds.
  }];
}

def QOpt_LoopsKind : I32EnumAttr<"LoopsKind", "which kernel family computes loops", [
      I32EnumAttrCase<"Threads", 0, "threads">,
      I32EnumAttrCase<"Rows", 1, "rows">,
      I32EnumAttrCase<"Depthwise", 2, "depthwise">
    ]> {
  let cppNamespace = "::mlir::qopt";
  let description = [{
    `threads`: a thread per point of the parallel loops. `rows`: threads share a
    row, the reduced loops, and keep it in registers. `depthwise`: 8-bit dot
    products along the taps of one channel.
  }];
}

def QOpt_ReduceKind : I32EnumAttr<"ReduceKind", "what combines elements", [
      I32EnumAttrCase<"AddF", 0, "addf">,
      I32EnumAttrCase<"AddI", 1, "addi">,
      I32EnumAttrCase<"MaximumF", 2, "maximumf">,
      I32EnumAttrCase<"MinimumF", 3, "minimumf">,
      I32EnumAttrCase<"MaxNumF", 4, "maxnumf">,
      I32EnumAttrCase<"MinNumF", 5, "minnumf">,
      I32EnumAttrCase<"MaxSI", 6, "maxsi">,
      I32EnumAttrCase<"MinSI", 7, "minsi">,
      I32EnumAttrCase<"MaxUI", 8, "maxui">,
      I32EnumAttrCase<"MinUI", 9, "minui">,
      I32EnumAttrCase<"OrI", 10, "ori">,
      I32EnumAttrCase<"AndI", 11, "andi">
    ]> {
  let cppNamespace = "::mlir::qopt";
  let genSpecializedAttr = 0;
}
def QOpt_ReduceKindAttr : EnumAttr<QOpt_Dialect, QOpt_ReduceKind, "reduce_kind">;

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

    - `mma`: a block computes `block_m x block_n` in steps of `block_k` bytes
      (8-bit or 16-bit elements) along K; a warp computes `warp_m x warp_n` of it; `stages` tiles are in flight.
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

def QOpt_LoopsConfigAttr : QOpt_Attr<"LoopsConfig", "loops_config"> {
  let summary = "How loops are laid over threads";
  let description = [{
    Chosen by `qopt-select-configs` or given by hand.

    - `threads`: a thread computes `lanes` consecutive points of the innermost
      parallel loop.
    - `rows`: `row_threads` threads (a power of two; whole warps, or a part of
      one) share a row; each holds `items` groups of `lanes` consecutive elements
      in registers.
    - `depthwise`: a thread computes `lanes` channels of `items` neighbouring
      points.

    `threads` are those of a block.

    Example: `#qopt.loops_config<rows, threads = 256, row_threads = 32, lanes = 8,
    items = 3>`
  }];
  let parameters = (ins "::mlir::qopt::LoopsKind":$kind, "int64_t":$threads,
                        "int64_t":$rowThreads, "int64_t":$lanes,
                        "int64_t":$items);
  let assemblyFormat = [{
    `<` $kind `,` `threads` `=` $threads `,` `row_threads` `=` $rowThreads `,`
    `lanes` `=` $lanes `,` `items` `=` $items `>`
  }];
  let genVerifyDecl = 1;
}

def QOpt_WindowAttr : QOpt_Attr<"Window", "window"> {
  let summary = "Rows of a matrix as windows of an image";
  let description = [{
    Makes a matrix product a convolution. Row `(n, p, q)` of the matrix, p < P and
    q < Q of `out`, holds for each tap `(r, s)` of `kernel` the channels of the
    pixel `(n, h, w)` with

        h * input_dilation_h = p * stride_h + r * dilation_h - pad_h

    and w likewise; `pad_value` for each channel where there is no such pixel.
    The last `pad` needs no bound of its own: `out` says how many windows there
    are. With `groups` > 1 each group of channels is multiplied with its group of
    the result's columns only.

    Example: `#qopt.window<kernel = [3, 3], out = [28, 28], stride = [2, 2],
    dilation = [1, 1], pad = [1, 1], input_dilation = [1, 1], groups = 1,
    pad_value = 0>`
  }];
  let parameters = (ins "int64_t":$kernelH, "int64_t":$kernelW,
                        "int64_t":$outH, "int64_t":$outW,
                        "int64_t":$strideH, "int64_t":$strideW,
                        "int64_t":$dilationH, "int64_t":$dilationW,
                        "int64_t":$padH, "int64_t":$padW,
                        "int64_t":$inputDilationH, "int64_t":$inputDilationW,
                        "int64_t":$groups, "int64_t":$padValue);
  let assemblyFormat = [{
    `<` `kernel` `=` `[` $kernelH `,` $kernelW `]` `,`
    `out` `=` `[` $outH `,` $outW `]` `,`
    `stride` `=` `[` $strideH `,` $strideW `]` `,`
    `dilation` `=` `[` $dilationH `,` $dilationW `]` `,`
    `pad` `=` `[` $padH `,` $padW `]` `,`
    `input_dilation` `=` `[` $inputDilationH `,` $inputDilationW `]` `,`
    `groups` `=` $groups `,` `pad_value` `=` $padValue `>`
  }];
  let genVerifyDecl = 1;
}

#endif // QUANTOPT_DIALECT_QOPT_IR_QOPTATTRS_TD

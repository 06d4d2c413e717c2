//===- QOptKernelOps.td - Ops of the kernels phase ---*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Kernel ops say what one GPU kernel computes (on tensors, then on buffers);
// device ops are instructions inside a kernel for which upstream has no op.
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_DIALECT_QOPT_IR_QOPTKERNELOPS_TD
#define QUANTOPT_DIALECT_QOPT_IR_QOPTKERNELOPS_TD

include "QuantOpt/Dialect/QOpt/IR/QOptAttrs.td"
include "QuantOpt/Dialect/QOpt/IR/QOptBase.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class QOpt_KernelOp<string mnemonic, list<Trait> traits = []>
    : Op<QOpt_Dialect, mnemonic, traits>;

//===----------------------------------------------------------------------===//
// Kernel ops
//===----------------------------------------------------------------------===//

def QOpt_GemmOp : QOpt_KernelOp<"gemm", [
    DestinationStyleOpInterface, IsolatedFromAbove,
    SingleBlock, DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Matrix product with an elementwise epilogue, one GPU kernel";
  let description = [{
    `result[b, m, n] = epilogue(sum_k a[b, m, k] * b[b, n, k])`. The operands are
    2-D, or have one or two leading batch dims; `b` may be 2-D where `a` is not
    (shared). Both are i8 (unsigned where `a_unsigned`, `b_unsigned` say so) with
    an i32 accumulator; or both f32 with an f32 accumulator, summed in increasing k
    by `fma` from 0; or both f16 or bf16 with an f32 accumulator, in any order.

    `operand_maps` gives a, b and the result other layouts: three maps from
    (batch..., m, k), (batch..., n, k) and (batch..., m, n) to the dims of the
    operand, in any order and without some batch dims for a and b; the last dim is
    k for a and b and n for the result.

    With a `window`, `a` is an image [images, height, width, channels] and its rows
    are windows of it (#qopt.window): a convolution. The result is [M, N] with M =
    images * P * Q, `b` is [N, K] with K = R * S * channels / groups.

    The result of `qopt.pack` may have more rows (N' >= N) and a longer K (K' >= K)
    than needed; the rest is zero.

    The region computes one result element from the accumulator and one element
    of each epilogue operand. `epilogue_maps` say which: maps from (m, n), or
    (batch..., m, n), to a subset of these dims in order. A per-channel operand may
    have N' >= N elements.

    `init` gives the destination only; its contents are not read.

    ```mlir
    %y = qopt.gemm ins(%a, %w : tensor<128x768xi8>, tensor<3072x768xi8>)
        epilogue(%m, %r : tensor<3072xf32>, tensor<128xf32>)
        outs(%init : tensor<128x3072xi8>) {
    ^bb0(%acc: i32, %m0: f32, %r0: f32):
      ...
      qopt.yield %q : i8
    } {epilogue_maps = [affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m)>]}
        -> tensor<128x3072xi8>
    ```
  }];
  let arguments = (ins AnyShaped:$a, AnyShaped:$b,
                       Variadic<AnyShaped>:$epilogueInputs, AnyShaped:$init,
                       AffineMapArrayAttr:$epilogue_maps,
                       UnitAttr:$a_unsigned, UnitAttr:$b_unsigned,
                       OptionalAttr<AffineMapArrayAttr>:$operand_maps,
                       OptionalAttr<QOpt_WindowAttr>:$window,
                       OptionalAttr<StrAttr>:$name,
                       OptionalAttr<QOpt_GemmConfigAttr>:$config);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    `ins` `(` $a `,` $b `:` type($a) `,` type($b) `)`
    (`epilogue` `(` $epilogueInputs^ `:` type($epilogueInputs) `)`)?
    `outs` `(` $init `:` type($init) `)` $body attr-dict
    (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    MutableOperandRange getDpsInitsMutable() { return getInitMutable(); }

    /// Extents. The batch is the product of the batch dims, 1 without any.
    int64_t getBatch();
    int64_t getM();
    int64_t getN();
    int64_t getK();
    /// Extents of the batch dims: none, one or two.
    SmallVector<int64_t> getBatchShape();
    /// [batch..., M, N], whatever the layout of the result.
    SmallVector<int64_t> getLogicalShape();
    /// The maps of `operand_maps`, or what they are without: (batch..., m, k),
    /// (batch..., n, k) and (batch..., m, n) to the dims of the operand.
    AffineMap getMapA();
    AffineMap getMapB();
    AffineMap getMapD();
    bool isBatched();
    /// True for i8 operands, false for floats.
    bool isInteger();
    Block *getEpilogue() { return &getBody().front(); }
  }];
}

def QOpt_LoopsOp : QOpt_KernelOp<"loops", [
    DestinationStyleOpInterface, IsolatedFromAbove, SingleBlock,
    AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MemoryEffectsOpInterface>]> {
  let summary = "Elementwise code with reductions inside, one GPU kernel";
  let description = [{
    As `linalg.generic`, but the body computes with whole reductions: it is one
    element's program, and `qopt.reduce` in it combines a value over all points of
    the reduced loops. What follows may be per element again: a softmax is a
    maximum, a sum and a division in one body.

    `extents` are those of the loops, `reductions` says which are reduced,
    `indexing_maps` map loops to the dims of inputs and inits, in this order. The
    inits' maps are projected permutations: over all loops, or over the parallel
    ones for what does not depend on reduced ones. Inits give destinations only.

    `pads` has an entry per input: unit, or a constant that is read where the
    input's subscripts are outside of it.

    ```mlir
    %p = qopt.loops ins(%x : tensor<64x128xf32>) outs(%init : tensor<64x128xf32>) {
    ^bb0(%x0: f32):
      %max = qopt.reduce maximumf %x0 : f32
      %d = arith.subf %x0, %max : f32
      %e = math.exp %d : f32
      %sum = qopt.reduce addf %e : f32
      %y = arith.divf %e, %sum : f32
      qopt.yield %y : f32
    } {extents = array<i64: 64, 128>, reductions = array<i1: false, true>,
       indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>]}
        -> tensor<64x128xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyShaped>:$inputs, Variadic<AnyShaped>:$inits,
                       AffineMapArrayAttr:$indexing_maps,
                       DenseI64ArrayAttr:$extents,
                       DenseBoolArrayAttr:$reductions,
                       OptionalAttr<ArrayAttr>:$pads,
                       OptionalAttr<StrAttr>:$name,
                       OptionalAttr<QOpt_LoopsConfigAttr>:$config);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    (`ins` `(` $inputs^ `:` type($inputs) `)`)?
    `outs` `(` $inits `:` type($inits) `)` $body attr-dict
    (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    MutableOperandRange getDpsInitsMutable() { return getInitsMutable(); }

    Block *getProgram() { return &getBody().front(); }
    /// The map of an input, or of init number `index - getInputs().size()`.
    AffineMap getMap(unsigned index);
    /// What input `index` reads outside of it; null if it never does.
    TypedAttr getPad(unsigned index);
    /// Values of the body that differ between points of the reduced loops; the
    /// others are the same at all of them.
    ::llvm::DenseSet<::mlir::Value> getVarying();
  }];
}

def QOpt_ReduceOp : QOpt_KernelOp<"reduce", [
    Pure, SameOperandsAndResultType, HasParent<"LoopsOp">]> {
  let summary = "A value combined over all points of the reduced loops";
  let description = [{
    In the body of `qopt.loops`. `addf` on f32 has the fixed order of
    docs/Numerics.md ("Sums of floats"), points counted row-major over the reduced
    loops; the other kinds do not depend on an order.
  }];
  let arguments = (ins QOpt_ReduceKindAttr:$kind, AnyType:$value);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$kind $value attr-dict `:` type($value)";
}

def QOpt_PackOp : QOpt_KernelOp<"pack", [Pure]> {
  let summary = "A constant laid out for a kernel, once, when a model is loaded";
  let description = [{
    `result[i0, i1, ...] = source[j0, j1, ...]` with `j[permutation[d]] = i[d]`,
    where that is in bounds, else zero. The source is a constant. A strided copy
    in the launch table; the artifact stores the source only.

    ```mlir
    %p = qopt.pack %w {permutation = array<i64: 1, 0>}
        : tensor<64x96xi8> -> tensor<128x64xi8>
    ```
  }];
  let arguments = (ins AnyShaped:$source, DenseI64ArrayAttr:$permutation);
  let results = (outs AnyShaped:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Device ops
//===----------------------------------------------------------------------===//

def QOpt_CvtRniOp : QOpt_KernelOp<"cvt_rni", [Pure]> {
  let summary = "f32 to i32, half to even, saturating, NaN to 0";
  let description = "`cvt.rni.s32.f32`.";
  let arguments = (ins F32:$input);
  let results = (outs I32:$result);
  let assemblyFormat = "$input attr-dict";
}

def QOpt_CvtPackSatOp : QOpt_KernelOp<"cvt_pack_sat", [Pure]> {
  let summary = "Two i32 saturated to 8 bits, packed below 16 bits of another";
  let description = [{
    `sat8(low) | sat8(high) << 8 | (rest & 0xffff) << 16`, with sat8 to s8, or to
    u8 where `is_unsigned`: `cvt.pack.sat.{s8,u8}.s32.b32 d, high, low, rest`.
    Four values: `low = pack(v3, v2, 0)`, then `pack(v1, v0, low)`.
  }];
  let arguments = (ins I32:$high, I32:$low, I32:$rest, UnitAttr:$is_unsigned);
  let results = (outs I32:$result);
  let assemblyFormat = "$high `,` $low `,` $rest attr-dict";
}

#endif // QUANTOPT_DIALECT_QOPT_IR_QOPTKERNELOPS_TD

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
    2-D, or 3-D with a leading batch; `b` may be 2-D where `a` is 3-D (shared).
    Both are i8 (unsigned where `a_unsigned`, `b_unsigned` say so) with an i32
    accumulator, or both f32 with an f32 accumulator, summed in increasing k by
    `fma` from 0.

    The result of `qopt.pack` may have more rows (N' >= N) and a longer K (K' >= K)
    than needed; the rest is zero.

    The region computes one result element from the accumulator and one element
    of each epilogue operand. `epilogue_maps` say which: maps from (m, n), or
    (b, m, n), to a subset of these dims in order. A per-channel operand may have
    N' >= N elements.

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

    /// Extents. The batch is 1 for 2-D operands.
    int64_t getBatch();
    int64_t getM();
    int64_t getN();
    int64_t getK();
    bool isBatched();
    /// True for i8 operands, false for f32.
    bool isInteger();
    Block *getEpilogue() { return &getBody().front(); }
  }];
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

//===- TestQOps.td - A third-party dialect with a quantizable op -*- tablegen -*-===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
#ifndef QUANTOPT_TEST_TESTQOPS_TD
#define QUANTOPT_TEST_TESTQOPS_TD

include "QuantOpt/Dialect/QOpt/IR/QOptInterfaces.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def TestQ_Dialect : Dialect {
  let name = "test_q";
  let cppNamespace = "::test_q";
}

def TestQ_DenseOp : Op<TestQ_Dialect, "dense", [
    Pure, DeclareOpInterfaceMethods<QuantizableOpInterface>]> {
  let summary = "x · transpose(w), which no structural matcher knows";
  let description = [{
    `no_integer_form` makes an op that promises an integer form it cannot build.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$x, RankedTensorOf<[F32]>:$w,
                       UnitAttr:$no_integer_form);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = [{
    $x `,` $w attr-dict `:` type($x) `,` type($w) `->` type($result)
  }];
}

def TestQ_IntegerDenseOp : Op<TestQ_Dialect, "integer_dense", [Pure]> {
  let summary = "The i32 accumulator of a dense op with 8-bit operands";
  let arguments = (ins RankedTensorOf<[I8]>:$x, RankedTensorOf<[I8]>:$w,
                       UnitAttr:$unsigned_x);
  let results = (outs RankedTensorOf<[I32]>:$result);
  let assemblyFormat = [{
    $x `,` $w attr-dict `:` type($x) `,` type($w) `->` type($result)
  }];
}

#endif // QUANTOPT_TEST_TESTQOPS_TD

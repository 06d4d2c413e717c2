// Both spellings are executed, with bytes of 128 and above.
// RUN: quant-opt %s --qopt-specialize-integer -o %t && FileCheck %s --check-prefix=NAMED --input-file=%t
// RUN: mlir-opt %t --pass-pipeline='builtin.module(one-shot-bufferize{bufferize-function-boundaries=1 function-boundary-type-conversion=identity-layout-map},func.func(convert-linalg-to-loops),expand-strided-metadata,lower-affine,convert-scf-to-cf,convert-arith-to-llvm,convert-index-to-llvm,convert-cf-to-llvm,finalize-memref-to-llvm,convert-func-to-llvm,reconcile-unrealized-casts)' \
// RUN:   | mlir-runner -e main -entry-point-result=void -shared-libs=%llvm_tools/../lib/libmlir_c_runner_utils.so | FileCheck %s

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

func.func private @printI64(i64)
func.func private @printNewline()

func.func @print(%t: tensor<1x1xi32>) {
  %c0 = arith.constant 0 : index
  %0 = tensor.extract %t[%c0, %c0] : tensor<1x1xi32>
  %1 = arith.extsi %0 : i32 to i64
  call @printI64(%1) : (i64) -> ()
  call @printNewline() : () -> ()
  return
}

// NAMED-LABEL: @unsigned
// NAMED: linalg.generic
func.func @unsigned(%x: tensor<1x2xi8>, %w: tensor<2x1xi8>, %z: tensor<1x1xi32>) -> tensor<1x1xi32> {
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<1x2xi8>, tensor<2x1xi8>) outs(%z : tensor<1x1xi32>) {
  ^bb0(%p: i8, %q: i8, %out: i32):
    %1 = arith.extui %p : i8 to i32
    %2 = arith.extsi %q : i8 to i32
    %3 = arith.muli %1, %2 : i32
    %4 = arith.addi %out, %3 : i32
    linalg.yield %4 : i32
  } -> tensor<1x1xi32>
  return %0 : tensor<1x1xi32>
}

// NAMED-LABEL: @signed
// NAMED: linalg.matmul
func.func @signed(%x: tensor<1x2xi8>, %w: tensor<2x1xi8>, %z: tensor<1x1xi32>) -> tensor<1x1xi32> {
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<1x2xi8>, tensor<2x1xi8>) outs(%z : tensor<1x1xi32>) {
  ^bb0(%p: i8, %q: i8, %out: i32):
    %1 = arith.extsi %p : i8 to i32
    %2 = arith.extsi %q : i8 to i32
    %3 = arith.muli %1, %2 : i32
    %4 = arith.addi %out, %3 : i32
    linalg.yield %4 : i32
  } -> tensor<1x1xi32>
  return %0 : tensor<1x1xi32>
}

// 200 * 3 + 255 * -1, then the same bytes with sign: -56 * 3 + -1 * -1.
// CHECK: 345
// CHECK-NEXT: -167
func.func @main() {
  %x = arith.constant dense<[[200, 255]]> : tensor<1x2xi8>
  %w = arith.constant dense<[[3], [-1]]> : tensor<2x1xi8>
  %z = arith.constant dense<0> : tensor<1x1xi32>
  %0 = call @unsigned(%x, %w, %z) : (tensor<1x2xi8>, tensor<2x1xi8>, tensor<1x1xi32>) -> tensor<1x1xi32>
  call @print(%0) : (tensor<1x1xi32>) -> ()
  %1 = call @signed(%x, %w, %z) : (tensor<1x2xi8>, tensor<2x1xi8>, tensor<1x1xi32>) -> tensor<1x1xi32>
  call @print(%1) : (tensor<1x1xi32>) -> ()
  return
}

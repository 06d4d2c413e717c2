// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-prepare-kernels)' --split-input-file | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>

// What a gemm computes is decided: nothing moves into it or out of it.
// CHECK-LABEL: func.func @main
// CHECK:         %[[P:.+]] = qopt.pack
// CHECK:         %[[Q:.+]] = linalg.generic
// CHECK:         %[[G:.+]] = qopt.gemm ins(%[[Q]], %[[P]] :
// CHECK:         ^bb0(%[[ACC:.+]]: i32):
// CHECK-NEXT:      %[[F:.+]] = arith.sitofp %[[ACC]]
// CHECK-NEXT:      qopt.yield %[[F]]
// CHECK:         linalg.generic
// CHECK-SAME:      ins(%[[G]] :
// CHECK:           arith.mulf
func.func @main(%x: tensor<4x16xf32>) -> tensor<4x8xf32> {
  %w = arith.constant dense<[[1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0], [9, 9, 9, 9, 9, 9, 9, 9]]> : tensor<16x8xi8>
  %p = qopt.pack %w {permutation = array<i64: 1, 0>} : tensor<16x8xi8> -> tensor<8x16xi8>
  %e = tensor.empty() : tensor<4x16xi8>
  %q = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x16xf32>) outs(%e : tensor<4x16xi8>) {
  ^bb0(%in: f32, %out: i8):
    %0 = arith.fptosi %in : f32 to i8
    linalg.yield %0 : i8
  } -> tensor<4x16xi8>
  %init = tensor.empty() : tensor<4x8xf32>
  %g = qopt.gemm ins(%q, %p : tensor<4x16xi8>, tensor<8x16xi8>) outs(%init : tensor<4x8xf32>) {
  ^bb0(%acc: i32):
    %0 = arith.sitofp %acc : i32 to f32
    qopt.yield %0 : f32
  } {epilogue_maps = []} -> tensor<4x8xf32>
  %r = linalg.mul ins(%g, %g : tensor<4x8xf32>, tensor<4x8xf32>)
                  outs(%init : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %r : tensor<4x8xf32>
}

// -----

// An expensive producer that two ops read is computed once.
// CHECK-LABEL: func.func @main
// CHECK-COUNT-1: math.sqrt
// CHECK-NOT:     math.sqrt
func.func @main(%x: tensor<4x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %e = tensor.empty() : tensor<4x8xf32>
  %0 = linalg.sqrt ins(%x : tensor<4x8xf32>) outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = linalg.add ins(%0, %x : tensor<4x8xf32>, tensor<4x8xf32>)
                  outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  %2 = linalg.mul ins(%0, %x : tensor<4x8xf32>, tensor<4x8xf32>)
                  outs(%e : tensor<4x8xf32>) -> tensor<4x8xf32>
  return %1, %2 : tensor<4x8xf32>, tensor<4x8xf32>
}

// -----

// A function with no exact expansion stays, for the builder to refuse.
// CHECK-LABEL: func.func @main
// CHECK:         math.sin
func.func @main(%x: tensor<8xf32>) -> tensor<8xf32> {
  %e = tensor.empty() : tensor<8xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%e : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = math.sin %in : f32
    linalg.yield %1 : f32
  } -> tensor<8xf32>
  return %0 : tensor<8xf32>
}

// RUN: quant-opt %s --split-input-file --qopt-select-configs='gemm-config="#qopt.gemm_config<mma, block = [64, 64, 128], warp = [32, 32], stages = 3, split_k = 1>"' | FileCheck %s --check-prefixes=CHECK,MMA
// RUN: quant-opt %s --split-input-file --qopt-select-configs='gemm-config="#qopt.gemm_config<dp4a, block = [4, 32, 512], warp = [4, 4], stages = 1, split_k = 1>"' | FileCheck %s --check-prefixes=CHECK,DP4A

// Constants grow to whole tiles: weights along N and K, what is read per column
// along N (mma only). Constants in another layout keep their permutation.

// CHECK-LABEL: func.func @constants(
// CHECK-SAME:    %[[X:.+]]: tensor<8x100xi8>, %[[ROWS:.+]]: tensor<8xf32>, %[[BIAS:.+]]: tensor<70xf32>)
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<1> : tensor<100x70xi8>
// CHECK-DAG:     %[[S:.+]] = arith.constant dense<2.000000e+00> : tensor<70xf32>
// MMA-NOT:       tensor<70x100xi8>
// MMA-DAG:       %[[B:.+]] = qopt.pack %[[W]] {permutation = array<i64: 1, 0>} : tensor<100x70xi8> -> tensor<128x128xi8>
// MMA-DAG:       %[[S1:.+]] = qopt.pack %[[S]] {permutation = array<i64: 0>} : tensor<70xf32> -> tensor<128xf32>
// MMA:           qopt.gemm ins(%[[X]], %[[B]] : tensor<8x100xi8>, tensor<128x128xi8>) epilogue(%[[S1]], %[[ROWS]], %[[BIAS]] : tensor<128xf32>, tensor<8xf32>, tensor<70xf32>) outs(%{{.+}} : tensor<8x70xf32>)
// MMA:           config = #qopt.gemm_config<mma, block = [64, 64, 128], warp = [32, 32], stages = 3, split_k = 1>
// DP4A:          %[[B:.+]] = qopt.pack %[[W]] {permutation = array<i64: 1, 0>} : tensor<100x70xi8> -> tensor<96x112xi8>
// DP4A:          qopt.gemm ins(%[[X]], %[[B]] : tensor<8x100xi8>, tensor<96x112xi8>) epilogue(%[[S]], %[[ROWS]], %[[BIAS]] : tensor<70xf32>, tensor<8xf32>, tensor<70xf32>)
func.func @constants(%x: tensor<8x100xi8>, %rows: tensor<8xf32>, %bias: tensor<70xf32>) -> tensor<8x70xf32> {
  %w = arith.constant dense<1> : tensor<100x70xi8>
  %s = arith.constant dense<2.0> : tensor<70xf32>
  %b = qopt.pack %w {permutation = array<i64: 1, 0>} : tensor<100x70xi8> -> tensor<70x100xi8>
  %e = tensor.empty() : tensor<8x70xf32>
  %d = qopt.gemm ins(%x, %b : tensor<8x100xi8>, tensor<70x100xi8>) epilogue(%s, %rows, %bias : tensor<70xf32>, tensor<8xf32>, tensor<70xf32>) outs(%e : tensor<8x70xf32>) {
  ^bb0(%acc: i32, %s0: f32, %r0: f32, %b0: f32):
    %0 = arith.sitofp %acc : i32 to f32
    %1 = arith.mulf %r0, %s0 : f32
    %2 = math.fma %0, %1, %b0 : f32
    qopt.yield %2 : f32
  } {epilogue_maps = [affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m)>, affine_map<(m, n) -> (n)>]} -> tensor<8x70xf32>
  return %d : tensor<8x70xf32>
}

// -----

// A batch is not padded, nor is what is computed at run time.
// CHECK-LABEL: func.func @batched(
// CHECK-SAME:    %[[X:.+]]: tensor<2x4x64xi8>, %[[Y:.+]]: tensor<2x5x64xi8>)
// MMA:           %[[B:.+]] = qopt.pack %{{.+}} {permutation = array<i64: 0, 2, 1>} : tensor<2x64x5xi8> -> tensor<2x64x128xi8>
// DP4A:          %[[B:.+]] = qopt.pack %{{.+}} {permutation = array<i64: 0, 2, 1>} : tensor<2x64x5xi8> -> tensor<2x32x64xi8>
// CHECK:         qopt.gemm ins(%[[X]], %[[B]] :
// CHECK:         qopt.gemm ins(%[[X]], %[[Y]] : tensor<2x4x64xi8>, tensor<2x5x64xi8>)
func.func @batched(%x: tensor<2x4x64xi8>, %y: tensor<2x5x64xi8>) -> (tensor<2x4x5xi32>, tensor<2x4x5xi32>) {
  %w = arith.constant dense<1> : tensor<2x64x5xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 2, 1>} : tensor<2x64x5xi8> -> tensor<2x5x64xi8>
  %e = tensor.empty() : tensor<2x4x5xi32>
  %0 = qopt.gemm ins(%x, %b : tensor<2x4x64xi8>, tensor<2x5x64xi8>) outs(%e : tensor<2x4x5xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<2x4x5xi32>
  %1 = qopt.gemm ins(%x, %y : tensor<2x4x64xi8>, tensor<2x5x64xi8>) outs(%e : tensor<2x4x5xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<2x4x5xi32>
  return %0, %1 : tensor<2x4x5xi32>, tensor<2x4x5xi32>
}

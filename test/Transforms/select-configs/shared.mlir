// RUN: quant-opt %s --qopt-select-configs | FileCheck %s

// One constant of two gemms with configurations of their own: two layouts.
// CHECK-LABEL: func.func @shared(
// CHECK:         %[[W:.+]] = arith.constant
// CHECK:         qopt.pack %[[W]] {{.+}} -> tensor<64x128xi8>
// CHECK:         qopt.pack %[[W]] {{.+}} -> tensor<256x64xi8>
// CHECK-NOT:     qopt.pack
// CHECK:         return
func.func @shared(%x: tensor<4x64xi8>) -> (tensor<4x64xi32>, tensor<4x64xi32>) {
  %w = arith.constant dense<1> : tensor<64x64xi8>
  %b = qopt.pack %w {permutation = array<i64: 1, 0>} : tensor<64x64xi8> -> tensor<64x64xi8>
  %e = tensor.empty() : tensor<4x64xi32>
  %0 = qopt.gemm ins(%x, %b : tensor<4x64xi8>, tensor<64x64xi8>) outs(%e : tensor<4x64xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], config = #qopt.gemm_config<mma, block = [64, 64, 128], warp = [32, 32], stages = 3, split_k = 1>} -> tensor<4x64xi32>
  %1 = qopt.gemm ins(%x, %b : tensor<4x64xi8>, tensor<64x64xi8>) outs(%e : tensor<4x64xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], config = #qopt.gemm_config<mma, block = [64, 256, 64], warp = [64, 64], stages = 3, split_k = 1>} -> tensor<4x64xi32>
  return %0, %1 : tensor<4x64xi32>, tensor<4x64xi32>
}

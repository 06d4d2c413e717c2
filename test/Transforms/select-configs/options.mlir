// RUN: quant-opt %s --qopt-select-configs | FileCheck %s --check-prefixes=CHECK,CHOSEN
// RUN: quant-opt %s --qopt-select-configs='target=sm_80' | FileCheck %s --check-prefixes=CHECK,CHOSEN
// RUN: quant-opt %s --qopt-select-configs='target=sm_80 gemm-config="#qopt.gemm_config<simt, block = [32, 32, 32], warp = [2, 2], stages = 1, split_k = 1>"' | FileCheck %s --check-prefixes=CHECK,GIVEN
// RUN: quant-opt %s --qopt-select-configs | quant-opt --qopt-select-configs | FileCheck %s --check-prefixes=CHECK,CHOSEN
// RUN: quant-opt %s --qopt-select-configs=target=sm_90 --remarks-filter=qopt --remark-policy=all -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// The choice, and why, as a remark.
// REMARK: [Analysis] gemm-config | Category:qopt | Remark="kept: 64x64x64 on sm_90: #qopt.gemm_config<mma, block = [64, 64, 64], warp = [32, 32], stages = 2, split_k = 1>: {{[0-9.]+}} us, {{[0-9.]+}} waves, bound by latency"
// REMARK: [Analysis] gemm-config | Category:qopt | Remark="layer: 8192x8192x8192 on sm_90: #qopt.gemm_config<mma, {{.+}}>: {{[0-9.]+}} us, 15.52 waves, bound by {{.+}}"
// REMARK: [Analysis] gemm-config | Category:qopt | Remark="gemm: 2x64x64x32 on sm_90: #qopt.gemm_config<simt, {{.+}}>: {{[0-9.]+}} us, {{[0-9.]+}} waves, bound by latency"

// A configuration that is there stays, unless all get one by the option.
// CHECK-LABEL: func.func @kept(
// CHECK:         config = #qopt.gemm_config<mma, block = [64, 64, 64], warp = [32, 32], stages = 2, split_k = 1>
func.func @kept(%a: tensor<64x64xi8>, %b: tensor<64x64xi8>) -> tensor<64x64xi32> {
  %e = tensor.empty() : tensor<64x64xi32>
  %d = qopt.gemm ins(%a, %b : tensor<64x64xi8>, tensor<64x64xi8>) outs(%e : tensor<64x64xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], name = "kept", config = #qopt.gemm_config<mma, block = [64, 64, 64], warp = [32, 32], stages = 2, split_k = 1>} -> tensor<64x64xi32>
  return %d : tensor<64x64xi32>
}

// CHECK-LABEL: func.func @layer(
// CHECK:         config = #qopt.gemm_config<mma, block = [128, 256, 128], warp = [64, 64], stages = 3, split_k = 1>
func.func @layer(%a: tensor<8192x8192xi8>, %b: tensor<8192x8192xi8>) -> tensor<8192x8192xi32> {
  %e = tensor.empty() : tensor<8192x8192xi32>
  %d = qopt.gemm ins(%a, %b : tensor<8192x8192xi8>, tensor<8192x8192xi8>) outs(%e : tensor<8192x8192xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], name = "layer"} -> tensor<8192x8192xi32>
  return %d : tensor<8192x8192xi32>
}

// CHECK-LABEL: func.func @f32(
// CHOSEN:        config = #qopt.gemm_config<simt, block = [16, 16, 32], warp = [2, 2], stages = 1, split_k = 1>
// GIVEN:         config = #qopt.gemm_config<simt, block = [32, 32, 32], warp = [2, 2], stages = 1, split_k = 1>
func.func @f32(%a: tensor<2x64x32xf32>, %b: tensor<2x64x32xf32>) -> tensor<2x64x64xf32> {
  %e = tensor.empty() : tensor<2x64x64xf32>
  %d = qopt.gemm ins(%a, %b : tensor<2x64x32xf32>, tensor<2x64x32xf32>) outs(%e : tensor<2x64x64xf32>) {
  ^bb0(%acc: f32):
    qopt.yield %acc : f32
  } {epilogue_maps = []} -> tensor<2x64x64xf32>
  return %d : tensor<2x64x64xf32>
}

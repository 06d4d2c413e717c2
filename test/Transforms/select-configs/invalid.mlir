// RUN: not quant-opt %s --qopt-select-configs=target=sm_75 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: not quant-opt %s --qopt-select-configs='gemm-config="42 : i32"' 2>&1 | FileCheck %s --check-prefix=CONFIG
// RUN: not quant-opt %s --qopt-select-configs='gemm-config="#qopt.gemm_config<mma>"' 2>&1 | FileCheck %s --check-prefix=CONFIG
// RUN: quant-opt %s --qopt-select-configs=target=sm_86 --split-input-file --verify-diagnostics

// TARGET: error: unknown target 'sm_75'; known are sm_80, sm_86, sm_87, sm_89, sm_90
// CONFIG: error: gemm-config '{{.+}}' is no #qopt.gemm_config<...>

func.func @shared_memory(%a: tensor<256x256xi8>, %b: tensor<256x256xi8>) -> tensor<256x256xi32> {
  %e = tensor.empty() : tensor<256x256xi32>
  // expected-error @below {{configuration #qopt.gemm_config<mma, block = [128, 256, 128], warp = [64, 64], stages = 3, split_k = 1> needs 147456 bytes of shared memory, but a block of sm_86 has 101376; use fewer stages or smaller tiles}}
  %d = qopt.gemm ins(%a, %b : tensor<256x256xi8>, tensor<256x256xi8>) outs(%e : tensor<256x256xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], config = #qopt.gemm_config<mma, block = [128, 256, 128], warp = [64, 64], stages = 3, split_k = 1>} -> tensor<256x256xi32>
  return %d : tensor<256x256xi32>
}

// -----

func.func @registers(%a: tensor<256x256xi8>, %b: tensor<256x256xi8>) -> tensor<256x256xi32> {
  %e = tensor.empty() : tensor<256x256xi32>
  // expected-error @below {{needs about 376 registers for each of 128 threads, more than sm_86 has; use smaller tiles per warp}}
  %d = qopt.gemm ins(%a, %b : tensor<256x256xi8>, tensor<256x256xi8>) outs(%e : tensor<256x256xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], config = #qopt.gemm_config<mma, block = [128, 256, 64], warp = [64, 128], stages = 3, split_k = 1>} -> tensor<256x256xi32>
  return %d : tensor<256x256xi32>
}

// -----

func.func @buffers(%a: memref<4x8xi8>, %b: memref<6x8xi8>, %d: memref<4x6xi32>) {
  // expected-error @below {{is on buffers: configurations are chosen before bufferization}}
  qopt.gemm ins(%a, %b : memref<4x8xi8>, memref<6x8xi8>) outs(%d : memref<4x6xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []}
  return
}

// RUN: quant-opt %s --qopt-select-configs=target=sm_80 --split-input-file --verify-diagnostics | FileCheck %s

// Convolutions run on tensor cores, however few rows they have, and their
// constants are padded as those of other gemms.

// CHECK-LABEL: func.func @few_rows(
// CHECK:         %[[B:.+]] = qopt.pack %{{.+}} {permutation = array<i64: 0, 1>} : tensor<24x144xi8> -> tensor<64x256xi8>
// CHECK:         qopt.gemm ins(%{{.+}}, %[[B]] : tensor<1x4x4x16xi8>, tensor<64x256xi8>)
// CHECK:         config = #qopt.gemm_config<mma, block = [16, 64, 128],
func.func @few_rows(%x: tensor<1x4x4x16xi8>) -> tensor<4x24xi32> {
  %w = arith.constant dense<1> : tensor<24x144xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<24x144xi8> -> tensor<24x144xi8>
  %e = tensor.empty() : tensor<4x24xi32>
  %d = qopt.gemm ins(%x, %b : tensor<1x4x4x16xi8>, tensor<24x144xi8>) outs(%e : tensor<4x24xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], window = #qopt.window<kernel = [3, 3], out = [2, 2], stride = [1, 1], dilation = [1, 1], pad = [0, 0], input_dilation = [1, 1], groups = 1, pad_value = 0>} -> tensor<4x24xi32>
  return %d : tensor<4x24xi32>
}

// -----

// Three channels: copies through registers, which large warp tiles do not
// leave.

// CHECK-LABEL: func.func @stem(
// CHECK:         config = #qopt.gemm_config<mma, block = [{{[0-9]+}}, 64, {{[0-9]+}}], warp = [{{16|32}}, {{16|32}}],
func.func @stem(%x: tensor<8x224x224x3xi8>) -> tensor<100352x64xi32> {
  %w = arith.constant dense<1> : tensor<64x147xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<64x147xi8> -> tensor<64x147xi8>
  %e = tensor.empty() : tensor<100352x64xi32>
  %d = qopt.gemm ins(%x, %b : tensor<8x224x224x3xi8>, tensor<64x147xi8>) outs(%e : tensor<100352x64xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], window = #qopt.window<kernel = [7, 7], out = [112, 112], stride = [2, 2], dilation = [1, 1], pad = [3, 3], input_dilation = [1, 1], groups = 1, pad_value = 0>} -> tensor<100352x64xi32>
  return %d : tensor<100352x64xi32>
}

// -----

// A layer of a residual network at batch 32: tiles as large as for a gemm.

// CHECK-LABEL: func.func @layer(
// CHECK:         config = #qopt.gemm_config<mma, block = [{{128, 256|256, 128}},
func.func @layer(%x: tensor<32x28x28x128xi8>) -> tensor<25088x256xi8> {
  %w = arith.constant dense<1> : tensor<256x1152xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<256x1152xi8> -> tensor<256x1152xi8>
  %e = tensor.empty() : tensor<25088x256xi8>
  %d = qopt.gemm ins(%x, %b : tensor<32x28x28x128xi8>, tensor<256x1152xi8>) outs(%e : tensor<25088x256xi8>) {
  ^bb0(%acc: i32):
    %t = arith.trunci %acc : i32 to i8
    qopt.yield %t : i8
  } {epilogue_maps = [], window = #qopt.window<kernel = [3, 3], out = [28, 28], stride = [1, 1], dilation = [1, 1], pad = [1, 1], input_dilation = [1, 1], groups = 1, pad_value = 0>} -> tensor<25088x256xi8>
  return %d : tensor<25088x256xi8>
}

// -----

func.func @dp4a(%x: tensor<1x4x4x16xi8>, %b: tensor<24x144xi8>) -> tensor<4x24xi32> {
  %e = tensor.empty() : tensor<4x24xi32>
  // expected-error @below {{configuration #qopt.gemm_config<dp4a, block = [4, 16, 512], warp = [4, 2], stages = 1, split_k = 1> is not for windows; use one of kind mma}}
  %d = qopt.gemm ins(%x, %b : tensor<1x4x4x16xi8>, tensor<24x144xi8>) outs(%e : tensor<4x24xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], config = #qopt.gemm_config<dp4a, block = [4, 16, 512], warp = [4, 2], stages = 1, split_k = 1>,
     window = #qopt.window<kernel = [3, 3], out = [2, 2], stride = [1, 1], dilation = [1, 1], pad = [0, 0], input_dilation = [1, 1], groups = 1, pad_value = 0>} -> tensor<4x24xi32>
  return %d : tensor<4x24xi32>
}

// -----

func.func @narrow(%x: tensor<1x4x4x3xi8>, %b: tensor<24x27xi8>) -> tensor<4x24xi32> {
  %e = tensor.empty() : tensor<4x24xi32>
  // expected-error @below {{is not for windows whose bytes are aligned to 1: their copies go through registers; use warp tiles of at most 32 x 32}}
  %d = qopt.gemm ins(%x, %b : tensor<1x4x4x3xi8>, tensor<24x27xi8>) outs(%e : tensor<4x24xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], config = #qopt.gemm_config<mma, block = [128, 128, 64], warp = [64, 64], stages = 4, split_k = 1>,
     window = #qopt.window<kernel = [3, 3], out = [2, 2], stride = [1, 1], dilation = [1, 1], pad = [0, 0], input_dilation = [1, 1], groups = 1, pad_value = 0>} -> tensor<4x24xi32>
  return %d : tensor<4x24xi32>
}

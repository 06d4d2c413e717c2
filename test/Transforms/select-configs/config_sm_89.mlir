// RUN: quant-opt %s --qopt-select-configs=target=sm_89 | FileCheck %s

// L40S: 142 multiprocessors, 99 KiB of shared memory per block.
// The choices of the cost model, pinned: a change here wants measurements.

// CHECK-LABEL: func.func @large(
// CHECK:         qopt.pack %{{.+}} -> tensor<4096x4096xi8>
// CHECK:         config = #qopt.gemm_config<mma, block = [128, 256, 128], warp = [64, 64], stages = 2, split_k = 1>
func.func @large(%a: tensor<4096x4096xi8>) -> tensor<4096x4096xi8> {
  %w = arith.constant dense<1> : tensor<4096x4096xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<4096x4096xi8> -> tensor<4096x4096xi8>
  %e = tensor.empty() : tensor<4096x4096xi8>
  %d = qopt.gemm ins(%a, %b : tensor<4096x4096xi8>, tensor<4096x4096xi8>) outs(%e : tensor<4096x4096xi8>) {
  ^bb0(%acc: i32):
    %q = arith.trunci %acc : i32 to i8
    qopt.yield %q : i8
  } {epilogue_maps = []} -> tensor<4096x4096xi8>
  return %d : tensor<4096x4096xi8>
}

// CHECK-LABEL: func.func @square(
// CHECK:         qopt.pack %{{.+}} -> tensor<1024x1024xi8>
// CHECK:         config = #qopt.gemm_config<mma, block = [128, 64, 128], warp = [64, 32], stages = 4, split_k = 1>
func.func @square(%a: tensor<1024x1024xi8>) -> tensor<1024x1024xi8> {
  %w = arith.constant dense<1> : tensor<1024x1024xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<1024x1024xi8> -> tensor<1024x1024xi8>
  %e = tensor.empty() : tensor<1024x1024xi8>
  %d = qopt.gemm ins(%a, %b : tensor<1024x1024xi8>, tensor<1024x1024xi8>) outs(%e : tensor<1024x1024xi8>) {
  ^bb0(%acc: i32):
    %q = arith.trunci %acc : i32 to i8
    qopt.yield %q : i8
  } {epilogue_maps = []} -> tensor<1024x1024xi8>
  return %d : tensor<1024x1024xi8>
}

// CHECK-LABEL: func.func @long_k(
// CHECK:         qopt.pack %{{.+}} -> tensor<1024x4096xi8>
// CHECK:         config = #qopt.gemm_config<mma, block = [128, 128, 64], warp = [64, 32], stages = 5, split_k = 4>
func.func @long_k(%a: tensor<384x4096xi8>) -> tensor<384x1024xi8> {
  %w = arith.constant dense<1> : tensor<1024x4096xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<1024x4096xi8> -> tensor<1024x4096xi8>
  %e = tensor.empty() : tensor<384x1024xi8>
  %d = qopt.gemm ins(%a, %b : tensor<384x4096xi8>, tensor<1024x4096xi8>) outs(%e : tensor<384x1024xi8>) {
  ^bb0(%acc: i32):
    %q = arith.trunci %acc : i32 to i8
    qopt.yield %q : i8
  } {epilogue_maps = []} -> tensor<384x1024xi8>
  return %d : tensor<384x1024xi8>
}

// CHECK-LABEL: func.func @few_tiles(
// CHECK:         qopt.pack %{{.+}} -> tensor<768x3072xi8>
// CHECK:         config = #qopt.gemm_config<mma, block = [64, 64, 128], warp = [32, 32], stages = 5, split_k = 4>
func.func @few_tiles(%a: tensor<128x3072xi8>) -> tensor<128x768xi8> {
  %w = arith.constant dense<1> : tensor<768x3072xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<768x3072xi8> -> tensor<768x3072xi8>
  %e = tensor.empty() : tensor<128x768xi8>
  %d = qopt.gemm ins(%a, %b : tensor<128x3072xi8>, tensor<768x3072xi8>) outs(%e : tensor<128x768xi8>) {
  ^bb0(%acc: i32):
    %q = arith.trunci %acc : i32 to i8
    qopt.yield %q : i8
  } {epilogue_maps = []} -> tensor<128x768xi8>
  return %d : tensor<128x768xi8>
}

// CHECK-LABEL: func.func @transformer(
// CHECK:         qopt.pack %{{.+}} -> tensor<768x768xi8>
// CHECK:         config = #qopt.gemm_config<mma, block = [128, 256, 128], warp = [64, 64], stages = 2, split_k = 1>
func.func @transformer(%a: tensor<16384x768xi8>) -> tensor<16384x768xi8> {
  %w = arith.constant dense<1> : tensor<768x768xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<768x768xi8> -> tensor<768x768xi8>
  %e = tensor.empty() : tensor<16384x768xi8>
  %d = qopt.gemm ins(%a, %b : tensor<16384x768xi8>, tensor<768x768xi8>) outs(%e : tensor<16384x768xi8>) {
  ^bb0(%acc: i32):
    %q = arith.trunci %acc : i32 to i8
    qopt.yield %q : i8
  } {epilogue_maps = []} -> tensor<16384x768xi8>
  return %d : tensor<16384x768xi8>
}

// CHECK-LABEL: func.func @conv_1x1(
// CHECK:         qopt.pack %{{.+}} -> tensor<128x512xi8>
// CHECK:         config = #qopt.gemm_config<mma, block = [16, 64, 128], warp = [16, 16], stages = 5, split_k = 1>
func.func @conv_1x1(%a: tensor<784x512xi8>) -> tensor<784x128xi8> {
  %w = arith.constant dense<1> : tensor<128x512xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<128x512xi8> -> tensor<128x512xi8>
  %e = tensor.empty() : tensor<784x128xi8>
  %d = qopt.gemm ins(%a, %b : tensor<784x512xi8>, tensor<128x512xi8>) outs(%e : tensor<784x128xi8>) {
  ^bb0(%acc: i32):
    %q = arith.trunci %acc : i32 to i8
    qopt.yield %q : i8
  } {epilogue_maps = []} -> tensor<784x128xi8>
  return %d : tensor<784x128xi8>
}

// CHECK-LABEL: func.func @rows_64(
// CHECK:         qopt.pack %{{.+}} -> tensor<4096x4096xi8>
// CHECK:         config = #qopt.gemm_config<mma, block = [64, 128, 128], warp = [32, 64], stages = 4, split_k = 4>
func.func @rows_64(%a: tensor<64x4096xi8>) -> tensor<64x4096xi8> {
  %w = arith.constant dense<1> : tensor<4096x4096xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<4096x4096xi8> -> tensor<4096x4096xi8>
  %e = tensor.empty() : tensor<64x4096xi8>
  %d = qopt.gemm ins(%a, %b : tensor<64x4096xi8>, tensor<4096x4096xi8>) outs(%e : tensor<64x4096xi8>) {
  ^bb0(%acc: i32):
    %q = arith.trunci %acc : i32 to i8
    qopt.yield %q : i8
  } {epilogue_maps = []} -> tensor<64x4096xi8>
  return %d : tensor<64x4096xi8>
}

// CHECK-LABEL: func.func @rows_16(
// CHECK:         qopt.pack %{{.+}} -> tensor<4096x4096xi8>
// CHECK:         config = #qopt.gemm_config<mma, block = [16, 128, 128], warp = [16, 32], stages = 5, split_k = 4>
func.func @rows_16(%a: tensor<16x4096xi8>) -> tensor<16x4096xi8> {
  %w = arith.constant dense<1> : tensor<4096x4096xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<4096x4096xi8> -> tensor<4096x4096xi8>
  %e = tensor.empty() : tensor<16x4096xi8>
  %d = qopt.gemm ins(%a, %b : tensor<16x4096xi8>, tensor<4096x4096xi8>) outs(%e : tensor<16x4096xi8>) {
  ^bb0(%acc: i32):
    %q = arith.trunci %acc : i32 to i8
    qopt.yield %q : i8
  } {epilogue_maps = []} -> tensor<16x4096xi8>
  return %d : tensor<16x4096xi8>
}

// CHECK-LABEL: func.func @rows_4(
// CHECK:         qopt.pack %{{.+}} -> tensor<4096x4096xi8>
// CHECK:         config = #qopt.gemm_config<dp4a, block = [4, 16, 1024], warp = [4, 2], stages = 1, split_k = 1>
func.func @rows_4(%a: tensor<4x4096xi8>) -> tensor<4x4096xi8> {
  %w = arith.constant dense<1> : tensor<4096x4096xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<4096x4096xi8> -> tensor<4096x4096xi8>
  %e = tensor.empty() : tensor<4x4096xi8>
  %d = qopt.gemm ins(%a, %b : tensor<4x4096xi8>, tensor<4096x4096xi8>) outs(%e : tensor<4x4096xi8>) {
  ^bb0(%acc: i32):
    %q = arith.trunci %acc : i32 to i8
    qopt.yield %q : i8
  } {epilogue_maps = []} -> tensor<4x4096xi8>
  return %d : tensor<4x4096xi8>
}

// CHECK-LABEL: func.func @vector(
// CHECK:         qopt.pack %{{.+}} -> tensor<4096x4096xi8>
// CHECK:         config = #qopt.gemm_config<dp4a, block = [1, 16, 1024], warp = [1, 2], stages = 1, split_k = 1>
func.func @vector(%a: tensor<1x4096xi8>) -> tensor<1x4096xi8> {
  %w = arith.constant dense<1> : tensor<4096x4096xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<4096x4096xi8> -> tensor<4096x4096xi8>
  %e = tensor.empty() : tensor<1x4096xi8>
  %d = qopt.gemm ins(%a, %b : tensor<1x4096xi8>, tensor<4096x4096xi8>) outs(%e : tensor<1x4096xi8>) {
  ^bb0(%acc: i32):
    %q = arith.trunci %acc : i32 to i8
    qopt.yield %q : i8
  } {epilogue_maps = []} -> tensor<1x4096xi8>
  return %d : tensor<1x4096xi8>
}

// CHECK-LABEL: func.func @small(
// CHECK:         qopt.pack %{{.+}} -> tensor<64x128xi8>
// CHECK:         config = #qopt.gemm_config<mma, block = [16, 64, 128], warp = [16, 16], stages = 2, split_k = 1>
func.func @small(%a: tensor<640x64xi8>) -> tensor<640x64xi8> {
  %w = arith.constant dense<1> : tensor<64x64xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<64x64xi8> -> tensor<64x64xi8>
  %e = tensor.empty() : tensor<640x64xi8>
  %d = qopt.gemm ins(%a, %b : tensor<640x64xi8>, tensor<64x64xi8>) outs(%e : tensor<640x64xi8>) {
  ^bb0(%acc: i32):
    %q = arith.trunci %acc : i32 to i8
    qopt.yield %q : i8
  } {epilogue_maps = []} -> tensor<640x64xi8>
  return %d : tensor<640x64xi8>
}

// CHECK-LABEL: func.func @ragged(
// CHECK:         qopt.pack %{{.+}} -> tensor<64x128xi8>
// CHECK:         config = #qopt.gemm_config<mma, block = [16, 64, 128], warp = [16, 16], stages = 2, split_k = 1>
func.func @ragged(%a: tensor<8x13xi8>) -> tensor<8x64xi8> {
  %w = arith.constant dense<1> : tensor<64x13xi8>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<64x13xi8> -> tensor<64x13xi8>
  %e = tensor.empty() : tensor<8x64xi8>
  %d = qopt.gemm ins(%a, %b : tensor<8x13xi8>, tensor<64x13xi8>) outs(%e : tensor<8x64xi8>) {
  ^bb0(%acc: i32):
    %q = arith.trunci %acc : i32 to i8
    qopt.yield %q : i8
  } {epilogue_maps = []} -> tensor<8x64xi8>
  return %d : tensor<8x64xi8>
}

// CHECK-LABEL: func.func @attention_f32(
// CHECK:         config = #qopt.gemm_config<simt, block = [128, 64, 16], warp = [8, 4], stages = 1, split_k = 1>
func.func @attention_f32(%a: tensor<12x384x64xf32>, %b: tensor<12x384x64xf32>) -> tensor<12x384x384xf32> {
  %e = tensor.empty() : tensor<12x384x384xf32>
  %d = qopt.gemm ins(%a, %b : tensor<12x384x64xf32>, tensor<12x384x64xf32>) outs(%e : tensor<12x384x384xf32>) {
  ^bb0(%acc: f32):
    qopt.yield %acc : f32
  } {epilogue_maps = []} -> tensor<12x384x384xf32>
  return %d : tensor<12x384x384xf32>
}

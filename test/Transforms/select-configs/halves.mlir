// RUN: quant-opt %s --qopt-select-configs=target=sm_80 --split-input-file | FileCheck %s

// 16-bit floats: tensor cores, depth in bytes, no split of K however few tiles
// there are: sums of floats depend on their order.
// CHECK-LABEL: func.func @deep(
// CHECK:         %[[B:.+]] = qopt.pack %{{.+}} -> tensor<{{64|128}}x8192xf16>
// CHECK:         config = #qopt.gemm_config<mma, {{.+}} split_k = 1>
func.func @deep(%a: tensor<17x8190xf16>) -> tensor<17x64xf32> {
  %w = arith.constant dense<1.0> : tensor<64x8190xf16>
  %b = qopt.pack %w {permutation = array<i64: 0, 1>} : tensor<64x8190xf16> -> tensor<64x8190xf16>
  %e = tensor.empty() : tensor<17x64xf32>
  %d = qopt.gemm ins(%a, %b : tensor<17x8190xf16>, tensor<64x8190xf16>) outs(%e : tensor<17x64xf32>) {
  ^bb0(%acc: f32):
    qopt.yield %acc : f32
  } {epilogue_maps = []} -> tensor<17x64xf32>
  return %d : tensor<17x64xf32>
}

// -----

// Rows of a slice at odd offsets go through registers: small tiles per warp.
// CHECK-LABEL: func.func @odd_slice(
// CHECK:         config = #qopt.gemm_config<mma, {{.+}}, warp = [{{16|32}}, {{16|32}}], {{.+}}>
func.func @odd_slice(%x: tensor<1024x1025xi8>) -> tensor<1024x1024xi8> {
  %a = tensor.extract_slice %x[0, 1] [1024, 1024] [1, 1] : tensor<1024x1025xi8> to tensor<1024x1024xi8>
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

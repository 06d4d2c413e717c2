// RUN: quant-opt %s --qopt-form-kernels | FileCheck %s
// RUN: quant-opt %s --qopt-form-kernels --remarks-filter=qopt --remark-policy=all -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// What is no product of matrices stays as it is.

// REMARK-LABEL: "linalg.conv_2d_nhwc_hwcf: a loop kernel computes it: its operands are not indexed by plain loops (a convolution)"
// CHECK-LABEL: func.func @convolution(
// CHECK:         linalg.conv_2d_nhwc_hwcf
func.func @convolution(%x: tensor<1x5x5x3xi8>) -> tensor<1x3x3x4xi32> {
  %w = arith.constant dense<1> : tensor<3x3x3x4xi8>
  %zero = arith.constant dense<0> : tensor<1x3x3x4xi32>
  %0 = linalg.conv_2d_nhwc_hwcf ins(%x, %w : tensor<1x5x5x3xi8>, tensor<3x3x3x4xi8>) outs(%zero : tensor<1x3x3x4xi32>) -> tensor<1x3x3x4xi32>
  return %0 : tensor<1x3x3x4xi32>
}

// A sum over one operand only.
// REMARK-LABEL: "linalg.generic: a loop kernel computes it: a loop belongs to neither batch, rows, columns nor sum"
// CHECK-LABEL: func.func @one_sided_sum(
// CHECK:         linalg.generic
func.func @one_sided_sum(%a: tensor<4x8x3xf32>, %b: tensor<6x8xf32>) -> tensor<4x6xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x6xf32>
  %0 = linalg.generic
      {indexing_maps = [affine_map<(m, n, k, j) -> (m, k, j)>, affine_map<(m, n, k, j) -> (n, k)>, affine_map<(m, n, k, j) -> (m, n)>],
       iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%a, %b : tensor<4x8x3xf32>, tensor<6x8xf32>) outs(%zero : tensor<4x6xf32>) {
  ^bb0(%x: f32, %y: f32, %out: f32):
    %1 = arith.mulf %x, %y : f32
    %2 = arith.addf %out, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// A zero point inside the sum is another body.
// CHECK-LABEL: func.func @zero_point(
// CHECK:         linalg.quantized_matmul
func.func @zero_point(%a: tensor<4x8xi8>, %b: tensor<8x6xi8>, %d: tensor<4x6xi32>) -> tensor<4x6xi32> {
  %c3 = arith.constant 3 : i32
  %0 = linalg.quantized_matmul ins(%a, %b, %c3, %c3 : tensor<4x8xi8>, tensor<8x6xi8>, i32, i32) outs(%d : tensor<4x6xi32>) -> tensor<4x6xi32>
  return %0 : tensor<4x6xi32>
}

// Columns and rows alternate in the result.
// REMARK-LABEL: "linalg.contract: a loop kernel computes it: its operands have more than two dims of batches that are not next to each other"
// CHECK-LABEL: func.func @mixed_result(
// CHECK:         linalg.contract
func.func @mixed_result(%a: tensor<4x2x3x8xf32>, %b: tensor<6x5x7x8xf32>) -> tensor<4x6x2x5x3x7xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x6x2x5x3x7xf32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(m, i, j, n, o, p, k) -> (m, i, j, k)>, affine_map<(m, i, j, n, o, p, k) -> (n, o, p, k)>, affine_map<(m, i, j, n, o, p, k) -> (m, n, i, o, j, p)>]
      ins(%a, %b : tensor<4x2x3x8xf32>, tensor<6x5x7x8xf32>) outs(%zero : tensor<4x6x2x5x3x7xf32>) -> tensor<4x6x2x5x3x7xf32>
  return %0 : tensor<4x6x2x5x3x7xf32>
}

// REMARK-LABEL: "linalg.contract: a loop kernel computes it: the dims of the constant are interleaved"
// CHECK-LABEL: func.func @interleaved_constant(
// CHECK:         linalg.contract
func.func @interleaved_constant(%a: tensor<4x8xi8>) -> tensor<4x2x3xi32> {
  %w = arith.constant dense<1> : tensor<2x8x3xi8>
  %zero = arith.constant dense<0> : tensor<4x2x3xi32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(m, h, d, k) -> (m, k)>, affine_map<(m, h, d, k) -> (h, k, d)>, affine_map<(m, h, d, k) -> (m, h, d)>]
      ins(%a, %w : tensor<4x8xi8>, tensor<2x8x3xi8>) outs(%zero : tensor<4x2x3xi32>) -> tensor<4x2x3xi32>
  return %0 : tensor<4x2x3xi32>
}

// REMARK-LABEL: "linalg.matmul: a loop kernel computes it: the operand with the rows is not contiguous along the summed dims, and too small to be transposed"
// CHECK-LABEL: func.func @rows_first(
// CHECK:         linalg.matmul
func.func @rows_first(%a: tensor<8x4xf32>, %b: tensor<6x8xf32>) -> tensor<4x6xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x6xf32>
  %0 = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (k, m)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%a, %b : tensor<8x4xf32>, tensor<6x8xf32>) outs(%zero : tensor<4x6xf32>) -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// REMARK-LABEL: "linalg.matmul: a loop kernel computes it: its shapes are dynamic"
// CHECK-LABEL: func.func @dynamic(
// CHECK:         linalg.matmul
func.func @dynamic(%a: tensor<?x8xf32>, %b: tensor<6x8xf32>, %d: tensor<?x6xf32>) -> tensor<?x6xf32> {
  %0 = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%a, %b : tensor<?x8xf32>, tensor<6x8xf32>) outs(%d : tensor<?x6xf32>) -> tensor<?x6xf32>
  return %0 : tensor<?x6xf32>
}

// Sums of f16 have no kernel.
// CHECK-LABEL: func.func @half(
// CHECK:         linalg.matmul
func.func @half(%a: tensor<4x8xf16>, %b: tensor<8x6xf16>) -> tensor<4x6xf16> {
  %zero = arith.constant dense<0.0> : tensor<4x6xf16>
  %0 = linalg.matmul ins(%a, %b : tensor<4x8xf16>, tensor<8x6xf16>) outs(%zero : tensor<4x6xf16>) -> tensor<4x6xf16>
  return %0 : tensor<4x6xf16>
}

// On buffers there is nothing to do.
// CHECK-LABEL: func.func @buffers(
// CHECK:         linalg.matmul
func.func @buffers(%a: memref<4x8xf32>, %b: memref<8x6xf32>, %d: memref<4x6xf32>) {
  linalg.matmul ins(%a, %b : memref<4x8xf32>, memref<8x6xf32>) outs(%d : memref<4x6xf32>)
  return
}

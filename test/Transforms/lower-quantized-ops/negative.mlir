// RUN: quant-opt %s --qopt-lower-quantized-ops | FileCheck %s

// Integer form already.
// CHECK-LABEL: func.func @plain(
// CHECK:         linalg.matmul ins({{.+}} : tensor<3x2xi8>, tensor<2x4xi8>)
func.func @plain(%x: tensor<3x2xi8>, %w: tensor<2x4xi8>) -> tensor<3x4xi32> {
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<3x4xi32>
  %init = linalg.fill ins(%c0 : i32) outs(%e : tensor<3x4xi32>) -> tensor<3x4xi32>
  %0 = linalg.matmul ins(%x, %w : tensor<3x2xi8>, tensor<2x4xi8>) outs(%init : tensor<3x4xi32>) -> tensor<3x4xi32>
  return %0 : tensor<3x4xi32>
}

// A zero point that is a run-time value.
// CHECK-LABEL: func.func @run_time_zero_point(
// CHECK:         linalg.quantized_matmul
func.func @run_time_zero_point(%x: tensor<3x2xi8>, %w: tensor<2x4xi8>, %z: i32) -> tensor<3x4xi32> {
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<3x4xi32>
  %init = linalg.fill ins(%c0 : i32) outs(%e : tensor<3x4xi32>) -> tensor<3x4xi32>
  %0 = linalg.quantized_matmul ins(%x, %w, %z, %c0 : tensor<3x2xi8>, tensor<2x4xi8>, i32, i32) outs(%init : tensor<3x4xi32>) -> tensor<3x4xi32>
  return %0 : tensor<3x4xi32>
}

// Products of i16 are none of integer form's.
// CHECK-LABEL: func.func @wide(
// CHECK:         linalg.quantized_matmul
func.func @wide(%x: tensor<3x2xi16>, %w: tensor<2x4xi16>) -> tensor<3x4xi32> {
  %c0 = arith.constant 0 : i32
  %z = arith.constant 5 : i32
  %e = tensor.empty() : tensor<3x4xi32>
  %init = linalg.fill ins(%c0 : i32) outs(%e : tensor<3x4xi32>) -> tensor<3x4xi32>
  %0 = linalg.quantized_matmul ins(%x, %w, %z, %c0 : tensor<3x2xi16>, tensor<2x4xi16>, i32, i32) outs(%init : tensor<3x4xi32>) -> tensor<3x4xi32>
  return %0 : tensor<3x4xi32>
}

// RUN: quant-opt %s --qopt-form-kernels | FileCheck %s

// Products of 16-bit floats with sums in f32, and results of 16 bits.
// CHECK-LABEL: func.func @half(
// CHECK:         %[[B:.+]] = qopt.pack %{{.+}} {permutation = array<i64: 1, 0>} : tensor<8x6xf16> -> tensor<6x8xf16>
// CHECK:         qopt.gemm ins(%{{.+}}, %[[B]] : tensor<4x8xf16>, tensor<6x8xf16>) outs(%{{.+}} : tensor<4x6xf16>)
// CHECK-NEXT:    ^bb0(%[[ACC:.+]]: f32):
// CHECK-NEXT:      %[[H:.+]] = arith.truncf %[[ACC]] : f32 to f16
// CHECK-NEXT:      qopt.yield %[[H]]
func.func @half(%a: tensor<4x8xf16>) -> tensor<4x6xf16> {
  %w = arith.constant dense<1.0> : tensor<8x6xf16>
  %zero = arith.constant dense<0.0> : tensor<4x6xf32>
  %0 = linalg.generic
      {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>, affine_map<(m, n, k) -> (m, n)>],
       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %w : tensor<4x8xf16>, tensor<8x6xf16>) outs(%zero : tensor<4x6xf32>) {
  ^bb0(%x: f16, %y: f16, %out: f32):
    %1 = arith.extf %x : f16 to f32
    %2 = arith.extf %y : f16 to f32
    %3 = arith.mulf %1, %2 : f32
    %4 = arith.addf %out, %3 : f32
    linalg.yield %4 : f32
  } -> tensor<4x6xf32>
  %e = tensor.empty() : tensor<4x6xf16>
  %5 = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<4x6xf32>) outs(%e : tensor<4x6xf16>) {
  ^bb0(%x: f32, %out: f16):
    %1 = arith.truncf %x : f32 to f16
    linalg.yield %1 : f16
  } -> tensor<4x6xf16>
  return %5 : tensor<4x6xf16>
}

// Factors of different types are extended first.
// CHECK-LABEL: func.func @mixed(
// CHECK:         %[[A:.+]] = linalg.generic
// CHECK:           arith.extf
// CHECK:         qopt.gemm ins(%[[A]], %{{.+}} : tensor<4x8xf32>, tensor<6x8xf32>)
func.func @mixed(%a: tensor<4x8xbf16>, %b: tensor<6x8xf32>) -> tensor<4x6xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x6xf32>
  %0 = linalg.generic
      {indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>],
       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%a, %b : tensor<4x8xbf16>, tensor<6x8xf32>) outs(%zero : tensor<4x6xf32>) {
  ^bb0(%x: bf16, %y: f32, %out: f32):
    %1 = arith.extf %x : bf16 to f32
    %3 = arith.mulf %1, %y : f32
    %4 = arith.addf %out, %3 : f32
    linalg.yield %4 : f32
  } -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// A residual stream of i16: conversion from i32 and the residual are one kernel
// with the product.
// CHECK-LABEL: func.func @shorts(
// CHECK-SAME:    %[[A:.+]]: tensor<4x8xi8>, %[[R:.+]]: tensor<4x6xi16>)
// CHECK:         qopt.gemm ins(%[[A]], %{{.+}} : tensor<4x8xi8>, tensor<6x8xi8>) epilogue(%[[R]] : tensor<4x6xi16>) outs(%{{.+}} : tensor<4x6xi16>)
// CHECK-NOT:     linalg
func.func @shorts(%a: tensor<4x8xi8>, %r: tensor<4x6xi16>) -> tensor<4x6xi16> {
  %w = arith.constant dense<1> : tensor<8x6xi8>
  %zero = arith.constant dense<0> : tensor<4x6xi32>
  %0 = linalg.matmul ins(%a, %w : tensor<4x8xi8>, tensor<8x6xi8>) outs(%zero : tensor<4x6xi32>) -> tensor<4x6xi32>
  %e = tensor.empty() : tensor<4x6xi16>
  %1 = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%0, %r : tensor<4x6xi32>, tensor<4x6xi16>) outs(%e : tensor<4x6xi16>) {
  ^bb0(%x: i32, %y: i16, %out: i16):
    %2 = arith.extsi %y : i16 to i32
    %3 = arith.addi %x, %2 : i32
    %4 = arith.trunci %3 : i32 to i16
    linalg.yield %4 : i16
  } -> tensor<4x6xi16>
  return %1 : tensor<4x6xi16>
}

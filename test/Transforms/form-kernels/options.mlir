// RUN: quant-opt %s --qopt-form-kernels=min-transposed-macs=384 | FileCheck %s --check-prefixes=CHECK,PAYS
// RUN: quant-opt %s --qopt-form-kernels=min-transposed-macs=385 | FileCheck %s --check-prefixes=CHECK,NOT
// RUN: quant-opt %s --qopt-form-kernels | FileCheck %s --check-prefixes=CHECK,NOT
// RUN: quant-opt %s --qopt-form-kernels=min-transposed-macs=385 --remarks-filter=qopt --remark-policy=all -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// A product of 2 * 4 * 6 * 8 = 384 multiply-adds whose right operand has its
// columns last.
// REMARK: [Missed] no-gemm | Category:qopt | Remark="/attention/MatMul: a loop kernel computes it: the operand with the columns is not contiguous along the summed dims, and too small to be transposed"

// CHECK-LABEL: func.func @columns(
// CHECK-SAME:    %[[A:.+]]: tensor<2x4x8xf32>, %[[B:.+]]: tensor<2x8x6xf32>)
// PAYS:          %[[T:.+]] = linalg.transpose ins(%[[B]] : tensor<2x8x6xf32>) outs(%{{.+}} : tensor<2x6x8xf32>) permutation = [0, 2, 1]
// PAYS:          qopt.gemm ins(%[[A]], %[[T]]
// NOT-NOT:       qopt.gemm
// NOT:           linalg.batch_matmul ins(%[[A]], %[[B]]
func.func @columns(%a: tensor<2x4x8xf32>, %b: tensor<2x8x6xf32>) -> tensor<2x4x6xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x4x6xf32>
  %0 = linalg.batch_matmul ins(%a, %b : tensor<2x4x8xf32>, tensor<2x8x6xf32>) outs(%zero : tensor<2x4x6xf32>) -> tensor<2x4x6xf32> loc("/attention/MatMul")
  return %0 : tensor<2x4x6xf32>
}

// The same for the rows.
// CHECK-LABEL: func.func @rows(
// CHECK-SAME:    %[[A:.+]]: tensor<8x4x2xi8>)
// PAYS:          %[[ROWS:.+]] = tensor.collapse_shape %[[A]] {{\[\[}}0], [1, 2]]
// PAYS:          %[[T:.+]] = linalg.transpose ins(%[[ROWS]] : tensor<8x8xi8>) outs(%{{.+}} : tensor<8x8xi8>) permutation = [1, 0]
// PAYS:          qopt.gemm ins(%[[T]], %{{.+}} : tensor<8x8xi8>, tensor<6x8xi8>)
// NOT-NOT:       qopt.gemm
// CHECK:         return
func.func @rows(%a: tensor<8x4x2xi8>) -> tensor<4x2x6xi32> {
  %w = arith.constant dense<1> : tensor<8x6xi8>
  %zero = arith.constant dense<0> : tensor<4x2x6xi32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(b, s, n, k) -> (k, b, s)>, affine_map<(b, s, n, k) -> (k, n)>, affine_map<(b, s, n, k) -> (b, s, n)>]
      ins(%a, %w : tensor<8x4x2xi8>, tensor<8x6xi8>) outs(%zero : tensor<4x2x6xi32>) -> tensor<4x2x6xi32>
  return %0 : tensor<4x2x6xi32>
}

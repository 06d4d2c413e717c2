// RUN: quant-opt %s --qopt-normalize-contractions --split-input-file | FileCheck %s

// Data movement of constants is evaluated, for inline elements and resources.

// CHECK-LABEL: func.func @inline
// CHECK-DAG:     %[[T:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 4.000000e+00], [2.000000e+00, 5.000000e+00], [3.000000e+00, 6.000000e+00]]> : tensor<3x2xf32>
// CHECK-DAG:     %[[C:.+]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00, 6.000000e+00]> : tensor<6xf32>
// CHECK-DAG:     %[[E:.+]] = arith.constant dense<{{\[\[\[}}1.000000e+00, 2.000000e+00, 3.000000e+00]], {{\[\[}}4.000000e+00, 5.000000e+00, 6.000000e+00]]]> : tensor<2x1x3xf32>
// CHECK-DAG:     %[[S:.+]] = arith.constant dense<{{\[\[}}5.000000e+00, 6.000000e+00]]> : tensor<1x2xf32>
// CHECK:         return %[[T]], %[[C]], %[[E]], %[[S]]
func.func @inline() -> (tensor<3x2xf32>, tensor<6xf32>, tensor<2x1x3xf32>, tensor<1x2xf32>) {
  %w = arith.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %empty = tensor.empty() : tensor<3x2xf32>
  %t = linalg.transpose ins(%w : tensor<2x3xf32>) outs(%empty : tensor<3x2xf32>) permutation = [1, 0]
  %c = tensor.collapse_shape %w [[0, 1]] : tensor<2x3xf32> into tensor<6xf32>
  %e = tensor.expand_shape %w [[0, 1], [2]] output_shape [2, 1, 3] : tensor<2x3xf32> into tensor<2x1x3xf32>
  %s = tensor.extract_slice %w[1, 1] [1, 2] [1, 1] : tensor<2x3xf32> to tensor<1x2xf32>
  return %t, %c, %e, %s : tensor<3x2xf32>, tensor<6xf32>, tensor<2x1x3xf32>, tensor<1x2xf32>
}

// -----

// Reshapes share the blob; what permutes makes new elements.
// CHECK-LABEL: func.func @resource
// CHECK-DAG:     %[[T:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 3.000000e+00], [2.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
// CHECK-DAG:     %[[C:.+]] = arith.constant dense_resource<w> : tensor<4xf32>
// CHECK-DAG:     %[[S:.+]] = arith.constant dense<[2.000000e+00, 4.000000e+00]> : tensor<2xf32>
// CHECK:         return %[[T]], %[[C]], %[[S]]
func.func @resource() -> (tensor<2x2xf32>, tensor<4xf32>, tensor<2xf32>) {
  %w = arith.constant dense_resource<w> : tensor<2x2xf32>
  %empty = tensor.empty() : tensor<2x2xf32>
  %t = linalg.transpose ins(%w : tensor<2x2xf32>) outs(%empty : tensor<2x2xf32>) permutation = [1, 0]
  %c = tensor.collapse_shape %w [[0, 1]] : tensor<2x2xf32> into tensor<4xf32>
  %s = tensor.extract_slice %w[0, 1] [2, 1] [1, 1] : tensor<2x2xf32> to tensor<2xf32>
  return %t, %c, %s : tensor<2x2xf32>, tensor<4xf32>, tensor<2xf32>
}
{-# dialect_resources: { builtin: { w: "0x040000000000803F000000400000404000008040" } } #-}

// -----

// A splat stays one.
// CHECK-LABEL: func.func @splat
// CHECK-DAG:     %[[T:.+]] = arith.constant dense<2.000000e+00> : tensor<3x2xf32>
// CHECK:         return %[[T]]
func.func @splat() -> tensor<3x2xf32> {
  %w = arith.constant dense<2.0> : tensor<2x3xf32>
  %empty = tensor.empty() : tensor<3x2xf32>
  %t = linalg.transpose ins(%w : tensor<2x3xf32>) outs(%empty : tensor<3x2xf32>) permutation = [1, 0]
  return %t : tensor<3x2xf32>
}

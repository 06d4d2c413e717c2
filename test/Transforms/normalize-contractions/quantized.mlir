// RUN: quant-opt %s --qopt-normalize-contractions --split-input-file | FileCheck %s

// Constants under casts are moved, and their scales go along.

// CHECK-LABEL: func.func @transpose(
// CHECK:         %[[W:.+]] = arith.constant dense<{{\[}}[1, 4], [2, 5], [3, 6]]> : tensor<3x2xi8>
// CHECK:         %[[S:.+]] = quant.scast %[[W]] : tensor<3x2xi8> to tensor<3x2x!quant.uniform<i8:f32:1, {5.000000e-01,2.500000e-01}>>
// CHECK:         %[[R:.+]] = quant.dcast %[[S]]
// CHECK:         return %[[R]]
func.func @transpose() -> tensor<3x2xf32> {
  %w = arith.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  %s = quant.scast %w : tensor<2x3xi8> to tensor<2x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  %r = quant.dcast %s : tensor<2x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>> to tensor<2x3xf32>
  %e = tensor.empty() : tensor<3x2xf32>
  %t = linalg.transpose ins(%r : tensor<2x3xf32>) outs(%e : tensor<3x2xf32>) permutation = [1, 0]
  return %t : tensor<3x2xf32>
}

// -----

// A dimension of size 1 joins the channels.
// CHECK-LABEL: func.func @collapse_unit(
// CHECK:         quant.scast {{.+}} : tensor<2x3xi8> to tensor<2x3x!quant.uniform<i8:f32:0, {5.000000e-01,2.500000e-01}>>
// CHECK-NOT:     tensor.collapse_shape
func.func @collapse_unit() -> tensor<2x3xf32> {
  %w = arith.constant dense<[[[1, 2, 3]], [[4, 5, 6]]]> : tensor<2x1x3xi8>
  %s = quant.scast %w : tensor<2x1x3xi8> to tensor<2x1x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  %r = quant.dcast %s : tensor<2x1x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>> to tensor<2x1x3xf32>
  %c = tensor.collapse_shape %r [[0, 1], [2]] : tensor<2x1x3xf32> into tensor<2x3xf32>
  return %c : tensor<2x3xf32>
}

// -----

// Rows of one scale become a block of it; columns repeat their scales.
// CHECK-LABEL: func.func @collapse(
// CHECK-DAG:     quant.scast {{.+}} : tensor<4xi8> to tensor<4x!quant.uniform<i8:f32:{0:2}, {5.000000e-01, 2.500000e-01}>>
// CHECK-DAG:     quant.scast {{.+}} : tensor<4xi8> to tensor<4x!quant.uniform<i8:f32:0, {5.000000e-01,2.500000e-01,5.000000e-01,2.500000e-01}>>
// CHECK-NOT:     tensor.collapse_shape
func.func @collapse() -> (tensor<4xf32>, tensor<4xf32>) {
  %w = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %s0 = quant.scast %w : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  %r0 = quant.dcast %s0 : tensor<2x2x!quant.uniform<i8:f32:0, {0.5, 0.25}>> to tensor<2x2xf32>
  %c0 = tensor.collapse_shape %r0 [[0, 1]] : tensor<2x2xf32> into tensor<4xf32>
  %s1 = quant.scast %w : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>
  %r1 = quant.dcast %s1 : tensor<2x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>> to tensor<2x2xf32>
  %c1 = tensor.collapse_shape %r1 [[0, 1]] : tensor<2x2xf32> into tensor<4xf32>
  return %c0, %c1 : tensor<4xf32>, tensor<4xf32>
}

// -----

// Channels become groups and channels; blocks become rows.
// CHECK-LABEL: func.func @expand(
// CHECK-DAG:     quant.scast {{.+}} : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8:f32:{0:1, 1:1}, {{\{\{}}1.000000e+00:1, 2.000000e+00:2}, {3.000000e+00:3, 4.000000e+00:4}}>>
// CHECK-DAG:     quant.scast {{.+}} : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8:f32:0, {5.000000e-01,2.500000e-01}>>
// CHECK-NOT:     tensor.expand_shape
func.func @expand() -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %w = arith.constant dense<[1, 2, 3, 4]> : tensor<4xi8>
  %s0 = quant.scast %w : tensor<4xi8> to tensor<4x!quant.uniform<i8:f32:0, {1.0:1, 2.0:2, 3.0:3, 4.0:4}>>
  %r0 = quant.dcast %s0 : tensor<4x!quant.uniform<i8:f32:0, {1.0:1, 2.0:2, 3.0:3, 4.0:4}>> to tensor<4xf32>
  %e0 = tensor.expand_shape %r0 [[0, 1]] output_shape [2, 2] : tensor<4xf32> into tensor<2x2xf32>
  %s1 = quant.scast %w : tensor<4xi8> to tensor<4x!quant.uniform<i8:f32:{0:2}, {0.5, 0.25}>>
  %r1 = quant.dcast %s1 : tensor<4x!quant.uniform<i8:f32:{0:2}, {0.5, 0.25}>> to tensor<4xf32>
  %e1 = tensor.expand_shape %r1 [[0, 1]] output_shape [2, 2] : tensor<4xf32> into tensor<2x2xf32>
  return %e0, %e1 : tensor<2x2xf32>, tensor<2x2xf32>
}

// -----

// A slice keeps the scales of its channels, or of the blocks it cuts.
// CHECK-LABEL: func.func @slice(
// CHECK-DAG:     quant.scast {{.+}} : tensor<1x2xi8> to tensor<1x2x!quant.uniform<i8:f32, 2.500000e-01>>
// CHECK-DAG:     quant.scast {{.+}} : tensor<2xi8> to tensor<2x!quant.uniform<i8:f32:0, {5.000000e-01,2.500000e-01}>>
// CHECK-NOT:     tensor.extract_slice
func.func @slice() -> (tensor<1x2xf32>, tensor<2xf32>) {
  %w = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %s0 = quant.scast %w : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8:f32:0, {0.5, 0.25}>>
  %r0 = quant.dcast %s0 : tensor<2x2x!quant.uniform<i8:f32:0, {0.5, 0.25}>> to tensor<2x2xf32>
  %c0 = tensor.extract_slice %r0[1, 0] [1, 2] [1, 1] : tensor<2x2xf32> to tensor<1x2xf32>
  %v = arith.constant dense<[1, 2, 3, 4]> : tensor<4xi8>
  %s1 = quant.scast %v : tensor<4xi8> to tensor<4x!quant.uniform<i8:f32:{0:2}, {0.5, 0.25}>>
  %r1 = quant.dcast %s1 : tensor<4x!quant.uniform<i8:f32:{0:2}, {0.5, 0.25}>> to tensor<4xf32>
  %c1 = tensor.extract_slice %r1[1] [2] [1] : tensor<4xf32> to tensor<2xf32>
  return %c0, %c1 : tensor<1x2xf32>, tensor<2xf32>
}

// -----

// A quantized weight is a weight: its broadcast is read directly.
// CHECK-LABEL: func.func @broadcast(
// CHECK-SAME:    %[[X:.+]]: tensor<2x3x2xf32>)
// CHECK:         %[[R:.+]] = quant.dcast
// CHECK-NOT:     linalg.broadcast
// CHECK:         linalg.contract {{.+}} ins(%[[X]], %[[R]] : tensor<2x3x2xf32>, tensor<2x2xf32>)
func.func @broadcast(%x: tensor<2x3x2xf32>) -> tensor<2x3x2xf32> {
  %w = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %s = quant.scast %w : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>
  %r = quant.dcast %s : tensor<2x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>> to tensor<2x2xf32>
  %e = tensor.empty() : tensor<2x2x2xf32>
  %b = linalg.broadcast ins(%r : tensor<2x2xf32>) outs(%e : tensor<2x2x2xf32>) dimensions = [0]
  %e1 = tensor.empty() : tensor<2x3x2xf32>
  %zero = arith.constant 0.0 : f32
  %i = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x3x2xf32>) -> tensor<2x3x2xf32>
  %y = linalg.batch_matmul ins(%x, %b : tensor<2x3x2xf32>, tensor<2x2x2xf32>) outs(%i : tensor<2x3x2xf32>) -> tensor<2x3x2xf32>
  return %y : tensor<2x3x2xf32>
}

// RUN: quant-opt %s --qopt-fuse-qdq --split-input-file | FileCheck %s

// Values that are not zero are not the zero point.
// CHECK-LABEL: func.func @pad_with_one(
// CHECK:         %[[D:.+]] = quant.dcast
// CHECK:         tensor.pad %[[D]]
func.func @pad_with_one(%q: tensor<2x3x!quant.uniform<u8:f32, 0.5:200>>) -> tensor<2x6xf32> {
  %one = arith.constant 1.0 : f32
  %0 = quant.dcast %q : tensor<2x3x!quant.uniform<u8:f32, 0.5:200>> to tensor<2x3xf32>
  %1 = tensor.pad %0 low[0, 1] high[0, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %one : f32
  } : tensor<2x3xf32> to tensor<2x6xf32>
  return %1 : tensor<2x6xf32>
}

// -----

// A type per channel would have to follow the movement.
// CHECK-LABEL: func.func @per_axis(
// CHECK:         %[[D:.+]] = quant.dcast
// CHECK:         linalg.transpose ins(%[[D]] : tensor<2x3xf32>)
func.func @per_axis(%q: tensor<2x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>>) -> tensor<3x2xf32> {
  %0 = quant.dcast %q : tensor<2x3x!quant.uniform<i8:f32:0, {0.5, 0.25}>> to tensor<2x3xf32>
  %empty = tensor.empty() : tensor<3x2xf32>
  %1 = linalg.transpose ins(%0 : tensor<2x3xf32>) outs(%empty : tensor<3x2xf32>) permutation = [1, 0]
  return %1 : tensor<3x2xf32>
}

// -----

// Computation in between is no movement.
// CHECK-LABEL: func.func @elementwise(
// CHECK:         %[[D:.+]] = quant.dcast
// CHECK:         %[[E:.+]] = linalg.exp ins(%[[D]]
// CHECK:         tensor.collapse_shape %[[E]]
func.func @elementwise(%q: tensor<2x3x!quant.uniform<i8:f32, 0.5>>) -> tensor<6xf32> {
  %0 = quant.dcast %q : tensor<2x3x!quant.uniform<i8:f32, 0.5>> to tensor<2x3xf32>
  %empty = tensor.empty() : tensor<2x3xf32>
  %1 = linalg.exp ins(%0 : tensor<2x3xf32>) outs(%empty : tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = tensor.collapse_shape %1 [[0, 1]] : tensor<2x3xf32> into tensor<6xf32>
  return %2 : tensor<6xf32>
}

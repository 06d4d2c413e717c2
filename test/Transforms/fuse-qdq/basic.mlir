// RUN: quant-opt %s --qopt-fuse-qdq --split-input-file | FileCheck %s

// Data movement works on integers; dequantization comes after it.

// CHECK-LABEL: func.func @reshapes(
// CHECK-SAME:    %[[Q:.+]]: tensor<2x3x!quant.uniform<i8:f32, 5.000000e-01>>)
// CHECK:         %[[I:.+]] = quant.scast %[[Q]] : {{.+}} to tensor<2x3xi8>
// CHECK:         tensor.collapse_shape %[[I]] {{\[\[}}0, 1]] : tensor<2x3xi8> into tensor<6xi8>
// CHECK:         %[[E:.+]] = tensor.expand_shape %{{.+}} {{\[\[}}0, 1]] output_shape [3, 2] : tensor<6xi8> into tensor<3x2xi8>
// CHECK:         %[[QE:.+]] = quant.scast %[[E]] : tensor<3x2xi8> to tensor<3x2x!quant.uniform<i8:f32, 5.000000e-01>>
// CHECK:         %[[D:.+]] = quant.dcast %[[QE]]
// CHECK:         return %[[D]]
func.func @reshapes(%q: tensor<2x3x!quant.uniform<i8:f32, 0.5>>) -> tensor<3x2xf32> {
  %0 = quant.dcast %q : tensor<2x3x!quant.uniform<i8:f32, 0.5>> to tensor<2x3xf32>
  %1 = tensor.collapse_shape %0 [[0, 1]] : tensor<2x3xf32> into tensor<6xf32>
  %2 = tensor.expand_shape %1 [[0, 1]] output_shape [3, 2] : tensor<6xf32> into tensor<3x2xf32>
  return %2 : tensor<3x2xf32>
}

// -----

// CHECK-LABEL: func.func @transpose(
// CHECK:         %[[EMPTY:.+]] = tensor.empty() : tensor<3x2xi8>
// CHECK:         linalg.transpose ins(%{{.+}} : tensor<2x3xi8>) outs(%[[EMPTY]] : tensor<3x2xi8>) permutation = [1, 0]
func.func @transpose(%q: tensor<2x3x!quant.uniform<i8:f32, 0.5>>) -> tensor<3x2xf32> {
  %0 = quant.dcast %q : tensor<2x3x!quant.uniform<i8:f32, 0.5>> to tensor<2x3xf32>
  %empty = tensor.empty() : tensor<3x2xf32>
  %1 = linalg.transpose ins(%0 : tensor<2x3xf32>) outs(%empty : tensor<3x2xf32>) permutation = [1, 0]
  return %1 : tensor<3x2xf32>
}

// -----

// Real 0 is the zero point: 200 in u8 storage is -56 as i8.
// CHECK-LABEL: func.func @pad(
// CHECK-DAG:     %[[ZERO:.+]] = arith.constant -56 : i8
// CHECK:         tensor.pad %{{.+}} low[0, 1] high[0, 2] {
// CHECK:           tensor.yield %[[ZERO]] : i8
// CHECK:         tensor<2x3xi8> to tensor<2x6xi8>
func.func @pad(%q: tensor<2x3x!quant.uniform<u8:f32, 0.5:200>>) -> tensor<2x6xf32> {
  %zero = arith.constant 0.0 : f32
  %0 = quant.dcast %q : tensor<2x3x!quant.uniform<u8:f32, 0.5:200>> to tensor<2x3xf32>
  %1 = tensor.pad %0 low[0, 1] high[0, 2] {
  ^bb0(%i: index, %j: index):
    tensor.yield %zero : f32
  } : tensor<2x3xf32> to tensor<2x6xf32>
  return %1 : tensor<2x6xf32>
}

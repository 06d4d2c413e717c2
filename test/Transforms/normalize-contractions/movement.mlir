// RUN: quant-opt %s --qopt-normalize-contractions | FileCheck %s

// CHECK-DAG: #[[$ID5:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3, d4)>
// CHECK-DAG: #[[$GROUPED:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d2)>

// The bias of a grouped convolution: one value per channel of each group.
// CHECK-LABEL: func.func @grouped_bias(
// CHECK:         %[[BIAS:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
// CHECK:         %[[CONV:.+]] = linalg.conv_2d_ngchw_gfchw
// CHECK:         linalg.generic {indexing_maps = [#[[$ID5]], #[[$GROUPED]], #[[$ID5]]], {{.+}}} ins(%[[CONV]], %[[BIAS]] :
func.func @grouped_bias(%x: tensor<1x2x3x4x4xf32>, %w: tensor<2x2x3x1x1xf32>) -> tensor<1x2x2x4x4xf32> {
  %bias = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %empty = tensor.empty() : tensor<1x4x4x4xf32>
  %b = linalg.broadcast ins(%bias : tensor<4xf32>) outs(%empty : tensor<1x4x4x4xf32>) dimensions = [0, 2, 3]
  %init = tensor.expand_shape %b [[0], [1, 2], [3], [4]] output_shape [1, 2, 2, 4, 4] : tensor<1x4x4x4xf32> into tensor<1x2x2x4x4xf32>
  %0 = linalg.conv_2d_ngchw_gfchw ins(%x, %w : tensor<1x2x3x4x4xf32>, tensor<2x2x3x1x1xf32>)
                                  outs(%init : tensor<1x2x2x4x4xf32>) -> tensor<1x2x2x4x4xf32>
  return %0 : tensor<1x2x2x4x4xf32>
}

// CHECK-LABEL: func.func @concat(
// CHECK-SAME:    %[[A:[^:]+]]: tensor<2x1xf32>, %[[B:[^:]+]]: tensor<2x3xf32>)
// CHECK-NEXT:    %[[C:.+]] = tensor.concat dim(1) %[[A]], %[[B]] : (tensor<2x1xf32>, tensor<2x3xf32>) -> tensor<2x4xf32>
// CHECK-NEXT:    return %[[C]]
func.func @concat(%a: tensor<2x1xf32>, %b: tensor<2x3xf32>) -> tensor<2x4xf32> {
  %empty = tensor.empty() : tensor<2x4xf32>
  %0 = tensor.insert_slice %b into %empty[0, 1] [2, 3] [1, 1] : tensor<2x3xf32> into tensor<2x4xf32>
  %1 = tensor.insert_slice %a into %0[0, 0] [2, 1] [1, 1] : tensor<2x1xf32> into tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// CHECK-LABEL: func.func @pad(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<2x3xf32>
// CHECK:         tensor.pad %[[X]] low[1, 0] high[2, 1]
// CHECK:           tensor.yield %cst
// CHECK:         tensor<2x3xf32> to tensor<5x4xf32>
func.func @pad(%x: tensor<2x3xf32>) -> tensor<5x4xf32> {
  %c = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<5x4xf32>
  %fill = linalg.fill ins(%c : f32) outs(%empty : tensor<5x4xf32>) -> tensor<5x4xf32>
  %0 = tensor.insert_slice %x into %fill[1, 0] [2, 3] [1, 1] : tensor<2x3xf32> into tensor<5x4xf32>
  return %0 : tensor<5x4xf32>
}

// CHECK-LABEL: func.func @named(
// CHECK-NOT:     linalg.exp
// CHECK:         linalg.generic
// CHECK:           math.exp
// CHECK-NOT:     linalg.reduce
// CHECK:         linalg.generic {{.+}} iterator_types = ["parallel", "reduction"]
// CHECK:           arith.addf
func.func @named(%x: tensor<2x3xf32>) -> tensor<2xf32> {
  %empty = tensor.empty() : tensor<2x3xf32>
  %e = linalg.exp ins(%x : tensor<2x3xf32>) outs(%empty : tensor<2x3xf32>) -> tensor<2x3xf32>
  %zero = arith.constant dense<0.0> : tensor<2xf32>
  %0 = linalg.reduce ins(%e : tensor<2x3xf32>) outs(%zero : tensor<2xf32>) dimensions = [1]
    (%in: f32, %acc: f32) {
      %s = arith.addf %acc, %in : f32
      linalg.yield %s : f32
    }
  return %0 : tensor<2xf32>
}

// What is no concatenation: a gap, an overlap, a tensor that is read between,
// strides; and a padding that is not constant.
// CHECK-LABEL: func.func @not_movement(
// CHECK-NOT:     tensor.concat
// CHECK-NOT:     tensor.pad
// CHECK-COUNT-8: tensor.insert_slice
// CHECK:         return
func.func @not_movement(%a: tensor<2xf32>, %b: tensor<1xf32>, %v: f32)
    -> (tensor<4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<5xf32>, tensor<3xf32>) {
  %e4 = tensor.empty() : tensor<4xf32>
  %e3 = tensor.empty() : tensor<3xf32>
  %0 = tensor.insert_slice %a into %e4[0] [2] [1] : tensor<2xf32> into tensor<4xf32>
  %gap = tensor.insert_slice %b into %0[3] [1] [1] : tensor<1xf32> into tensor<4xf32>
  %1 = tensor.insert_slice %a into %e3[0] [2] [1] : tensor<2xf32> into tensor<3xf32>
  %overlap = tensor.insert_slice %b into %1[1] [1] [1] : tensor<1xf32> into tensor<3xf32>
  %2 = tensor.insert_slice %b into %e3[0] [1] [1] : tensor<1xf32> into tensor<3xf32>
  %read = tensor.insert_slice %a into %2[1] [2] [1] : tensor<2xf32> into tensor<3xf32>
  %zero = arith.constant 0.0 : f32
  %e5 = tensor.empty() : tensor<5xf32>
  %f5 = linalg.fill ins(%zero : f32) outs(%e5 : tensor<5xf32>) -> tensor<5xf32>
  %strided = tensor.insert_slice %a into %f5[1] [2] [2] : tensor<2xf32> into tensor<5xf32>
  %f3 = linalg.fill ins(%v : f32) outs(%e3 : tensor<3xf32>) -> tensor<3xf32>
  %varying = tensor.insert_slice %a into %f3[0] [2] [1] : tensor<2xf32> into tensor<3xf32>
  return %gap, %overlap, %2, %read, %strided, %varying
    : tensor<4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<5xf32>, tensor<3xf32>
}

// RUN: quant-opt %s --qopt-propagate-layout | FileCheck %s

// The model's own transposes around channels-last convolutions, as TOSA exports
// have them, meet like those of this pass.
#id = affine_map<(a, b, c, d) -> (a, b, c, d)>

// CHECK-LABEL: func.func @tosa(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<1x2x4x4xf32>
// CHECK:         linalg.transpose ins(%[[X]] : {{.+}} permutation = [0, 2, 3, 1]
// CHECK:         linalg.conv_2d_nhwc_fhwc
// CHECK-NOT:     linalg.transpose
// CHECK:         linalg.generic
// CHECK-NOT:     linalg.transpose
// CHECK:         linalg.conv_2d_nhwc_fhwc
// CHECK:         linalg.transpose {{.+}} permutation = [0, 3, 1, 2]
// CHECK-NOT:     linalg.transpose
// CHECK:         return
func.func @tosa(%x: tensor<1x2x4x4xf32>, %w: tensor<2x1x1x2xf32>, %init: tensor<1x4x4x2xf32>) -> tensor<1x2x4x4xf32> {
  %nhwc = tensor.empty() : tensor<1x4x4x2xf32>
  %nchw = tensor.empty() : tensor<1x2x4x4xf32>
  %t0 = linalg.transpose ins(%x : tensor<1x2x4x4xf32>) outs(%nhwc : tensor<1x4x4x2xf32>) permutation = [0, 2, 3, 1]
  %0 = linalg.conv_2d_nhwc_fhwc ins(%t0, %w : tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>)
                                outs(%init : tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32>
  %t1 = linalg.transpose ins(%0 : tensor<1x4x4x2xf32>) outs(%nchw : tensor<1x2x4x4xf32>) permutation = [0, 3, 1, 2]
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%t1 : tensor<1x2x4x4xf32>) outs(%nchw : tensor<1x2x4x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.negf %in : f32
    linalg.yield %s : f32
  } -> tensor<1x2x4x4xf32>
  %t2 = linalg.transpose ins(%1 : tensor<1x2x4x4xf32>) outs(%nhwc : tensor<1x4x4x2xf32>) permutation = [0, 2, 3, 1]
  %2 = linalg.conv_2d_nhwc_fhwc ins(%t2, %w : tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>)
                                outs(%init : tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32>
  %t3 = linalg.transpose ins(%2 : tensor<1x4x4x2xf32>) outs(%nchw : tensor<1x2x4x4xf32>) permutation = [0, 3, 1, 2]
  return %t3 : tensor<1x2x4x4xf32>
}

// A transpose that moves only dimensions of size 1 moves no data.
// CHECK-LABEL: func.func @ones(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<1x4x2xf32>
// CHECK:         %[[C:.+]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]] : tensor<1x4x2xf32> into tensor<4x2xf32>
// CHECK:         %[[E:.+]] = tensor.expand_shape %[[C]] {{\[\[}}0, 1], [2]] {{.+}} into tensor<4x1x2xf32>
// CHECK:         return %[[E]]
func.func @ones(%x: tensor<1x4x2xf32>) -> tensor<4x1x2xf32> {
  %empty = tensor.empty() : tensor<4x1x2xf32>
  %t = linalg.transpose ins(%x : tensor<1x4x2xf32>) outs(%empty : tensor<4x1x2xf32>) permutation = [1, 0, 2]
  return %t : tensor<4x1x2xf32>
}

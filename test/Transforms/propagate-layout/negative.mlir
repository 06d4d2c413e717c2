// RUN: quant-opt %s --qopt-propagate-layout | FileCheck %s

// The transposes of attention heads are no layout conversion: they stay.
// CHECK-LABEL: func.func @heads(
// CHECK:         %[[T:.+]] = linalg.transpose ins({{.+}} permutation = [0, 2, 1, 3]
// CHECK:         %[[E:.+]] = linalg.exp ins(%[[T]] :
// CHECK:         linalg.transpose ins(%[[E]] : {{.+}} permutation = [0, 2, 1, 3]
func.func @heads(%x: tensor<1x4x2x8xf32>) -> tensor<1x4x2x8xf32> {
  %e0 = tensor.empty() : tensor<1x2x4x8xf32>
  %t = linalg.transpose ins(%x : tensor<1x4x2x8xf32>) outs(%e0 : tensor<1x2x4x8xf32>) permutation = [0, 2, 1, 3]
  %e = linalg.exp ins(%t : tensor<1x2x4x8xf32>) outs(%e0 : tensor<1x2x4x8xf32>) -> tensor<1x2x4x8xf32>
  %e1 = tensor.empty() : tensor<1x4x2x8xf32>
  %back = linalg.transpose ins(%e : tensor<1x2x4x8xf32>) outs(%e1 : tensor<1x4x2x8xf32>) permutation = [0, 2, 1, 3]
  return %back : tensor<1x4x2x8xf32>
}

// A group that is not contiguous in the new layout needs the transpose before.
// CHECK-LABEL: func.func @flatten(
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_max
// CHECK:         %[[T:.+]] = linalg.transpose ins(%[[POOL]] :
// CHECK:         tensor.collapse_shape %[[T]]
func.func @flatten(%x: tensor<1x2x4x4xf32>, %window: tensor<2x2xf32>) -> tensor<1x18xf32> {
  %init = arith.constant dense<0.0> : tensor<1x2x3x3xf32>
  %pool = linalg.pooling_nchw_max ins(%x, %window : tensor<1x2x4x4xf32>, tensor<2x2xf32>)
                                  outs(%init : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %flat = tensor.collapse_shape %pool [[0], [1, 2, 3]] : tensor<1x2x3x3xf32> into tensor<1x18xf32>
  return %flat : tensor<1x18xf32>
}

// Channels-last already.
// CHECK-LABEL: func.func @nhwc(
// CHECK-NOT:     linalg.transpose
// CHECK:         linalg.conv_2d_nhwc_hwcf
// CHECK-NOT:     linalg.transpose
func.func @nhwc(%x: tensor<1x4x4x2xf32>, %w: tensor<3x3x2x5xf32>, %init: tensor<1x2x2x5xf32>) -> tensor<1x2x2x5xf32> {
  %0 = linalg.conv_2d_nhwc_hwcf ins(%x, %w : tensor<1x4x4x2xf32>, tensor<3x3x2x5xf32>)
                                outs(%init : tensor<1x2x2x5xf32>) -> tensor<1x2x2x5xf32>
  return %0 : tensor<1x2x2x5xf32>
}

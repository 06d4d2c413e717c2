// RUN: quant-opt %s --qopt-propagate-layout | FileCheck %s

// Every channels-first convolution and pool, with its strides and dilations.

// CHECK-LABEL: func.func @conv_1d
// CHECK:         linalg.transpose {{.+}} permutation = [0, 2, 1]
// CHECK:         linalg.transpose {{.+}} permutation = [2, 1, 0]
// CHECK:         linalg.conv_1d_nwc_wcf {dilations = dense<1> : tensor<1xi64>, strides = dense<2> : tensor<1xi64>} ins({{.+}} : tensor<1x9x3xf32>, tensor<3x3x4xf32>) outs({{.+}} : tensor<1x4x4xf32>)
// CHECK:         linalg.transpose {{.+}} permutation = [0, 2, 1]
func.func @conv_1d(%x: tensor<1x3x9xf32>, %w: tensor<4x3x3xf32>, %init: tensor<1x4x4xf32>) -> tensor<1x4x4xf32> {
  %0 = linalg.conv_1d_ncw_fcw {dilations = dense<1> : tensor<1xi64>, strides = dense<2> : tensor<1xi64>}
      ins(%x, %w : tensor<1x3x9xf32>, tensor<4x3x3xf32>) outs(%init : tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  return %0 : tensor<1x4x4xf32>
}

// CHECK-LABEL: func.func @conv_2d
// CHECK:         linalg.conv_2d_nhwc_fhwc {dilations = dense<2> : tensor<2xi64>, strides = dense<[1, 2]> : tensor<2xi64>} ins({{.+}} : tensor<1x9x9x3xf32>, tensor<4x3x3x3xf32>) outs({{.+}} : tensor<1x5x3x4xf32>)
func.func @conv_2d(%x: tensor<1x3x9x9xf32>, %w: tensor<4x3x3x3xf32>, %init: tensor<1x4x5x3xf32>) -> tensor<1x4x5x3xf32> {
  %0 = linalg.conv_2d_nchw_fchw {dilations = dense<2> : tensor<2xi64>, strides = dense<[1, 2]> : tensor<2xi64>}
      ins(%x, %w : tensor<1x3x9x9xf32>, tensor<4x3x3x3xf32>) outs(%init : tensor<1x4x5x3xf32>) -> tensor<1x4x5x3xf32>
  return %0 : tensor<1x4x5x3xf32>
}

// CHECK-LABEL: func.func @depthwise_1d
// CHECK:         linalg.transpose {{.+}} permutation = [1, 0]
// CHECK:         linalg.depthwise_conv_1d_nwc_wc ins({{.+}} : tensor<1x9x3xf32>, tensor<2x3xf32>) outs({{.+}} : tensor<1x8x3xf32>)
func.func @depthwise_1d(%x: tensor<1x3x9xf32>, %w: tensor<3x2xf32>, %init: tensor<1x3x8xf32>) -> tensor<1x3x8xf32> {
  %0 = linalg.depthwise_conv_1d_ncw_cw ins(%x, %w : tensor<1x3x9xf32>, tensor<3x2xf32>)
                                       outs(%init : tensor<1x3x8xf32>) -> tensor<1x3x8xf32>
  return %0 : tensor<1x3x8xf32>
}

// CHECK-LABEL: func.func @depthwise_2d
// CHECK:         linalg.transpose {{.+}} permutation = [1, 2, 0]
// CHECK:         linalg.depthwise_conv_2d_nhwc_hwc ins({{.+}} : tensor<1x9x9x3xf32>, tensor<2x3x3xf32>) outs({{.+}} : tensor<1x8x7x3xf32>)
func.func @depthwise_2d(%x: tensor<1x3x9x9xf32>, %w: tensor<3x2x3xf32>, %init: tensor<1x3x8x7xf32>) -> tensor<1x3x8x7xf32> {
  %0 = linalg.depthwise_conv_2d_nchw_chw ins(%x, %w : tensor<1x3x9x9xf32>, tensor<3x2x3xf32>)
                                         outs(%init : tensor<1x3x8x7xf32>) -> tensor<1x3x8x7xf32>
  return %0 : tensor<1x3x8x7xf32>
}

// CHECK-LABEL: func.func @grouped
// CHECK:         linalg.transpose {{.+}} permutation = [0, 3, 4, 1, 2]
// CHECK:         linalg.transpose {{.+}} permutation = [0, 1, 3, 4, 2]
// CHECK:         linalg.conv_2d_nhwgc_gfhwc ins({{.+}} : tensor<1x9x8x2x3xf32>, tensor<2x4x3x3x3xf32>) outs({{.+}} : tensor<1x7x6x2x4xf32>)
// CHECK:         linalg.transpose {{.+}} permutation = [0, 3, 4, 1, 2]
func.func @grouped(%x: tensor<1x2x3x9x8xf32>, %w: tensor<2x4x3x3x3xf32>, %init: tensor<1x2x4x7x6xf32>) -> tensor<1x2x4x7x6xf32> {
  %0 = linalg.conv_2d_ngchw_gfchw ins(%x, %w : tensor<1x2x3x9x8xf32>, tensor<2x4x3x3x3xf32>)
                                  outs(%init : tensor<1x2x4x7x6xf32>) -> tensor<1x2x4x7x6xf32>
  return %0 : tensor<1x2x4x7x6xf32>
}

// CHECK-LABEL: func.func @max_pool
// CHECK-SAME:    %{{.+}}: tensor<1x3x8x8xf32>, %[[WINDOW:.+]]: tensor<2x3xf32>,
// CHECK:         linalg.pooling_nhwc_max {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>} ins({{.+}}, %[[WINDOW]] : tensor<1x8x8x3xf32>, tensor<2x3xf32>) outs({{.+}} : tensor<1x4x3x3xf32>)
func.func @max_pool(%x: tensor<1x3x8x8xf32>, %window: tensor<2x3xf32>, %init: tensor<1x3x4x3xf32>) -> tensor<1x3x4x3xf32> {
  %0 = linalg.pooling_nchw_max {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>}
      ins(%x, %window : tensor<1x3x8x8xf32>, tensor<2x3xf32>) outs(%init : tensor<1x3x4x3xf32>) -> tensor<1x3x4x3xf32>
  return %0 : tensor<1x3x4x3xf32>
}

// CHECK-LABEL: func.func @sum_pool
// CHECK:         linalg.pooling_nhwc_sum ins({{.+}} : tensor<1x8x8x3xf32>, tensor<2x2xf32>) outs({{.+}} : tensor<1x7x7x3xf32>)
func.func @sum_pool(%x: tensor<1x3x8x8xf32>, %window: tensor<2x2xf32>, %init: tensor<1x3x7x7xf32>) -> tensor<1x3x7x7xf32> {
  %0 = linalg.pooling_nchw_sum ins(%x, %window : tensor<1x3x8x8xf32>, tensor<2x2xf32>)
                               outs(%init : tensor<1x3x7x7xf32>) -> tensor<1x3x7x7xf32>
  return %0 : tensor<1x3x7x7xf32>
}

// CHECK-LABEL: func.func @pool_1d
// CHECK:         linalg.pooling_nwc_max
// CHECK:         linalg.pooling_nwc_sum
func.func @pool_1d(%x: tensor<1x3x8xf32>, %window: tensor<2xf32>, %init: tensor<1x3x7xf32>) -> (tensor<1x3x7xf32>, tensor<1x3x7xf32>) {
  %0 = linalg.pooling_ncw_max ins(%x, %window : tensor<1x3x8xf32>, tensor<2xf32>)
                              outs(%init : tensor<1x3x7xf32>) -> tensor<1x3x7xf32>
  %1 = linalg.pooling_ncw_sum ins(%x, %window : tensor<1x3x8xf32>, tensor<2xf32>)
                              outs(%init : tensor<1x3x7xf32>) -> tensor<1x3x7xf32>
  return %0, %1 : tensor<1x3x7xf32>, tensor<1x3x7xf32>
}

// CHECK-LABEL: func.func @grouped_fgchw
// CHECK:         linalg.transpose {{.+}} permutation = [1, 0, 3, 4, 2]
// CHECK:         linalg.conv_2d_nhwgc_gfhwc ins({{.+}} : tensor<1x9x8x2x3xf32>, tensor<2x4x3x3x3xf32>) outs({{.+}} : tensor<1x7x6x2x4xf32>)
func.func @grouped_fgchw(%x: tensor<1x2x3x9x8xf32>, %w: tensor<4x2x3x3x3xf32>, %init: tensor<1x2x4x7x6xf32>) -> tensor<1x2x4x7x6xf32> {
  %0 = linalg.conv_2d_ngchw_fgchw ins(%x, %w : tensor<1x2x3x9x8xf32>, tensor<4x2x3x3x3xf32>)
                                  outs(%init : tensor<1x2x4x7x6xf32>) -> tensor<1x2x4x7x6xf32>
  return %0 : tensor<1x2x4x7x6xf32>
}

// CHECK-LABEL: func.func @conv_3d
// CHECK:         linalg.transpose {{.+}} permutation = [0, 2, 3, 4, 1]
// CHECK:         linalg.transpose {{.+}} permutation = [2, 3, 4, 1, 0]
// CHECK:         linalg.conv_3d_ndhwc_dhwcf {dilations = dense<1> : tensor<3xi64>, strides = dense<2> : tensor<3xi64>} ins({{.+}} : tensor<1x5x7x9x2xf32>, tensor<1x3x3x2x4xf32>) outs({{.+}} : tensor<1x3x3x4x4xf32>)
// CHECK:         linalg.transpose {{.+}} permutation = [0, 4, 1, 2, 3]
func.func @conv_3d(%x: tensor<1x2x5x7x9xf32>, %w: tensor<4x2x1x3x3xf32>, %init: tensor<1x4x3x3x4xf32>) -> tensor<1x4x3x3x4xf32> {
  %0 = linalg.conv_3d_ncdhw_fcdhw {dilations = dense<1> : tensor<3xi64>, strides = dense<2> : tensor<3xi64>}
      ins(%x, %w : tensor<1x2x5x7x9xf32>, tensor<4x2x1x3x3xf32>) outs(%init : tensor<1x4x3x3x4xf32>) -> tensor<1x4x3x3x4xf32>
  return %0 : tensor<1x4x3x3x4xf32>
}

// CHECK-LABEL: func.func @depthwise_3d
// CHECK:         linalg.transpose {{.+}} permutation = [1, 2, 3, 0]
// CHECK:         linalg.depthwise_conv_3d_ndhwc_dhwc ins({{.+}} : tensor<1x5x7x9x2xf32>, tensor<1x3x3x2xf32>) outs({{.+}} : tensor<1x5x5x7x2xf32>)
func.func @depthwise_3d(%x: tensor<1x2x5x7x9xf32>, %w: tensor<2x1x3x3xf32>, %init: tensor<1x2x5x5x7xf32>) -> tensor<1x2x5x5x7xf32> {
  %0 = linalg.depthwise_conv_3d_ncdhw_cdhw ins(%x, %w : tensor<1x2x5x7x9xf32>, tensor<2x1x3x3xf32>)
                                           outs(%init : tensor<1x2x5x5x7xf32>) -> tensor<1x2x5x5x7xf32>
  return %0 : tensor<1x2x5x5x7xf32>
}

// Pools of volumes have no channels-first name: exporters write generics.
// CHECK-LABEL: func.func @generic_pool_3d
// CHECK:         %[[T:.+]] = linalg.transpose {{.+}} permutation = [0, 2, 3, 4, 1]
// CHECK:         linalg.generic {indexing_maps = [#[[IMAGE:.+]], #{{.+}}, #[[RESULT:.+]]], {{.+}}} ins({{.+}} : tensor<1x4x4x4x3xf32>, tensor<2x2x2xf32>) outs({{.+}} : tensor<1x2x2x2x3xf32>)
// CHECK:           arith.maximumf
// CHECK:         linalg.transpose {{.+}} permutation = [0, 4, 1, 2, 3]
func.func @generic_pool_3d(%x: tensor<1x3x4x4x4xf32>, %window: tensor<2x2x2xf32>, %init: tensor<1x3x2x2x2xf32>) -> tensor<1x3x2x2x2xf32> {
  %0 = linalg.generic {indexing_maps = [
        affine_map<(n, c, d, h, w, i, j, k) -> (n, c, d * 2 + i, h * 2 + j, w * 2 + k)>,
        affine_map<(n, c, d, h, w, i, j, k) -> (i, j, k)>,
        affine_map<(n, c, d, h, w, i, j, k) -> (n, c, d, h, w)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %window : tensor<1x3x4x4x4xf32>, tensor<2x2x2xf32>) outs(%init : tensor<1x3x2x2x2xf32>) {
  ^bb0(%in: f32, %unused: f32, %out: f32):
    %1 = arith.maximumf %in, %out : f32
    linalg.yield %1 : f32
  } -> tensor<1x3x2x2x2xf32>
  return %0 : tensor<1x3x2x2x2xf32>
}

// The same for a convolution whose integers and zero point are explicit.
// CHECK-LABEL: func.func @generic_conv
// CHECK:         linalg.generic {{.+}} ins({{.+}} : tensor<1x4x4x2xi8>, tensor<3x2x2x2xi8>) outs({{.+}} : tensor<1x3x3x3xi32>)
func.func @generic_conv(%x: tensor<1x2x4x4xi8>, %w: tensor<3x2x2x2xi8>, %init: tensor<1x3x3x3xi32>) -> tensor<1x3x3x3xi32> {
  %0 = linalg.generic {indexing_maps = [
        affine_map<(n, f, h, w, c, i, j) -> (n, c, h + i, w + j)>,
        affine_map<(n, f, h, w, c, i, j) -> (f, c, i, j)>,
        affine_map<(n, f, h, w, c, i, j) -> (n, f, h, w)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : tensor<1x2x4x4xi8>, tensor<3x2x2x2xi8>) outs(%init : tensor<1x3x3x3xi32>) {
  ^bb0(%a: i8, %b: i8, %out: i32):
    %1 = arith.extsi %a : i8 to i32
    %2 = arith.extsi %b : i8 to i32
    %3 = arith.muli %1, %2 : i32
    %4 = arith.addi %out, %3 : i32
    linalg.yield %4 : i32
  } -> tensor<1x3x3x3xi32>
  return %0 : tensor<1x3x3x3xi32>
}

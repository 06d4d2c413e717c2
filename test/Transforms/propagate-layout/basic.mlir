// RUN: quant-opt %s --qopt-propagate-layout | FileCheck %s

// A network of NCHW convolutions becomes one of NHWC convolutions: transposes
// are left at its input and its output only, weights are transposed constants.
#nchw = affine_map<(n, c, h, w) -> (n, c, h, w)>
#channel = affine_map<(n, c, h, w) -> (c)>

// CHECK-DAG:   #[[$NHWC:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG:   #[[$CHANNEL:.+]] = affine_map<(d0, d1, d2, d3) -> (d3)>
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.+]]: tensor<1x3x8x8xf32>) -> tensor<1x2x6x6xf32>
// CHECK-DAG:     %[[BIAS:.+]] = arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK-DAG:     %[[ZERO:.+]] = arith.constant 0.000000e+00 : f32
// CHECK:         %[[T:.+]] = linalg.transpose ins(%[[X]] : {{.+}} permutation = [0, 2, 3, 1]
// CHECK:         %[[INIT:.+]] = linalg.fill {{.+}} -> tensor<1x6x6x2xf32>
// CHECK:         %[[CONV:.+]] = linalg.conv_2d_nhwc_fhwc {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>} ins(%[[T]], %{{.+}} : tensor<1x8x8x3xf32>, tensor<2x3x3x3xf32>) outs(%[[INIT]] :
// CHECK:         %[[SUM:.+]] = linalg.generic {indexing_maps = [#[[$NHWC]], #[[$CHANNEL]], #[[$NHWC]]], {{.+}}} ins(%[[CONV]], %[[BIAS]] :
// CHECK:         %[[PAD:.+]] = tensor.pad %[[SUM]] low[0, 0, 1, 0] high[0, 0, 0, 0]
// CHECK:           tensor.yield %[[ZERO]]
// CHECK:         tensor<1x6x6x2xf32> to tensor<1x6x7x2xf32>
// CHECK:         %[[W:.+]] = arith.constant dense<{{\[\[\[\[}}1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]]], {{.+}} : tensor<2x1x2x2xf32>
// CHECK:         %[[LAST:.+]] = linalg.conv_2d_nhwc_fhwc ins(%[[PAD]], %[[W]] : tensor<1x6x7x2xf32>, tensor<2x1x2x2xf32>)
// CHECK:         %[[RESULT:.+]] = linalg.transpose ins(%[[LAST]] : {{.+}} permutation = [0, 3, 1, 2]
// CHECK-NOT:     qopt.layout
// CHECK:         return %[[RESULT]]
func.func @main(%x: tensor<1x3x8x8xf32>) -> tensor<1x2x6x6xf32> {
  %w = arith.constant dense<1.0> : tensor<2x3x3x3xf32>
  %bias = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %empty = tensor.empty() : tensor<1x2x6x6xf32>
  %init = linalg.fill ins(%zero : f32) outs(%empty : tensor<1x2x6x6xf32>) -> tensor<1x2x6x6xf32>
  %conv = linalg.conv_2d_nchw_fchw {dilations = dense<1> : tensor<2xi64>, strides = dense<1> : tensor<2xi64>}
      ins(%x, %w : tensor<1x3x8x8xf32>, tensor<2x3x3x3xf32>) outs(%init : tensor<1x2x6x6xf32>) -> tensor<1x2x6x6xf32>
  %sum = linalg.generic {indexing_maps = [#nchw, #channel, #nchw],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%conv, %bias : tensor<1x2x6x6xf32>, tensor<2xf32>) outs(%empty : tensor<1x2x6x6xf32>) {
  ^bb0(%in: f32, %b: f32, %out: f32):
    %s = arith.addf %in, %b : f32
    linalg.yield %s : f32
  } -> tensor<1x2x6x6xf32>
  %pad = tensor.pad %sum low[0, 0, 0, 1] high[0, 0, 0, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x2x6x6xf32> to tensor<1x2x6x7xf32>
  %w2 = arith.constant dense<[[[[1.0, 3.0]], [[2.0, 4.0]]], [[[1.0, 3.0]], [[2.0, 4.0]]]]> : tensor<2x2x1x2xf32>
  %last = linalg.conv_2d_nchw_fchw ins(%pad, %w2 : tensor<1x2x6x7xf32>, tensor<2x2x1x2xf32>)
                                   outs(%init : tensor<1x2x6x6xf32>) -> tensor<1x2x6x6xf32>
  return %last : tensor<1x2x6x6xf32>
}

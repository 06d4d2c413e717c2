// RUN: quant-opt %s --qopt-propagate-layout | FileCheck %s

// What comes from outside is transposed first: before it is padded, ...
#nchw = affine_map<(n, c, h, w) -> (n, c, h, w)>

// CHECK-LABEL: func.func @pad(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<1x2x4x4xf32>
// CHECK:         %[[T:.+]] = linalg.transpose ins(%[[X]] : {{.+}} permutation = [0, 2, 3, 1]
// CHECK:         %[[NORMALIZED:.+]] = linalg.generic {{.+}} ins(%[[T]], %{{.+}} : tensor<1x4x4x2xf32>, tensor<2xf32>)
// CHECK:         %[[O:.+]] = qopt.observe %[[NORMALIZED]] {name = "x"} : tensor<1x4x4x2xf32>
// CHECK:         %[[PAD:.+]] = tensor.pad %[[O]] low[0, 0, 1, 0] high[0, 0, 0, 0]
// CHECK:         linalg.conv_2d_nhwc_fhwc ins(%[[PAD]],
func.func @pad(%x: tensor<1x2x4x4xf32>, %w: tensor<3x2x1x1xf32>, %init: tensor<1x3x4x5xf32>) -> tensor<1x3x4x5xf32> {
  %zero = arith.constant 0.0 : f32
  %mean = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %empty = tensor.empty() : tensor<1x2x4x4xf32>
  %normalized = linalg.generic {indexing_maps = [#nchw, affine_map<(n, c, h, w) -> (c)>, #nchw],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %mean : tensor<1x2x4x4xf32>, tensor<2xf32>) outs(%empty : tensor<1x2x4x4xf32>) {
  ^bb0(%in: f32, %m: f32, %out: f32):
    %s = arith.subf %in, %m : f32
    linalg.yield %s : f32
  } -> tensor<1x2x4x4xf32>
  %o = qopt.observe %normalized {name = "x"} : tensor<1x2x4x4xf32>
  %pad = tensor.pad %o low[0, 0, 0, 1] high[0, 0, 0, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %zero : f32
  } : tensor<1x2x4x4xf32> to tensor<1x2x4x5xf32>
  %0 = linalg.conv_2d_nchw_fchw ins(%pad, %w : tensor<1x2x4x5xf32>, tensor<3x2x1x1xf32>)
                                outs(%init : tensor<1x3x4x5xf32>) -> tensor<1x3x4x5xf32>
  return %0 : tensor<1x3x4x5xf32>
}

// ... and while it is still integer.
// CHECK-LABEL: func.func @integers(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<1x2x4x4xi8>
// CHECK:         %[[T:.+]] = linalg.transpose ins(%[[X]] : tensor<1x2x4x4xi8>)
// CHECK:         %[[S:.+]] = quant.scast %{{.+}} : tensor<1x4x4x2xi8> to tensor<1x4x4x2x!quant.uniform<i8:f32, 5.000000e-01>>
// CHECK:         quant.dcast %[[S]]
func.func @integers(%x: tensor<1x2x4x4xi8>, %w: tensor<3x2x1x1xf32>, %init: tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32> {
  %s = quant.scast %x : tensor<1x2x4x4xi8> to tensor<1x2x4x4x!quant.uniform<i8:f32, 0.5>>
  %d = quant.dcast %s : tensor<1x2x4x4x!quant.uniform<i8:f32, 0.5>> to tensor<1x2x4x4xf32>
  %0 = linalg.conv_2d_nchw_fchw ins(%d, %w : tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32>)
                                outs(%init : tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}

// Two values: neither rises.
// CHECK-LABEL: func.func @two(
// CHECK:         %[[SUM:.+]] = linalg.generic {{.+}} tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>)
// CHECK:         linalg.transpose ins(%[[SUM]] :
func.func @two(%x: tensor<1x2x4x4xf32>, %y: tensor<1x2x4x4xf32>, %w: tensor<3x2x1x1xf32>, %init: tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32> {
  %empty = tensor.empty() : tensor<1x2x4x4xf32>
  %sum = linalg.generic {indexing_maps = [#nchw, #nchw, #nchw],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x, %y : tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) outs(%empty : tensor<1x2x4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<1x2x4x4xf32>
  %0 = linalg.conv_2d_nchw_fchw ins(%sum, %w : tensor<1x2x4x4xf32>, tensor<3x2x1x1xf32>)
                                outs(%init : tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}

// RUN: quant-opt %s --qopt-quantize --qopt-fuse-qdq --qopt-lower-to-integer --split-input-file | FileCheck %s

// Convolutions keep their windows in the generic's maps; output channels are the
// weight's dimensions that are the result's.

// CHECK-DAG:   #[[$X:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1 * 2 + d3, d4)>
// CHECK-LABEL: func.func @conv_1d(
// CHECK:         linalg.generic {indexing_maps = [#[[$X]], {{.+}}} ins(%{{.+}}, %{{.+}} : tensor<1x9x3xi8>, tensor<3x3x4xi8>) outs(%{{.+}} : tensor<1x4x4xi32>)
// CHECK:         ins(%{{.+}} : tensor<1x4x4xi32>, tensor<4xf32>, tensor<4xf32>)
func.func @conv_1d(%x: tensor<1x9x3xf32>) -> tensor<1x4x4xf32> {
  %w = arith.constant dense<1.0> : tensor<3x3x4xf32>
  %zero = arith.constant dense<0.0> : tensor<1x4x4xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<1x9x3xf32>
  %1 = linalg.conv_1d_nwc_wcf {qopt.quantize, dilations = dense<1> : tensor<1xi64>, strides = dense<2> : tensor<1xi64>}
      ins(%0, %w : tensor<1x9x3xf32>, tensor<3x3x4xf32>) outs(%zero : tensor<1x4x4xf32>) -> tensor<1x4x4xf32>
  return %1 : tensor<1x4x4xf32>
}

// -----

// CHECK-DAG:   #[[$X:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d0, d1 + d4 * 2, d2 * 2 + d5, d6)>
// CHECK-DAG:   #[[$W:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6) -> (d3, d4, d5, d6)>
// CHECK-LABEL: func.func @fhwc(
// CHECK:         linalg.generic {indexing_maps = [#[[$X]], #[[$W]], #{{.+}}], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]} ins(%{{.+}}, %{{.+}} : tensor<1x9x9x3xi8>, tensor<4x3x3x3xi8>) outs(%{{.+}} : tensor<1x5x4x4xi32>)
// CHECK:         ins(%{{.+}} : tensor<1x5x4x4xi32>, tensor<4xf32>, tensor<4xf32>)
func.func @fhwc(%x: tensor<1x9x9x3xf32>) -> tensor<1x5x4x4xf32> {
  %w = arith.constant dense<1.0> : tensor<4x3x3x3xf32>
  %zero = arith.constant dense<0.0> : tensor<1x5x4x4xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<1x9x9x3xf32>
  %1 = linalg.conv_2d_nhwc_fhwc {qopt.quantize, dilations = dense<[2, 1]> : tensor<2xi64>, strides = dense<[1, 2]> : tensor<2xi64>}
      ins(%0, %w : tensor<1x9x9x3xf32>, tensor<4x3x3x3xf32>) outs(%zero : tensor<1x5x4x4xf32>) -> tensor<1x5x4x4xf32>
  return %1 : tensor<1x5x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @hwcf(
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %{{.+}} : tensor<1x4x4x3xi8>, tensor<3x3x3x4xi8>) outs(%{{.+}} : tensor<1x2x2x4xi32>)
// CHECK:         ins(%{{.+}} : tensor<1x2x2x4xi32>, tensor<4xf32>, tensor<4xf32>)
func.func @hwcf(%x: tensor<1x4x4x3xf32>) -> tensor<1x2x2x4xf32> {
  %w = arith.constant dense<1.0> : tensor<3x3x3x4xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2x2x4xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<1x4x4x3xf32>
  %1 = linalg.conv_2d_nhwc_hwcf {qopt.quantize} ins(%0, %w : tensor<1x4x4x3xf32>, tensor<3x3x3x4xf32>)
      outs(%zero : tensor<1x2x2x4xf32>) -> tensor<1x2x2x4xf32>
  return %1 : tensor<1x2x2x4xf32>
}

// -----

// A depthwise filter's channels are the picture's.
// CHECK-LABEL: func.func @depthwise(
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %{{.+}} : tensor<1x4x4x3xi8>, tensor<3x3x3xi8>) outs(%{{.+}} : tensor<1x2x2x3xi32>)
// CHECK:         ins(%{{.+}} : tensor<1x2x2x3xi32>, tensor<3xf32>, tensor<3xf32>)
func.func @depthwise(%x: tensor<1x4x4x3xf32>) -> tensor<1x2x2x3xf32> {
  %w = arith.constant dense<1.0> : tensor<3x3x3xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2x2x3xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<1x4x4x3xf32>
  %1 = linalg.depthwise_conv_2d_nhwc_hwc {qopt.quantize} ins(%0, %w : tensor<1x4x4x3xf32>, tensor<3x3x3xf32>)
      outs(%zero : tensor<1x2x2x3xf32>) -> tensor<1x2x2x3xf32>
  return %1 : tensor<1x2x2x3xf32>
}

// -----

// With a channel multiplier there are two channel dimensions.
// CHECK-LABEL: func.func @depthwise_multiplier(
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %{{.+}} : tensor<1x4x4x3xi8>, tensor<3x3x3x2xi8>) outs(%{{.+}} : tensor<1x2x2x3x2xi32>)
// CHECK:         ins(%{{.+}} : tensor<1x2x2x3x2xi32>, tensor<3x2xf32>, tensor<3x2xf32>)
func.func @depthwise_multiplier(%x: tensor<1x4x4x3xf32>) -> tensor<1x2x2x3x2xf32> {
  %w = arith.constant dense<1.0> : tensor<3x3x3x2xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2x2x3x2xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<1x4x4x3xf32>
  %1 = linalg.depthwise_conv_2d_nhwc_hwcm {qopt.quantize} ins(%0, %w : tensor<1x4x4x3xf32>, tensor<3x3x3x2xf32>)
      outs(%zero : tensor<1x2x2x3x2xf32>) -> tensor<1x2x2x3x2xf32>
  return %1 : tensor<1x2x2x3x2xf32>
}

// -----

// CHECK-LABEL: func.func @grouped(
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %{{.+}} : tensor<1x4x4x2x3xi8>, tensor<2x5x3x3x3xi8>) outs(%{{.+}} : tensor<1x2x2x2x5xi32>)
// CHECK:         ins(%{{.+}} : tensor<1x2x2x2x5xi32>, tensor<2x5xf32>, tensor<2x5xf32>)
func.func @grouped(%x: tensor<1x4x4x2x3xf32>) -> tensor<1x2x2x2x5xf32> {
  %w = arith.constant dense<1.0> : tensor<2x5x3x3x3xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2x2x2x5xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<1x4x4x2x3xf32>
  %1 = linalg.conv_2d_nhwgc_gfhwc {qopt.quantize} ins(%0, %w : tensor<1x4x4x2x3xf32>, tensor<2x5x3x3x3xf32>)
      outs(%zero : tensor<1x2x2x2x5xf32>) -> tensor<1x2x2x2x5xf32>
  return %1 : tensor<1x2x2x2x5xf32>
}

// -----

// Padding before a convolution with a zero point uses the zero point.
// CHECK-LABEL: func.func @padded(
// CHECK-DAG:     %[[Z:.+]] = arith.constant 7 : i8
// CHECK-DAG:     %[[Q:.+]] = linalg.generic {{.+}} ins(%{{.+}} : tensor<1x2x2x1xf32>) outs(%{{.+}} : tensor<1x2x2x1xi8>)
// CHECK:         %[[P:.+]] = tensor.pad %[[Q]] low[0, 1, 1, 0] high[0, 1, 1, 0]
// CHECK:           tensor.yield %[[Z]] : i8
// CHECK:         linalg.generic {{.+}} ins(%[[P]], %{{.+}} : tensor<1x4x4x1xi8>, tensor<1x3x3x1xi8>)
func.func @padded(%x: tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32> {
  %w = arith.constant dense<1.0> : tensor<1x3x3x1xf32>
  %c0 = arith.constant 0.0 : f32
  %zero = arith.constant dense<0.0> : tensor<1x2x2x1xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<u8:f32, 1.0:7>} : tensor<1x2x2x1xf32>
  %pad = tensor.pad %0 low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %c0 : f32
  } : tensor<1x2x2x1xf32> to tensor<1x4x4x1xf32>
  %1 = linalg.conv_2d_nhwc_fhwc {qopt.quantize} ins(%pad, %w : tensor<1x4x4x1xf32>, tensor<1x3x3x1xf32>)
      outs(%zero : tensor<1x2x2x1xf32>) -> tensor<1x2x2x1xf32>
  return %1 : tensor<1x2x2x1xf32>
}

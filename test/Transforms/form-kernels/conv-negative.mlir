// RUN: quant-opt %s --qopt-form-kernels --split-input-file | FileCheck %s
// RUN: quant-opt %s --qopt-form-kernels --split-input-file --remarks-filter=qopt --remark-policy=all -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// What stays a loop, and what is not folded into windows.

// REMARK: a loop kernel computes it: a depthwise convolution
// CHECK-LABEL: func.func @depthwise(
// CHECK-NOT: qopt.gemm
func.func @depthwise(%x: tensor<1x6x6x8xi8>) -> tensor<1x4x4x8xi32> {
  %w = arith.constant dense<3> : tensor<3x3x8xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x4x4x8xi32>
  %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<1x4x4x8xi32>) -> tensor<1x4x4x8xi32>
  %y = linalg.depthwise_conv_2d_nhwc_hwc
      ins(%x, %w : tensor<1x6x6x8xi8>, tensor<3x3x8xi8>)
      outs(%z : tensor<1x4x4x8xi32>) -> tensor<1x4x4x8xi32>
  return %y : tensor<1x4x4x8xi32>
}

// -----

// REMARK: a loop kernel computes it: its weight is not constant (a convolution)
// CHECK-LABEL: func.func @weight(
// CHECK-NOT: qopt.gemm
func.func @weight(%x: tensor<1x6x6x8xi8>, %w: tensor<8x3x3x8xi8>) -> tensor<1x4x4x8xi32> {
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x4x4x8xi32>
  %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<1x4x4x8xi32>) -> tensor<1x4x4x8xi32>
  %y = linalg.conv_2d_nhwc_fhwc
      ins(%x, %w : tensor<1x6x6x8xi8>, tensor<8x3x3x8xi8>)
      outs(%z : tensor<1x4x4x8xi32>) -> tensor<1x4x4x8xi32>
  return %y : tensor<1x4x4x8xi32>
}

// -----

// REMARK: a loop kernel computes it: there are no kernels for windows of floats (a convolution)
// CHECK-LABEL: func.func @floats(
// CHECK-NOT: qopt.gemm
func.func @floats(%x: tensor<1x6x6x8xf32>) -> tensor<1x4x4x8xf32> {
  %w = arith.constant dense<3.0> : tensor<8x3x3x8xf32>
  %c0 = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x4x4x8xf32>
  %z = linalg.fill ins(%c0 : f32) outs(%e : tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
  %y = linalg.conv_2d_nhwc_fhwc
      ins(%x, %w : tensor<1x6x6x8xf32>, tensor<8x3x3x8xf32>)
      outs(%z : tensor<1x4x4x8xf32>) -> tensor<1x4x4x8xf32>
  return %y : tensor<1x4x4x8xf32>
}

// -----

// REMARK: a loop kernel computes it: its image is not indexed as [images, height, width, channels] by windows (a convolution)
// CHECK-LABEL: func.func @channels_first(
// CHECK-NOT: qopt.gemm
func.func @channels_first(%x: tensor<1x8x6x6xi8>) -> tensor<1x8x4x4xi32> {
  %w = arith.constant dense<3> : tensor<8x8x3x3xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x8x4x4xi32>
  %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<1x8x4x4xi32>) -> tensor<1x8x4x4xi32>
  %y = linalg.conv_2d_nchw_fchw
      ins(%x, %w : tensor<1x8x6x6xi8>, tensor<8x8x3x3xi8>)
      outs(%z : tensor<1x8x4x4xi32>) -> tensor<1x8x4x4xi32>
  return %y : tensor<1x8x4x4xi32>
}

// -----

// REMARK: a loop kernel computes it: its image is not indexed as [images, height, width, channels] by windows (a convolution)
// CHECK-LABEL: func.func @three_dimensions(
// CHECK-NOT: qopt.gemm
func.func @three_dimensions(%x: tensor<1x6x6x6x8xi8>) -> tensor<1x4x4x4x8xi32> {
  %w = arith.constant dense<3> : tensor<3x3x3x8x8xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x4x4x4x8xi32>
  %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<1x4x4x4x8xi32>) -> tensor<1x4x4x4x8xi32>
  %y = linalg.conv_3d_ndhwc_dhwcf
      ins(%x, %w : tensor<1x6x6x6x8xi8>, tensor<3x3x3x8x8xi8>)
      outs(%z : tensor<1x4x4x4x8xi32>) -> tensor<1x4x4x4x8xi32>
  return %y : tensor<1x4x4x4x8xi32>
}

// -----

// Two pads of different values: the inner one stays. A pad that others read
// stays as well, for them.

// CHECK-LABEL: func.func @pads(
// CHECK-SAME:    %[[X:.+]]: tensor<1x4x4x8xi8>)
// CHECK:         %[[INNER:.+]] = tensor.pad %[[X]]
// CHECK:         %[[OUTER:.+]] = tensor.pad %[[INNER]]
// CHECK:         qopt.gemm ins(%[[INNER]], %{{.+}} : tensor<1x6x6x8xi8>,
// CHECK:         pad = [1, 1], input_dilation = [1, 1], groups = 1, pad_value = 2>
// CHECK:         return %{{.+}}, %[[OUTER]]
func.func @pads(%x: tensor<1x4x4x8xi8>) -> (tensor<1x6x6x8xi32>, tensor<1x8x8x8xi8>) {
  %c1 = arith.constant 1 : i8
  %c2 = arith.constant 2 : i8
  %inner = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %c1 : i8
  } : tensor<1x4x4x8xi8> to tensor<1x6x6x8xi8>
  %outer = tensor.pad %inner low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %c2 : i8
  } : tensor<1x6x6x8xi8> to tensor<1x8x8x8xi8>
  %w = arith.constant dense<3> : tensor<8x3x3x8xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x6x6x8xi32>
  %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<1x6x6x8xi32>) -> tensor<1x6x6x8xi32>
  %y = linalg.conv_2d_nhwc_fhwc
      ins(%outer, %w : tensor<1x8x8x8xi8>, tensor<8x3x3x8xi8>)
      outs(%z : tensor<1x6x6x8xi32>) -> tensor<1x6x6x8xi32>
  return %y, %outer : tensor<1x6x6x8xi32>, tensor<1x8x8x8xi8>
}

// -----

// Channels that are padded are no matter of windows.

// CHECK-LABEL: func.func @padded_channels(
// CHECK:         %[[PADDED:.+]] = tensor.pad
// CHECK:         qopt.gemm ins(%[[PADDED]], %{{.+}} : tensor<1x8x8x8xi8>,
// CHECK:         pad = [0, 0], input_dilation = [1, 1], groups = 1, pad_value = 0>
func.func @padded_channels(%x: tensor<1x6x6x7xi8>) -> tensor<1x6x6x8xi32> {
  %c1 = arith.constant 1 : i8
  %padded = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 1] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %c1 : i8
  } : tensor<1x6x6x7xi8> to tensor<1x8x8x8xi8>
  %w = arith.constant dense<3> : tensor<8x3x3x8xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x6x6x8xi32>
  %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<1x6x6x8xi32>) -> tensor<1x6x6x8xi32>
  %y = linalg.conv_2d_nhwc_fhwc
      ins(%padded, %w : tensor<1x8x8x8xi8>, tensor<8x3x3x8xi8>)
      outs(%z : tensor<1x6x6x8xi32>) -> tensor<1x6x6x8xi32>
  return %y : tensor<1x6x6x8xi32>
}

// RUN: quant-opt %s --qopt-form-kernels --split-input-file | FileCheck %s

// A named convolution of a padded image: the pad becomes part of the window,
// the weight [R, S, C, F] is packed to [F, R * S * C], and the epilogue reads
// what it needs per channel and per element of the result.

#nhwc = affine_map<(n, h, w, c) -> (n, h, w, c)>
#c = affine_map<(n, h, w, c) -> (c)>

// CHECK-DAG:   #[[$MN:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG:   #[[$N:.+]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @residual(
// CHECK-SAME:    %[[X:.+]]: tensor<2x8x8x16xi8>, %[[SCALE:.+]]: tensor<24xf32>, %[[R:.+]]: tensor<2x4x4x24xi8>)
// CHECK-NOT:     tensor.pad
// CHECK:         %[[P:.+]] = qopt.pack %{{.+}} {permutation = array<i64: 1, 0>} : tensor<144x24xi8> -> tensor<24x144xi8>
// CHECK:         %[[RM:.+]] = tensor.collapse_shape %[[R]] {{.+}} : tensor<2x4x4x24xi8> into tensor<32x24xi8>
// CHECK:         %[[Y:.+]] = qopt.gemm ins(%[[X]], %[[P]] : tensor<2x8x8x16xi8>, tensor<24x144xi8>)
// CHECK-SAME:      epilogue(%[[SCALE]], %[[RM]] : tensor<24xf32>, tensor<32x24xi8>) outs(%{{.+}} : tensor<32x24xi8>)
// CHECK:           qopt.yield
// CHECK:         epilogue_maps = [#[[$N]], #[[$MN]]]
// CHECK-SAME:    window = #qopt.window<kernel = [3, 3], out = [4, 4], stride = [2, 2], dilation = [1, 1],
// CHECK-SAME:      pad = [1, 0], input_dilation = [1, 1], groups = 1, pad_value = -5>
// CHECK:         tensor.expand_shape %[[Y]] {{.+}} : tensor<32x24xi8> into tensor<2x4x4x24xi8>
func.func @residual(%x: tensor<2x8x8x16xi8>, %scale: tensor<24xf32>,
                    %r: tensor<2x4x4x24xi8>) -> tensor<2x4x4x24xi8> {
  %pad = arith.constant -5 : i8
  %padded = tensor.pad %x low[0, 1, 0, 0] high[0, 0, 1, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %pad : i8
  } : tensor<2x8x8x16xi8> to tensor<2x9x9x16xi8>
  %w = arith.constant dense<3> : tensor<3x3x16x24xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<2x4x4x24xi32>
  %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<2x4x4x24xi32>) -> tensor<2x4x4x24xi32>
  %acc = linalg.conv_2d_nhwc_hwcf {strides = dense<2> : tensor<2xi64>}
      ins(%padded, %w : tensor<2x9x9x16xi8>, tensor<3x3x16x24xi8>)
      outs(%z : tensor<2x4x4x24xi32>) -> tensor<2x4x4x24xi32>
  %e8 = tensor.empty() : tensor<2x4x4x24xi8>
  %y = linalg.generic {indexing_maps = [#nhwc, #c, #nhwc, #nhwc],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%acc, %scale, %r : tensor<2x4x4x24xi32>, tensor<24xf32>, tensor<2x4x4x24xi8>)
      outs(%e8 : tensor<2x4x4x24xi8>) {
  ^bb0(%v: i32, %s: f32, %res: i8, %out: i8):
    %f = arith.sitofp %v : i32 to f32
    %m = arith.mulf %f, %s : f32
    %rf = arith.sitofp %res : i8 to f32
    %sum = arith.addf %m, %rf : f32
    %q = arith.fptosi %sum : f32 to i8
    linalg.yield %q : i8
  } -> tensor<2x4x4x24xi8>
  return %y : tensor<2x4x4x24xi8>
}

// -----

// Dilations are the taps' factors; a weight [F, R, S, C] is in order. An
// unsigned image has an unsigned pad.

#x = affine_map<(n, p, q, k, r, s, c) -> (n, p + r * 2, q + s * 3, c)>
#w = affine_map<(n, p, q, k, r, s, c) -> (k, r, s, c)>
#y = affine_map<(n, p, q, k, r, s, c) -> (n, p, q, k)>

// CHECK-LABEL: func.func @dilated(
// CHECK:         qopt.pack %{{.+}} {permutation = array<i64: 0, 1>} : tensor<8x72xi8> -> tensor<8x72xi8>
// CHECK:         window = #qopt.window<kernel = [3, 3], out = [6, 6], stride = [1, 1], dilation = [2, 3],
// CHECK-SAME:      pad = [2, 3], input_dilation = [1, 1], groups = 1, pad_value = 200>
func.func @dilated(%x: tensor<1x6x6x8xi8>) -> tensor<1x6x6x8xi32> {
  %pad = arith.constant 200 : i8
  %padded = tensor.pad %x low[0, 2, 3, 0] high[0, 2, 3, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %pad : i8
  } : tensor<1x6x6x8xi8> to tensor<1x10x12x8xi8>
  %w = arith.constant dense<3> : tensor<8x3x3x8xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x6x6x8xi32>
  %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<1x6x6x8xi32>) -> tensor<1x6x6x8xi32>
  %y = linalg.generic {indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel",
                        "reduction", "reduction", "reduction"]}
      ins(%padded, %w : tensor<1x10x12x8xi8>, tensor<8x3x3x8xi8>)
      outs(%z : tensor<1x6x6x8xi32>) {
  ^bb0(%a: i8, %b: i8, %acc: i32):
    %0 = arith.extui %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %acc, %2 : i32
    linalg.yield %3 : i32
  } -> tensor<1x6x6x8xi32>
  return %y : tensor<1x6x6x8xi32>
}

// -----

// Groups, with the pad in front of the split of the channels.

#x = affine_map<(n, p, q, g, k, r, s, c) -> (n, p + r, q + s, g, c)>
#w = affine_map<(n, p, q, g, k, r, s, c) -> (g, k, r, s, c)>
#y = affine_map<(n, p, q, g, k, r, s, c) -> (n, p, q, g, k)>

// CHECK-LABEL: func.func @grouped(
// CHECK-SAME:    %[[X:.+]]: tensor<1x6x6x16xi8>)
// CHECK:         qopt.pack %{{.+}} {permutation = array<i64: 0, 1>} : tensor<32x36xi8> -> tensor<32x36xi8>
// CHECK:         qopt.gemm ins(%[[X]], %{{.+}} : tensor<1x6x6x16xi8>, tensor<32x36xi8>) outs(%{{.+}} : tensor<36x32xi32>)
// CHECK:         window = #qopt.window<kernel = [3, 3], out = [6, 6], stride = [1, 1], dilation = [1, 1],
// CHECK-SAME:      pad = [1, 1], input_dilation = [1, 1], groups = 4, pad_value = 0>
// CHECK:         tensor.expand_shape %{{.+}} : tensor<36x32xi32> into tensor<1x6x6x4x8xi32>
func.func @grouped(%x: tensor<1x6x6x16xi8>) -> tensor<1x6x6x4x8xi32> {
  %c0_i8 = arith.constant 0 : i8
  %padded = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %c0_i8 : i8
  } : tensor<1x6x6x16xi8> to tensor<1x8x8x16xi8>
  %xg = tensor.expand_shape %padded [[0], [1], [2], [3, 4]] output_shape [1, 8, 8, 4, 4]
      : tensor<1x8x8x16xi8> into tensor<1x8x8x4x4xi8>
  %w = arith.constant dense<3> : tensor<4x8x3x3x4xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x6x6x4x8xi32>
  %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<1x6x6x4x8xi32>) -> tensor<1x6x6x4x8xi32>
  %y = linalg.generic {indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "parallel",
                        "reduction", "reduction", "reduction"]}
      ins(%xg, %w : tensor<1x8x8x4x4xi8>, tensor<4x8x3x3x4xi8>)
      outs(%z : tensor<1x6x6x4x8xi32>) {
  ^bb0(%a: i8, %b: i8, %acc: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %acc, %2 : i32
    linalg.yield %3 : i32
  } -> tensor<1x6x6x4x8xi32>
  return %y : tensor<1x6x6x4x8xi32>
}

// -----

// A transposed convolution: pixels with distances between them in a filled
// tensor, padded once more. 2 * (1 + h) + 1 = y: the pad is 3.

// CHECK-LABEL: func.func @transposed(
// CHECK-SAME:    %[[X:.+]]: tensor<1x4x4x8xi8>)
// CHECK-NOT:     insert_slice
// CHECK:         qopt.gemm ins(%[[X]], %{{.+}} : tensor<1x4x4x8xi8>, tensor<16x32xi8>)
// CHECK:         window = #qopt.window<kernel = [2, 2], out = [11, 8], stride = [1, 1], dilation = [1, 1],
// CHECK-SAME:      pad = [3, 1], input_dilation = [2, 2], groups = 1, pad_value = 52>
func.func @transposed(%x: tensor<1x4x4x8xi8>) -> tensor<1x11x8x16xi32> {
  %c52 = arith.constant 52 : i8
  %first = tensor.pad %x low[0, 1, 0, 0] high[0, 0, 0, 0] {
  ^bb0(%a: index, %b: index, %c: index, %d: index):
    tensor.yield %c52 : i8
  } : tensor<1x4x4x8xi8> to tensor<1x5x4x8xi8>
  %e8 = tensor.empty() : tensor<1x12x9x8xi8>
  %filled = linalg.fill ins(%c52 : i8) outs(%e8 : tensor<1x12x9x8xi8>) -> tensor<1x12x9x8xi8>
  %padded = tensor.insert_slice %first into %filled[0, 1, 1, 0] [1, 5, 4, 8] [1, 2, 2, 1]
      : tensor<1x5x4x8xi8> into tensor<1x12x9x8xi8>
  %w = arith.constant dense<3> : tensor<16x2x2x8xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x11x8x16xi32>
  %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<1x11x8x16xi32>) -> tensor<1x11x8x16xi32>
  %y = linalg.conv_2d_nhwc_fhwc
      ins(%padded, %w : tensor<1x12x9x8xi8>, tensor<16x2x2x8xi8>)
      outs(%z : tensor<1x11x8x16xi32>) -> tensor<1x11x8x16xi32>
  return %y : tensor<1x11x8x16xi32>
}

// -----

// One dimension is the width. A weight [F, C, S] is reordered at compile time.

#x = affine_map<(n, q, k, s, c) -> (n, q * 2 + s, c)>
#w = affine_map<(n, q, k, s, c) -> (k, c, s)>
#y = affine_map<(n, q, k, s, c) -> (n, q, k)>

// CHECK-LABEL: func.func @conv1d(
// CHECK:         %[[X:.+]] = tensor.expand_shape %{{.+}} : tensor<4x9x2xi8> into tensor<4x1x9x2xi8>
// CHECK:         %[[W:.+]] = arith.constant dense<{{\[\[}}1, 4, 2, 5, 3, 6], [7, 10, 8, 11, 9, 12]]> : tensor<2x6xi8>
// CHECK:         %[[P:.+]] = qopt.pack %[[W]] {permutation = array<i64: 0, 1>} : tensor<2x6xi8> -> tensor<2x6xi8>
// CHECK:         qopt.gemm ins(%[[X]], %[[P]] : tensor<4x1x9x2xi8>, tensor<2x6xi8>) outs(%{{.+}} : tensor<16x2xi32>)
// CHECK:         window = #qopt.window<kernel = [1, 3], out = [1, 4], stride = [1, 2], dilation = [1, 1],
// CHECK-SAME:      pad = [0, 0], input_dilation = [1, 1], groups = 1, pad_value = 0>
func.func @conv1d(%x: tensor<4x9x2xi8>) -> tensor<4x4x2xi32> {
  %w = arith.constant dense<[[[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [10, 11, 12]]]> : tensor<2x2x3xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<4x4x2xi32>
  %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<4x4x2xi32>) -> tensor<4x4x2xi32>
  %y = linalg.generic {indexing_maps = [#x, #w, #y],
      iterator_types = ["parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<4x9x2xi8>, tensor<2x2x3xi8>)
      outs(%z : tensor<4x4x2xi32>) {
  ^bb0(%a: i8, %b: i8, %acc: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %acc, %2 : i32
    linalg.yield %3 : i32
  } -> tensor<4x4x2xi32>
  return %y : tensor<4x4x2xi32>
}

// -----

// One tap without a stride is a product of matrices, and so is a window as
// large as the image. With a stride it is not.

// CHECK-LABEL: func.func @one_tap(
// CHECK-COUNT-2: qopt.gemm ins(%{{.+}}, %{{.+}} : tensor<2x{{.+}}xi8>, tensor<{{.+}}xi8>)
// CHECK:         window = #qopt.window<kernel = [1, 1], out = [4, 4], stride = [2, 2], dilation = [1, 1],
func.func @one_tap(%x: tensor<2x8x8x16xi8>)
    -> (tensor<2x8x8x8xi32>, tensor<2x1x1x8xi32>, tensor<2x4x4x8xi32>) {
  %w1 = arith.constant dense<3> : tensor<8x1x1x16xi8>
  %w8 = arith.constant dense<3> : tensor<8x8x8x16xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<2x8x8x8xi32>
  %z = linalg.fill ins(%c0 : i32) outs(%e : tensor<2x8x8x8xi32>) -> tensor<2x8x8x8xi32>
  %y = linalg.conv_2d_nhwc_fhwc
      ins(%x, %w1 : tensor<2x8x8x16xi8>, tensor<8x1x1x16xi8>)
      outs(%z : tensor<2x8x8x8xi32>) -> tensor<2x8x8x8xi32>
  %e1 = tensor.empty() : tensor<2x1x1x8xi32>
  %z1 = linalg.fill ins(%c0 : i32) outs(%e1 : tensor<2x1x1x8xi32>) -> tensor<2x1x1x8xi32>
  %y1 = linalg.conv_2d_nhwc_fhwc
      ins(%x, %w8 : tensor<2x8x8x16xi8>, tensor<8x8x8x16xi8>)
      outs(%z1 : tensor<2x1x1x8xi32>) -> tensor<2x1x1x8xi32>
  %e2 = tensor.empty() : tensor<2x4x4x8xi32>
  %z2 = linalg.fill ins(%c0 : i32) outs(%e2 : tensor<2x4x4x8xi32>) -> tensor<2x4x4x8xi32>
  %y2 = linalg.conv_2d_nhwc_fhwc {strides = dense<2> : tensor<2xi64>}
      ins(%x, %w1 : tensor<2x8x8x16xi8>, tensor<8x1x1x16xi8>)
      outs(%z2 : tensor<2x4x4x8xi32>) -> tensor<2x4x4x8xi32>
  return %y, %y1, %y2 : tensor<2x8x8x8xi32>, tensor<2x1x1x8xi32>, tensor<2x4x4x8xi32>
}

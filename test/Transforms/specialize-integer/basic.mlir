// RUN: quant-opt %s --qopt-specialize-integer | FileCheck %s

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// CHECK-LABEL: @matmul
// CHECK: linalg.matmul ins(%{{.+}}, %{{.+}} : tensor<4x8xi8>, tensor<8x2xi8>) outs(%{{.+}} : tensor<4x2xi32>)
func.func @matmul(%x: tensor<4x8xi8>, %w: tensor<8x2xi8>, %z: tensor<4x2xi32>) -> tensor<4x2xi32> {
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x8xi8>, tensor<8x2xi8>) outs(%z : tensor<4x2xi32>) {
  ^bb0(%p: i8, %q: i8, %out: i32):
    %1 = arith.extsi %p : i8 to i32
    %2 = arith.extsi %q : i8 to i32
    %3 = arith.muli %1, %2 : i32
    %4 = arith.addi %out, %3 : i32
    linalg.yield %4 : i32
  } -> tensor<4x2xi32>
  return %0 : tensor<4x2xi32>
}

// CHECK-LABEL: @conv
// CHECK: linalg.conv_2d_nhwc_fhwc {dilations = dense<1> : tensor<2xi64>, strides = dense<2> : tensor<2xi64>} ins(%{{.+}}, %{{.+}} : tensor<1x9x9x3xi8>, tensor<5x3x3x3xi8>) outs(%{{.+}} : tensor<1x4x4x5xi32>)
func.func @conv(%x: tensor<1x9x9x3xi8>, %w: tensor<5x3x3x3xi8>, %z: tensor<1x4x4x5xi32>) -> tensor<1x4x4x5xi32> {
  %0 = linalg.generic {indexing_maps = [
      affine_map<(n, h, w, f, kh, kw, c) -> (n, h * 2 + kh, w * 2 + kw, c)>,
      affine_map<(n, h, w, f, kh, kw, c) -> (f, kh, kw, c)>,
      affine_map<(n, h, w, f, kh, kw, c) -> (n, h, w, f)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction", "reduction"]}
      ins(%x, %w : tensor<1x9x9x3xi8>, tensor<5x3x3x3xi8>) outs(%z : tensor<1x4x4x5xi32>) {
  ^bb0(%p: i8, %q: i8, %out: i32):
    %1 = arith.extsi %p : i8 to i32
    %2 = arith.extsi %q : i8 to i32
    %3 = arith.muli %1, %2 : i32
    %4 = arith.addi %out, %3 : i32
    linalg.yield %4 : i32
  } -> tensor<1x4x4x5xi32>
  return %0 : tensor<1x4x4x5xi32>
}

// CHECK-LABEL: @depthwise
// CHECK: linalg.depthwise_conv_2d_nhwc_hwc
func.func @depthwise(%x: tensor<1x9x9x3xi8>, %w: tensor<3x3x3xi8>, %z: tensor<1x7x7x3xi32>) -> tensor<1x7x7x3xi32> {
  %0 = linalg.generic {indexing_maps = [
      affine_map<(n, h, w, c, kh, kw) -> (n, h + kh, w + kw, c)>,
      affine_map<(n, h, w, c, kh, kw) -> (kh, kw, c)>,
      affine_map<(n, h, w, c, kh, kw) -> (n, h, w, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %w : tensor<1x9x9x3xi8>, tensor<3x3x3xi8>) outs(%z : tensor<1x7x7x3xi32>) {
  ^bb0(%p: i8, %q: i8, %out: i32):
    %1 = arith.extsi %p : i8 to i32
    %2 = arith.extsi %q : i8 to i32
    %3 = arith.muli %1, %2 : i32
    %4 = arith.addi %out, %3 : i32
    linalg.yield %4 : i32
  } -> tensor<1x7x7x3xi32>
  return %0 : tensor<1x7x7x3xi32>
}

// RUN: quant-opt %s --qopt-propagate-layout | FileCheck %s

// What the transposes after a pool sink through, down to the function's result.
#nchw = affine_map<(n, c, h, w) -> (n, c, h, w)>

// Two operands in the same layout, and one in the old: only that is transposed.
// CHECK-LABEL: func.func @elementwise(
// CHECK-SAME:    %[[X:.+]]: tensor<1x2x4x4xf32>, %[[R:.+]]: tensor<1x2x3x3xf32>, %[[WINDOW:.+]]:
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_max
// CHECK:         %[[TWICE:.+]] = linalg.generic {{.+}} ins(%[[POOL]], %[[POOL]] : tensor<1x3x3x2xf32>, tensor<1x3x3x2xf32>)
// CHECK:         %[[SUM:.+]] = linalg.generic {indexing_maps = [#{{[^,]+}}, #[[READ:[^,]+]], #{{[^,]+}}], {{.+}}} ins(%[[TWICE]], %[[R]] : tensor<1x3x3x2xf32>, tensor<1x2x3x3xf32>)
// CHECK:         %[[T:.+]] = linalg.transpose ins(%[[SUM]] : {{.+}} permutation = [0, 3, 1, 2]
// CHECK:         return %[[T]]
func.func @elementwise(%x: tensor<1x2x4x4xf32>, %r: tensor<1x2x3x3xf32>, %window: tensor<2x2xf32>) -> tensor<1x2x3x3xf32> {
  %init = arith.constant dense<0.0> : tensor<1x2x3x3xf32>
  %empty = tensor.empty() : tensor<1x2x3x3xf32>
  %pool = linalg.pooling_nchw_max ins(%x, %window : tensor<1x2x4x4xf32>, tensor<2x2xf32>)
                                  outs(%init : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %twice = linalg.generic {indexing_maps = [#nchw, #nchw, #nchw],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%pool, %pool : tensor<1x2x3x3xf32>, tensor<1x2x3x3xf32>) outs(%empty : tensor<1x2x3x3xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.mulf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<1x2x3x3xf32>
  %sum = linalg.generic {indexing_maps = [#nchw, #nchw, #nchw],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%twice, %r : tensor<1x2x3x3xf32>, tensor<1x2x3x3xf32>) outs(%empty : tensor<1x2x3x3xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<1x2x3x3xf32>
  return %sum : tensor<1x2x3x3xf32>
}

// Flattening 1x1 pictures keeps the channels in order: no transpose is left.
// CHECK-LABEL: func.func @collapse(
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_sum {{.+}} -> tensor<1x1x1x2xf32>
// CHECK:         %[[FLAT:.+]] = tensor.collapse_shape
// CHECK:         return
func.func @collapse(%x: tensor<1x2x4x4xf32>, %window: tensor<4x4xf32>) -> tensor<1x2xf32> {
  %init = arith.constant dense<0.0> : tensor<1x2x1x1xf32>
  %pool = linalg.pooling_nchw_sum ins(%x, %window : tensor<1x2x4x4xf32>, tensor<4x4xf32>)
                                  outs(%init : tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %flat = tensor.collapse_shape %pool [[0], [1, 2, 3]] : tensor<1x2x1x1xf32> into tensor<1x2xf32>
  return %flat : tensor<1x2xf32>
}

// Neighbouring dimensions of the new layout can be merged first.
// CHECK-LABEL: func.func @collapse_picture(
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_max
// CHECK:         %[[FLAT:.+]] = tensor.collapse_shape %[[POOL]] {{\[\[}}0], [1, 2], [3]] : tensor<1x3x3x2xf32> into tensor<1x9x2xf32>
// CHECK:         linalg.transpose ins(%[[FLAT]] : {{.+}} permutation = [0, 2, 1]
func.func @collapse_picture(%x: tensor<1x2x4x4xf32>, %window: tensor<2x2xf32>) -> tensor<1x2x9xf32> {
  %init = arith.constant dense<0.0> : tensor<1x2x3x3xf32>
  %pool = linalg.pooling_nchw_max ins(%x, %window : tensor<1x2x4x4xf32>, tensor<2x2xf32>)
                                  outs(%init : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %flat = tensor.collapse_shape %pool [[0], [1], [2, 3]] : tensor<1x2x3x3xf32> into tensor<1x2x9xf32>
  return %flat : tensor<1x2x9xf32>
}

// CHECK-LABEL: func.func @expand(
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_max
// CHECK:         %[[GROUPS:.+]] = tensor.expand_shape %[[POOL]] {{\[\[}}0], [1], [2], [3, 4]] {{.+}} : tensor<1x3x3x4xf32> into tensor<1x3x3x2x2xf32>
// CHECK:         linalg.transpose ins(%[[GROUPS]] : {{.+}} permutation = [0, 3, 4, 1, 2]
func.func @expand(%x: tensor<1x4x4x4xf32>, %window: tensor<2x2xf32>) -> tensor<1x2x2x3x3xf32> {
  %init = arith.constant dense<0.0> : tensor<1x4x3x3xf32>
  %pool = linalg.pooling_nchw_max ins(%x, %window : tensor<1x4x4x4xf32>, tensor<2x2xf32>)
                                  outs(%init : tensor<1x4x3x3xf32>) -> tensor<1x4x3x3xf32>
  %groups = tensor.expand_shape %pool [[0], [1, 2], [3], [4]] output_shape [1, 2, 2, 3, 3]
      : tensor<1x4x3x3xf32> into tensor<1x2x2x3x3xf32>
  return %groups : tensor<1x2x2x3x3xf32>
}

// Channels are joined in their new place.
// CHECK-LABEL: func.func @concat(
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_max
// CHECK:         %[[BOTH:.+]] = tensor.concat dim(3) %[[POOL]], %[[POOL]] : {{.+}} -> tensor<1x3x3x4xf32>
// CHECK:         linalg.transpose ins(%[[BOTH]] : {{.+}} permutation = [0, 3, 1, 2]
func.func @concat(%x: tensor<1x2x4x4xf32>, %window: tensor<2x2xf32>) -> tensor<1x4x3x3xf32> {
  %init = arith.constant dense<0.0> : tensor<1x2x3x3xf32>
  %pool = linalg.pooling_nchw_max ins(%x, %window : tensor<1x2x4x4xf32>, tensor<2x2xf32>)
                                  outs(%init : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %both = tensor.concat dim(1) %pool, %pool : (tensor<1x2x3x3xf32>, tensor<1x2x3x3xf32>) -> tensor<1x4x3x3xf32>
  return %both : tensor<1x4x3x3xf32>
}

// A reduction reads through the transpose.
// CHECK-LABEL: func.func @reduction(
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_max
// CHECK-NOT:     linalg.transpose
// CHECK:         linalg.generic {{.+}} ins(%[[POOL]] : tensor<1x3x3x2xf32>)
// CHECK-NOT:     linalg.transpose
// CHECK:         return
func.func @reduction(%x: tensor<1x2x4x4xf32>, %window: tensor<2x2xf32>) -> tensor<1x2xf32> {
  %init = arith.constant dense<0.0> : tensor<1x2x3x3xf32>
  %pool = linalg.pooling_nchw_max ins(%x, %window : tensor<1x2x4x4xf32>, tensor<2x2xf32>)
                                  outs(%init : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %mean = linalg.generic {indexing_maps = [#nchw, affine_map<(n, c, h, w) -> (n, c)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%pool : tensor<1x2x3x3xf32>) outs(%zero : tensor<1x2xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %a, %out : f32
    linalg.yield %s : f32
  } -> tensor<1x2xf32>
  return %mean : tensor<1x2xf32>
}

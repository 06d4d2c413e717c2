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

// One that keeps its dimensions gets them in the new layout.
// CHECK-LABEL: func.func @keep_dims(
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_max
// CHECK:         %[[INIT:.+]] = linalg.fill {{.+}} -> tensor<1x1x1x2xf32>
// CHECK:         %[[SUM:.+]] = linalg.generic {indexing_maps = [#{{[^,]+}}, #{{[^,]+}}], iterator_types = ["parallel", "reduction", "reduction", "parallel"]} ins(%[[POOL]] : tensor<1x3x3x2xf32>) outs(%[[INIT]] :
// CHECK:         %[[SCALED:.+]] = linalg.generic {{.+}} ins(%[[POOL]], %[[SUM]] : tensor<1x3x3x2xf32>, tensor<1x1x1x2xf32>)
// CHECK:         linalg.transpose ins(%[[SCALED]] : {{.+}} permutation = [0, 3, 1, 2]
func.func @keep_dims(%x: tensor<1x2x4x4xf32>, %window: tensor<2x2xf32>) -> tensor<1x2x3x3xf32> {
  %init = arith.constant dense<0.0> : tensor<1x2x3x3xf32>
  %pool = linalg.pooling_nchw_max ins(%x, %window : tensor<1x2x4x4xf32>, tensor<2x2xf32>)
                                  outs(%init : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x2x1x1xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%e : tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %sum = linalg.generic {indexing_maps = [#nchw, affine_map<(n, c, h, w) -> (n, c, 0, 0)>],
      iterator_types = ["parallel", "parallel", "reduction", "reduction"]}
      ins(%pool : tensor<1x2x3x3xf32>) outs(%fill : tensor<1x2x1x1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %s = arith.addf %a, %out : f32
    linalg.yield %s : f32
  } -> tensor<1x2x1x1xf32>
  %empty = tensor.empty() : tensor<1x2x3x3xf32>
  %scaled = linalg.generic {indexing_maps = [#nchw, affine_map<(n, c, h, w) -> (n, c, 0, 0)>, #nchw],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%pool, %sum : tensor<1x2x3x3xf32>, tensor<1x2x1x1xf32>) outs(%empty : tensor<1x2x3x3xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.mulf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<1x2x3x3xf32>
  return %scaled : tensor<1x2x3x3xf32>
}

// A small transposed operand does not turn a large one around: it is read in
// its own order.
// CHECK-LABEL: func.func @small_operand(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<1x2x4x4xf32>, %[[WINDOW:[^:]+]]: tensor<4x4xf32>, %[[Y:[^:]+]]: tensor<1x2x5x5xf32>
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_sum {{.+}} -> tensor<1x1x1x2xf32>
// CHECK:         %[[SCALED:.+]] = linalg.generic {{.+}} ins(%[[Y]], %[[POOL]] : tensor<1x2x5x5xf32>, tensor<1x1x1x2xf32>) outs({{.+}} : tensor<1x2x5x5xf32>)
// CHECK:         return %[[SCALED]]
func.func @small_operand(%x: tensor<1x2x4x4xf32>, %window: tensor<4x4xf32>, %y: tensor<1x2x5x5xf32>) -> tensor<1x2x5x5xf32> {
  %init = arith.constant dense<0.0> : tensor<1x2x1x1xf32>
  %pool = linalg.pooling_nchw_sum ins(%x, %window : tensor<1x2x4x4xf32>, tensor<4x4xf32>)
                                  outs(%init : tensor<1x2x1x1xf32>) -> tensor<1x2x1x1xf32>
  %empty = tensor.empty() : tensor<1x2x5x5xf32>
  %scaled = linalg.generic {indexing_maps = [#nchw, affine_map<(n, c, h, w) -> (n, c, 0, 0)>, #nchw],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%y, %pool : tensor<1x2x5x5xf32>, tensor<1x2x1x1xf32>) outs(%empty : tensor<1x2x5x5xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.mulf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<1x2x5x5xf32>
  return %scaled : tensor<1x2x5x5xf32>
}

// Loop indices follow their loops; constants are stored in the new order.
// CHECK-LABEL: func.func @indices(
// CHECK-DAG:     %[[C:.+]] = arith.constant dense<{{\[\[\[\[}}1.000000e+00, 5.000000e+00], [2.000000e+00, 6.000000e+00]], {{\[\[}}3.000000e+00, 7.000000e+00], [4.000000e+00, 8.000000e+00]]]]> : tensor<1x2x2x2xf32>
// CHECK-DAG:     %[[POOL:.+]] = linalg.pooling_nhwc_max
// CHECK:         linalg.generic {{.+}} ins(%[[POOL]], %[[C]] : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>)
// CHECK:           linalg.index 1 : index
// CHECK:         linalg.transpose
func.func @indices(%x: tensor<1x2x4x4xf32>, %window: tensor<2x2xf32>) -> tensor<1x2x2x2xf32> {
  %c = arith.constant dense<[[[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [7.0, 8.0]]]]> : tensor<1x2x2x2xf32>
  %init = arith.constant dense<0.0> : tensor<1x2x2x2xf32>
  %pool = linalg.pooling_nchw_max {strides = dense<2> : tensor<2xi64>, dilations = dense<1> : tensor<2xi64>}
      ins(%x, %window : tensor<1x2x4x4xf32>, tensor<2x2xf32>) outs(%init : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %empty = tensor.empty() : tensor<1x2x2x2xf32>
  %0 = linalg.generic {indexing_maps = [#nchw, #nchw, #nchw],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%pool, %c : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>) outs(%empty : tensor<1x2x2x2xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %h = linalg.index 2 : index
    %i = arith.index_cast %h : index to i32
    %f = arith.sitofp %i : i32 to f32
    %s = arith.addf %a, %b : f32
    %t = arith.mulf %s, %f : f32
    linalg.yield %t : f32
  } -> tensor<1x2x2x2xf32>
  return %0 : tensor<1x2x2x2xf32>
}

// An upsampled image is gathered in the new layout.
// CHECK-LABEL: func.func @resize(
// CHECK-DAG:     %[[C0:.+]] = arith.constant 0 : index
// CHECK-DAG:     %[[POOL:.+]] = linalg.pooling_nhwc_max
// CHECK:         %[[UP:.+]] = linalg.generic {{.+}} outs({{.+}} : tensor<1x6x6x2xf32>)
// CHECK-DAG:       %[[C:.+]] = linalg.index 3 : index
// CHECK-DAG:       %[[H:.+]] = linalg.index 1 : index
// CHECK-DAG:       %[[W:.+]] = linalg.index 2 : index
// CHECK-DAG:       %[[HALF_H:.+]] = arith.divui %[[H]], %{{.+}}
// CHECK-DAG:       %[[HALF_W:.+]] = arith.divui %[[W]], %{{.+}}
// CHECK:           tensor.extract %[[POOL]][%[[C0]], %[[HALF_H]], %[[HALF_W]], %[[C]]] : tensor<1x3x3x2xf32>
// CHECK:         linalg.transpose ins(%[[UP]] :
func.func @resize(%x: tensor<1x2x4x4xf32>, %window: tensor<2x2xf32>) -> tensor<1x2x6x6xf32> {
  %init = arith.constant dense<0.0> : tensor<1x2x3x3xf32>
  %c0 = arith.constant 0 : index
  %c2 = arith.constant 2 : index
  %pool = linalg.pooling_nchw_max ins(%x, %window : tensor<1x2x4x4xf32>, tensor<2x2xf32>)
                                  outs(%init : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %empty = tensor.empty() : tensor<1x2x6x6xf32>
  %up = linalg.generic {indexing_maps = [#nchw], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      outs(%empty : tensor<1x2x6x6xf32>) {
  ^bb0(%out: f32):
    %c = linalg.index 1 : index
    %h = linalg.index 2 : index
    %w = linalg.index 3 : index
    %i = arith.divui %h, %c2 : index
    %j = arith.divui %w, %c2 : index
    %e = tensor.extract %pool[%c0, %c, %i, %j] : tensor<1x2x3x3xf32>
    linalg.yield %e : f32
  } -> tensor<1x2x6x6xf32>
  return %up : tensor<1x2x6x6xf32>
}

// Slices move with their dimensions, also where they drop one.
// CHECK-LABEL: func.func @slices(
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_max
// CHECK-DAG:     %[[SLICE:.+]] = tensor.extract_slice %[[POOL]][0, 1, 0, 0] [1, 2, 3, 2] [1, 1, 1, 1] : tensor<1x3x3x2xf32> to tensor<2x3x2xf32>
// CHECK-DAG:     linalg.transpose ins(%[[SLICE]] : {{.+}} permutation = [2, 0, 1]
// CHECK-DAG:     %[[FILL:.+]] = linalg.fill {{.+}} -> tensor<1x7x5x2xf32>
// CHECK-DAG:     %[[SPREAD:.+]] = tensor.insert_slice %[[POOL]] into %[[FILL]][0, 1, 1, 0] [1, 3, 3, 2] [1, 2, 1, 1]
// CHECK-DAG:     linalg.transpose ins(%[[SPREAD]] : {{.+}} permutation = [0, 3, 1, 2]
func.func @slices(%x: tensor<1x2x4x4xf32>, %window: tensor<2x2xf32>) -> (tensor<2x2x3xf32>, tensor<1x2x7x5xf32>) {
  %init = arith.constant dense<0.0> : tensor<1x2x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %pool = linalg.pooling_nchw_max ins(%x, %window : tensor<1x2x4x4xf32>, tensor<2x2xf32>)
                                  outs(%init : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %slice = tensor.extract_slice %pool[0, 0, 1, 0] [1, 2, 2, 3] [1, 1, 1, 1] : tensor<1x2x3x3xf32> to tensor<2x2x3xf32>
  %e = tensor.empty() : tensor<1x2x7x5xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%e : tensor<1x2x7x5xf32>) -> tensor<1x2x7x5xf32>
  %spread = tensor.insert_slice %pool into %fill[0, 0, 1, 1] [1, 2, 3, 3] [1, 1, 2, 1] : tensor<1x2x3x3xf32> into tensor<1x2x7x5xf32>
  return %slice, %spread : tensor<2x2x3xf32>, tensor<1x2x7x5xf32>
}

// A constant joins in the new layout; the smaller of two images is converted,
// one of a single channel by reshapes alone.
// CHECK-LABEL: func.func @mixed_concat(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<1x4x4x4xf32>, %[[WINDOW:[^:]+]]: tensor<2x2xf32>, %[[Y:[^:]+]]: tensor<1x2x3x3xf32>, %[[GRAY:[^:]+]]: tensor<1x1x3x3xf32>
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_max
// CHECK-DAG:     %[[T:.+]] = linalg.transpose ins(%[[Y]] : {{.+}} permutation = [0, 2, 3, 1]
// CHECK-DAG:     %[[FLAT:.+]] = tensor.collapse_shape %[[GRAY]] {{\[\[}}0, 1, 2], [3]] : tensor<1x1x3x3xf32> into tensor<3x3xf32>
// CHECK-DAG:     %[[LAST:.+]] = tensor.expand_shape %[[FLAT]] {{.+}} into tensor<1x3x3x1xf32>
// CHECK-DAG:     %[[C:.+]] = arith.constant dense<1.000000e+00> : tensor<1x3x3x1xf32>
// CHECK:         %[[ALL:.+]] = tensor.concat dim(3) %[[POOL]], %[[C]], %{{[^,]+}}, %[[LAST]] : (tensor<1x3x3x4xf32>, tensor<1x3x3x1xf32>, tensor<1x3x3x2xf32>, tensor<1x3x3x1xf32>)
// CHECK:         linalg.transpose ins(%[[ALL]] : {{.+}} permutation = [0, 3, 1, 2]
func.func @mixed_concat(%x: tensor<1x4x4x4xf32>, %window: tensor<2x2xf32>, %y: tensor<1x2x3x3xf32>, %gray: tensor<1x1x3x3xf32>) -> tensor<1x8x3x3xf32> {
  %init = arith.constant dense<0.0> : tensor<1x4x3x3xf32>
  %c = arith.constant dense<1.0> : tensor<1x1x3x3xf32>
  %pool = linalg.pooling_nchw_max ins(%x, %window : tensor<1x4x4x4xf32>, tensor<2x2xf32>)
                                  outs(%init : tensor<1x4x3x3xf32>) -> tensor<1x4x3x3xf32>
  %all = tensor.concat dim(1) %pool, %c, %y, %gray
      : (tensor<1x4x3x3xf32>, tensor<1x1x3x3xf32>, tensor<1x2x3x3xf32>, tensor<1x1x3x3xf32>) -> tensor<1x8x3x3xf32>
  return %all : tensor<1x8x3x3xf32>
}

// Observers and casts with one scale.
// CHECK-LABEL: func.func @casts(
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_max
// CHECK:         %[[O:.+]] = qopt.observe %[[POOL]] {name = "pool", type = !quant.uniform<i8:f32, 5.000000e-01>} : tensor<1x3x3x2xf32>
// CHECK:         %[[Q:.+]] = quant.qcast %[[O]] : tensor<1x3x3x2xf32> to tensor<1x3x3x2x!quant.uniform<i8:f32, 5.000000e-01>>
// CHECK:         linalg.transpose ins(%{{.+}} : tensor<1x3x3x2xi8>) {{.+}} permutation = [0, 3, 1, 2]
func.func @casts(%x: tensor<1x2x4x4xf32>, %window: tensor<2x2xf32>) -> tensor<1x2x3x3xi8> {
  %init = arith.constant dense<0.0> : tensor<1x2x3x3xf32>
  %pool = linalg.pooling_nchw_max ins(%x, %window : tensor<1x2x4x4xf32>, tensor<2x2xf32>)
                                  outs(%init : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %o = qopt.observe %pool {name = "pool", type = !quant.uniform<i8:f32, 0.5>} : tensor<1x2x3x3xf32>
  %q = quant.qcast %o : tensor<1x2x3x3xf32> to tensor<1x2x3x3x!quant.uniform<i8:f32, 0.5>>
  %s = quant.scast %q : tensor<1x2x3x3x!quant.uniform<i8:f32, 0.5>> to tensor<1x2x3x3xi8>
  return %s : tensor<1x2x3x3xi8>
}

// Dimensions of size 1 may be anywhere in a group: next to their neighbours in
// the new layout, or apart from them.
// CHECK-LABEL: func.func @collapse_ones(
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_max {{.+}} -> tensor<1x3x1x2xf32>
// CHECK:         %[[C:.+]] = tensor.collapse_shape %[[POOL]] {{\[\[}}0], [1, 2], [3]] : tensor<1x3x1x2xf32> into tensor<1x3x2xf32>
// CHECK:         linalg.transpose ins(%[[C]] : {{.+}} permutation = [0, 2, 1]
func.func @collapse_ones(%x: tensor<1x2x4x2xf32>, %window: tensor<2x2xf32>) -> tensor<1x2x3xf32> {
  %init = arith.constant dense<0.0> : tensor<1x2x3x1xf32>
  %pool = linalg.pooling_nchw_max ins(%x, %window : tensor<1x2x4x2xf32>, tensor<2x2xf32>)
                                  outs(%init : tensor<1x2x3x1xf32>) -> tensor<1x2x3x1xf32>
  %flat = tensor.collapse_shape %pool [[0], [1], [2, 3]] : tensor<1x2x3x1xf32> into tensor<1x2x3xf32>
  return %flat : tensor<1x2x3xf32>
}

// CHECK-LABEL: func.func @collapse_ones_apart(
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_max {{.+}} -> tensor<1x1x3x2xf32>
// CHECK:         %[[C:.+]] = tensor.collapse_shape %[[POOL]] {{\[\[}}0, 1, 2], [3]] : tensor<1x1x3x2xf32> into tensor<3x2xf32>
// CHECK:         %[[E:.+]] = tensor.expand_shape %[[C]] {{\[\[}}0, 1], [2]] {{.+}} into tensor<1x3x2xf32>
// CHECK:         linalg.transpose ins(%[[E]] : {{.+}} permutation = [0, 2, 1]
func.func @collapse_ones_apart(%x: tensor<1x2x2x4xf32>, %window: tensor<2x2xf32>) -> tensor<1x2x3xf32> {
  %init = arith.constant dense<0.0> : tensor<1x2x1x3xf32>
  %pool = linalg.pooling_nchw_max ins(%x, %window : tensor<1x2x2x4xf32>, tensor<2x2xf32>)
                                  outs(%init : tensor<1x2x1x3xf32>) -> tensor<1x2x1x3xf32>
  %flat = tensor.collapse_shape %pool [[0], [1, 2], [3]] : tensor<1x2x1x3xf32> into tensor<1x2x3xf32>
  return %flat : tensor<1x2x3xf32>
}

// A convolutional cell: its state is carried in the new layout.
// CHECK-LABEL: func.func @loop(
// CHECK:         %[[ZERO:.+]] = linalg.fill {{.+}} -> tensor<1x3x3x2xf32>
// CHECK:         %[[LAST:.+]] = scf.for {{.+}} iter_args(%[[S:.+]] = %[[ZERO]]) -> (tensor<1x3x3x2xf32>)
// CHECK-NOT:       linalg.transpose
// CHECK:           tensor.pad %[[S]] low[0, 1, 1, 0]
// CHECK:           %[[NEXT:.+]] = linalg.pooling_nhwc_sum
// CHECK-NEXT:      scf.yield %[[NEXT]]
// CHECK:         linalg.transpose ins(%[[LAST]] : {{.+}} permutation = [0, 3, 1, 2]
func.func @loop(%window: tensor<3x3xf32>) -> tensor<1x2x3x3xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<1x2x3x3xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %0 = scf.for %i = %c0 to %c4 step %c1 iter_args(%s = %init) -> (tensor<1x2x3x3xf32>) {
    %pad = tensor.pad %s low[0, 0, 1, 1] high[0, 0, 1, 1] {
    ^bb0(%a: index, %b: index, %c: index, %d: index):
      tensor.yield %zero : f32
    } : tensor<1x2x3x3xf32> to tensor<1x2x5x5xf32>
    %next = linalg.pooling_nchw_sum ins(%pad, %window : tensor<1x2x5x5xf32>, tensor<3x3xf32>)
                                    outs(%init : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
    scf.yield %next : tensor<1x2x3x3xf32>
  }
  return %0 : tensor<1x2x3x3xf32>
}

// The weights of a classifier are sorted instead of the image it flattens:
// rows (c, h, w) = 0 ... 7 become (h, w, c) = 0 4 1 5 2 6 3 7.
// CHECK-LABEL: func.func @classifier(
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_max
// CHECK-NOT:     linalg.transpose
// CHECK-DAG:     %[[FLAT:.+]] = tensor.collapse_shape %[[POOL]] {{\[\[}}0], [1, 2, 3]] : tensor<1x2x2x2xf32> into tensor<1x8xf32>
// CHECK-DAG:     %[[O:.+]] = qopt.observe %[[FLAT]] {name = "flat"}
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<{{\[\[}}0.000000e+00], [4.000000e+00], [1.000000e+00], [5.000000e+00], [2.000000e+00], [6.000000e+00], [3.000000e+00], [7.000000e+00]]> : tensor<8x1xf32>
// CHECK:         linalg.matmul ins(%[[O]], %[[W]] :
func.func @classifier(%x: tensor<1x2x3x3xf32>, %window: tensor<2x2xf32>) -> tensor<1x1xf32> {
  %init = arith.constant dense<0.0> : tensor<1x2x2x2xf32>
  %pool = linalg.pooling_nchw_max ins(%x, %window : tensor<1x2x3x3xf32>, tensor<2x2xf32>)
                                  outs(%init : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  %flat = tensor.collapse_shape %pool [[0], [1, 2, 3]] : tensor<1x2x2x2xf32> into tensor<1x8xf32>
  %o = qopt.observe %flat {name = "flat"} : tensor<1x8xf32>
  %w = arith.constant dense<[[0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [6.0], [7.0]]> : tensor<8x1xf32>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %0 = linalg.matmul ins(%o, %w : tensor<1x8xf32>, tensor<8x1xf32>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  return %0 : tensor<1x1xf32>
}

// Operands that arrive one after the other: none is read out of order.
// CHECK-LABEL: func.func @prelu(
// CHECK:         %[[POOL:.+]] = linalg.pooling_nhwc_max
// CHECK-DAG:     %[[SCALED:.+]] = linalg.generic {{.+}} ins(%[[POOL]] : tensor<1x3x3x2xf32>) outs({{.+}} : tensor<1x3x3x2xf32>)
// CHECK-DAG:     %[[MASK:.+]] = linalg.generic {{.+}} ins(%[[POOL]] : tensor<1x3x3x2xf32>) outs({{.+}} : tensor<1x3x3x2xi1>)
// CHECK:         %[[SELECTED:.+]] = linalg.generic {{.+}} ins(%[[MASK]], %[[SCALED]], %[[POOL]] : tensor<1x3x3x2xi1>, tensor<1x3x3x2xf32>, tensor<1x3x3x2xf32>) outs({{.+}} : tensor<1x3x3x2xf32>)
// CHECK:         linalg.transpose ins(%[[SELECTED]] :
func.func @prelu(%x: tensor<1x2x4x4xf32>, %window: tensor<2x2xf32>) -> tensor<1x2x3x3xf32> {
  %init = arith.constant dense<0.0> : tensor<1x2x3x3xf32>
  %zero = arith.constant 0.0 : f32
  %slope = arith.constant 0.25 : f32
  %pool = linalg.pooling_nchw_max ins(%x, %window : tensor<1x2x4x4xf32>, tensor<2x2xf32>)
                                  outs(%init : tensor<1x2x3x3xf32>) -> tensor<1x2x3x3xf32>
  %empty = tensor.empty() : tensor<1x2x3x3xf32>
  %scaled = linalg.generic {indexing_maps = [#nchw, #nchw], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%pool : tensor<1x2x3x3xf32>) outs(%empty : tensor<1x2x3x3xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.mulf %in, %slope : f32
    linalg.yield %s : f32
  } -> tensor<1x2x3x3xf32>
  %flags = tensor.empty() : tensor<1x2x3x3xi1>
  %mask = linalg.generic {indexing_maps = [#nchw, #nchw], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%pool : tensor<1x2x3x3xf32>) outs(%flags : tensor<1x2x3x3xi1>) {
  ^bb0(%in: f32, %out: i1):
    %s = arith.cmpf olt, %in, %zero : f32
    linalg.yield %s : i1
  } -> tensor<1x2x3x3xi1>
  %selected = linalg.generic {indexing_maps = [#nchw, #nchw, #nchw, #nchw], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%mask, %scaled, %pool : tensor<1x2x3x3xi1>, tensor<1x2x3x3xf32>, tensor<1x2x3x3xf32>) outs(%empty : tensor<1x2x3x3xf32>) {
  ^bb0(%m: i1, %a: f32, %b: f32, %out: f32):
    %s = arith.select %m, %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<1x2x3x3xf32>
  return %selected : tensor<1x2x3x3xf32>
}

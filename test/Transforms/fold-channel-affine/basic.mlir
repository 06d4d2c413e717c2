// RUN: quant-opt %s --qopt-fold-channel-affine --split-input-file | FileCheck %s

// Batch norm in one op. scale = gamma/sqrt(var + eps) = [6/2, 0.5/0.5] = [3, 1],
// shift = beta - mean·scale = [10 - 1·3, 20 - 2·1] = [7, 18].
#nhwc = affine_map<(n, h, w, c) -> (n, h, w, c)>
#channel = affine_map<(n, h, w, c) -> (c)>

// CHECK:       #[[$NHWC:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK:       #[[$CHANNEL:.+]] = affine_map<(d0, d1, d2, d3) -> (d3)>
// CHECK-LABEL: func.func @batch_norm(
// CHECK-SAME:    %[[X:.+]]: tensor<1x4x4x2xf32>)
// CHECK:         %[[W:.+]] = arith.constant dense<{{\[\[\[\[}}3.000000e+00, 6.000000e+00]]], {{\[\[\[}}3.000000e+00, 4.000000e+00]]]]> : tensor<2x1x1x2xf32>
// CHECK:         %[[CONV:.+]] = linalg.conv_2d_nhwc_fhwc ins(%[[X]], %[[W]] :
// CHECK:         %[[BIAS:.+]] = arith.constant dense<[7.000000e+00, 1.800000e+01]> : tensor<2xf32>
// CHECK:         %[[SUM:.+]] = linalg.generic {indexing_maps = [#[[$NHWC]], #[[$CHANNEL]], #[[$NHWC]]], {{.+}}} ins(%[[CONV]], %[[BIAS]] :
// CHECK-NEXT:      ^bb0(%[[A:.+]]: f32, %[[B:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT:      %[[S:.+]] = arith.addf %[[A]], %[[B]]
// CHECK-NEXT:      linalg.yield %[[S]]
// CHECK:         return %[[SUM]]
func.func @batch_norm(%x: tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32> {
  %w = arith.constant dense<[[[[1.0, 2.0]]], [[[3.0, 4.0]]]]> : tensor<2x1x1x2xf32>
  %mean = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %var = arith.constant dense<[3.5, -0.25]> : tensor<2xf32>
  %gamma = arith.constant dense<[6.0, 0.5]> : tensor<2xf32>
  %beta = arith.constant dense<[10.0, 20.0]> : tensor<2xf32>
  %eps = arith.constant 0.5 : f32
  %zero = arith.constant dense<0.0> : tensor<1x4x4x2xf32>
  %empty = tensor.empty() : tensor<1x4x4x2xf32>
  %conv = linalg.conv_2d_nhwc_fhwc ins(%x, %w : tensor<1x4x4x2xf32>, tensor<2x1x1x2xf32>)
                                   outs(%zero : tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32>
  %bn = linalg.generic {indexing_maps = [#nhwc, #channel, #channel, #channel, #channel, #nhwc],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%conv, %mean, %var, %gamma, %beta
        : tensor<1x4x4x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>)
      outs(%empty : tensor<1x4x4x2xf32>) {
  ^bb0(%v: f32, %m: f32, %s2: f32, %g: f32, %b: f32, %out: f32):
    %0 = arith.addf %s2, %eps : f32
    %1 = math.rsqrt %0 : f32
    %2 = arith.subf %v, %m : f32
    %3 = arith.mulf %2, %1 : f32
    %4 = arith.mulf %3, %g : f32
    %5 = arith.addf %4, %b : f32
    linalg.yield %5 : f32
  } -> tensor<1x4x4x2xf32>
  return %bn : tensor<1x4x4x2xf32>
}

// -----

// Batch norm op by op, in any order of operands, after a bias: all of it is one
// bias again. ((v + [1, 2]) - 1) · [2, 4] / 0.5 + [5, 6] = [4, 8]·v + [5, 14].
#ij = affine_map<(i, j) -> (i, j)>
#j = affine_map<(i, j) -> (j)>

// CHECK-LABEL: func.func @op_by_op(
// CHECK:         %[[W:.+]] = arith.constant dense<{{\[\[}}4.000000e+00, 1.600000e+01], [1.200000e+01, 3.200000e+01]]> : tensor<2x2xf32>
// CHECK:         %[[PRODUCT:.+]] = linalg.matmul ins(%{{.+}}, %[[W]] :
// CHECK:         %[[BIAS:.+]] = arith.constant dense<[5.000000e+00, 1.400000e+01]> : tensor<2xf32>
// CHECK:         %[[SUM:.+]] = linalg.generic {{.+}} ins(%[[PRODUCT]], %[[BIAS]] :
// CHECK-NOT:     linalg.generic
// CHECK:         return %[[SUM]]
func.func @op_by_op(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %bias = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %mean = arith.constant dense<1.0> : tensor<2xf32>
  %gamma = arith.constant dense<[[2.0, 4.0]]> : tensor<1x2xf32>
  %beta = arith.constant dense<[5.0, 6.0]> : tensor<2xf32>
  %half = arith.constant 0.5 : f32
  %zero = arith.constant dense<0.0> : tensor<3x2xf32>
  %empty = tensor.empty() : tensor<3x2xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<3x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32>
  %1 = linalg.generic {indexing_maps = [#j, #ij, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%bias, %0 : tensor<2xf32>, tensor<3x2xf32>) outs(%empty : tensor<3x2xf32>) {
  ^bb0(%b: f32, %v: f32, %out: f32):
    %s = arith.addf %b, %v : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  %2 = linalg.generic {indexing_maps = [#ij, #j, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%1, %mean : tensor<3x2xf32>, tensor<2xf32>) outs(%empty : tensor<3x2xf32>) {
  ^bb0(%v: f32, %m: f32, %out: f32):
    %s = arith.subf %v, %m : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  %3 = linalg.generic {indexing_maps = [#ij, affine_map<(i, j) -> (0, j)>, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%2, %gamma : tensor<3x2xf32>, tensor<1x2xf32>) outs(%empty : tensor<3x2xf32>) {
  ^bb0(%v: f32, %g: f32, %out: f32):
    %s = arith.mulf %g, %v : f32
    %d = arith.divf %s, %half : f32
    linalg.yield %d : f32
  } -> tensor<3x2xf32>
  %4 = linalg.generic {indexing_maps = [#ij, #j, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%3, %beta : tensor<3x2xf32>, tensor<2xf32>) outs(%empty : tensor<3x2xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.addf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  return %4 : tensor<3x2xf32>
}

// -----

// Channels of a grouped convolution are numbered group by group; the scale is
// applied after they are flattened, the bias before.
#id4 = affine_map<(n, h, w, c) -> (n, h, w, c)>
#c4 = affine_map<(n, h, w, c) -> (c)>

// CHECK-DAG:   #[[$GC:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d3, d4)>
// CHECK-LABEL: func.func @grouped(
// CHECK:         %[[W:.+]] = arith.constant dense<{{\[\[\[\[\[}}2.000000e+00]]], {{\[\[\[}}3.000000e+00]]]], {{\[\[\[\[}}4.000000e+00]]], {{\[\[\[}}5.000000e+00]]]]]> : tensor<2x2x1x1x1xf32>
// CHECK:         %[[CONV:.+]] = linalg.conv_2d_nhwgc_gfhwc ins(%{{.+}}, %[[W]] :
// CHECK:         %[[BIAS:.+]] = arith.constant dense<{{\[\[}}6.000000e+00, 7.000000e+00], [8.000000e+00, 9.000000e+00]]> : tensor<2x2xf32>
// CHECK:         %[[SUM:.+]] = linalg.generic {indexing_maps = [#{{.+}}, #[[$GC]], #{{.+}}], {{.+}}} ins(%[[CONV]], %[[BIAS]] :
// CHECK:         tensor.collapse_shape %[[SUM]]
// CHECK-NEXT:    return
func.func @grouped(%x: tensor<1x2x2x2x1xf32>) -> tensor<1x2x2x4xf32> {
  %w = arith.constant dense<1.0> : tensor<2x2x1x1x1xf32>
  %scale = arith.constant dense<[2.0, 3.0, 4.0, 5.0]> : tensor<4xf32>
  %shift = arith.constant dense<[6.0, 7.0, 8.0, 9.0]> : tensor<4xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2x2x2x2xf32>
  %empty = tensor.empty() : tensor<1x2x2x4xf32>
  %conv = linalg.conv_2d_nhwgc_gfhwc ins(%x, %w : tensor<1x2x2x2x1xf32>, tensor<2x2x1x1x1xf32>)
                                     outs(%zero : tensor<1x2x2x2x2xf32>) -> tensor<1x2x2x2x2xf32>
  %flat = tensor.collapse_shape %conv [[0], [1], [2], [3, 4]] : tensor<1x2x2x2x2xf32> into tensor<1x2x2x4xf32>
  %0 = linalg.generic {indexing_maps = [#id4, #c4, #c4, #id4],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%flat, %scale, %shift : tensor<1x2x2x4xf32>, tensor<4xf32>, tensor<4xf32>)
      outs(%empty : tensor<1x2x2x4xf32>) {
  ^bb0(%v: f32, %s: f32, %b: f32, %out: f32):
    %1 = arith.mulf %v, %s : f32
    %2 = arith.addf %1, %b : f32
    linalg.yield %2 : f32
  } -> tensor<1x2x2x4xf32>
  return %0 : tensor<1x2x2x4xf32>
}

// -----

// A scalar scale (of attention scores) goes into the weights, whose own constant
// another op keeps.
#id2 = affine_map<(i, j) -> (i, j)>

// CHECK-LABEL: func.func @shared_weight(
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 2.000000e+00]]> : tensor<1x2xf32>
// CHECK-DAG:     %[[SCALED:.+]] = arith.constant dense<{{\[\[}}-1.250000e-01, -2.500000e-01]]> : tensor<1x2xf32>
// CHECK-DAG:     linalg.matmul ins(%{{.+}}, %[[W]] :
// CHECK-DAG:     linalg.matmul ins(%{{.+}}, %[[SCALED]] :
// CHECK:         return
func.func @shared_weight(%x: tensor<3x1xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>) {
  %w = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %scale = arith.constant 0.125 : f32
  %zero = arith.constant dense<0.0> : tensor<3x2xf32>
  %empty = tensor.empty() : tensor<3x2xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<3x1xf32>, tensor<1x2xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32>
  %1 = linalg.matmul ins(%x, %w : tensor<3x1xf32>, tensor<1x2xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32>
  %2 = linalg.generic {indexing_maps = [#id2, #id2], iterator_types = ["parallel", "parallel"]}
      ins(%1 : tensor<3x2xf32>) outs(%empty : tensor<3x2xf32>) {
  ^bb0(%v: f32, %out: f32):
    %3 = arith.mulf %v, %scale : f32
    %4 = arith.negf %3 : f32
    linalg.yield %4 : f32
  } -> tensor<3x2xf32>
  return %0, %2 : tensor<3x2xf32>, tensor<3x2xf32>
}

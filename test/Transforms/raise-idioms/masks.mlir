// RUN: quant-opt %s --qopt-raise-idioms --split-input-file | FileCheck %s

// What masks the scores of attention is computed within the composite, so that
// -inf and the like are on no edge of the model.

// A padding mask that two softmaxes share, made of booleans; the scale in front
// of it moves along.
#id = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#keep = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#mask = affine_map<(d0, d1, d2) -> (0, d1, d2)>
#scalar = affine_map<(d0, d1, d2) -> ()>

// CHECK-LABEL: func.func @shared_padding_mask(
// CHECK-SAME:    %[[X:.+]]: tensor<2x4x4xf32>, %[[MASK:.+]]: tensor<1x4x4xi1>)
// CHECK-NOT:     arith.select
// CHECK:         %[[Y:.+]] = qopt.composite "masked_softmax"(%[[X]], %[[MASK]]) {
// CHECK-NEXT:    ^bb0(%{{.+}}: tensor<2x4x4xf32>, %{{.+}}: tensor<1x4x4xi1>):
// CHECK:           arith.mulf
// CHECK:           arith.select
// CHECK:           arith.addf
// CHECK:           math.exp
// CHECK:         %[[Z:.+]] = qopt.composite "masked_softmax"(%[[Y]], %[[MASK]]) {
// CHECK-NOT:       arith.mulf
// CHECK:           arith.select
// CHECK:         return %[[Z]]
func.func @shared_padding_mask(%x: tensor<2x4x4xf32>, %mask: tensor<1x4x4xi1>) -> tensor<2x4x4xf32> {
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %never = arith.constant dense<-3.40282347E+38> : tensor<f32>
  %none = arith.constant dense<0.0> : tensor<f32>
  %scale = arith.constant dense<0.5> : tensor<f32>
  %e = tensor.empty() : tensor<2x4x4xf32>
  %em = tensor.empty() : tensor<1x4x4xf32>
  %e1 = tensor.empty() : tensor<2x4x1xf32>
  %m0 = linalg.fill ins(%low : f32) outs(%e1 : tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x4x1xf32>) -> tensor<2x4x1xf32>
  %bias = linalg.generic {indexing_maps = [#id, #scalar, #scalar, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%mask, %none, %never : tensor<1x4x4xi1>, tensor<f32>, tensor<f32>) outs(%em : tensor<1x4x4xf32>) {
  ^bb0(%c: i1, %a: f32, %b: f32, %out: f32):
    %0 = arith.select %c, %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<1x4x4xf32>
  %scaled = linalg.generic {indexing_maps = [#id, #scalar, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %scale : tensor<2x4x4xf32>, tensor<f32>) outs(%e : tensor<2x4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x4xf32>
  %masked = linalg.generic {indexing_maps = [#id, #mask, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%scaled, %bias : tensor<2x4x4xf32>, tensor<1x4x4xf32>) outs(%e : tensor<2x4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x4xf32>
  %m = linalg.generic {indexing_maps = [#id, #keep], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%masked : tensor<2x4x4xf32>) outs(%m0 : tensor<2x4x1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.maximumf %a, %out : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x1xf32>
  %exp = linalg.generic {indexing_maps = [#id, #keep, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%masked, %m : tensor<2x4x4xf32>, tensor<2x4x1xf32>) outs(%e : tensor<2x4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.subf %a, %b : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  } -> tensor<2x4x4xf32>
  %sum = linalg.generic {indexing_maps = [#id, #keep], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%exp : tensor<2x4x4xf32>) outs(%s0 : tensor<2x4x1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.addf %a, %out : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x1xf32>
  %y = linalg.generic {indexing_maps = [#id, #keep, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%exp, %sum : tensor<2x4x4xf32>, tensor<2x4x1xf32>) outs(%e : tensor<2x4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.divf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x4xf32>
  // Again, without a scale.
  %masked2 = linalg.generic {indexing_maps = [#id, #mask, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%y, %bias : tensor<2x4x4xf32>, tensor<1x4x4xf32>) outs(%e : tensor<2x4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.addf %b, %a : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x4xf32>
  %m2 = linalg.generic {indexing_maps = [#id, #keep], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%masked2 : tensor<2x4x4xf32>) outs(%m0 : tensor<2x4x1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.maximumf %a, %out : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x1xf32>
  %exp2 = linalg.generic {indexing_maps = [#id, #keep, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%masked2, %m2 : tensor<2x4x4xf32>, tensor<2x4x1xf32>) outs(%e : tensor<2x4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.subf %a, %b : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  } -> tensor<2x4x4xf32>
  %sum2 = linalg.generic {indexing_maps = [#id, #keep], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%exp2 : tensor<2x4x4xf32>) outs(%s0 : tensor<2x4x1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.addf %a, %out : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x1xf32>
  %z = linalg.generic {indexing_maps = [#id, #keep, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%exp2, %sum2 : tensor<2x4x4xf32>, tensor<2x4x1xf32>) outs(%e : tensor<2x4x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.divf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x4x4xf32>
  return %z : tensor<2x4x4xf32>
}

// -----

// A selection instead of a sum, with a constant causal mask on top. A bias that
// is no mask stays outside.
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>

// CHECK-LABEL: func.func @select_and_causal(
// CHECK-SAME:    %[[X:.+]]: tensor<3x3xf32>, %[[MASK:.+]]: tensor<3x3xi1>)
// CHECK:         %[[BIASED:.+]] = linalg.generic
// CHECK:         qopt.composite "masked_softmax"(%[[BIASED]], %[[MASK]]) {
// CHECK:           arith.constant dense<{{\[\[}}0.000000e+00, -1.000000e+09
// CHECK:           arith.select
func.func @select_and_causal(%x: tensor<3x3xf32>, %mask: tensor<3x3xi1>) -> tensor<3x3xf32> {
  %bias = arith.constant dense<[1.0, -2.0, 3.0]> : tensor<3xf32>
  %causal = arith.constant dense<[[0.0, -1.0e+09, -1.0e+09], [0.0, 0.0, -1.0e+09], [0.0, 0.0, 0.0]]> : tensor<3x3xf32>
  %zero = arith.constant 0.0 : f32
  %low = arith.constant 0xFF800000 : f32
  %e = tensor.empty() : tensor<3x3xf32>
  %e3 = tensor.empty() : tensor<3xf32>
  %m0 = linalg.fill ins(%low : f32) outs(%e3 : tensor<3xf32>) -> tensor<3xf32>
  %s0 = linalg.fill ins(%zero : f32) outs(%e3 : tensor<3xf32>) -> tensor<3xf32>
  %biased = linalg.generic {indexing_maps = [#id, #column, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %bias : tensor<3x3xf32>, tensor<3xf32>) outs(%e : tensor<3x3xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<3x3xf32>
  %ordered = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%biased, %causal : tensor<3x3xf32>, tensor<3x3xf32>) outs(%e : tensor<3x3xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<3x3xf32>
  %masked = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%mask, %ordered : tensor<3x3xi1>, tensor<3x3xf32>) outs(%e : tensor<3x3xf32>) {
  ^bb0(%c: i1, %a: f32, %out: f32):
    %0 = arith.select %c, %low, %a : f32
    linalg.yield %0 : f32
  } -> tensor<3x3xf32>
  %m = linalg.reduce { arith.maximumf } ins(%masked : tensor<3x3xf32>) outs(%m0 : tensor<3xf32>) dimensions = [1]
  %exp = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%masked, %m : tensor<3x3xf32>, tensor<3xf32>) outs(%e : tensor<3x3xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.subf %a, %b : f32
    %1 = math.exp %0 : f32
    linalg.yield %1 : f32
  } -> tensor<3x3xf32>
  %sum = linalg.reduce { arith.addf } ins(%exp : tensor<3x3xf32>) outs(%s0 : tensor<3xf32>) dimensions = [1]
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%exp, %sum : tensor<3x3xf32>, tensor<3xf32>) outs(%e : tensor<3x3xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.divf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<3x3xf32>
  return %y : tensor<3x3xf32>
}

// RUN: quant-opt %s --qopt-raise-idioms --split-input-file | FileCheck %s

// Nine ops, with reshapes and copies that broadcast; eps is an f64 that is
// narrowed in the body.
#id = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#keep = affine_map<(d0, d1, d2) -> (d0, d1, 0)>
#outer = affine_map<(d0, d1, d2) -> (d0, d1)>
#channel = affine_map<(d0, d1, d2) -> (d2)>

// CHECK-LABEL: func.func @layer_norm(
// CHECK-SAME:    %[[X:.+]]: tensor<2x3x4xf32>)
// CHECK-NOT:     linalg.generic
// CHECK:         %[[Y:.+]] = qopt.composite "layer_norm"(%[[X]]) {
// CHECK:           math.rsqrt
// CHECK:           qopt.yield %{{.+}} : tensor<2x3x4xf32>
// CHECK-NEXT:    } : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
// CHECK:         return %[[Y]]
func.func @layer_norm(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %gamma = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %beta = arith.constant dense<[0.5, 0.25, -0.5, 1.0]> : tensor<4xf32>
  %zero = arith.constant 0.0 : f32
  %n = arith.constant 4.0 : f32
  %eps = arith.constant 1.0e-05 : f64
  %e = tensor.empty() : tensor<2x3x4xf32>
  %e1 = tensor.empty() : tensor<2x3x1xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x3x1xf32>) -> tensor<2x3x1xf32>
  %sum = linalg.generic {indexing_maps = [#id, #keep], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x : tensor<2x3x4xf32>) outs(%fill : tensor<2x3x1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.addf %a, %out : f32
    linalg.yield %0 : f32
  } -> tensor<2x3x1xf32>
  %mean = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%sum : tensor<2x3x1xf32>) outs(%e1 : tensor<2x3x1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.divf %a, %n : f32
    linalg.yield %0 : f32
  } -> tensor<2x3x1xf32>
  %mean2 = tensor.collapse_shape %mean [[0], [1, 2]] : tensor<2x3x1xf32> into tensor<2x3xf32>
  %meanb = linalg.generic {indexing_maps = [#outer, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%mean2 : tensor<2x3xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  } -> tensor<2x3x4xf32>
  %d = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %meanb : tensor<2x3x4xf32>, tensor<2x3x4xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.subf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x3x4xf32>
  %sq = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%d, %d : tensor<2x3x4xf32>, tensor<2x3x4xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x3x4xf32>
  %sum2 = linalg.generic {indexing_maps = [#id, #keep], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%sq : tensor<2x3x4xf32>) outs(%fill : tensor<2x3x1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.addf %a, %out : f32
    linalg.yield %0 : f32
  } -> tensor<2x3x1xf32>
  %inverse = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%sum2 : tensor<2x3x1xf32>) outs(%e1 : tensor<2x3x1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.divf %a, %n : f32
    %1 = arith.truncf %eps : f64 to f32
    %2 = arith.addf %0, %1 : f32
    %3 = math.rsqrt %2 : f32
    linalg.yield %3 : f32
  } -> tensor<2x3x1xf32>
  %normalized = linalg.generic {indexing_maps = [#id, #keep, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%d, %inverse : tensor<2x3x4xf32>, tensor<2x3x1xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x3x4xf32>
  %scaled = linalg.generic {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%normalized, %gamma : tensor<2x3x4xf32>, tensor<4xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x3x4xf32>
  %y = linalg.generic {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%scaled, %beta : tensor<2x3x4xf32>, tensor<4xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x3x4xf32>
  return %y : tensor<2x3x4xf32>
}

// -----

// Over two dimensions, decomposed by ONNX's own function: power, mean by a
// product, square root, quotient. Gamma is along another dimension and stays
// outside.
#id = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#first = affine_map<(d0, d1, d2) -> (d0)>

// CHECK-LABEL: func.func @two_dimensions(
// CHECK-SAME:    %[[X:.+]]: tensor<2x3x4xf32>)
// CHECK:         %[[N:.+]] = qopt.composite "layer_norm"(%[[X]]) {
// CHECK:         linalg.generic {{.+}} ins(%[[N]], %{{.+}} : tensor<2x3x4xf32>, tensor<2xf32>)
func.func @two_dimensions(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %gamma = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %zero = arith.constant 0.0 : f32
  %r = arith.constant 0.0833333358 : f32
  %two = arith.constant 2.0 : f32
  %eps = arith.constant 1.0e-05 : f32
  %e = tensor.empty() : tensor<2x3x4xf32>
  %e2 = tensor.empty() : tensor<2xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%e2 : tensor<2xf32>) -> tensor<2xf32>
  %sum = linalg.reduce { arith.addf } ins(%x : tensor<2x3x4xf32>) outs(%fill : tensor<2xf32>) dimensions = [1, 2]
  %d = linalg.generic {indexing_maps = [#id, #first, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%x, %sum : tensor<2x3x4xf32>, tensor<2xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %b, %r : f32
    %1 = arith.subf %a, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<2x3x4xf32>
  %sum2 = linalg.generic {indexing_maps = [#id, #first], iterator_types = ["parallel", "reduction", "reduction"]}
      ins(%d : tensor<2x3x4xf32>) outs(%fill : tensor<2xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = math.powf %a, %two : f32
    %1 = arith.addf %out, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<2xf32>
  %y = linalg.generic {indexing_maps = [#id, #first, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%d, %sum2 : tensor<2x3x4xf32>, tensor<2xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %b, %r : f32
    %1 = arith.addf %0, %eps : f32
    %2 = math.sqrt %1 : f32
    %3 = arith.divf %a, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<2x3x4xf32>
  %z = linalg.generic {indexing_maps = [#id, #first, #id], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%y, %gamma : tensor<2x3x4xf32>, tensor<2xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x3x4xf32>
  return %z : tensor<2x3x4xf32>
}

// -----

// RMS norm as Llama's export has it: a reciprocal whose divisor is checked.
#id = affine_map<(d0, d1) -> (d0, d1)>
#keep = affine_map<(d0, d1) -> (d0, 0)>
#channel = affine_map<(d0, d1) -> (d1)>

// CHECK-LABEL: func.func @rms_norm(
// CHECK-SAME:    %[[X:.+]]: tensor<2x4xf32>)
// CHECK-NOT:     linalg.generic
// CHECK:         %[[Y:.+]] = qopt.composite "rms_norm"(%[[X]]) {
// CHECK:           cf.assert
// CHECK:         return %[[Y]]
func.func @rms_norm(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %gamma = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %n = arith.constant 4.0 : f32
  %two = arith.constant 2 : i64
  %eps = arith.constant 1.0e-06 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %e1 = tensor.empty() : tensor<2x1xf32>
  %fill = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x1xf32>) -> tensor<2x1xf32>
  %sq = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = math.fpowi %a, %two : f32, i64
    linalg.yield %0 : f32
  } -> tensor<2x4xf32>
  %sum = linalg.generic {indexing_maps = [#id, #keep], iterator_types = ["parallel", "reduction"]}
      ins(%sq : tensor<2x4xf32>) outs(%fill : tensor<2x1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.addf %a, %out : f32
    linalg.yield %0 : f32
  } -> tensor<2x1xf32>
  %root = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%sum : tensor<2x1xf32>) outs(%e1 : tensor<2x1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.divf %a, %n : f32
    %1 = arith.addf %0, %eps : f32
    %2 = math.sqrt %1 : f32
    linalg.yield %2 : f32
  } -> tensor<2x1xf32>
  %inverse = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%root : tensor<2x1xf32>) outs(%e1 : tensor<2x1xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.cmpf one, %a, %zero : f32
    cf.assert %0, "unimplemented: tensor with zero element"
    %1 = arith.divf %one, %a : f32
    linalg.yield %1 : f32
  } -> tensor<2x1xf32>
  %normalized = linalg.generic {indexing_maps = [#id, #keep, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %inverse : tensor<2x4xf32>, tensor<2x1xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x4xf32>
  %y = linalg.generic {indexing_maps = [#channel, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%gamma, %normalized : tensor<4xf32>, tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

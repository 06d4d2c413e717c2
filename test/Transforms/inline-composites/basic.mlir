// RUN: quant-opt %s --qopt-inline-composites | FileCheck %s

// Inner composites first; the name goes to the op that computes the result.
#id = affine_map<(d0) -> (d0)>

// CHECK-LABEL: func.func @nested(
// CHECK-SAME:    %[[X:.+]]: tensor<4xf32>)
// CHECK-NOT:     qopt.composite
// CHECK-NOT:     qopt.name
// CHECK:         %[[A:.+]] = linalg.generic {{.+}} ins(%[[X]] : tensor<4xf32>)
// CHECK:           arith.negf
// CHECK:         %[[B:.+]] = linalg.generic {{.+}} ins(%[[A]] : tensor<4xf32>) {{.+}} attrs = {qopt.name = "encoder/act"}
// CHECK:           math.exp
// CHECK-NOT:     qopt.yield
// CHECK:         return %[[B]], %[[X]]
func.func @nested(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %y:2 = qopt.composite "outer"(%x) {
  ^bb0(%a: tensor<4xf32>):
    %n = qopt.composite "inner"(%a) {
    ^bb0(%b: tensor<4xf32>):
      %e = tensor.empty() : tensor<4xf32>
      %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
          ins(%b : tensor<4xf32>) outs(%e : tensor<4xf32>) attrs = {qopt.name = "old"} {
      ^bb0(%in: f32, %out: f32):
        %v = arith.negf %in : f32
        linalg.yield %v : f32
      } -> tensor<4xf32>
      qopt.yield %0 : tensor<4xf32>
    } : (tensor<4xf32>) -> tensor<4xf32>
    %e = tensor.empty() : tensor<4xf32>
    %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%n : tensor<4xf32>) outs(%e : tensor<4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %v = math.exp %in : f32
      linalg.yield %v : f32
    } -> tensor<4xf32>
    qopt.yield %1, %a : tensor<4xf32>, tensor<4xf32>
  } {qopt.name = "encoder/act"} : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %y#0, %y#1 : tensor<4xf32>, tensor<4xf32>
}

// Without a name the ops keep theirs.
// CHECK-LABEL: func.func @unnamed(
// CHECK:         linalg.generic {{.+}} attrs = {qopt.name = "old"}
func.func @unnamed(%x: tensor<4xf32>) -> tensor<4xf32> {
  %y = qopt.composite "negate"(%x) {
  ^bb0(%b: tensor<4xf32>):
    %e = tensor.empty() : tensor<4xf32>
    %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
        ins(%b : tensor<4xf32>) outs(%e : tensor<4xf32>) attrs = {qopt.name = "old"} {
    ^bb0(%in: f32, %out: f32):
      %v = arith.negf %in : f32
      linalg.yield %v : f32
    } -> tensor<4xf32>
    qopt.yield %0 : tensor<4xf32>
  } : (tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

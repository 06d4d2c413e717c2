// RUN: quant-opt %s --qopt-raise-idioms --split-input-file | FileCheck %s
// RUN: quant-opt %s --qopt-raise-idioms --qopt-raise-idioms --split-input-file | FileCheck %s

// All ops of an activation become one elementwise op of one input.
#id = affine_map<(d0, d1) -> (d0, d1)>
#scalar = affine_map<(d0, d1) -> ()>

// CHECK-LABEL: func.func @gelu_in_five_ops(
// CHECK-SAME:    %[[X:.+]]: tensor<2x4xf32>)
// CHECK-NOT:     linalg.generic
// CHECK:         %[[Y:.+]] = qopt.composite "gelu"(%[[X]]) {
// CHECK-NEXT:    ^bb0(%[[ARG:.+]]: tensor<2x4xf32>):
// CHECK:           %[[G:.+]] = linalg.generic {{.+}} ins(%[[ARG]] : tensor<2x4xf32>)
// CHECK-NEXT:      ^bb0(%[[IN:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT:        %[[D:.+]] = arith.divf %[[IN]], %{{.+}} : f32
// CHECK-NEXT:        %[[E:.+]] = math.erf %[[D]]
// CHECK-NEXT:        %[[A:.+]] = arith.addf %[[E]], %{{.+}} : f32
// CHECK-NEXT:        %[[M:.+]] = arith.mulf %[[IN]], %[[A]]
// CHECK-NEXT:        %[[H:.+]] = arith.mulf %[[M]], %{{.+}} : f32
// CHECK-NEXT:        linalg.yield %[[H]]
// CHECK:           qopt.yield %[[G]]
// CHECK:         return %[[Y]]
func.func @gelu_in_five_ops(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %root = arith.constant dense<1.41421354> : tensor<f32>
  %one = arith.constant dense<1.0> : tensor<f32>
  %half = arith.constant dense<0.5> : tensor<f32>
  %e = tensor.empty() : tensor<2x4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #scalar, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %root : tensor<2x4xf32>, tensor<f32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %v = arith.divf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<2x4xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    %v = math.erf %a : f32
    linalg.yield %v : f32
  } -> tensor<2x4xf32>
  %2 = linalg.generic {indexing_maps = [#id, #scalar, #id], iterator_types = ["parallel", "parallel"]}
      ins(%1, %one : tensor<2x4xf32>, tensor<f32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %v = arith.addf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<2x4xf32>
  %3 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %2 : tensor<2x4xf32>, tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %v = arith.mulf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<2x4xf32>
  %4 = linalg.generic {indexing_maps = [#id, #scalar, #id], iterator_types = ["parallel", "parallel"]}
      ins(%3, %half : tensor<2x4xf32>, tensor<f32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %v = arith.mulf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<2x4xf32>
  return %4 : tensor<2x4xf32>
}

// CHECK-LABEL: func.func @gelu_tanh(
// CHECK:         qopt.composite "gelu_tanh"(%{{.+}}) {
func.func @gelu_tanh(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %three = arith.constant 3 : i64
  %k = arith.constant 4.471500e-02 : f32
  %r = arith.constant 7.977240e-01 : f32
  %one = arith.constant 1.0 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %y = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = math.fpowi %a, %three : f32, i64
    %1 = arith.mulf %0, %k : f32
    %2 = arith.addf %a, %1 : f32
    %3 = arith.mulf %2, %r : f32
    %4 = math.tanh %3 : f32
    %5 = arith.addf %4, %one : f32
    %6 = arith.mulf %5, %half : f32
    %7 = arith.mulf %a, %6 : f32
    linalg.yield %7 : f32
  } -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// -----

// SiLU rather than a sigmoid and a product; a sigmoid that others use, too,
// remains one.
#id = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: func.func @silu_and_sigmoid(
// CHECK-SAME:    %[[X:.+]]: tensor<2x4xf32>)
// CHECK-NOT:     linalg.generic
// CHECK:         %[[SILU:.+]] = qopt.composite "silu"(%[[X]]) {
// CHECK:           arith.divf
// CHECK-NEXT:      arith.mulf
// CHECK:         %[[SIGMOID:.+]] = qopt.composite "sigmoid"(%[[SILU]]) {
// CHECK:         %[[PRODUCT:.+]] = linalg.generic {{.+}} ins(%[[SILU]], %[[SIGMOID]] :
// CHECK:         return %[[PRODUCT]], %[[SIGMOID]]
func.func @silu_and_sigmoid(%x: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %s = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.negf %a : f32
    %1 = math.exp %0 : f32
    %2 = arith.addf %1, %one : f32
    %3 = arith.divf %one, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<2x4xf32>
  %silu = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%s, %x : tensor<2x4xf32>, tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x4xf32>
  %s2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%silu : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.negf %a : f32
    %1 = math.exp %0 : f32
    %2 = arith.addf %1, %one : f32
    %3 = arith.divf %one, %2 : f32
    linalg.yield %3 : f32
  } -> tensor<2x4xf32>
  %p = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%silu, %s2 : tensor<2x4xf32>, tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  } -> tensor<2x4xf32>
  return %p, %s2 : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

// Hard-swish in the four ops of PyTorch's export and a fifth; hard-sigmoid with
// a boolean tensor in between.
#id = affine_map<(d0) -> (d0)>
#scalar = affine_map<(d0) -> ()>

// CHECK-LABEL: func.func @hard(
// CHECK-SAME:    %[[X:.+]]: tensor<4xf32>)
// CHECK:         %[[SWISH:.+]] = qopt.composite "hard_swish"(%[[X]]) {
// CHECK:         %[[SIGMOID:.+]] = qopt.composite "hard_sigmoid"(%[[SWISH]]) {
// CHECK:         return %[[SIGMOID]]
func.func @hard(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %three = arith.constant 3.0 : f32
  %six = arith.constant dense<6.0> : tensor<f32>
  %sixth = arith.constant 0.166666672 : f32
  %half = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<4xf32>
  %eb = tensor.empty() : tensor<4xi1>
  %a = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%v: f32, %out: f32):
    %0 = arith.addf %v, %three : f32
    linalg.yield %0 : f32
  } -> tensor<4xf32>
  %b = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%a : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%v: f32, %out: f32):
    %0 = arith.cmpf ugt, %v, %zero : f32
    %1 = arith.select %0, %v, %zero : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  %c = linalg.generic {indexing_maps = [#id, #scalar, #id], iterator_types = ["parallel"]}
      ins(%b, %six : tensor<4xf32>, tensor<f32>) outs(%e : tensor<4xf32>) {
  ^bb0(%v: f32, %w: f32, %out: f32):
    %0 = arith.cmpf olt, %v, %w : f32
    %1 = arith.select %0, %v, %w : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  %d = linalg.generic {indexing_maps = [#id, #scalar, #id], iterator_types = ["parallel"]}
      ins(%c, %six : tensor<4xf32>, tensor<f32>) outs(%e : tensor<4xf32>) {
  ^bb0(%v: f32, %w: f32, %out: f32):
    %0 = arith.divf %v, %w : f32
    linalg.yield %0 : f32
  } -> tensor<4xf32>
  %swish = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%d, %x : tensor<4xf32>, tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%v: f32, %w: f32, %out: f32):
    %0 = arith.mulf %v, %w : f32
    linalg.yield %0 : f32
  } -> tensor<4xf32>
  %l = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%swish : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%v: f32, %out: f32):
    %0 = math.fma %v, %sixth, %half : f32
    %1 = arith.maximumf %0, %zero : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  %over = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%l : tensor<4xf32>) outs(%eb : tensor<4xi1>) {
  ^bb0(%v: f32, %out: i1):
    %0 = arith.cmpf ogt, %v, %one : f32
    linalg.yield %0 : i1
  } -> tensor<4xi1>
  %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%over, %l : tensor<4xi1>, tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%v: i1, %w: f32, %out: f32):
    %0 = arith.select %v, %one, %w : f32
    linalg.yield %0 : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// GLU: the halves of one tensor. In a loop, like everything in a block of its
// own.
#id = affine_map<(d0, d1) -> (d0, d1)>

// CHECK-LABEL: func.func @glu_in_loop(
// CHECK:         scf.for {{.+}} iter_args(%[[X:.+]] = %{{.+}})
// CHECK:           %[[Y:.+]] = qopt.composite "glu"(%[[X]]) {
// CHECK-NEXT:      ^bb0(%{{.+}}: tensor<2x8xf32>):
// CHECK:         scf.yield
func.func @glu_in_loop(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<2x4xf32>
  %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%v = %x) -> (tensor<2x8xf32>) {
    %a = tensor.extract_slice %v[0, 0] [2, 4] [1, 1] : tensor<2x8xf32> to tensor<2x4xf32>
    %b = tensor.extract_slice %v[0, 4] [2, 4] [1, 1] : tensor<2x8xf32> to tensor<2x4xf32>
    %s = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%b : tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
    ^bb0(%in: f32, %out: f32):
      %0 = arith.negf %in : f32
      %1 = math.exp %0 : f32
      %2 = arith.addf %1, %one : f32
      %3 = arith.divf %one, %2 : f32
      linalg.yield %3 : f32
    } -> tensor<2x4xf32>
    %y = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]}
        ins(%a, %s : tensor<2x4xf32>, tensor<2x4xf32>) outs(%e : tensor<2x4xf32>) {
    ^bb0(%in: f32, %gate: f32, %out: f32):
      %0 = arith.mulf %in, %gate : f32
      linalg.yield %0 : f32
    } -> tensor<2x4xf32>
    %next = tensor.concat dim(1) %y, %y : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<2x8xf32>
    scf.yield %next : tensor<2x8xf32>
  }
  return %r : tensor<2x8xf32>
}

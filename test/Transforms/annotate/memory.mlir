// RUN: quant-opt %s --qopt-annotate --split-input-file | FileCheck %s
// RUN: quant-opt %s --qopt-annotate=keep-float=elementwise_2 --split-input-file | FileCheck %s --check-prefix=KEPT

// A float tensor that an elementwise group leaves for a reduction and another
// group is in memory: observed. Inside of a group (bias and SiLU, which reads
// its argument twice) nothing is.
#id = affine_map<(d0, d1) -> (d0, d1)>
#channel = affine_map<(d0, d1) -> (d1)>
#row = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: func.func @group(
// CHECK:         %[[X:.+]] = qopt.observe %{{.+}} {name = "arg0"}
// CHECK:         linalg.matmul
// CHECK-NOT:     qopt.observe
// CHECK:         arith.addf
// CHECK-NOT:     qopt.observe
// CHECK:         math.exp
// CHECK-NOT:     qopt.observe
// CHECK:         %[[SILU:.+]] = linalg.generic {{.+}} attrs =  {qopt.name = "elementwise_2"}
// CHECK:         qopt.observe %[[SILU]] {name = "elementwise_2:0"}
// CHECK-NOT:     qopt.observe
// KEPT-LABEL: func.func @group(
// KEPT:         qopt.observe %{{.+}} {name = "arg0"}
// KEPT-NOT:     qopt.observe
// KEPT-LABEL: func.func @product(
func.func @group(%x: tensor<8x8xf32>) -> (tensor<8xf32>, tensor<8x8xf32>) {
  %w = arith.constant dense<1.5> : tensor<8x8xf32>
  %b = arith.constant dense<0.5> : tensor<8xf32>
  %one = arith.constant 1.0 : f32
  %zero = arith.constant dense<0.0> : tensor<8x8xf32>
  %none = arith.constant dense<0.0> : tensor<8xf32>
  %e = tensor.empty() : tensor<8x8xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<8x8xf32>, tensor<8x8xf32>) outs(%zero : tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = linalg.generic {indexing_maps = [#id, #channel, #id], iterator_types = ["parallel", "parallel"]} ins(%0, %b : tensor<8x8xf32>, tensor<8xf32>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%in: f32, %bias: f32, %out: f32):
    %s = arith.addf %in, %bias : f32
    linalg.yield %s : f32
  } -> tensor<8x8xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%1 : tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.negf %in : f32
    %p = math.exp %n : f32
    %d = arith.addf %p, %one : f32
    %q = arith.divf %one, %d : f32
    linalg.yield %q : f32
  } -> tensor<8x8xf32>
  %3 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%1, %2 : tensor<8x8xf32>, tensor<8x8xf32>) outs(%e : tensor<8x8xf32>) {
  ^bb0(%in: f32, %gate: f32, %out: f32):
    %s = arith.mulf %in, %gate : f32
    linalg.yield %s : f32
  } -> tensor<8x8xf32>
  %4 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%3 : tensor<8x8xf32>) outs(%none : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %in, %out : f32
    linalg.yield %s : f32
  } -> tensor<8xf32>
  return %4, %3 : tensor<8xf32>, tensor<8x8xf32>
}

// -----

// Both operands of a product are observed, once each, behind data movement; so
// is the state of a loop, inside.
// CHECK-LABEL: func.func @product(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<4x4xf32>
// CHECK:         %[[OX:.+]] = qopt.observe %[[X]] {name = "arg0"}
// CHECK:         scf.for {{.+}} iter_args(%[[STATE:.+]] = %[[OX]])
// CHECK:           %[[OS:.+]] = qopt.observe %[[STATE]] {name = "loop_0:state0"}
// CHECK:           %[[T:.+]] = linalg.transpose ins(%[[OX]] :
// CHECK:           linalg.matmul {qopt.name = "matmul_0", qopt.quantize} ins(%[[OS]], %[[T]] :
func.func @product(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %zero = arith.constant dense<0.0> : tensor<4x4xf32>
  %r = scf.for %i = %c0 to %c3 step %c1 iter_args(%h = %x) -> (tensor<4x4xf32>) {
    %e = tensor.empty() : tensor<4x4xf32>
    %t = linalg.transpose ins(%x : tensor<4x4xf32>) outs(%e : tensor<4x4xf32>) permutation = [1, 0]
    %n = linalg.matmul ins(%h, %t : tensor<4x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<4x4xf32>) -> tensor<4x4xf32>
    scf.yield %n : tensor<4x4xf32>
  }
  return %r : tensor<4x4xf32>
}

// -----

// An edge that came quantized, and a product that reads the value before it:
// that gets an observer of its own.
// CHECK-LABEL: func.func @before(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<4x4xf32>
// CHECK-DAG:     %[[OWN:.+]] = qopt.observe %[[X]] {name = "arg0:before"}
// CHECK-DAG:     %[[EDGE:.+]] = qopt.observe %[[X]] {name = "arg0", type = !quant.uniform<i8:f32, 5.000000e-01>}
// CHECK:         %[[Y:.+]] = linalg.matmul {{.+}} ins(%[[OWN]],
// CHECK:         return %[[EDGE]], %[[Y]]
func.func @before(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %w = arith.constant dense<1.5> : tensor<4x4xf32>
  %zero = arith.constant dense<0.0> : tensor<4x4xf32>
  %0 = qopt.observe %x {name = "arg0", type = !quant.uniform<i8:f32, 0.5>} : tensor<4x4xf32>
  %1 = linalg.matmul ins(%x, %w : tensor<4x4xf32>, tensor<4x4xf32>) outs(%zero : tensor<4x4xf32>) -> tensor<4x4xf32>
  return %0, %1 : tensor<4x4xf32>, tensor<4x4xf32>
}

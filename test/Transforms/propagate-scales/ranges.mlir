// RUN: quant-opt %s --qopt-propagate-scales --split-input-file | FileCheck %s

// Limits that an op guarantees hold for all data, those of statistics for some:
// they are taken unless they are more than 1 dB worse. 1/255 = 3.9216e-3.

// CHECK: method = "range", {{[^}]+}} name = "softmax", reason = "memory between softmax_0 and the output: 8 bits leave 50.0 dB; known to be within [0{{[.0]*}}, 1{{[.0]*}}]"
// CHECK: method = "auto", {{[^}]+}} name = "narrow"
// CHECK-LABEL: func.func @softmax
// CHECK: name = "softmax", {{.+}} type = !quant.uniform<u8:f32, 0.003921568
// CHECK: name = "narrow", {{.+}} type = !quant.uniform<u8:f32, 0.001953125
func.func @softmax(%x: tensor<2x4xf32>, %y: tensor<2x4xf32>) -> (tensor<2x4xf32>, tensor<2x4xf32>) {
  %0 = qopt.composite "softmax" (%x) {
  ^bb0(%a: tensor<2x4xf32>):
    qopt.yield %a : tensor<2x4xf32>
  } {qopt.name = "softmax_0"} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %1 = qopt.observe %0 {name = "softmax", stats = #qopt.stats<min = 0.0, max = 0.97, count = 8, nonfinite = 0, candidates = [
      #qopt.candidate<u8, auto, min = 0.0, max = 0.97, error = 1.2e-6, cost = 1.0e-5>,
      #qopt.candidate<u8, max, min = 0.0, max = 0.97, error = 1.2e-6, cost = 1.0e-5>]>} : tensor<2x4xf32>
  %2 = qopt.composite "masked_softmax" (%y) {
  ^bb0(%a: tensor<2x4xf32>):
    qopt.yield %a : tensor<2x4xf32>
  } : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %3 = qopt.observe %2 {name = "narrow", stats = #qopt.stats<min = 0.0, max = 0.498046875, count = 8, nonfinite = 0, candidates = [
      #qopt.candidate<u8, auto, min = 0.0, max = 0.498046875, error = 3.0e-7, cost = 1.0e-5>,
      #qopt.candidate<u8, max, min = 0.0, max = 0.498046875, error = 3.0e-7, cost = 1.0e-5>]>} : tensor<2x4xf32>
  return %1, %3 : tensor<2x4xf32>, tensor<2x4xf32>
}

// -----

// Through data movement, and by what the body of an op computes: a clamp to
// [0, 6] in front of a reshape, 1 / (1 + exp(-x)), tanh.

// CHECK-LABEL: func.func @bodies
// CHECK: name = "relu6", {{.+}} type = !quant.uniform<u8:f32, 0.023529
// CHECK: name = "sigmoid", {{.+}} type = !quant.uniform<u8:f32, 0.003921568
// CHECK: name = "tanh", {{.+}} type = !quant.uniform<i8:f32, 0.00787401
// CHECK: name = "open", {{.+}} type = !quant.uniform<u8:f32, 0.0227
#id = affine_map<(d0, d1) -> (d0, d1)>
func.func @bodies(%x: tensor<2x4xf32>) -> (tensor<8xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>) {
  %zero = arith.constant 0.0 : f32
  %one = arith.constant 1.0 : f32
  %six = arith.constant 6.0 : f32
  %empty = tensor.empty() : tensor<2x4xf32>
  %relu6 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x4xf32>) outs(%empty : tensor<2x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %p = arith.maximumf %a, %zero : f32
    %q = arith.minimumf %p, %six : f32
    linalg.yield %q : f32
  } -> tensor<2x4xf32>
  %flat = tensor.collapse_shape %relu6 [[0, 1]] : tensor<2x4xf32> into tensor<8xf32>
  %0 = qopt.observe %flat {name = "relu6", stats = #qopt.stats<min = 0.0, max = 5.8, count = 8, nonfinite = 0, candidates = [
      #qopt.candidate<u8, auto, min = 0.0, max = 5.8, error = 4.3e-5, cost = 1.0e-5>]>} : tensor<8xf32>
  %sigmoid = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x4xf32>) outs(%empty : tensor<2x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %p = arith.negf %a : f32
    %q = math.exp %p : f32
    %r = arith.addf %q, %one : f32
    %s = arith.divf %one, %r : f32
    linalg.yield %s : f32
  } -> tensor<2x4xf32>
  %1 = qopt.observe %sigmoid {name = "sigmoid", stats = #qopt.stats<min = 0.01, max = 0.97, count = 8, nonfinite = 0, candidates = [
      #qopt.candidate<u8, auto, min = 0.0, max = 0.97, error = 1.2e-6, cost = 1.0e-5>]>} : tensor<2x4xf32>
  %tanh = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x4xf32>) outs(%empty : tensor<2x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %p = math.tanh %a : f32
    linalg.yield %p : f32
  } -> tensor<2x4xf32>
  %2 = qopt.observe %tanh {name = "tanh", stats = #qopt.stats<min = -0.95, max = 0.9, count = 8, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -0.95, max = 0.95, error = 4.6e-6, cost = 1.0e-5>]>} : tensor<2x4xf32>
  // A relu has no upper limit.
  %relu = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<2x4xf32>) outs(%empty : tensor<2x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %c = arith.cmpf ugt, %a, %zero : f32
    %p = arith.select %c, %a, %zero : f32
    linalg.yield %p : f32
  } -> tensor<2x4xf32>
  %3 = qopt.observe %relu {name = "open", stats = #qopt.stats<min = 0.0, max = 5.8, count = 8, nonfinite = 0, candidates = [
      #qopt.candidate<u8, auto, min = 0.0, max = 5.8, error = 4.3e-5, cost = 1.0e-5>]>} : tensor<2x4xf32>
  return %0, %1, %2, %3 : tensor<8xf32>, tensor<2x4xf32>, tensor<2x4xf32>, tensor<2x4xf32>
}

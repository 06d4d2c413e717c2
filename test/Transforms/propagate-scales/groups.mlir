// RUN: quant-opt %s --qopt-propagate-scales --split-input-file | FileCheck %s

// Operands and result of a concat agree on one type where that costs none of
// them more than 1 dB. Errors grow with the square of the scale: from 0.9 to 1
// is 0.9 dB.

// CHECK: name = "a", reason = "memory between arg0 and the output, edge c: 8 bits leave 50.0 dB; same scale as concat's operands"
// CHECK: name = "b", reason = {{[^}]+}} same scale as concat's operands"
// CHECK: name = "c", reason = {{[^}]+}} same scale as concat's operands"
// CHECK-LABEL: func.func @shared
// CHECK: name = "a", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
// CHECK: name = "b", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
// CHECK: name = "c", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
func.func @shared(%x: tensor<2xf32>, %y: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<4xf32>) {
  %a = qopt.observe %x {name = "a", stats = #qopt.stats<min = -114.3, max = 114.3, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -114.3, max = 114.3, error = 0.0675, cost = 1.0e-5>,
      #qopt.candidate<s8, max, min = -114.3, max = 114.3, error = 0.0675, cost = 1.0e-5>]>} : tensor<2xf32>
  %b = qopt.observe %y {name = "b", stats = #qopt.stats<min = -127.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-5>,
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-5>]>} : tensor<2xf32>
  %0 = tensor.concat dim(0) %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %c = qopt.observe %0 {name = "c", stats = #qopt.stats<min = -127.0, max = 127.0, count = 4, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-5>,
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-5>]>} : tensor<4xf32>
  return %a, %b, %c : tensor<2xf32>, tensor<2xf32>, tensor<4xf32>
}

// -----

// From 0.5 to 1 is 6 dB: each keeps its own, and the concat requantizes.

// CHECK: name = "a", reason = "{{[^}]+}}; a scale of its own: one for all of concat's operands would cost 6.0 dB"
// CHECK-LABEL: func.func @own
// CHECK: name = "a", {{.+}} type = !quant.uniform<i8:f32, 5.000000e-01>
// CHECK: name = "b", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
// CHECK: name = "c", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
func.func @own(%x: tensor<2xf32>, %y: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<4xf32>) {
  %a = qopt.observe %x {name = "a", stats = #qopt.stats<min = -63.5, max = 63.5, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -63.5, max = 63.5, error = 0.0208333, cost = 1.0e-5>,
      #qopt.candidate<s8, max, min = -63.5, max = 63.5, error = 0.0208333, cost = 1.0e-5>]>} : tensor<2xf32>
  %b = qopt.observe %y {name = "b", stats = #qopt.stats<min = -127.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-5>,
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-5>]>} : tensor<2xf32>
  %0 = tensor.concat dim(0) %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %c = qopt.observe %0 {name = "c", stats = #qopt.stats<min = -127.0, max = 127.0, count = 4, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-5>,
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-5>]>} : tensor<4xf32>
  return %a, %b, %c : tensor<2xf32>, tensor<2xf32>, tensor<4xf32>
}

// -----

// The same where nothing but the concat reads the operand: its own scale would
// be lost at once.

// CHECK: name = "a", reason = "memory between arg0 and edge c: 8 bits leave 50.0 dB; same scale as concat's operands"
// CHECK-LABEL: func.func @passed_on
// CHECK: name = "a", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
// CHECK: name = "c", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
func.func @passed_on(%x: tensor<2xf32>) -> tensor<4xf32> {
  %token = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %a = qopt.observe %x {name = "a", stats = #qopt.stats<min = -63.5, max = 63.5, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -63.5, max = 63.5, error = 0.0208333, cost = 1.0e-5>,
      #qopt.candidate<s8, max, min = -63.5, max = 63.5, error = 0.0208333, cost = 1.0e-5>]>} : tensor<2xf32>
  %0 = tensor.concat dim(0) %token, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %c = qopt.observe %0 {name = "c", stats = #qopt.stats<min = -127.0, max = 127.0, count = 4, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-5>,
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-5>]>} : tensor<4xf32>
  return %c : tensor<4xf32>
}

// -----

// A group whose integers a contraction reads has 8 bits, whatever else is near.
// 'b' has another reader and would rather have 16; 'a' has no say.

// CHECK: name = "a", reason = {{[^}]+}}; the type of edge c, which alone reads it"
// CHECK: name = "b", reason = {{[^}]+}} a scale of its own: one for all of concat_0's operands would cost
// CHECK-LABEL: func.func @demanded
// CHECK: name = "a", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
// CHECK: name = "b", {{.+}} type = !quant.uniform<i16:f32, 0.003875
// CHECK: name = "c", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
func.func @demanded(%x: tensor<1x2xf32>, %y: tensor<1x2xf32>, %acc: tensor<2x2xf32>) -> (tensor<1x2xf32>, tensor<2x2xf32>) {
  %weight = arith.constant dense<1.0> : tensor<2x2xf32>
  %a = qopt.observe %x {name = "a", stats = #qopt.stats<min = -127.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-3>,
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-3>]>} : tensor<1x2xf32>
  %b = qopt.observe %y {name = "b", stats = #qopt.stats<min = -127.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-3>,
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-3>]>} : tensor<1x2xf32>
  %0 = tensor.concat dim(0) %a, %b {qopt.name = "concat_0"} : (tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<2x2xf32>
  %c = qopt.observe %0 {name = "c", stats = #qopt.stats<min = -127.0, max = 127.0, count = 4, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-3>,
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-3>]>} : tensor<2x2xf32>
  %1 = linalg.matmul {qopt.name = "matmul_0", qopt.quantize} ins(%c, %weight : tensor<2x2xf32>, tensor<2x2xf32>) outs(%acc : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %b, %1 : tensor<1x2xf32>, tensor<2x2xf32>
}

// -----

// Behind data movement alone one observer is enough: the other one is gone.

// CHECK-NOT: name = "moved"
// CHECK-LABEL: func.func @movement
// CHECK:      %[[SOURCE:.+]] = qopt.observe %{{.+}} {name = "source", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
// CHECK-NEXT: %[[T:.+]] = linalg.transpose ins(%[[SOURCE]]
// CHECK-NEXT: %[[R:.+]] = tensor.collapse_shape %[[T]]
// CHECK-NEXT: return %[[R]]
func.func @movement(%x: tensor<2x3xf32>, %empty: tensor<3x2xf32>) -> tensor<6xf32> {
  %0 = qopt.observe %x {name = "source", stats = #qopt.stats<min = -127.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-5>]>} : tensor<2x3xf32>
  %t = linalg.transpose ins(%0 : tensor<2x3xf32>) outs(%empty : tensor<3x2xf32>) permutation = [1, 0]
  %r = tensor.collapse_shape %t [[0, 1]] : tensor<3x2xf32> into tensor<6xf32>
  %1 = qopt.observe %r {name = "moved", stats = #qopt.stats<min = -127.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-5>]>} : tensor<6xf32>
  return %1 : tensor<6xf32>
}

// -----

// What a loop carries has one type: the initial value, the argument of the body,
// the yielded value and the result.

// CHECK-LABEL: func.func @loop
// CHECK: name = "initial", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
// CHECK: name = "next", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
// CHECK: name = "last", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
func.func @loop(%x: tensor<2xf32>) -> tensor<1xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %0 = qopt.observe %x {name = "initial", stats = #qopt.stats<min = -120.0, max = 120.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -120.0, max = 120.0, error = 0.08, cost = 1.0e-5>]>} : tensor<2xf32>
  %r = scf.for %i = %c0 to %c4 step %c1 iter_args(%h = %0) -> (tensor<2xf32>) {
    %sum = linalg.add ins(%h, %h : tensor<2xf32>, tensor<2xf32>) outs(%h : tensor<2xf32>) -> tensor<2xf32>
    %1 = qopt.observe %sum {name = "next", stats = #qopt.stats<min = -127.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.08333, cost = 1.0e-5>]>} : tensor<2xf32>
    scf.yield %1 : tensor<2xf32>
  }
  %s = tensor.extract_slice %r[1] [1] [1] : tensor<2xf32> to tensor<1xf32>
  %2 = qopt.observe %s {name = "last", stats = #qopt.stats<min = -121.0, max = 121.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -121.0, max = 121.0, error = 0.08, cost = 1.0e-5>]>} : tensor<1xf32>
  return %2 : tensor<1xf32>
}

// -----

// Selections among edges at one index, and rows put into a tensor, too. Edges
// that meet in arithmetic have nothing to agree on.

// CHECK-LABEL: func.func @elements
// CHECK: name = "a", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
// CHECK: name = "b", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
// CHECK: name = "rows", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
// CHECK: name = "apart", {{.+}} type = !quant.uniform<i8:f32, 0.94488
#id = affine_map<(d0) -> (d0)>
func.func @elements(%x: tensor<2xf32>, %y: tensor<2xf32>, %z: tensor<2xf32>, %memory: tensor<2xf32>) -> (tensor<4xf32>, tensor<2xf32>) {
  %zero = arith.constant 0.0 : f32
  %a = qopt.observe %x {name = "a", stats = #qopt.stats<min = -120.0, max = 120.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -120.0, max = 120.0, error = 0.08, cost = 1.0e-5>]>} : tensor<2xf32>
  %b = qopt.observe %y {name = "b", stats = #qopt.stats<min = -127.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.08, cost = 1.0e-5>]>} : tensor<2xf32>
  %max = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel"]}
      ins(%a, %b : tensor<2xf32>, tensor<2xf32>) outs(%memory : tensor<2xf32>) {
  ^bb0(%p: f32, %q: f32, %o: f32):
    %c = arith.cmpf ogt, %p, %q : f32
    %m = arith.select %c, %p, %q : f32
    linalg.yield %m : f32
  } -> tensor<2xf32>
  %empty = tensor.empty() : tensor<4xf32>
  %zeros = linalg.fill ins(%zero : f32) outs(%empty : tensor<4xf32>) -> tensor<4xf32>
  %rows = tensor.insert_slice %max into %zeros[1] [2] [1] : tensor<2xf32> into tensor<4xf32>
  %0 = qopt.observe %rows {name = "rows", stats = #qopt.stats<min = -127.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.08, cost = 1.0e-5>]>} : tensor<4xf32>
  %d = qopt.observe %z {name = "apart", stats = #qopt.stats<min = -120.0, max = 120.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -120.0, max = 120.0, error = 0.08, cost = 1.0e-5>]>} : tensor<2xf32>
  %sum = linalg.add ins(%a, %d : tensor<2xf32>, tensor<2xf32>) outs(%memory : tensor<2xf32>) -> tensor<2xf32>
  return %0, %sum : tensor<4xf32>, tensor<2xf32>
}

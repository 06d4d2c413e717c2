// RUN: quant-opt %s --qopt-propagate-scales --split-input-file | FileCheck %s

// The type of a model that came quantized is final, and goes to the edges around
// it: forward and backward, with statistics and without.

// CHECK: method = "model", {{[^}]+}} name = "producer", reason = "memory between arg0 and edge sum; the type that the model came with"
// CHECK: name = "sum", reason = {{[^}]+}}; the type that the model gave edge producer"
// CHECK-LABEL: func.func @forward
// CHECK: name = "producer", type = !quant.uniform<u8:f32, 3.000000e-01:7>
// CHECK: name = "other", {{.+}} type = !quant.uniform<u8:f32, 3.000000e-01:7>
// CHECK: name = "sum", type = !quant.uniform<u8:f32, 3.000000e-01:7>
func.func @forward(%x: tensor<2xf32>, %y: tensor<2xf32>) -> tensor<4xf32> {
  %a = qopt.observe %x {name = "producer", type = !quant.uniform<u8:f32, 0.3:7>} : tensor<2xf32>
  %b = qopt.observe %y {name = "other", stats = #qopt.stats<min = -1.0, max = 20.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -20.0, max = 20.0, error = 0.08, cost = 1.0e-5>]>} : tensor<2xf32>
  %0 = tensor.concat dim(0) %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %c = qopt.observe %0 {name = "sum"} : tensor<4xf32>
  return %c : tensor<4xf32>
}

// -----

// CHECK-LABEL: func.func @backward
// CHECK: %[[X:.+]] = qopt.observe %{{.+}} {name = "x", type = !quant.uniform<u8:f32, 3.000000e-01:7>}
// CHECK: %[[Y:.+]] = qopt.observe %{{.+}} {name = "y", type = !quant.uniform<u8:f32, 3.000000e-01:7>}
// CHECK: tensor.concat dim(0) %[[X]], %[[Y]]
// CHECK: name = "producer", type = !quant.uniform<u8:f32, 3.000000e-01:7>
func.func @backward(%x: tensor<2xf32>, %y: tensor<2xf32>) -> tensor<4xf32> {
  %a = qopt.observe %x {name = "x"} : tensor<2xf32>
  %b = qopt.observe %y {name = "y"} : tensor<2xf32>
  %0 = tensor.concat dim(0) %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %c = qopt.observe %0 {name = "producer", type = !quant.uniform<u8:f32, 0.3:7>} : tensor<4xf32>
  return %c : tensor<4xf32>
}

// -----

// Nothing is known of 'y', which has another reader: no type is put on it, nor
// on what depends on it.

// CHECK-LABEL: func.func @unknown
// CHECK: {name = "y"}
// CHECK: {name = "both"}
func.func @unknown(%x: tensor<2xf32>, %y: tensor<2xf32>) -> (tensor<2xf32>, tensor<4xf32>) {
  %a = qopt.observe %x {name = "producer", type = !quant.uniform<u8:f32, 0.3:7>} : tensor<2xf32>
  %b = qopt.observe %y {name = "y"} : tensor<2xf32>
  %0 = tensor.concat dim(0) %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  %c = qopt.observe %0 {name = "both"} : tensor<4xf32>
  return %b, %c : tensor<2xf32>, tensor<4xf32>
}

// -----

// The type of another edge that would cost more than 1 dB is not taken: here it
// clips.

// CHECK: name = "wide", reason = "{{[^}]+}}; a scale of its own: one for all of concat's operands would not hold its values"
// CHECK-LABEL: func.func @clipped
// CHECK: name = "wide", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
func.func @clipped(%x: tensor<2xf32>, %y: tensor<2xf32>) -> (tensor<2xf32>, tensor<4xf32>) {
  %a = qopt.observe %x {name = "producer", type = !quant.uniform<u8:f32, 0.01:7>} : tensor<2xf32>
  %b = qopt.observe %y {name = "wide", stats = #qopt.stats<min = -127.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.08, cost = 1.0e-5>]>} : tensor<2xf32>
  %0 = tensor.concat dim(0) %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  return %b, %0 : tensor<2xf32>, tensor<4xf32>
}

// -----

// A producer's requantization, one observer on the other, stays; twice the same
// type is one.

// CHECK-LABEL: func.func @requantized
// CHECK:      %[[A:.+]] = qopt.observe %{{.+}} {name = "first", type = !quant.uniform<u8:f32, 3.000000e-01>}
// CHECK-NEXT: %[[B:.+]] = qopt.observe %[[A]] {name = "second", type = !quant.uniform<i8:f32, 2.000000e-01>}
// CHECK-NEXT: return %[[B]]
func.func @requantized(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = qopt.observe %x {name = "first", type = !quant.uniform<u8:f32, 0.3>} : tensor<2xf32>
  %b = qopt.observe %a {name = "second", type = !quant.uniform<i8:f32, 0.2>} : tensor<2xf32>
  %c = qopt.observe %b {divide, name = "third", type = !quant.uniform<i8:f32, 0.2>} : tensor<2xf32>
  return %c : tensor<2xf32>
}

// RUN: quant-opt %s --qopt-annotate --split-input-file | FileCheck %s
// RUN: quant-opt %s --qopt-annotate --qopt-annotate --split-input-file | FileCheck %s

// Names come from locations where there are any, else from kind and order; a
// second op of one name gets a number. The report has a row for each.
// CHECK:       module attributes {qopt.report = {edges = [],
// CHECK-SAME:    facts = [{name = "weights_bytes_before", value = 3.200000e+01 : f64}]
// CHECK-SAME:    {contraction, location = "unknown", name = "fc", op = "matmul", precision = "int8", reason = "constant weights"}
// CHECK-SAME:    {location = "fused{{.+}}", name = "fc#1", op = "exp", precision = "f32", reason = "reads or writes float tensors"
// CHECK-SAME:    {contraction, {{.*}}name = "matmul_0"
// CHECK-SAME:    {contraction, {{.*}}name = "matmul_1"
// CHECK-LABEL: func.func @names(
// CHECK-SAME:    %[[X:.+]]: tensor<2x2xf32> {qopt.name = "image"})
// CHECK:         %[[IN:.+]] = qopt.observe %[[X]] {name = "image"} : tensor<2x2xf32>
// CHECK:         %[[FC:.+]] = linalg.matmul {qopt.name = "fc", qopt.quantize} ins(%[[IN]],
// CHECK:         %[[EXP:.+]] = linalg.exp {qopt.name = "fc#1"} ins(%[[FC]] :
// CHECK:         %[[EXP_OBSERVED:.+]] = qopt.observe %[[EXP]] {name = "fc#1:0"}
// CHECK:         %[[M0:.+]] = linalg.matmul {qopt.name = "matmul_0", qopt.quantize} ins(%[[EXP_OBSERVED]],
// CHECK:         %[[M0_OBSERVED:.+]] = qopt.observe %[[M0]] {name = "matmul_0:0"}
// CHECK:         linalg.matmul {qopt.name = "matmul_1", qopt.quantize} ins(%[[M0_OBSERVED]],
func.func @names(%x: tensor<2x2xf32> {qopt.name = "image"}) -> tensor<2x2xf32> {
  %w0 = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %w1 = arith.constant dense<[[1.0, 2.0], [3.0, 5.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = linalg.matmul ins(%x, %w0 : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32> loc("fc")
  %1 = linalg.exp ins(%0 : tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32> loc(fused["fc", "other"])
  %2 = linalg.matmul ins(%1, %w0 : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %3 = linalg.matmul ins(%2, %w1 : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %3 : tensor<2x2xf32>
}

// -----

// One observer per value, behind data movement, whatever the number of readers.
// CHECK-LABEL: func.func @movement(
// CHECK-SAME:    %[[X:.+]]: tensor<1x3x3x2xf32>)
// CHECK:         %[[IN:.+]] = qopt.observe %[[X]] {name = "arg0"}
// CHECK:         %[[PAD:.+]] = tensor.pad %[[IN]]
// CHECK-NOT:     qopt.observe
// CHECK:         linalg.conv_2d_nhwc_fhwc {qopt.name = "conv_0", qopt.quantize} ins(%[[PAD]],
// CHECK:         %[[FLAT:.+]] = tensor.collapse_shape %[[IN]]
// CHECK:         %[[T:.+]] = linalg.transpose ins(%[[FLAT]] :
// CHECK:         linalg.matmul {qopt.name = "matmul_0", qopt.quantize} ins(%[[T]],
func.func @movement(%x: tensor<1x3x3x2xf32>) -> (tensor<1x4x4x1xf32>, tensor<18x2xf32>) {
  %w = arith.constant dense<1.0> : tensor<1x2x2x2xf32>
  %w2 = arith.constant dense<1.0> : tensor<1x2xf32>
  %zero = arith.constant 0.0 : f32
  %z0 = arith.constant dense<0.0> : tensor<1x4x4x1xf32>
  %z1 = arith.constant dense<0.0> : tensor<18x2xf32>
  %pad = tensor.pad %x low[0, 1, 1, 0] high[0, 1, 1, 0] {
  ^bb0(%i: index, %j: index, %k: index, %l: index):
    tensor.yield %zero : f32
  } : tensor<1x3x3x2xf32> to tensor<1x5x5x2xf32>
  %0 = linalg.conv_2d_nhwc_fhwc ins(%pad, %w : tensor<1x5x5x2xf32>, tensor<1x2x2x2xf32>)
                                outs(%z0 : tensor<1x4x4x1xf32>) -> tensor<1x4x4x1xf32>
  %flat = tensor.collapse_shape %x [[0], [1, 2, 3]] : tensor<1x3x3x2xf32> into tensor<1x18xf32>
  %empty = tensor.empty() : tensor<18x1xf32>
  %t = linalg.transpose ins(%flat : tensor<1x18xf32>) outs(%empty : tensor<18x1xf32>) permutation = [1, 0]
  %1 = linalg.matmul ins(%t, %w2 : tensor<18x1xf32>, tensor<1x2xf32>) outs(%z1 : tensor<18x2xf32>) -> tensor<18x2xf32>
  return %0, %1 : tensor<1x4x4x1xf32>, tensor<18x2xf32>
}

// -----

// Padding with anything but zero is computation: the padded value is observed,
// and is named after its reader.
// CHECK-LABEL: func.func @pad_with_one(
// CHECK:         %[[PAD:.+]] = tensor.pad %{{.+}} low
// CHECK:         %[[IN:.+]] = qopt.observe %[[PAD]] {name = "matmul_0:input"}
// CHECK:         linalg.matmul {qopt.name = "matmul_0", qopt.quantize} ins(%[[IN]],
func.func @pad_with_one(%x: tensor<2x1xf32>) -> tensor<2x2xf32> {
  %w = arith.constant dense<1.0> : tensor<2x2xf32>
  %one = arith.constant 1.0 : f32
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %pad = tensor.pad %x low[0, 1] high[0, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %one : f32
  } : tensor<2x1xf32> to tensor<2x2xf32>
  %0 = linalg.matmul ins(%pad, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

// The weight may be the first operand.
// CHECK-LABEL: func.func @weight_first(
// CHECK:         %[[IN:.+]] = qopt.observe %{{.+}} {name = "arg0"}
// CHECK:         linalg.matmul {qopt.name = "matmul_0", qopt.quantize} ins(%{{.+}}, %[[IN]] :
func.func @weight_first(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %w = arith.constant dense<1.0> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x3xf32>
  %0 = linalg.matmul ins(%w, %x : tensor<2x2xf32>, tensor<2x3xf32>) outs(%zero : tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

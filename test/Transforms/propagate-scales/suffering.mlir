// RUN: quant-opt %s --qopt-propagate-scales 2>&1 | FileCheck %s

// An edge whose readers are expected to be noisy is named with them, behind data
// movement, in a warning and in the report.
// CHECK: warning: edge 'poor': what reads it (first, second) is expected to have 10.0 dB only: its channels or samples differ much in range
// CHECK-NOT: warning
// CHECK: expected_error = 1.000000e-01 : f64, {{.+}} name = "poor", readers = ["first", "second"]
func.func @main(%x: tensor<4x8xf32>, %acc: tensor<4x2xf32>, %other: tensor<8x2xf32>) -> (tensor<4x2xf32>, tensor<8x2xf32>) {
  %weight = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]> : tensor<8x2xf32>
  %narrow = arith.constant dense<[[1.0, 2.0], [3.0, 4.0], [1.0, 2.0], [3.0, 4.0]]> : tensor<4x2xf32>
  %0 = qopt.observe %x {name = "poor", stats = #qopt.stats<min = -1.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.25, cost = 0.1>]>} : tensor<4x8xf32>
  %first = linalg.matmul {qopt.name = "first", qopt.quantize} ins(%0, %weight : tensor<4x8xf32>, tensor<8x2xf32>) outs(%acc : tensor<4x2xf32>) -> tensor<4x2xf32>
  %empty = tensor.empty() : tensor<8x4xf32>
  %t = linalg.transpose ins(%0 : tensor<4x8xf32>) outs(%empty : tensor<8x4xf32>) permutation = [1, 0]
  %second = linalg.matmul {qopt.name = "second", qopt.quantize} ins(%t, %narrow : tensor<8x4xf32>, tensor<4x2xf32>) outs(%other : tensor<8x2xf32>) -> tensor<8x2xf32>
  %1 = qopt.observe %first {name = "fine", stats = #qopt.stats<min = -1.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.25, cost = 0.003>]>} : tensor<4x2xf32>
  return %1, %second : tensor<4x2xf32>, tensor<8x2xf32>
}

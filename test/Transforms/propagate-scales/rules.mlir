// RUN: quant-opt %s --qopt-propagate-scales | FileCheck %s
// RUN: quant-opt %s --qopt-propagate-scales=activation-bits=8 2>/dev/null | FileCheck %s

// What rules ask for goes before the option and before what is expected of 8 bits;
// but a contraction multiplies 8 bits.

// CHECK: name = "narrow", reason = "memory between x and softmax_0: 8 bits leave 20.0 dB; 8 bits by rule 1", {{[^}]*}} storage = "i8"
// CHECK: name = "wide", reason = "memory between softmax_0 and softmax_1: 8 bits would leave 60.0 dB; 16 bits by rule 2", {{[^}]*}} storage = "i16"
// CHECK: name = "read", readers = ["matmul_0"], reason = "read by contraction matmul_0", {{[^}]*}} storage = "i8"
// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<2x2xf32> {qopt.name = "x"}, %acc: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %weight = arith.constant dense<1.0> : tensor<2x2xf32>
  // CHECK: name = "narrow", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+02>
  %0 = qopt.observe %x {name = "narrow", stats = #qopt.stats<min = -12700.0, max = 12700.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -12700.0, max = 12700.0, error = 1000.0, cost = 0.01>]>} : tensor<2x2xf32>
  %1 = qopt.composite "softmax" (%0) {
  ^bb0(%a: tensor<2x2xf32>):
    qopt.yield %a : tensor<2x2xf32>
  } {qopt.name = "softmax_0", qopt.edge_bits = 8 : i64, qopt.edge_bits_reason = "8 bits by rule 1"} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  // CHECK: name = "wide", {{.+}} type = !quant.uniform<i16:f32,
  %2 = qopt.observe %1 {name = "wide", stats = #qopt.stats<min = -127.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.1, cost = 0.000001>]>} : tensor<2x2xf32>
  %3 = qopt.composite "softmax" (%2) {
  ^bb0(%a: tensor<2x2xf32>):
    qopt.yield %a : tensor<2x2xf32>
  } {qopt.name = "softmax_1", qopt.edge_bits = 16 : i64, qopt.edge_bits_reason = "16 bits by rule 2"} : (tensor<2x2xf32>) -> tensor<2x2xf32>
  // CHECK: name = "read", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
  %4 = qopt.observe %3 {name = "read", stats = #qopt.stats<min = -127.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.1, cost = 0.001>]>} : tensor<2x2xf32>
  %5 = linalg.matmul {qopt.name = "matmul_0", qopt.quantize} ins(%4, %weight : tensor<2x2xf32>, tensor<2x2xf32>) outs(%acc : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %5 : tensor<2x2xf32>
}

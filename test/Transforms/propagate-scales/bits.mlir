// RUN: quant-opt %s --qopt-propagate-scales | FileCheck %s --check-prefixes=CHECK,AUTO
// RUN: quant-opt %s --qopt-propagate-scales=activation-bits=8 2>%t.err | FileCheck %s --check-prefixes=CHECK,EIGHT
// RUN: FileCheck %s --check-prefix=WARNING < %t.err
// RUN: quant-opt %s --qopt-propagate-scales=activation-bits=16 | FileCheck %s --check-prefixes=CHECK,SIXTEEN

// What no contraction reads may have 16 bits: where 8 would leave less than
// 50 dB (a cost of 1e-5), or where that is asked for. s16 = amax/32767, whatever
// 8 bits would have clipped.

// WARNING:     warning: edge 'noisy': what reads it (softmax_0) is expected to have 20.0 dB only
// WARNING-NOT: warning

// AUTO:       name = "noisy", reason = "memory between x and softmax_0: 8 bits would leave 20.0 dB", {{[^}]*}} storage = "i16"
// AUTO:       name = "fair", reason = "memory between v and softmax_0: 8 bits would leave 49.6 dB", {{[^}]*}} storage = "i16"
// AUTO:       name = "good", reason = "memory between y and softmax_0: 8 bits leave 50.5 dB", {{[^}]*}} storage = "i8"
// AUTO:       name = "read", readers = ["matmul_0"], reason = "read by contraction matmul_0", {{[^}]*}} storage = "i8"
// AUTO:       name = "unknown", reason = "memory between u and the output", {{[^}]*}} storage = "i8"

// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<2x2xf32> {qopt.name = "x"}, %y: tensor<2x2xf32> {qopt.name = "y"}, %z: tensor<2x2xf32> {qopt.name = "z"}, %u: tensor<2x2xf32> {qopt.name = "u"}, %v: tensor<2x2xf32> {qopt.name = "v"}, %acc: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %weight = arith.constant dense<1.0> : tensor<2x2xf32>
  // AUTO:    name = "noisy", {{.+}} type = !quant.uniform<i16:f32, 5.000000e-01>
  // EIGHT:   name = "noisy", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+02>
  // SIXTEEN: name = "noisy", {{.+}} type = !quant.uniform<i16:f32, 5.000000e-01>
  %0 = qopt.observe %x {name = "noisy", stats = #qopt.stats<min = -16383.5, max = 12700.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -12700.0, max = 12700.0, error = 1000.0, cost = 0.01>]>} : tensor<2x2xf32>
  // Either side of the limit.
  // AUTO:    name = "fair", {{.+}} type = !quant.uniform<i16:f32, 2.500000e-01>
  // EIGHT:   name = "fair", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
  // SIXTEEN: name = "fair", {{.+}} type = !quant.uniform<i16:f32, 2.500000e-01>
  %fair = qopt.observe %v {name = "fair", stats = #qopt.stats<min = -8191.75, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.1, cost = 0.000011>]>} : tensor<2x2xf32>
  // AUTO:    name = "good", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
  // EIGHT:   name = "good", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
  // SIXTEEN: name = "good", {{.+}} type = !quant.uniform<i16:f32, 2.500000e-01>
  %1 = qopt.observe %y {name = "good", stats = #qopt.stats<min = -8191.75, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.1, cost = 0.000009>]>} : tensor<2x2xf32>
  %2 = qopt.composite "softmax" (%0, %fair, %1) {
  ^bb0(%a: tensor<2x2xf32>, %b: tensor<2x2xf32>, %c: tensor<2x2xf32>):
    qopt.yield %a : tensor<2x2xf32>
  } {qopt.name = "softmax_0"} : (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  // A contraction multiplies 8 bits.
  // CHECK: name = "read", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
  %3 = qopt.observe %z {name = "read", stats = #qopt.stats<min = -1.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -127.0, max = 127.0, error = 0.1, cost = 0.001>]>} : tensor<2x2xf32>
  %4 = linalg.matmul {qopt.name = "matmul_0", qopt.quantize} ins(%3, %weight : tensor<2x2xf32>, tensor<2x2xf32>) outs(%acc : tensor<2x2xf32>) -> tensor<2x2xf32>
  // Where costs are not relative, nothing is known of the signal.
  // AUTO:  name = "unknown", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
  // EIGHT: name = "unknown", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
  // SIXTEEN: name = "unknown", {{.+}} type = !quant.uniform<i16:f32,
  %5 = qopt.observe %u {name = "unknown", stats = #qopt.stats<min = -1.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 0.1>]>} : tensor<2x2xf32>
  return %2, %4, %5 : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}

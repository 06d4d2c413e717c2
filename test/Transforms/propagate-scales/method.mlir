// RUN: quant-opt %s --qopt-propagate-scales | FileCheck %s --check-prefix=AUTO
// RUN: quant-opt %s --qopt-propagate-scales=method=max | FileCheck %s --check-prefix=MAX
// RUN: quant-opt %s --qopt-propagate-scales=method=percentile 2>%t.err | FileCheck %s --check-prefix=PERCENTILE
// RUN: FileCheck %s --check-prefix=CLIPPED < %t.err
// RUN: quant-opt %s --qopt-propagate-scales="method=max tensorrt-cache=%t.cache" -o /dev/null && FileCheck %s --check-prefix=CACHE < %t.cache
// RUN: not quant-opt %s --qopt-propagate-scales=method=mse 2>&1 | FileCheck %s --check-prefix=MSE

// A method that was asked for takes its own ranges and compares storage kinds by
// the error of the values; auto takes what calibration chose for it, by its cost.
// AUTO:       name = "edge", {{.+}} type = !quant.uniform<u8:f32, 2.500000e-01:128>
// MAX:        name = "edge", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
// PERCENTILE: name = "edge", {{.+}} type = !quant.uniform<i8:f32, 5.000000e-01>
// CLIPPED:    warning: edge 'edge': 2.0 % of its values lie outside of the range that method 'percentile' chose
// CACHE:      TRT-{{[0-9]+}}-EntropyCalibration2
// CACHE-NEXT: edge: 3f800000
// MSE:        error: edge 'edge' has statistics without a candidate for the allowed storage kinds and method 'mse': calibrate it again
func.func @main(%x: tensor<2x2xf32>, %acc: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %weight = arith.constant dense<1.0> : tensor<2x2xf32>
  %0 = qopt.observe %x {name = "edge", stats = #qopt.stats<min = -127.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, auto, min = -31.75, max = 31.75, error = 9.0, clipped = 0.005, cost = 0.02>,
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 1.0, cost = 0.03>,
      #qopt.candidate<s8, percentile, min = -63.5, max = 63.5, error = 2.0, clipped = 0.02, cost = 0.001>,
      #qopt.candidate<u8_asymmetric, auto, min = -32.0, max = 31.75, error = 8.0, cost = 0.01>,
      #qopt.candidate<u8_asymmetric, max, min = -128.0, max = 127.0, error = 0.9, cost = 0.03>]>} : tensor<2x2xf32>
  %1 = linalg.matmul {qopt.quantize} ins(%0, %weight : tensor<2x2xf32>, tensor<2x2xf32>) outs(%acc : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

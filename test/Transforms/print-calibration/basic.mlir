// RUN: quant-opt %s --qopt-print-calibration -o /dev/null 2>&1 | FileCheck %s
// RUN: quant-opt %s --qopt-print-calibration=format=json -o /dev/null 2>&1 | FileCheck %s --check-prefix=JSON
// RUN: quant-opt %s --qopt-print-calibration 2>/dev/null | FileCheck %s --check-prefix=UNCHANGED

// CHECK:      edge 'known': 80 values in [-5.000000, 14.750000], 2 not finite, 3 sentinels
// CHECK-NEXT:   s8            max        [  -14.750000,    14.750000]  rms error 5.000e-01, clips 0.0000%, cost 2.500e-01
// CHECK-NEXT:   u8_asymmetric auto       [   -5.000000,    10.000000]  rms error 2.000e-01, clips 1.2500%, cost 1.000e-03
// CHECK-NEXT: edge 'dynamic': no statistics, quantized at run time
// JSON:      "edges": [
// JSON:      "candidates": [
// JSON:      "clipped": 0.01250000
// JSON:      "name": "known",
// JSON-NEXT: "nonfinite": 2,
// JSON-NEXT: "sentinels": 3
// JSON:      "name": "dynamic"
// UNCHANGED: qopt.observe %{{.+}} {name = "known", stats =
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = qopt.observe %x {name = "known", stats = #qopt.stats<min = -5.0, max = 14.75, count = 80, nonfinite = 2, sentinels = 3, candidates = [
      #qopt.candidate<s8, max, min = -14.75, max = 14.75, error = 0.25>,
      #qopt.candidate<u8_asymmetric, auto, min = -5.0, max = 10.0, error = 0.04, clipped = 0.0125, cost = 0.001>]>} : tensor<2xf32>
  %1 = qopt.observe %0 {name = "dynamic"} : tensor<2xf32>
  return %1 : tensor<2xf32>
}

// RUN: quant-opt %s "--qopt-convert-precision=precision=f16 observed" --split-input-file --verify-diagnostics \
// RUN:   --remarks-filter=qopt --remark-policy=all | FileCheck %s

// Before quantize: an edge that gets no integers is rounded, and what
// calibration saw of it goes along.
// CHECK-LABEL: @observed
// CHECK-SAME: %[[X:.+]]: tensor<4xf32>
// CHECK: %[[H:.+]] = linalg.generic {{.*}} ins(%[[X]] : tensor<4xf32>) outs(%{{.+}} : tensor<4xf16>)
// CHECK: arith.truncf %{{.+}} {qopt.range = array<f64: -3.000000e+00, 5.000000e+00>} : f32 to f16
// CHECK: %[[F:.+]] = linalg.generic {{.*}} ins(%[[H]] : tensor<4xf16>) outs(%{{.+}} : tensor<4xf32>)
// CHECK: arith.extf
// CHECK: qopt.observe %[[F]]
func.func @observed(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qopt.observe %x {name = "x", stats = #qopt.stats<min = -3.0, max = 5.0, count = 4, nonfinite = 0, candidates = []>} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Calibration saw values that f16 cannot hold, or only with few bits; of the
// third edge nothing is known; the fourth becomes integer anyway.
// CHECK-LABEL: @misfits
// CHECK-NOT: f16
// CHECK: return
func.func @misfits(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  // expected-remark @below {{large: stays f32: its values are in [-70000, 5], beyond f16 numbers (65504)}}
  %0 = qopt.observe %x {name = "large", stats = #qopt.stats<min = -70000.0, max = 5.0, count = 4, nonfinite = 0, candidates = []>} : tensor<4xf32>
  // expected-remark @below {{small: stays f32: its values are in [-1e-05, 0.0001], where f16 numbers are subnormal}}
  %1 = qopt.observe %x {name = "small", stats = #qopt.stats<min = -1.0e-05, max = 1.0e-04, count = 4, nonfinite = 0, candidates = []>} : tensor<4xf32>
  // expected-remark @below {{unseen: stays f32: its range is not known: give calibration data, or use bf16}}
  %2 = qopt.observe %x {name = "unseen"} : tensor<4xf32>
  %3 = qopt.observe %x {name = "integer", stats = #qopt.stats<min = -3.0, max = 5.0, count = 4, nonfinite = 0, candidates = []>, type = !quant.uniform<i8:f32, 4.0e-02>} : tensor<4xf32>
  return %0, %1, %2, %3 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// RUN: quant-opt %s --qopt-calibrate=data=%S/Inputs/rows.npz | FileCheck %s
// RUN: quant-opt %s --qopt-calibrate=data=%S/Inputs/folder | FileCheck %s
// RUN: quant-opt %s --qopt-calibrate="data=%S/Inputs/folder/b.npz,%S/Inputs/folder/a.npz threads=3" | FileCheck %s

// The model runs on 40 rows, two at a time; the data are -5, -4.75, ..., 14.75.
// Statistics do not depend on files, their order or the number of threads.
// A two-sided edge has no u8 candidate; every method has one of each other kind.
// CHECK: {name = "calibration_samples", value = 4.000000e+01 : f64}
// CHECK: qopt.observe %{{.+}} {name = "image", stats = #qopt.stats<min = -5.0, max = 14.75, count = 80, nonfinite = 0, candidates = [
// CHECK-NOT: candidate<u8,
// CHECK-SAME: #qopt.candidate<s8, auto, min = -14.75, max = 14.75, error = 0.0011{{[0-9]+}}, cost = 0.00059{{[0-9]+}}>,
// CHECK-SAME: #qopt.candidate<s8, max, min = -14.75, max = 14.75, error = 0.0011{{[0-9]+}}, cost = 0.00059{{[0-9]+}}>,
// CHECK-SAME: #qopt.candidate<s8, percentile,
// CHECK-SAME: #qopt.candidate<s8, mse,
// CHECK-SAME: #qopt.candidate<s8, entropy,
// CHECK-SAME: #qopt.candidate<u8_asymmetric, auto, min = -5.0, max = 14.75, error = 0.00051{{[0-9]+}}, cost = 0.00036{{[0-9]+}}>,
// CHECK-SAME: #qopt.candidate<u8_asymmetric, entropy,
// A one-sided edge has.
// CHECK: qopt.observe %{{.+}} {name = "abs", stats = #qopt.stats<min = 0.0, max = 14.75, count = 80, nonfinite = 0, candidates = [
// CHECK-SAME: #qopt.candidate<u8, auto, min = 0.0, max = 14.75,
func.func @main(%x: tensor<2x2xf32> {qopt.name = "image"}) -> tensor<2x2xf32> {
  %0 = qopt.observe %x {name = "image"} : tensor<2x2xf32>
  %empty = tensor.empty() : tensor<2x2xf32>
  %1 = linalg.abs ins(%0 : tensor<2x2xf32>) outs(%empty : tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = qopt.observe %1 {name = "abs"} : tensor<2x2xf32>
  return %2 : tensor<2x2xf32>
}

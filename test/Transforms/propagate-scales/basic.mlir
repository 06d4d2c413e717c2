// RUN: quant-opt %s --qopt-propagate-scales --split-input-file | FileCheck %s

// Candidates become types: s8 scale = amax/127, u8 scale = max/255, asymmetric
// scale = (max - min)/255 and zero point = -min/scale. Zero is always in range.

// CHECK-LABEL: func.func @storage_kinds
func.func @storage_kinds(%x: tensor<2xf32>) -> tensor<2xf32> {
  // 63.5/127 = 0.5
  // CHECK: name = "s8", {{.+}} type = !quant.uniform<i8:f32, 5.000000e-01>
  %0 = qopt.observe %x {name = "s8", stats = #qopt.stats<min = -63.5, max = 1.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, max, min = -63.5, max = 63.5, error = 0.25>]>} : tensor<2xf32>
  // 127.5/255 = 0.5
  // CHECK: name = "u8", {{.+}} type = !quant.uniform<u8:f32, 5.000000e-01>
  %1 = qopt.observe %0 {name = "u8", stats = #qopt.stats<min = 3.0, max = 127.5, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<u8, max, min = 0.0, max = 127.5, error = 0.25>]>} : tensor<2xf32>
  // (95.5 + 32)/255 = 0.5, 32/0.5 = 64
  // CHECK: name = "asymmetric", {{.+}} type = !quant.uniform<u8:f32, 5.000000e-01:64>
  %2 = qopt.observe %1 {name = "asymmetric", stats = #qopt.stats<min = -32.0, max = 95.5, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<u8_asymmetric, max, min = -32.0, max = 95.5, error = 0.25>]>} : tensor<2xf32>
  // All negative: the zero point is the top of the range.
  // CHECK: name = "negative", {{.+}} type = !quant.uniform<u8:f32, 5.000000e-01:255>
  %3 = qopt.observe %2 {name = "negative", stats = #qopt.stats<min = -127.5, max = -1.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<u8_asymmetric, max, min = -127.5, max = 0.0, error = 0.25>]>} : tensor<2xf32>
  // An edge that was always zero has scale 1.
  // CHECK: name = "dead", {{.+}} type = !quant.uniform<u8:f32, 1.000000e+00>
  %4 = qopt.observe %3 {name = "dead", stats = #qopt.stats<min = 0.0, max = 0.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<u8, max, min = 0.0, max = 0.0, error = 0.0>]>} : tensor<2xf32>
  // Scales stay within [2^-40, 2^40] (0x427... is 2^40 as f64 bits).
  // CHECK: name = "tiny", {{.+}} type = !quant.uniform<i8:f32, 9.0949470177292824E-13>
  %5 = qopt.observe %4 {name = "tiny", stats = #qopt.stats<min = -1.0e-20, max = 1.0e-20, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, max, min = -1.0e-20, max = 1.0e-20, error = 0.0>]>} : tensor<2xf32>
  // CHECK: name = "huge", {{.+}} type = !quant.uniform<i8:f32, 0x4270000000000000>
  %6 = qopt.observe %5 {name = "huge", stats = #qopt.stats<min = -1.0e38, max = 1.0e38, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, max, min = -1.0e38, max = 1.0e38, error = 1.0e70>]>} : tensor<2xf32>
  return %6 : tensor<2xf32>
}

// -----

// The report gets a row per edge with what was chosen.
// CHECK:       qopt.report = {
// CHECK-SAME:    {clipped_fraction = 0.000000e+00 : f64, max = 1.270000e+02 : f64, method = "max", min = -1.000000e+00 : f64, name = "edge", reason = "memory between arg0 and the output", scale = 1.000000e+00 : f64, storage = "i8", zero_point = 0 : i64}
func.func @report(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = qopt.observe %x {name = "edge", stats = #qopt.stats<min = -1.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 0.25>]>} : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

// The smallest expected error wins, the first of equals; asymmetric must win by
// more than a fifth.
// CHECK-LABEL: func.func @choice
func.func @choice(%x: tensor<2xf32>) -> tensor<2xf32> {
  // CHECK: name = "u8_better", {{.+}} type = !quant.uniform<u8:f32, 1.000000e+00>
  %0 = qopt.observe %x {name = "u8_better", stats = #qopt.stats<min = 0.0, max = 255.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, max, min = -254.0, max = 254.0, error = 4.0>,
      #qopt.candidate<u8, max, min = 0.0, max = 255.0, error = 1.0>]>} : tensor<2xf32>
  // CHECK: name = "tie", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
  %1 = qopt.observe %0 {name = "tie", stats = #qopt.stats<min = -127.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 1.0>,
      #qopt.candidate<s8, mse, min = -63.5, max = 63.5, error = 1.0>]>} : tensor<2xf32>
  // CHECK: name = "not_enough", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
  %2 = qopt.observe %1 {name = "not_enough", stats = #qopt.stats<min = -64.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 1.0>,
      #qopt.candidate<u8_asymmetric, max, min = -64.0, max = 191.0, error = 0.81>]>} : tensor<2xf32>
  // CHECK: name = "enough", {{.+}} type = !quant.uniform<u8:f32, 1.000000e+00:64>
  %3 = qopt.observe %2 {name = "enough", stats = #qopt.stats<min = -64.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 1.0>,
      #qopt.candidate<u8_asymmetric, max, min = -64.0, max = 191.0, error = 0.79>]>} : tensor<2xf32>
  // The order of candidates does not matter to that.
  // CHECK: name = "asymmetric_first", {{.+}} type = !quant.uniform<i8:f32, 1.000000e+00>
  %4 = qopt.observe %3 {name = "asymmetric_first", stats = #qopt.stats<min = -64.0, max = 127.0, count = 2, nonfinite = 0, candidates = [
      #qopt.candidate<u8_asymmetric, max, min = -64.0, max = 191.0, error = 0.81>,
      #qopt.candidate<s8, max, min = -127.0, max = 127.0, error = 1.0>]>} : tensor<2xf32>
  return %4 : tensor<2xf32>
}

// RUN: quant-opt %s --qopt-quantize --split-input-file --verify-diagnostics | FileCheck %s
// RUN: quant-opt %s --qopt-quantize=weight-method=mse --split-input-file 2>/dev/null \
// RUN:   | FileCheck %s --check-prefix=MSE

// What the report holds of weights. Column 0 is exact in int8 ([127, 1] * 2^-7);
// column 1 is dead; column 2 has the scale 2^-6. Signal 2^-14 * (127^2 + 1) +
// 2^-12 * (127^2 + 64^2), all of it exact. |acc| <= 255 * (127 + 64).
// CHECK:       weights = [{accumulator_max = 48705 : i64, channels = 3 : i64, dead_channels = 1 : i64,
// CHECK-SAME:    first_dead_channels = array<i64: 1>, floored_scales = 0 : i64, method = "max", name = "fc",
// CHECK-SAME:    scale_max = 1.562500e-02 : f64, scale_min = 7.812500e-03 : f64, sqnr_db = 0x7FF0000000000000 : f64}]
// CHECK-LABEL: func.func @facts(
// MSE:         method = "mse"
// MSE-LABEL:   func.func @facts(
func.func @facts(%x: tensor<2x2xf32>) -> tensor<2x3xf32> {
  %w = arith.constant dense<[[0.9921875, 0.0, -1.984375], [0.0078125, -0.0, 1.0]]> : tensor<2x3xf32>
  %zero = arith.constant dense<0.0> : tensor<2x3xf32>
  %0 = qopt.observe %x {name = "a", type = !quant.uniform<u8:f32, 0.5>} : tensor<2x2xf32>
  // expected-warning @below {{1 of 3 output channels have no weights but 0 (1): their results do not depend on the input}}
  %1 = linalg.matmul {qopt.name = "fc", qopt.quantize} ins(%0, %w : tensor<2x2xf32>, tensor<2x3xf32>)
                                                       outs(%zero : tensor<2x3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

// Only the first dead channels are listed. Nothing is known of the error of
// weights without a signal.
// CHECK:       accumulator_max = 0 : i64, channels = 10 : i64, dead_channels = 10 : i64,
// CHECK-SAME:    first_dead_channels = array<i64: 0, 1, 2, 3, 4, 5, 6, 7>
// CHECK-SAME:    scale_max = 1.000000e+00 : f64, scale_min = 1.000000e+00 : f64
// CHECK-LABEL: func.func @all_dead(
func.func @all_dead(%x: tensor<2x2xf32>) -> tensor<2x10xf32> {
  %w = arith.constant dense<0.0> : tensor<2x10xf32>
  %zero = arith.constant dense<0.0> : tensor<2x10xf32>
  %0 = qopt.observe %x {name = "a", type = !quant.uniform<i8:f32, 0.5>} : tensor<2x2xf32>
  // expected-warning @below {{10 of 10 output channels have no weights but 0 (0, 1, 2, 3, 4, 5, 6, 7, ...): their results do not depend on the input}}
  %1 = linalg.matmul {qopt.name = "fc", qopt.quantize} ins(%0, %w : tensor<2x2xf32>, tensor<2x10xf32>)
                                                       outs(%zero : tensor<2x10xf32>) -> tensor<2x10xf32>
  return %1 : tensor<2x10xf32>
}

// -----

// Scales that would leave [2^-40, 2^40] are clamped, which weights do not
// survive.
// CHECK:       floored_scales = 2 : i64
// CHECK-SAME:  scale_max = 0x4270000000000000 : f64, scale_min = 9.0949470177292824E-13 : f64
// CHECK-LABEL: func.func @floored(
// CHECK:         arith.constant dense<{{\[\[}}0, 127, 127], [0, -127, 64]]> : tensor<2x3xi8>
func.func @floored(%x: tensor<2x2xf32>) -> tensor<2x3xf32> {
  %w = arith.constant dense<[[1.0e-30, 1.0e30, 2.0], [1.0e-40, -1.0e30, 1.0]]> : tensor<2x3xf32>
  %zero = arith.constant dense<0.0> : tensor<2x3xf32>
  %0 = qopt.observe %x {name = "a", type = !quant.uniform<i8:f32, 0.5>} : tensor<2x2xf32>
  // expected-warning @below {{2 of 3 weight scales are clamped to 2^-40 or 2^40: the weights are too small or too large for int8}}
  %1 = linalg.matmul {qopt.name = "fc", qopt.quantize} ins(%0, %w : tensor<2x2xf32>, tensor<2x3xf32>)
                                                       outs(%zero : tensor<2x3xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// -----

// Eight weights of 19.55 are 20 steps of `max`; a scale 4/1024 smaller is nearer
// to them than it clips the largest weight: 8 · 0.37² + 0.5² < 8 · 0.45².
// CHECK-LABEL: func.func @clipped(
// CHECK:         to tensor<9x1x!quant.uniform<i8<-127:127>:f32:1, {1.000000e+00}>>
// MSE:         sqnr_db = 41.5{{[0-9]+}}
// MSE-LABEL:   func.func @clipped(
// MSE:           arith.constant dense<{{\[\[}}127], [20], [20], [20], [20], [-20], [-20], [-20], [-20]]>
// MSE:           to tensor<9x1x!quant.uniform<i8<-127:127>:f32:1, {0.99609375}>>
func.func @clipped(%x: tensor<1x9xf32>) -> tensor<1x1xf32> {
  %w = arith.constant dense<[[127.0], [19.55], [19.55], [19.55], [19.55], [-19.55], [-19.55], [-19.55], [-19.55]]> : tensor<9x1xf32>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %0 = qopt.observe %x {name = "a", type = !quant.uniform<i8:f32, 0.5>} : tensor<1x9xf32>
  %1 = linalg.matmul {qopt.name = "fc", qopt.quantize} ins(%0, %w : tensor<1x9xf32>, tensor<9x1xf32>)
                                                       outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  return %1 : tensor<1x1xf32>
}

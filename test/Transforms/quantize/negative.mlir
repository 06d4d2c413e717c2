// RUN: quant-opt %s --qopt-quantize --split-input-file --verify-diagnostics \
// RUN:   --remarks-filter=qopt --remark-policy=all --mlir-elide-resource-strings-if-larger=16 | FileCheck %s

// The largest s8 x s8 reduction that cannot overflow: 128·127·132104 < 2^31.
// CHECK-LABEL: func.func @longest(
// CHECK:         quant.qcast
func.func @longest(%x: tensor<1x132104xf32>) -> tensor<1x1xf32> {
  %w = arith.constant dense<1.0> : tensor<132104x1xf32>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %0 = qopt.observe %x {name = "a", type = !quant.uniform<i8:f32, 0.5>} : tensor<1x132104xf32>
  %1 = linalg.matmul {qopt.name = "fc", qopt.quantize} ins(%0, %w : tensor<1x132104xf32>, tensor<132104x1xf32>)
                                     outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  return %1 : tensor<1x1xf32>
}

// -----

// One more product, and the op stays float with its weights.
// CHECK:       name = "fc", op = "matmul", precision = "f32", reason = "an i32 accumulator could overflow: output channel 0 sums 132105 products with a sum of |qw| of 16777335, so |acc| can reach 2147498880, and the limit is 2147483647"
// CHECK-LABEL: func.func @too_long(
// CHECK-SAME:    %[[X:.+]]: tensor<1x132105xf32>)
// CHECK:         %[[W:.+]] = arith.constant dense<1.0{{.+}}> : tensor<132105x1xf32>
// CHECK:         linalg.matmul {qopt.name = "fc"} ins(%[[X]], %[[W]] :
func.func @too_long(%x: tensor<1x132105xf32>) -> tensor<1x1xf32> {
  %w = arith.constant dense<1.0> : tensor<132105x1xf32>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %0 = qopt.observe %x {name = "a", stats = #qopt.stats<min = -1.0, max = 1.0, count = 4, nonfinite = 0, candidates = []>, type = !quant.uniform<i8:f32, 0.5>} : tensor<1x132105xf32>
  // expected-remark @below {{fc: an i32 accumulator could overflow: output channel 0 sums 132105 products}}
  %1 = linalg.matmul {qopt.name = "fc", qopt.quantize} ins(%0, %w : tensor<1x132105xf32>, tensor<132105x1xf32>)
                                     outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  return %1 : tensor<1x1xf32>
}

// -----

// With u8 the bound is half of that: 255·127·66312 > 2^31 - 1 >= 255·127·66311.
// CHECK-LABEL: func.func @too_long_u8(
// CHECK:         linalg.matmul {qopt.name = "a"} ins(%{{.+}}, %{{.+}} : tensor<1x66311xf32>
// CHECK-NOT:     quant.qcast
func.func @too_long_u8(%x: tensor<1x66311xf32>, %y: tensor<1x66312xf32>) -> (tensor<1x1xf32>, tensor<1x1xf32>) {
  %w0 = arith.constant dense<1.0> : tensor<66311x1xf32>
  %w1 = arith.constant dense<1.0> : tensor<66312x1xf32>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %0 = qopt.observe %x {name = "x", stats = #qopt.stats<min = -1.0, max = 1.0, count = 4, nonfinite = 0, candidates = []>, type = !quant.uniform<u8:f32, 0.5>} : tensor<1x66311xf32>
  %1 = qopt.observe %y {name = "y", stats = #qopt.stats<min = -1.0, max = 1.0, count = 4, nonfinite = 0, candidates = []>, type = !quant.uniform<u8:f32, 0.5>} : tensor<1x66312xf32>
  %2 = linalg.matmul {qopt.name = "a", qopt.quantize} ins(%0, %w0 : tensor<1x66311xf32>, tensor<66311x1xf32>)
                                     outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  // expected-remark @below {{b: an i32 accumulator could overflow: output channel 0 sums 66312 products with a sum of |qw| of 8421624, so |acc| can reach 2147514120}}
  %3 = linalg.matmul {qopt.name = "b", qopt.quantize} ins(%1, %w1 : tensor<1x66312xf32>, tensor<66312x1xf32>)
                                     outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  return %2, %3 : tensor<1x1xf32>, tensor<1x1xf32>
}

// -----

// What was not chosen stays float; an observer without a type goes without casts.
// CHECK-LABEL: func.func @not_chosen(
// CHECK-SAME:    %[[X:.+]]: tensor<2x2xf32>)
// CHECK-NOT:     quant.
// CHECK:         linalg.matmul ins(%[[X]],
// CHECK-NOT:     quant.
func.func @not_chosen(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = arith.constant dense<1.0> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = qopt.observe %x {name = "a"} : tensor<2x2xf32>
  %1 = linalg.matmul ins(%0, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

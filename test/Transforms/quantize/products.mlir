// RUN: quant-opt %s --qopt-quantize --split-input-file --verify-diagnostics \
// RUN:   --remarks-filter=qopt --remark-policy=all | FileCheck %s

// Two run-time operands, each with its own type.
// CHECK-LABEL: func.func @static(
// CHECK:         %[[QX:.+]] = quant.qcast %{{.+}} : tensor<2x3xf32> to tensor<2x3x!quant.uniform<i8:f32, 5.000000e-01>>
// CHECK:         %[[X:.+]] = quant.dcast %[[QX]]
// CHECK:         %[[QY:.+]] = quant.qcast %{{.+}} : tensor<3x2xf32> to tensor<3x2x!quant.uniform<u8:f32, 2.500000e-01:7>>
// CHECK:         %[[Y:.+]] = quant.dcast %[[QY]]
// CHECK:         linalg.matmul {qopt.name = "p"} ins(%[[X]], %[[Y]] :
func.func @static(%x: tensor<2x3xf32>, %y: tensor<3x2xf32>) -> tensor<2x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 0.5>} : tensor<2x3xf32>
  %1 = qopt.observe %y {name = "y", type = !quant.uniform<u8:f32, 0.25:7>} : tensor<3x2xf32>
  %2 = linalg.matmul {qopt.name = "p", qopt.quantize} ins(%0, %1 : tensor<2x3xf32>, tensor<3x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %2 : tensor<2x2xf32>
}

// -----

// Without types: a scale per row of the first operand, one for the second.
// CHECK-LABEL: func.func @dynamic(
// CHECK:         %[[QX:.+]], %[[SX:.+]] = qopt.dynamic_quantize %{{.+}} {per = #qopt<granularity row>}
// CHECK:         %[[X:.+]] = qopt.dynamic_dequantize %[[QX]], %[[SX]]
// CHECK:         %[[QY:.+]], %[[SY:.+]] = qopt.dynamic_quantize %{{.+}} {per = #qopt<granularity tensor>}
// CHECK:         %[[Y:.+]] = qopt.dynamic_dequantize %[[QY]], %[[SY]]
// CHECK:         linalg.matmul {qopt.name = "p"} ins(%[[X]], %[[Y]] :
func.func @dynamic(%x: tensor<2x3xf32>, %y: tensor<3x2xf32>) -> tensor<2x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = qopt.observe %x {name = "x"} : tensor<2x3xf32>
  %1 = qopt.observe %y {name = "y"} : tensor<3x2xf32>
  %2 = linalg.matmul {qopt.name = "p", qopt.quantize} ins(%0, %1 : tensor<2x3xf32>, tensor<3x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %2 : tensor<2x2xf32>
}

// -----

// 255 * 255 * 33026 > 2^31 - 1: the product stays float.
// CHECK-LABEL: func.func @too_long(
// CHECK:         linalg.matmul {qopt.name = "p"}
func.func @too_long(%x: tensor<1x33026xf32>, %y: tensor<33026x1xf32>) -> tensor<1x1xf32> {
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<u8:f32, 0.5>} : tensor<1x33026xf32>
  %1 = qopt.observe %y {name = "y", type = !quant.uniform<u8:f32, 0.25>} : tensor<33026x1xf32>
  // expected-remark @below {{p: an i32 accumulator could overflow: it sums 33026 products of run-time values and can reach 2147515650, and the limit is 2147483647}}
  %2 = linalg.matmul {qopt.name = "p", qopt.quantize} ins(%0, %1 : tensor<1x33026xf32>, tensor<33026x1xf32>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  return %2 : tensor<1x1xf32>
}

// -----

// A typed edge that no contraction reads is in memory as integers, of 16 bits
// too; `divide` goes with the cast.
// CHECK-LABEL: func.func @memory(
// CHECK:         %[[Q:.+]] = quant.qcast %{{.+}} {qopt.divide} : tensor<4xf32> to tensor<4x!quant.uniform<i16:f32, 1.000000e-03>>
// CHECK:         quant.dcast %[[Q]]
func.func @memory(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i16:f32, 0.001>, divide} : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// RUN: quant-opt %s --qopt-fuse-qdq --qopt-lower-to-integer --cse --qopt-verify-integer-form --split-input-file | FileCheck %s

// QDQ forms that other tools write: integers where they give the right numbers;
// what the integer lowering does not know must stay float.

// Only the weight is quantized: it is dequantized, per channel.
// CHECK-LABEL: func.func @weight_only(
// CHECK:         arith.sitofp
// CHECK:         %[[Y:.+]] = linalg.matmul ins(%{{.+}}, %{{.+}} : tensor<1x2xf32>, tensor<2x2xf32>)
func.func @weight_only(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %wi = arith.constant dense<[[3, 4], [5, 6]]> : tensor<2x2xi8>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %qw = quant.scast %wi : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8<-127:127>:f32:1, {0.25, 0.5}>>
  %dw = quant.dcast %qw : tensor<2x2x!quant.uniform<i8<-127:127>:f32:1, {0.25, 0.5}>> to tensor<2x2xf32>
  %0 = linalg.matmul ins(%x, %dw : tensor<1x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// -----

// Scales along the reduced dimension cannot leave the sum.
// CHECK-LABEL: func.func @scales_along_reduction(
// CHECK-NOT:     tensor<1x2xi32>
// CHECK:         linalg.matmul ins(%{{.+}}, %{{.+}} : tensor<1x2xf32>, tensor<2x2xf32>)
func.func @scales_along_reduction(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %wi = arith.constant dense<[[3, 4], [5, 6]]> : tensor<2x2xi8>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %qx = quant.qcast %x : tensor<1x2xf32> to tensor<1x2x!quant.uniform<i8:f32, 0.5>>
  %dx = quant.dcast %qx : tensor<1x2x!quant.uniform<i8:f32, 0.5>> to tensor<1x2xf32>
  %qw = quant.scast %wi : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8<-127:127>:f32:0, {0.25, 0.5}>>
  %dw = quant.dcast %qw : tensor<2x2x!quant.uniform<i8<-127:127>:f32:0, {0.25, 0.5}>> to tensor<2x2xf32>
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// -----

// A weight with a zero point takes it off times the sums of the activation's
// rows; one of u8 storage is extended without a sign. The scale is 0.5 * 0.25.
// CHECK-LABEL: func.func @weight_zero_point(
// CHECK-SAME:    %[[X:.+]]: tensor<1x2xf32>)
// CHECK-NOT:     linalg.matmul
// CHECK:         %[[W:.+]] = arith.constant dense<{{\[}}[3, 4], [5, 6]]> : tensor<2x2xi8>
// CHECK:         %[[Q:.+]] = linalg.generic {{.+}} ins(%[[X]] : tensor<1x2xf32>) outs(%{{.+}} : tensor<1x2xi8>)
// CHECK:         %[[ACC:.+]] = linalg.generic {{.+}}"reduction"{{.+}} ins(%[[Q]], %[[W]] : tensor<1x2xi8>, tensor<2x2xi8>)
// CHECK-COUNT-2:   arith.extsi
// CHECK:         %[[ROWS:.+]] = linalg.generic {{.+}} iterator_types = ["parallel", "reduction"]} ins(%[[Q]] : tensor<1x2xi8>) outs(%{{.+}} : tensor<1xi32>)
// CHECK:         %[[SUM:.+]] = linalg.generic {{.+}} ins(%[[ACC]], %[[ROWS]] : tensor<1x2xi32>, tensor<1xi32>)
// CHECK:           %[[Z:.+]] = arith.constant -7 : i32
// CHECK:           %[[TERM:.+]] = arith.muli %{{.+}}, %[[Z]] : i32
// CHECK:           arith.addi %{{.+}}, %[[TERM]] : i32
// CHECK:         %[[SCALE:.+]] = arith.constant dense<1.250000e-01> : tensor<f32>
// CHECK:         %[[Y0:.+]] = linalg.generic {{.+}} ins(%[[SUM]], %[[SCALE]],
// CHECK:         %[[ACC1:.+]] = linalg.generic {{.+}}"reduction"{{.+}} ins(%[[Q]], %[[W]] : tensor<1x2xi8>, tensor<2x2xi8>)
// CHECK-NEXT:    ^bb0(%[[A:.+]]: i8, %[[B:.+]]: i8,
// CHECK-DAG:       arith.extsi %[[A]] :
// CHECK-DAG:       arith.extui %[[B]] :
// CHECK:         %[[Y1:.+]] = linalg.generic {{.+}} ins(%[[ACC1]], %[[SCALE]],
// CHECK:         return %[[Y0]], %[[Y1]]
func.func @weight_zero_point(%x: tensor<1x2xf32>) -> (tensor<1x2xf32>, tensor<1x2xf32>) {
  %wi = arith.constant dense<[[3, 4], [5, 6]]> : tensor<2x2xi8>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %qx = quant.qcast %x : tensor<1x2xf32> to tensor<1x2x!quant.uniform<i8:f32, 0.5>>
  %dx = quant.dcast %qx : tensor<1x2x!quant.uniform<i8:f32, 0.5>> to tensor<1x2xf32>
  %q0 = quant.scast %wi : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8:f32, 0.25:7>>
  %d0 = quant.dcast %q0 : tensor<2x2x!quant.uniform<i8:f32, 0.25:7>> to tensor<2x2xf32>
  %0 = linalg.matmul ins(%dx, %d0 : tensor<1x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
  %q1 = quant.scast %wi : tensor<2x2xi8> to tensor<2x2x!quant.uniform<u8:f32, 0.25>>
  %d1 = quant.dcast %q1 : tensor<2x2x!quant.uniform<u8:f32, 0.25>> to tensor<2x2xf32>
  %1 = linalg.matmul ins(%dx, %d1 : tensor<1x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
  return %0, %1 : tensor<1x2xf32>, tensor<1x2xf32>
}

// -----

// A contraction that does not start from zero keeps its initial value.
// CHECK-LABEL: func.func @accumulates(
// CHECK-SAME:    %{{.+}}: tensor<1x2xf32>, %[[INIT:.+]]: tensor<1x2xf32>)
// CHECK:         linalg.matmul {{.+}} outs(%[[INIT]] :
func.func @accumulates(%x: tensor<1x2xf32>, %init: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %wi = arith.constant dense<[[3, 4], [5, 6]]> : tensor<2x2xi8>
  %qx = quant.qcast %x : tensor<1x2xf32> to tensor<1x2x!quant.uniform<i8:f32, 0.5>>
  %dx = quant.dcast %qx : tensor<1x2x!quant.uniform<i8:f32, 0.5>> to tensor<1x2xf32>
  %qw = quant.scast %wi : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8<-127:127>:f32, 0.25>>
  %dw = quant.dcast %qw : tensor<2x2x!quant.uniform<i8<-127:127>:f32, 0.25>> to tensor<2x2xf32>
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x2xf32>, tensor<2x2xf32>) outs(%init : tensor<1x2xf32>) -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// -----

// A quantized activation per channel.
// CHECK-LABEL: func.func @activation_per_axis(
// CHECK:         linalg.matmul ins(%{{.+}}, %{{.+}} : tensor<1x2xf32>, tensor<2x2xf32>)
func.func @activation_per_axis(%xi: tensor<1x2xi8>) -> tensor<1x2xf32> {
  %wi = arith.constant dense<[[3, 4], [5, 6]]> : tensor<2x2xi8>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %qx = quant.scast %xi : tensor<1x2xi8> to tensor<1x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>>
  %dx = quant.dcast %qx : tensor<1x2x!quant.uniform<i8:f32:1, {0.5, 0.25}>> to tensor<1x2xf32>
  %qw = quant.scast %wi : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8<-127:127>:f32, 0.25>>
  %dw = quant.dcast %qw : tensor<2x2x!quant.uniform<i8<-127:127>:f32, 0.25>> to tensor<2x2xf32>
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// -----

// Scales per row of an activation whose rows are summed together.
// CHECK-LABEL: func.func @rows_summed(
// CHECK-NOT:     tensor<2x2xi32>
// CHECK:         linalg.matmul ins(%{{.+}}, %{{.+}} : tensor<2x2xf32>, tensor<2x2xf32>)
func.func @rows_summed(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %wi = arith.constant dense<[[3, 4], [5, 6]]> : tensor<2x2xi8>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %qw = quant.scast %wi : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8<-127:127>:f32, 0.25>>
  %dw = quant.dcast %qw : tensor<2x2x!quant.uniform<i8<-127:127>:f32, 0.25>> to tensor<2x2xf32>
  %q, %s = qopt.dynamic_quantize %x {per = #qopt<granularity row>} : tensor<2x2xf32> -> tensor<2x2xi8>, tensor<2xf32>
  %dx = qopt.dynamic_dequantize %q, %s {per = #qopt<granularity row>} : tensor<2x2xi8>, tensor<2xf32> -> tensor<2x2xf32>
  %0 = linalg.matmul ins(%dw, %dx : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

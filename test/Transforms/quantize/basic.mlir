// RUN: quant-opt %s --qopt-quantize --split-input-file | FileCheck %s

// A typed observer becomes a cast pair; weights are s8 in [-127, 127], one scale
// per output channel, absmax/127. Column 0: [1, 0.5]·127 = [127, 63.5 -> 64];
// column 1: [-4, 2]·127/4 = [-127, 63.5 -> 64].
// CHECK-LABEL: func.func @static(
// CHECK-SAME:    %[[X:.+]]: tensor<2x2xf32>)
// CHECK:         %[[Q:.+]] = quant.qcast %[[X]] : tensor<2x2xf32> to tensor<2x2x!quant.uniform<i8:f32, 5.000000e-01>>
// CHECK:         %[[D:.+]] = quant.dcast %[[Q]]
// CHECK:         %[[WI:.+]] = arith.constant dense<{{\[\[}}127, -127], [64, 64]]> : tensor<2x2xi8>
// CHECK:         %[[WQ:.+]] = quant.scast %[[WI]] : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8<-127:127>:f32:1, {0.0078740157186985015,0.031496062874794006}>>
// CHECK:         %[[WD:.+]] = quant.dcast %[[WQ]]
// CHECK:         linalg.matmul {qopt.name = "fc"} ins(%[[D]], %[[WD]] :
// CHECK-NOT:     qopt.observe
func.func @static(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = arith.constant dense<[[1.0, -4.0], [0.5, 2.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = qopt.observe %x {name = "a", type = !quant.uniform<i8:f32, 0.5>} : tensor<2x2xf32>
  %1 = linalg.matmul {qopt.name = "fc", qopt.quantize} ins(%0, %w : tensor<2x2xf32>, tensor<2x2xf32>)
                                                       outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

// -----

// Without a type each reader quantizes at run time: per row where rows are
// summed on their own, else per tensor.
// CHECK-LABEL: func.func @dynamic(
// CHECK-SAME:    %[[X:.+]]: tensor<1x2x2x2xf32>)
// CHECK:         %[[Q0:.+]], %[[S0:.+]] = qopt.dynamic_quantize %[[X]] {per = #qopt<granularity tensor>} : tensor<1x2x2x2xf32> -> tensor<1x2x2x2xi8>, tensor<f32>
// CHECK:         %[[D0:.+]] = qopt.dynamic_dequantize %[[Q0]], %[[S0]] {per = #qopt<granularity tensor>}
// CHECK:         linalg.conv_2d_nhwc_fhwc {{.*}}ins(%[[D0]],
// CHECK:         %[[ROWS:.+]] = tensor.collapse_shape %[[X]]
// CHECK:         %[[Q1:.+]], %[[S1:.+]] = qopt.dynamic_quantize %[[ROWS]] {per = #qopt<granularity row>} : tensor<4x2xf32> -> tensor<4x2xi8>, tensor<4xf32>
// CHECK:         %[[D1:.+]] = qopt.dynamic_dequantize %[[Q1]], %[[S1]] {per = #qopt<granularity row>}
// CHECK:         linalg.matmul {{.*}}ins(%[[D1]],
func.func @dynamic(%x: tensor<1x2x2x2xf32>) -> (tensor<1x1x1x1xf32>, tensor<4x1xf32>) {
  %w0 = arith.constant dense<1.0> : tensor<1x2x2x2xf32>
  %w1 = arith.constant dense<1.0> : tensor<2x1xf32>
  %z0 = arith.constant dense<0.0> : tensor<1x1x1x1xf32>
  %z1 = arith.constant dense<0.0> : tensor<4x1xf32>
  %0 = qopt.observe %x {name = "a"} : tensor<1x2x2x2xf32>
  %1 = linalg.conv_2d_nhwc_fhwc {qopt.quantize} ins(%0, %w0 : tensor<1x2x2x2xf32>, tensor<1x2x2x2xf32>)
                                                outs(%z0 : tensor<1x1x1x1xf32>) -> tensor<1x1x1x1xf32>
  %2 = tensor.collapse_shape %0 [[0, 1, 2], [3]] : tensor<1x2x2x2xf32> into tensor<4x2xf32>
  %3 = linalg.matmul {qopt.quantize} ins(%2, %w1 : tensor<4x2xf32>, tensor<2x1xf32>)
                                     outs(%z1 : tensor<4x1xf32>) -> tensor<4x1xf32>
  return %1, %3 : tensor<1x1x1x1xf32>, tensor<4x1xf32>
}

// -----

// Groups and channels are both output channels: a sub-channel type with blocks
// of one. A channel of zeros is dead: scale 1, counted in the report.
// CHECK:       {name = "dead_channels", value = 1.000000e+00 : f64}
// CHECK-LABEL: func.func @groups(
// CHECK:         arith.constant dense<{{\[\[\[\[\[}}127]]], {{\[\[\[}}0]]]], {{\[\[\[\[}}-127]]], {{\[\[\[}}127]]]]]> : tensor<2x2x1x1x1xi8>
// CHECK-NEXT:    quant.scast {{.+}} to tensor<2x2x1x1x1x!quant.uniform<i8<-127:127>:f32:{0:1, 1:1},
// CHECK-SAME:      {{[{][{][{][{][{]}}1.000000e+00}}}, {{[{][{][{]}}1.000000e+00}}}}, {{[{][{][{][{]}}2.000000e+00}}}, {{[{][{][{]}}4.000000e+00}}}}}>>
func.func @groups(%x: tensor<1x2x2x2x1xf32>) -> tensor<1x2x2x2x2xf32> {
  %w = arith.constant dense<[[[[[127.0]]], [[[0.0]]]], [[[[-254.0]]], [[[508.0]]]]]> : tensor<2x2x1x1x1xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2x2x2x2xf32>
  %0 = qopt.observe %x {name = "a", type = !quant.uniform<i8:f32, 0.5>} : tensor<1x2x2x2x1xf32>
  %1 = linalg.conv_2d_nhwgc_gfhwc {qopt.quantize} ins(%0, %w : tensor<1x2x2x2x1xf32>, tensor<2x2x1x1x1xf32>)
                                                  outs(%zero : tensor<1x2x2x2x2xf32>) -> tensor<1x2x2x2x2xf32>
  return %1 : tensor<1x2x2x2x2xf32>
}

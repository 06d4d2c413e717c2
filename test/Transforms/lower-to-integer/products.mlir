// RUN: quant-opt %s --qopt-lower-to-integer --split-input-file | FileCheck %s

// Two run-time operands with zero points 0: the sum of products and one scale.
#id = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: func.func @symmetric(
// CHECK-SAME:    %[[A:[^:]+]]: tensor<2x3xi8>, %[[B:[^:]+]]: tensor<3x2xi8>
// CHECK:         linalg.generic {{.+}} ins(%[[A]], %[[B]] : tensor<2x3xi8>, tensor<3x2xi8>) outs(%{{.+}} : tensor<2x2xi32>)
// CHECK:           arith.extui
// CHECK:           arith.extsi
// CHECK:           arith.muli
// CHECK:           arith.addi
// CHECK:         arith.constant dense<1.250000e-01> : tensor<f32>
// CHECK:         arith.constant dense<0.000000e+00> : tensor<f32>
// CHECK:         arith.sitofp
// CHECK:         math.fma
func.func @symmetric(%a: tensor<2x3xi8>, %b: tensor<3x2xi8>) -> tensor<2x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %qa = quant.scast %a : tensor<2x3xi8> to tensor<2x3x!quant.uniform<u8:f32, 0.5>>
  %da = quant.dcast %qa : tensor<2x3x!quant.uniform<u8:f32, 0.5>> to tensor<2x3xf32>
  %qb = quant.scast %b : tensor<3x2xi8> to tensor<3x2x!quant.uniform<i8:f32, 0.25>>
  %db = quant.dcast %qb : tensor<3x2x!quant.uniform<i8:f32, 0.25>> to tensor<3x2xf32>
  %0 = linalg.matmul ins(%da, %db : tensor<2x3xf32>, tensor<3x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

// acc - za·Σqb - zb·Σqa + K·za·zb, all in i32; then as any contraction, here up
// to the quantization of the result.
// CHECK-LABEL: func.func @asymmetric(
// CHECK:         %[[ACC:.+]] = linalg.generic {{.+}} "reduction"]} ins(%[[A:.+]], %[[B:.+]] : tensor<2x3xi8>, tensor<3x2xi8>)
// CHECK:         %[[SB:.+]] = linalg.generic {{.+}} iterator_types = ["reduction", "parallel"]} ins(%[[B]] :
// CHECK:         %[[SA:.+]] = linalg.generic {{.+}} iterator_types = ["parallel", "reduction"]} ins(%[[A]] :
// CHECK:         linalg.generic {{.+}} ins(%[[ACC]], %[[SB]], %[[SA]] :
// CHECK:           arith.constant -3 : i32
// CHECK:           arith.constant 5 : i32
// CHECK:           arith.constant -45 : i32
// CHECK:         arith.constant dense<2.500000e-01> : tensor<f32>
// CHECK:         math.roundeven
// CHECK:         arith.fptosi {{.+}} : f32 to i8
func.func @asymmetric(%a: tensor<2x3xi8>, %b: tensor<3x2xi8>) -> tensor<2x2xi8> {
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %qa = quant.scast %a : tensor<2x3xi8> to tensor<2x3x!quant.uniform<u8:f32, 0.5:3>>
  %da = quant.dcast %qa : tensor<2x3x!quant.uniform<u8:f32, 0.5:3>> to tensor<2x3xf32>
  %qb = quant.scast %b : tensor<3x2xi8> to tensor<3x2x!quant.uniform<i8:f32, 0.25:-5>>
  %db = quant.dcast %qb : tensor<3x2x!quant.uniform<i8:f32, 0.25:-5>> to tensor<3x2xf32>
  %0 = linalg.matmul ins(%da, %db : tensor<2x3xf32>, tensor<3x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = quant.qcast %0 : tensor<2x2xf32> to tensor<2x2x!quant.uniform<i8:f32, 0.5>>
  %2 = quant.scast %1 : tensor<2x2x!quant.uniform<i8:f32, 0.5>> to tensor<2x2xi8>
  return %2 : tensor<2x2xi8>
}

// -----

// Scales of run time: their product, one per row here.
// CHECK-LABEL: func.func @dynamic(
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %{{.+}}, %{{.+}} : tensor<2x2xi32>, tensor<2xf32>, tensor<f32>)
// CHECK:           %[[X:.+]] = arith.sitofp
// CHECK:           %[[M:.+]] = arith.mulf
// CHECK:           math.fma %[[X]], %[[M]]
func.func @dynamic(%x: tensor<2x3xf32>, %y: tensor<3x2xf32>) -> tensor<2x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %qx, %sx = qopt.dynamic_quantize %x {per = #qopt<granularity row>} : tensor<2x3xf32> -> tensor<2x3xi8>, tensor<2xf32>
  %dx = qopt.dynamic_dequantize %qx, %sx {per = #qopt<granularity row>} : tensor<2x3xi8>, tensor<2xf32> -> tensor<2x3xf32>
  %qy, %sy = qopt.dynamic_quantize %y {per = #qopt<granularity tensor>} : tensor<3x2xf32> -> tensor<3x2xi8>, tensor<f32>
  %dy = qopt.dynamic_dequantize %qy, %sy {per = #qopt<granularity tensor>} : tensor<3x2xi8>, tensor<f32> -> tensor<3x2xf32>
  %0 = linalg.matmul ins(%dx, %dy : tensor<2x3xf32>, tensor<3x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

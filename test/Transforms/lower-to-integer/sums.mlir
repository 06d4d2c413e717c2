// RUN: quant-opt %s --qopt-lower-to-integer --split-input-file | FileCheck %s

// A mean: the exact i32 sum, the zero point taken off in i32 (4·7 = 28), and
// M = s / (4·sy) = 0.5 / (4·0.25).
#in = affine_map<(d0, d1) -> (d0, d1)>
#out = affine_map<(d0, d1) -> (d0)>
#id = affine_map<(d0) -> (d0)>
#scalar = affine_map<(d0) -> ()>
// CHECK-LABEL: func.func @mean(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<2x4xi8>
// CHECK:         linalg.generic {{.+}} iterator_types = ["parallel", "reduction"]} ins(%[[X]] : tensor<2x4xi8>) outs(%{{.+}} : tensor<2xi32>)
// CHECK:           arith.extui
// CHECK:           arith.addi
// CHECK:         arith.constant dense<5.000000e-01> : tensor<f32>
// CHECK:         arith.constant dense<0.000000e+00> : tensor<f32>
// CHECK:         arith.constant dense<-28> : tensor<i32>
// CHECK:         arith.addi
// CHECK:         math.fma
// CHECK:         arith.fptoui {{.+}} : f32 to i8
// CHECK-NOT:     arith.divf
func.func @mean(%x: tensor<2x4xi8>) -> tensor<2xi8> {
  %zero = arith.constant dense<0.0> : tensor<2xf32>
  %four = arith.constant dense<4.0> : tensor<f32>
  %e = tensor.empty() : tensor<2xf32>
  %qx = quant.scast %x : tensor<2x4xi8> to tensor<2x4x!quant.uniform<u8:f32, 0.5:7>>
  %dx = quant.dcast %qx : tensor<2x4x!quant.uniform<u8:f32, 0.5:7>> to tensor<2x4xf32>
  %0 = linalg.generic {indexing_maps = [#in, #out], iterator_types = ["parallel", "reduction"]} ins(%dx : tensor<2x4xf32>) outs(%zero : tensor<2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %in, %out : f32
    linalg.yield %s : f32
  } -> tensor<2xf32>
  %1 = linalg.generic {indexing_maps = [#id, #scalar, #id], iterator_types = ["parallel"]} ins(%0, %four : tensor<2xf32>, tensor<f32>) outs(%e : tensor<2xf32>) {
  ^bb0(%in: f32, %n: f32, %out: f32):
    %d = arith.divf %in, %n : f32
    linalg.yield %d : f32
  } -> tensor<2xf32>
  %2 = quant.qcast %1 : tensor<2xf32> to tensor<2x!quant.uniform<u8:f32, 0.25>>
  %3 = quant.scast %2 : tensor<2x!quant.uniform<u8:f32, 0.25>> to tensor<2xi8>
  return %3 : tensor<2xi8>
}

// -----

// A windowed sum keeps its windows; in real units without a quantization.
// CHECK-LABEL: func.func @pool(
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %{{.+}} : tensor<1x4x4x2xi8>, tensor<2x2xf32>) outs(%{{.+}} : tensor<1x3x3x2xi32>)
// CHECK:         arith.constant dense<2.500000e-01> : tensor<f32>
// CHECK:         math.fma
func.func @pool(%x: tensor<1x4x4x2xi8>) -> tensor<1x3x3x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<1x3x3x2xf32>
  %w = tensor.empty() : tensor<2x2xf32>
  %qx = quant.scast %x : tensor<1x4x4x2xi8> to tensor<1x4x4x2x!quant.uniform<i8:f32, 0.25>>
  %dx = quant.dcast %qx : tensor<1x4x4x2x!quant.uniform<i8:f32, 0.25>> to tensor<1x4x4x2xf32>
  %0 = linalg.pooling_nhwc_sum ins(%dx, %w : tensor<1x4x4x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<1x3x3x2xf32>) -> tensor<1x3x3x2xf32>
  return %0 : tensor<1x3x3x2xf32>
}

// -----

// A sum that does not start from zero, or that is no plain sum, stays float.
// CHECK-LABEL: func.func @negative(
// CHECK-NOT:     arith.addi
#in1 = affine_map<(d0, d1) -> (d0, d1)>
#out1 = affine_map<(d0, d1) -> (d0)>
func.func @negative(%x: tensor<2x4xi8>, %init: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) {
  %zero = arith.constant dense<0.0> : tensor<2xf32>
  %qx = quant.scast %x : tensor<2x4xi8> to tensor<2x4x!quant.uniform<u8:f32, 0.5:7>>
  %dx = quant.dcast %qx : tensor<2x4x!quant.uniform<u8:f32, 0.5:7>> to tensor<2x4xf32>
  %0 = linalg.generic {indexing_maps = [#in1, #out1], iterator_types = ["parallel", "reduction"]} ins(%dx : tensor<2x4xf32>) outs(%init : tensor<2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %s = arith.addf %in, %out : f32
    linalg.yield %s : f32
  } -> tensor<2xf32>
  %1 = linalg.generic {indexing_maps = [#in1, #out1], iterator_types = ["parallel", "reduction"]} ins(%dx : tensor<2x4xf32>) outs(%zero : tensor<2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %p = arith.mulf %in, %in : f32
    %s = arith.addf %p, %out : f32
    linalg.yield %s : f32
  } -> tensor<2xf32>
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}

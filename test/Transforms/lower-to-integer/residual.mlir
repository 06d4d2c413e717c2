// RUN: quant-opt %s --qopt-lower-to-integer --split-input-file | FileCheck %s

// A dequantized value added to what came from an accumulator: one fma with its
// scale, f32(q - z) exact.
#id = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: func.func @residual(
// CHECK:         %[[D:.+]] = linalg.generic {{.+}} ins(%{{.+}} : tensor<2x2xi8>) outs(%{{.+}} : tensor<2x2xf32>)
// CHECK:           %[[E:.+]] = arith.extsi
// CHECK:           %[[S:.+]] = arith.subi %[[E]], %{{.+}} : i32
// CHECK:           %[[F:.+]] = arith.sitofp %[[S]]
// CHECK-NEXT:      linalg.yield %[[F]]
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %[[D]] : tensor<2x2xf32>, tensor<2x2xf32>)
// CHECK-NEXT:    ^bb0(%[[ACC:.+]]: f32, %[[R:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT:      %[[SCALE:.+]] = arith.constant 5.000000e-01 : f32
// CHECK-NEXT:      math.fma %[[R]], %[[SCALE]], %[[ACC]] : f32
func.func @residual(%x: tensor<2x2xi8>, %r: tensor<2x2xi8>) -> tensor<2x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %e = tensor.empty() : tensor<2x2xf32>
  %w = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi8>
  %qx = quant.scast %x : tensor<2x2xi8> to tensor<2x2x!quant.uniform<u8:f32, 0.5>>
  %dx = quant.dcast %qx : tensor<2x2x!quant.uniform<u8:f32, 0.5>> to tensor<2x2xf32>
  %qw = quant.scast %w : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8<-127:127>:f32, 0.5>>
  %dw = quant.dcast %qw : tensor<2x2x!quant.uniform<i8<-127:127>:f32, 0.5>> to tensor<2x2xf32>
  %qr = quant.scast %r : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8:f32, 0.5:3>>
  %dr = quant.dcast %qr : tensor<2x2x!quant.uniform<i8:f32, 0.5:3>> to tensor<2x2xf32>
  %0 = linalg.matmul ins(%dx, %dw : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%0, %dr : tensor<2x2xf32>, tensor<2x2xf32>) outs(%e : tensor<2x2xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

// -----

// Neither side comes from an accumulator: dequantize, then add.
// CHECK-LABEL: func.func @plain(
// CHECK-NOT:     math.fma
#id1 = affine_map<(d0) -> (d0)>
func.func @plain(%x: tensor<2xi8>, %r: tensor<2xi8>) -> tensor<2xf32> {
  %e = tensor.empty() : tensor<2xf32>
  %qx = quant.scast %x : tensor<2xi8> to tensor<2x!quant.uniform<u8:f32, 0.5>>
  %dx = quant.dcast %qx : tensor<2x!quant.uniform<u8:f32, 0.5>> to tensor<2xf32>
  %qr = quant.scast %r : tensor<2xi8> to tensor<2x!quant.uniform<i8:f32, 0.5:3>>
  %dr = quant.dcast %qr : tensor<2x!quant.uniform<i8:f32, 0.5:3>> to tensor<2xf32>
  %1 = linalg.generic {indexing_maps = [#id1, #id1, #id1], iterator_types = ["parallel"]} ins(%dx, %dr : tensor<2xf32>, tensor<2xf32>) outs(%e : tensor<2xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

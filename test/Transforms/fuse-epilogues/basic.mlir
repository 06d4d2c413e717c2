// RUN: quant-opt %s --qopt-fuse-epilogues --split-input-file | FileCheck %s

// An epilogue, a residual and the quantization become one op; the residual's
// dequantization goes into each reader, so no float tensor is left.
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: func.func @merge(
// CHECK-SAME:    %[[ACC:[^:]+]]: tensor<2x3xi32>, %[[R:[^:]+]]: tensor<2x3xi8>
// CHECK-NOT:     xf32>) outs
// CHECK:         linalg.generic {{.+}} ins(%[[ACC]], %[[R]] : tensor<2x3xi32>, tensor<2x3xi8>) outs(%{{.+}} : tensor<2x3xi8>)
// CHECK:           arith.sitofp
// CHECK:           arith.addf
// CHECK:           math.exp
// CHECK:           arith.fptosi
// CHECK:         linalg.generic {{.+}} iterator_types = ["parallel", "reduction"]} ins(%[[R]] : tensor<2x3xi8>)
// CHECK:           arith.extsi
// CHECK:           arith.maximumf
func.func @merge(%acc: tensor<2x3xi32>, %r: tensor<2x3xi8>) -> (tensor<2x3xi8>, tensor<2xf32>) {
  %s = arith.constant 5.000000e-01 : f32
  %low = arith.constant dense<0xFF800000> : tensor<2xf32>
  %e = tensor.empty() : tensor<2x3xf32>
  %e8 = tensor.empty() : tensor<2x3xi8>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%acc : tensor<2x3xi32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%in: i32, %out: f32):
    %x = arith.sitofp %in : i32 to f32
    linalg.yield %x : f32
  } -> tensor<2x3xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%r : tensor<2x3xi8>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%in: i8, %out: f32):
    %w = arith.extsi %in : i8 to i32
    %f = arith.sitofp %w : i32 to f32
    %x = arith.mulf %f, %s : f32
    linalg.yield %x : f32
  } -> tensor<2x3xf32>
  %2 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%0, %1 : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %x = arith.addf %a, %b : f32
    linalg.yield %x : f32
  } -> tensor<2x3xf32>
  %3 = linalg.generic {indexing_maps = [#id, #id, #id], iterator_types = ["parallel", "parallel"]} ins(%2, %2 : tensor<2x3xf32>, tensor<2x3xf32>) outs(%e : tensor<2x3xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %x = math.exp %a : f32
    %y = arith.mulf %x, %b : f32
    linalg.yield %y : f32
  } -> tensor<2x3xf32>
  %4 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]} ins(%3 : tensor<2x3xf32>) outs(%e8 : tensor<2x3xi8>) {
  ^bb0(%in: f32, %out: i8):
    %x = arith.fptosi %in : f32 to i8
    linalg.yield %x : i8
  } -> tensor<2x3xi8>
  %5 = linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]} ins(%1 : tensor<2x3xf32>) outs(%low : tensor<2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %x = arith.maximumf %in, %out : f32
    linalg.yield %x : f32
  } -> tensor<2xf32>
  return %4, %5 : tensor<2x3xi8>, tensor<2xf32>
}

// -----

// What two groups read is in memory, and stays an op of its own.
#v = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func.func @two_readers(
// CHECK:         %[[X:.+]] = linalg.generic
// CHECK:           math.exp
// CHECK:         linalg.generic {{.+}} ins(%[[X]] :
// CHECK:           arith.negf
// CHECK:         linalg.generic {{.+}} ins(%[[X]] :
// CHECK:           math.absf
func.func @two_readers(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %e = tensor.empty() : tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]} ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = math.exp %in : f32
    linalg.yield %y : f32
  } -> tensor<4xf32>
  %1 = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]} ins(%0 : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = arith.negf %in : f32
    linalg.yield %y : f32
  } -> tensor<4xf32>
  %2 = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]} ins(%0 : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %y = math.absf %in : f32
    linalg.yield %y : f32
  } -> tensor<4xf32>
  return %1, %2 : tensor<4xf32>, tensor<4xf32>
}

// RUN: quant-opt %s --qopt-fuse-qdq --split-input-file | FileCheck %s

// A transcendental function between two 8-bit edges is a table: entry 0 is that
// of -128, sigmoid(-64) = 0; the last that of 127, sigmoid(63.5) = 1 = 255 / 255.
#id = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func.func @sigmoid(
// CHECK-SAME:    %[[X:.+]]: tensor<4xi8>)
// CHECK:         %[[T:.+]] = arith.constant dense<"0x{{00.+FF}}"> : tensor<256xi8>
// CHECK:         linalg.generic {{.+}} ins(%[[X]] : tensor<4xi8>) outs(%{{.+}} : tensor<4xi8>)
// CHECK:           tensor.extract %[[T]]
// CHECK-NOT:     math.exp
func.func @sigmoid(%x: tensor<4xi8>) -> tensor<4xi8> {
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %q = quant.scast %x : tensor<4xi8> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  %d = quant.dcast %q : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%d : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.negf %in : f32
    %p = math.exp %n : f32
    %s = arith.addf %p, %one : f32
    %r = arith.divf %one, %s : f32
    linalg.yield %r : f32
  } -> tensor<4xf32>
  %1 = quant.qcast %0 : tensor<4xf32> to tensor<4x!quant.uniform<u8:f32, 0.0039215688593685627>>
  %2 = quant.scast %1 : tensor<4x!quant.uniform<u8:f32, 0.0039215688593685627>> to tensor<4xi8>
  return %2 : tensor<4xi8>
}

// -----

// What is cheap, and what goes to 16 bits, is computed.
#id = affine_map<(d0) -> (d0)>
// CHECK-LABEL: func.func @negative(
// CHECK-NOT:     tensor.extract
// CHECK:         arith.negf
// CHECK:         math.tanh
func.func @negative(%x: tensor<4xi8>) -> (tensor<4xi8>, tensor<4xi16>) {
  %e = tensor.empty() : tensor<4xf32>
  %q = quant.scast %x : tensor<4xi8> to tensor<4x!quant.uniform<i8:f32, 0.5>>
  %d = quant.dcast %q : tensor<4x!quant.uniform<i8:f32, 0.5>> to tensor<4xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%d : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = arith.negf %in : f32
    linalg.yield %n : f32
  } -> tensor<4xf32>
  %1 = quant.qcast %0 : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 0.25>>
  %2 = quant.scast %1 : tensor<4x!quant.uniform<i8:f32, 0.25>> to tensor<4xi8>
  %3 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]} ins(%d : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %n = math.tanh %in : f32
    linalg.yield %n : f32
  } -> tensor<4xf32>
  %4 = quant.qcast %3 : tensor<4xf32> to tensor<4x!quant.uniform<i16:f32, 0.001>>
  %5 = quant.scast %4 : tensor<4x!quant.uniform<i16:f32, 0.001>> to tensor<4xi16>
  return %2, %5 : tensor<4xi8>, tensor<4xi16>
}

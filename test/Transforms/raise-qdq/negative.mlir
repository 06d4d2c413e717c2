// RUN: quant-opt %s --qopt-raise-qdq --split-input-file | FileCheck %s

// What only looks like quantization stays as it is.

// Adding the zero point before rounding moves ties.
// CHECK-LABEL: func.func @zero_point_before_rounding(
// CHECK-NOT:     qopt.observe
// CHECK:         math.roundeven
#v = affine_map<(d0) -> (d0)>
func.func @zero_point_before_rounding(%x: tensor<4xf32>) -> tensor<4xf32> {
  %s = arith.constant 0.5 : f32
  %z = arith.constant 3.0 : f32
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.divf %in, %s : f32
    %1 = arith.addf %0, %z : f32
    %2 = math.roundeven %1 : f32
    %3 = arith.maximumf %2, %low : f32
    %4 = arith.minimumf %3, %high : f32
    %5 = arith.subf %4, %z : f32
    %6 = arith.mulf %5, %s : f32
    linalg.yield %6 : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Conversion to integers truncates where nothing rounds.
// CHECK-LABEL: func.func @truncated(
// CHECK-NOT:     quant.
// CHECK:         arith.fptosi
#v = affine_map<(d0) -> (d0)>
func.func @truncated(%x: tensor<4xf32>) -> tensor<4xi8> {
  %s = arith.constant 0.5 : f32
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %e = tensor.empty() : tensor<4xi8>
  %y = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%e : tensor<4xi8>) {
  ^bb0(%in: f32, %out: i8):
    %0 = arith.divf %in, %s : f32
    %1 = arith.maximumf %0, %low : f32
    %2 = arith.minimumf %1, %high : f32
    %3 = arith.fptosi %2 : f32 to i8
    linalg.yield %3 : i8
  } -> tensor<4xi8>
  return %y : tensor<4xi8>
}

// -----

// The factor is not the reciprocal of the scale.
// CHECK-LABEL: func.func @other_factor(
// CHECK-NOT:     qopt.observe
// CHECK:         math.roundeven
#v = affine_map<(d0) -> (d0)>
func.func @other_factor(%x: tensor<4xf32>) -> tensor<4xf32> {
  %r = arith.constant 2.0 : f32
  %s = arith.constant 0.50001 : f32
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.mulf %in, %r : f32
    %1 = math.roundeven %0 : f32
    %2 = arith.maximumf %1, %low : f32
    %3 = arith.minimumf %2, %high : f32
    %4 = arith.mulf %3, %s : f32
    linalg.yield %4 : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// An observer has one scale: a run-time value with one per channel stays.
// CHECK-LABEL: func.func @per_channel(
// CHECK-NOT:     qopt.observe
// CHECK-NOT:     quant.qcast
// CHECK:         math.roundeven
#id = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
func.func @per_channel(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %s = arith.constant dense<[0.5, 0.25]> : tensor<2xf32>
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %e = tensor.empty() : tensor<2x2xf32>
  %e8 = tensor.empty() : tensor<2x2xi8>
  %q = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : tensor<2x2xf32>, tensor<2xf32>) outs(%e8 : tensor<2x2xi8>) {
  ^bb0(%in: f32, %scale: f32, %out: i8):
    %0 = arith.divf %in, %scale : f32
    %1 = math.roundeven %0 : f32
    %2 = arith.maximumf %1, %low : f32
    %3 = arith.minimumf %2, %high : f32
    %4 = arith.fptosi %3 : f32 to i8
    linalg.yield %4 : i8
  } -> tensor<2x2xi8>
  %y = linalg.generic {indexing_maps = [#id, #row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%q, %s : tensor<2x2xi8>, tensor<2xf32>) outs(%e : tensor<2x2xf32>) {
  ^bb0(%in: i8, %scale: f32, %out: f32):
    %0 = arith.sitofp %in : i8 to f32
    %1 = arith.mulf %0, %scale : f32
    linalg.yield %1 : f32
  } -> tensor<2x2xf32>
  return %y : tensor<2x2xf32>
}

// -----

// 32 bits that are computed are an accumulator: this is its epilogue.
// CHECK-LABEL: func.func @accumulator(
// CHECK-NOT:     quant.
// CHECK:         arith.sitofp
#v = affine_map<(d0) -> (d0)>
func.func @accumulator(%x: tensor<4xi32>) -> tensor<4xf32> {
  %s = arith.constant 0.5 : f32
  %e = tensor.empty() : tensor<4xf32>
  %y = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%x : tensor<4xi32>) outs(%e : tensor<4xf32>) {
  ^bb0(%in: i32, %out: f32):
    %0 = arith.sitofp %in : i32 to f32
    %1 = arith.mulf %0, %s : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// Read with another scale than it was quantized with: the integers count.
// CHECK-LABEL: func.func @other_scale(
// CHECK-SAME:    %[[X:.+]]: tensor<4xf32>)
// CHECK:         %[[Q:.+]] = quant.qcast %[[X]] {qopt.divide} : tensor<4xf32> to tensor<4x!quant.uniform<i8:f32, 5.000000e-01>>
// CHECK:         %[[I:.+]] = quant.scast %[[Q]] : {{.+}} to tensor<4xi8>
// CHECK:         %[[O:.+]] = quant.scast %[[I]] : tensor<4xi8> to tensor<4x!quant.uniform<i8:f32, 2.500000e-01>>
// CHECK:         quant.dcast %[[O]]
#v = affine_map<(d0) -> (d0)>
func.func @other_scale(%x: tensor<4xf32>) -> tensor<4xf32> {
  %s0 = arith.constant 0.5 : f32
  %s1 = arith.constant 0.25 : f32
  %low = arith.constant -128.0 : f32
  %high = arith.constant 127.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %e8 = tensor.empty() : tensor<4xi8>
  %q = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>) outs(%e8 : tensor<4xi8>) {
  ^bb0(%in: f32, %out: i8):
    %0 = arith.divf %in, %s0 : f32
    %1 = math.roundeven %0 : f32
    %2 = arith.maximumf %1, %low : f32
    %3 = arith.minimumf %2, %high : f32
    %4 = arith.fptosi %3 : f32 to i8
    linalg.yield %4 : i8
  } -> tensor<4xi8>
  %y = linalg.generic {indexing_maps = [#v, #v], iterator_types = ["parallel"]}
      ins(%q : tensor<4xi8>) outs(%e : tensor<4xf32>) {
  ^bb0(%in: i8, %out: f32):
    %0 = arith.sitofp %in : i8 to f32
    %1 = arith.mulf %0, %s1 : f32
    linalg.yield %1 : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

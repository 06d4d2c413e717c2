// RUN: quant-opt %s --qopt-quantize --qopt-lower-to-integer --split-input-file | FileCheck %s

// Scales computed at run time: amax over what one scale covers, s = amax/127,
// r = 127/amax, both 1 below 2^-100.

// CHECK-DAG:   #[[$IJ:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG:   #[[$I:.+]] = affine_map<(d0, d1) -> (d0)>
// CHECK-DAG:   #[[$J:.+]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @per_row(
// CHECK-SAME:    %[[X:.+]]: tensor<2x3xf32>)
// CHECK:         %[[AMAX:.+]] = linalg.generic {indexing_maps = [#[[$IJ]], #[[$I]]], iterator_types = ["parallel", "reduction"]} ins(%[[X]] :
// CHECK-NEXT:      ^bb0(%[[IN:.+]]: f32, %[[OUT:.+]]: f32):
// CHECK-NEXT:      %[[ABS:.+]] = math.absf %[[IN]] : f32
// CHECK-NEXT:      %[[MAX:.+]] = arith.maxnumf %[[OUT]], %[[ABS]] : f32
// CHECK-NEXT:      %[[CAP:.+]] = arith.constant 3.40282347E+38 : f32
// CHECK-NEXT:      arith.minnumf %[[MAX]], %[[CAP]] : f32
// CHECK:         %[[SCALE:.+]] = linalg.generic {{.+}} ins(%[[AMAX]] : tensor<2xf32>)
// CHECK-NEXT:      ^bb0(%[[A:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT:      %[[LEVELS:.+]] = arith.constant 1.270000e+02 : f32
// CHECK-NEXT:      %[[S:.+]] = arith.divf %[[A]], %[[LEVELS]] : f32
// CHECK-NEXT:      %[[TINY:.+]] = arith.constant 7.88860905E-31 : f32
// CHECK-NEXT:      %[[IS_TINY:.+]] = arith.cmpf olt, %[[A]], %[[TINY]] : f32
// CHECK-NEXT:      %[[ONE:.+]] = arith.constant 1.000000e+00 : f32
// CHECK-NEXT:      arith.select %[[IS_TINY]], %[[ONE]], %[[S]] : f32
// CHECK:         %[[RECIPROCAL:.+]] = linalg.generic {{.+}} ins(%[[AMAX]] : tensor<2xf32>)
// CHECK-NEXT:      ^bb0(%[[A2:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT:      %[[LEVELS2:.+]] = arith.constant 1.270000e+02 : f32
// CHECK-NEXT:      arith.divf %[[LEVELS2]], %[[A2]] : f32
// CHECK:         %[[Q:.+]] = linalg.generic {indexing_maps = [#[[$IJ]], #[[$I]], #[[$IJ]]], {{.+}}} ins(%[[X]], %[[RECIPROCAL]] :
// CHECK:           arith.mulf
// CHECK:           math.roundeven
// CHECK:           arith.cmpf uno
// CHECK:         %[[ACC:.+]] = linalg.generic {{.+}} ins(%[[Q]], %{{.+}} : tensor<2x3xi8>, tensor<3x4xi8>) outs(%{{.+}} : tensor<2x4xi32>)
// fma(f32(acc), s[row]·sw[column], bias[column]).
// CHECK:         linalg.generic {indexing_maps = [#[[$IJ]], #[[$I]], #[[$J]], #[[$J]], #[[$IJ]]], {{.+}}} ins(%[[ACC]], %[[SCALE]], %{{.+}}, %{{.+}} : tensor<2x4xi32>, tensor<2xf32>, tensor<4xf32>, tensor<4xf32>)
// CHECK-NEXT:      ^bb0(%[[I:.+]]: i32, %[[SX:.+]]: f32, %[[SW:.+]]: f32, %[[B:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT:      %[[F:.+]] = arith.sitofp %[[I]] : i32 to f32
// CHECK-NEXT:      %[[M:.+]] = arith.mulf %[[SX]], %[[SW]] : f32
// CHECK-NEXT:      math.fma %[[F]], %[[M]], %[[B]] : f32
func.func @per_row(%x: tensor<2x3xf32>) -> tensor<2x4xf32> {
  %w = arith.constant dense<1.0> : tensor<3x4xf32>
  %zero = arith.constant dense<0.0> : tensor<2x4xf32>
  %0 = qopt.observe %x {name = "x"} : tensor<2x3xf32>
  %1 = linalg.matmul {qopt.quantize} ins(%0, %w : tensor<2x3xf32>, tensor<3x4xf32>) outs(%zero : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// -----

// The rows of the weight-first matmul are columns: one scale for all.
// CHECK-DAG:   #[[$NONE:.+]] = affine_map<(d0, d1) -> ()>
// CHECK-LABEL: func.func @per_tensor(
// CHECK:         linalg.generic {indexing_maps = [#{{.+}}, #[[$NONE]]], iterator_types = ["reduction", "reduction"]}
// CHECK:         } -> tensor<f32>
// CHECK:         linalg.generic {{.+}} ins(%{{.+}} : tensor<4x2xi32>, tensor<f32>, tensor<4xf32>, tensor<4xf32>)
func.func @per_tensor(%x: tensor<3x2xf32>) -> tensor<4x2xf32> {
  %w = arith.constant dense<1.0> : tensor<4x3xf32>
  %zero = arith.constant dense<0.0> : tensor<4x2xf32>
  %0 = qopt.observe %x {name = "x"} : tensor<3x2xf32>
  %1 = linalg.matmul {qopt.quantize} ins(%w, %0 : tensor<4x3xf32>, tensor<3x2xf32>) outs(%zero : tensor<4x2xf32>) -> tensor<4x2xf32>
  return %1 : tensor<4x2xf32>
}

// -----

// A row of a transposed result is where the map says.
// CHECK-DAG:   #[[$J:.+]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG:   #[[$I:.+]] = affine_map<(d0, d1) -> (d0)>
// CHECK-DAG:   #[[$IJ:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: func.func @transposed_result(
// CHECK:         linalg.generic {indexing_maps = [#[[$IJ]], #[[$J]], #[[$I]], #[[$I]], #[[$IJ]]], {{.+}}} ins(%{{.+}} : tensor<4x2xi32>, tensor<2xf32>, tensor<4xf32>, tensor<4xf32>)
func.func @transposed_result(%x: tensor<2x3xf32>) -> tensor<4x2xf32> {
  %w = arith.constant dense<1.0> : tensor<3x4xf32>
  %zero = arith.constant dense<0.0> : tensor<4x2xf32>
  %0 = qopt.observe %x {name = "x"} : tensor<2x3xf32>
  %1 = linalg.contract indexing_maps = [affine_map<(n, m, k) -> (m, k)>, affine_map<(n, m, k) -> (k, n)>, affine_map<(n, m, k) -> (n, m)>]
      {qopt.quantize} ins(%0, %w : tensor<2x3xf32>, tensor<3x4xf32>) outs(%zero : tensor<4x2xf32>) -> tensor<4x2xf32>
  return %1 : tensor<4x2xf32>
}

// -----

// A vector is one row: its scale is 0-d.
// CHECK-LABEL: func.func @vector(
// CHECK:         } -> tensor<f32>
// CHECK:         linalg.generic {{.+}} ins(%{{.+}} : tensor<4xi32>, tensor<f32>, tensor<4xf32>, tensor<4xf32>)
func.func @vector(%x: tensor<3xf32>) -> tensor<4xf32> {
  %w = arith.constant dense<1.0> : tensor<4x3xf32>
  %zero = arith.constant dense<0.0> : tensor<4xf32>
  %0 = qopt.observe %x {name = "x"} : tensor<3xf32>
  %1 = linalg.matvec {qopt.quantize} ins(%w, %0 : tensor<4x3xf32>, tensor<3xf32>) outs(%zero : tensor<4xf32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// RUN: quant-opt %s --qopt-fold-constants | FileCheck %s

// The bits of run time: each operation rounded by itself, edge values included.
#id = affine_map<(d0) -> (d0)>

// CHECK-LABEL: func.func @floats(
// 1/3 and its product with 3 are rounded apart; fma rounds once.
// CHECK-DAG:     arith.constant dense<[0.333333343, 0x7FC00000, 0x7F800000, -0.000000e+00]> : tensor<4xf32>
// CHECK-DAG:     arith.constant dense<[2.98023224E-8, 0x7FC00000, 0x7F800000, -1.000000e+00]> : tensor<4xf32>
// NaN in maximumf, -0 below +0.
// CHECK-DAG:     arith.constant dense<[1.000000e+00, 0x7FC00000, 0x7F800000, 0.000000e+00]> : tensor<4xf32>
// The number, not NaN, in maxnumf.
// CHECK-DAG:     arith.constant dense<[1.000000e+00, 0.000000e+00, 0x7F800000, 0.000000e+00]> : tensor<4xf32>
// ult holds for NaN, olt does not.
// CHECK-DAG:     arith.constant dense<[false, true, false, false]> : tensor<4xi1>
func.func @floats() -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi1>) {
  %x = arith.constant dense<[1.0, 0x7FC00000, 0x7F800000, -0.0]> : tensor<4xf32>
  %e = tensor.empty() : tensor<4xf32>
  %ei = tensor.empty() : tensor<4xi1>
  %three = arith.constant 3.0 : f32
  %minusOne = arith.constant -1.0 : f32
  %zero = arith.constant 0.0 : f32
  %0:5 = linalg.generic {indexing_maps = [#id, #id, #id, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<4xf32>)
      outs(%e, %e, %e, %e, %ei : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi1>) {
  ^bb0(%in: f32, %o0: f32, %o1: f32, %o2: f32, %o3: f32, %o4: i1):
    %q = arith.divf %in, %three : f32
    %f = math.fma %q, %three, %minusOne : f32
    %max = arith.maximumf %in, %zero : f32
    %num = arith.maxnumf %in, %zero : f32
    %ult = arith.cmpf ult, %in, %minusOne : f32
    linalg.yield %q, %f, %max, %num, %ult : f32, f32, f32, f32, i1
  } -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi1>)
  return %0#0, %0#1, %0#2, %0#3, %0#4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xi1>
}

// 1 / sqrt(x) in two operations: rounded once, the second would be 0.408248305.
// CHECK-LABEL: func.func @roots(
// CHECK:         arith.constant dense<[5.000000e-01, 0.408248276]> : tensor<2xf32>
func.func @roots() -> tensor<2xf32> {
  %x = arith.constant dense<[4.0, 6.0]> : tensor<2xf32>
  %e = tensor.empty() : tensor<2xf32>
  %0 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<2xf32>) outs(%e : tensor<2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %r = math.rsqrt %in : f32
    linalg.yield %r : f32
  } -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// CHECK-LABEL: func.func @rounding(
// CHECK-DAG:     arith.constant dense<[2.000000e+00, -2.000000e+00, 3.000000e+00]> : tensor<3xf32>
// CHECK-DAG:     arith.constant dense<[3.000000e+00, -3.000000e+00, 3.000000e+00]> : tensor<3xf32>
// CHECK-DAG:     arith.constant dense<[2, -2, 2]> : tensor<3xi8>
func.func @rounding() -> (tensor<3xf32>, tensor<3xf32>, tensor<3xi8>) {
  %x = arith.constant dense<[2.5, -2.5, 2.75]> : tensor<3xf32>
  %e = tensor.empty() : tensor<3xf32>
  %ei = tensor.empty() : tensor<3xi8>
  %0:3 = linalg.generic {indexing_maps = [#id, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<3xf32>) outs(%e, %e, %ei : tensor<3xf32>, tensor<3xf32>, tensor<3xi8>) {
  ^bb0(%in: f32, %o0: f32, %o1: f32, %o2: i8):
    %even = math.roundeven %in : f32
    %away = math.round %in : f32
    %i = arith.fptosi %in : f32 to i8
    linalg.yield %even, %away, %i : f32, f32, i8
  } -> (tensor<3xf32>, tensor<3xf32>, tensor<3xi8>)
  return %0#0, %0#1, %0#2 : tensor<3xf32>, tensor<3xf32>, tensor<3xi8>
}

// Integers wrap at their width; signed and unsigned differ.
// CHECK-LABEL: func.func @integers(
// CHECK-DAG:     arith.constant dense<[56, 20]> : tensor<2xi8>
// CHECK-DAG:     arith.constant dense<[-25, 2]> : tensor<2xi8>
// CHECK-DAG:     arith.constant dense<[39, 2]> : tensor<2xi8>
// CHECK-DAG:     arith.constant dense<[-100, 10]> : tensor<2xi32>
// CHECK-DAG:     arith.constant dense<[1.560000e+02, 1.000000e+01]> : tensor<2xf16>
func.func @integers() -> (tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi32>, tensor<2xf16>) {
  %x = arith.constant dense<[-100, 10]> : tensor<2xi8>
  %e8 = tensor.empty() : tensor<2xi8>
  %e32 = tensor.empty() : tensor<2xi32>
  %e16 = tensor.empty() : tensor<2xf16>
  %four = arith.constant 4 : i8
  %two = arith.constant 2 : i8
  %0:5 = linalg.generic {indexing_maps = [#id, #id, #id, #id, #id, #id], iterator_types = ["parallel"]}
      ins(%x : tensor<2xi8>) outs(%e8, %e8, %e8, %e32, %e16 : tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi32>, tensor<2xf16>) {
  ^bb0(%in: i8, %o0: i8, %o1: i8, %o2: i8, %o3: i32, %o4: f16):
    %twice = arith.muli %in, %two : i8
    %s = arith.divsi %in, %four : i8
    %w = arith.divui %in, %four : i8
    %ext = arith.extsi %in : i8 to i32
    %h = arith.uitofp %in : i8 to f16
    linalg.yield %twice, %s, %w, %ext, %h : i8, i8, i8, i32, f16
  } -> (tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi32>, tensor<2xf16>)
  return %0#0, %0#1, %0#2, %0#3, %0#4 : tensor<2xi8>, tensor<2xi8>, tensor<2xi8>, tensor<2xi32>, tensor<2xf16>
}

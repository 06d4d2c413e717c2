// RUN: quant-opt %s --qopt-lower-to-integer --split-input-file | FileCheck %s

!w = !quant.uniform<i8<-127:127>:f32:1, {0.25}>

// u8 activations are extended without sign, weights with; always in a generic:
// no named op says so.
// CHECK-LABEL: func.func @u8(
// CHECK:         linalg.generic {{.+}} ["parallel", "parallel", "reduction"]
// CHECK-NEXT:      ^bb0(%[[A:.+]]: i8, %[[B:.+]]: i8, %{{.+}}: i32):
// CHECK-NEXT:      arith.extui %[[A]] : i8 to i32
// CHECK-NEXT:      arith.extsi %[[B]] : i8 to i32
// The result is u8 as well: clamped to [0, 255] and converted without sign.
// CHECK:         math.roundeven
// CHECK:         arith.constant 0.000000e+00 : f32
// CHECK:         arith.maximumf
// CHECK:         arith.constant 2.550000e+02 : f32
// CHECK:         arith.minimumf
// CHECK:         arith.fptoui {{.+}} : f32 to i8
func.func @u8(%qx: tensor<1x1x!quant.uniform<u8:f32, 0.5>>) -> tensor<1x1x!quant.uniform<u8:f32, 2.0>> {
  %wi = arith.constant dense<3> : tensor<1x1xi8>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %dx = quant.dcast %qx : tensor<1x1x!quant.uniform<u8:f32, 0.5>> to tensor<1x1xf32>
  %qw = quant.scast %wi : tensor<1x1xi8> to tensor<1x1x!w>
  %dw = quant.dcast %qw : tensor<1x1x!w> to tensor<1x1xf32>
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x1xf32>, tensor<1x1xf32>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  %q0 = quant.qcast %0 : tensor<1x1xf32> to tensor<1x1x!quant.uniform<u8:f32, 2.0>>
  return %q0 : tensor<1x1x!quant.uniform<u8:f32, 2.0>>
}

// -----

!w = !quant.uniform<i8<-127:127>:f32:1, {0.25, 0.5}>

// Zero points of both sides go into B. M = [0.5·0.25/2, 0.5·0.5/2] = [1/16, 1/8],
// Σqw = [3 + 5, -4 + 6] = [8, 2], za = 10, zy = -3:
// B = [0 - 10·8/16 - 3, 0 - 10·2/8 - 3] = [-8, -5.5].
// CHECK-LABEL: func.func @zero_points(
// CHECK-DAG:     %[[M:.+]] = arith.constant dense<[6.250000e-02, 1.250000e-01]> : tensor<2xf32>
// CHECK-DAG:     %[[B:.+]] = arith.constant dense<[-8.000000e+00, -5.500000e+00]> : tensor<2xf32>
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %[[M]], %[[B]] : tensor<1x2xi32>,
// CHECK-NOT:     arith.addi
// CHECK:         math.fma
func.func @zero_points(%qx: tensor<1x2x!quant.uniform<i8:f32, 0.5:10>>) -> tensor<1x2x!quant.uniform<i8:f32, 2.0:-3>> {
  %wi = arith.constant dense<[[3, -4], [5, 6]]> : tensor<2x2xi8>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %dx = quant.dcast %qx : tensor<1x2x!quant.uniform<i8:f32, 0.5:10>> to tensor<1x2xf32>
  %qw = quant.scast %wi : tensor<2x2xi8> to tensor<2x2x!w>
  %dw = quant.dcast %qw : tensor<2x2x!w> to tensor<2x2xf32>
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
  %q0 = quant.qcast %0 : tensor<1x2xf32> to tensor<1x2x!quant.uniform<i8:f32, 2.0:-3>>
  return %q0 : tensor<1x2x!quant.uniform<i8:f32, 2.0:-3>>
}

// -----

!w = !quant.uniform<i8<-127:127>:f32:1, {1.0}>

// Where large zero-point terms would cancel, the correction is added in i32.
// M = 64·1/1, max|acc| = 255·127 = 32385: 2·32385·64 steps of 2^-24 are above
// 2^-8. c = -128·127 = -16256, B = 8/1 + 1 = 9.
// CHECK-LABEL: func.func @fused_i32(
// CHECK-DAG:     %[[M:.+]] = arith.constant dense<6.400000e+01> : tensor<1xf32>
// CHECK-DAG:     %[[B:.+]] = arith.constant dense<9.000000e+00> : tensor<1xf32>
// CHECK-DAG:     %[[C:.+]] = arith.constant dense<-16256> : tensor<1xi32>
// CHECK:         linalg.generic {{.+}} ins(%[[ACC:.+]], %[[M]], %[[B]], %[[C]] : tensor<1x1xi32>, tensor<1xf32>, tensor<1xf32>, tensor<1xi32>)
// CHECK-NEXT:      ^bb0(%[[I:.+]]: i32, %[[MC:.+]]: f32, %[[BC:.+]]: f32, %[[CC:.+]]: i32, %{{.+}}: i8):
// CHECK-NEXT:      %[[SUM:.+]] = arith.addi %[[I]], %[[CC]] : i32
// CHECK-NEXT:      %[[F:.+]] = arith.sitofp %[[SUM]] : i32 to f32
// CHECK-NEXT:      math.fma %[[F]], %[[MC]], %[[BC]] : f32
func.func @fused_i32(%qx: tensor<1x1x!quant.uniform<u8:f32, 64.0:128>>) -> tensor<1x1x!quant.uniform<u8:f32, 1.0:1>> {
  %wi = arith.constant dense<127> : tensor<1x1xi8>
  %bias = arith.constant dense<8.0> : tensor<1xf32>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %dx = quant.dcast %qx : tensor<1x1x!quant.uniform<u8:f32, 64.0:128>> to tensor<1x1xf32>
  %qw = quant.scast %wi : tensor<1x1xi8> to tensor<1x1x!w>
  %dw = quant.dcast %qw : tensor<1x1x!w> to tensor<1x1xf32>
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x1xf32>, tensor<1x1xf32>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<1x1xf32>, tensor<1xf32>) outs(%zero : tensor<1x1xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.addf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<1x1xf32>
  %q1 = quant.qcast %1 : tensor<1x1xf32> to tensor<1x1x!quant.uniform<u8:f32, 1.0:1>>
  return %q1 : tensor<1x1x!quant.uniform<u8:f32, 1.0:1>>
}

// -----

!w = !quant.uniform<i8<-127:127>:f32:1, {1.0}>

// Without a zero point nothing cancels, however large the terms.
// CHECK-LABEL: func.func @large_without_zero_point(
// CHECK-NOT:     tensor<1xi32>
// CHECK:         math.fma
func.func @large_without_zero_point(%qx: tensor<1x1x!quant.uniform<u8:f32, 64.0>>) -> tensor<1x1x!quant.uniform<u8:f32, 1.0>> {
  %wi = arith.constant dense<127> : tensor<1x1xi8>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %dx = quant.dcast %qx : tensor<1x1x!quant.uniform<u8:f32, 64.0>> to tensor<1x1xf32>
  %qw = quant.scast %wi : tensor<1x1xi8> to tensor<1x1x!w>
  %dw = quant.dcast %qw : tensor<1x1x!w> to tensor<1x1xf32>
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x1xf32>, tensor<1x1xf32>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  %q0 = quant.qcast %0 : tensor<1x1xf32> to tensor<1x1x!quant.uniform<u8:f32, 1.0>>
  return %q0 : tensor<1x1x!quant.uniform<u8:f32, 1.0>>
}

// -----

!w = !quant.uniform<i8<-127:127>:f32:1, {0.25}>

// In real units the correction is always added in i32, where it is exact:
// c = -10·3.
// CHECK-LABEL: func.func @real_units(
// CHECK-DAG:     %[[M:.+]] = arith.constant dense<1.250000e-01> : tensor<1xf32>
// CHECK-DAG:     %[[B:.+]] = arith.constant dense<0.000000e+00> : tensor<1xf32>
// CHECK-DAG:     %[[C:.+]] = arith.constant dense<-30> : tensor<1xi32>
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %[[M]], %[[B]], %[[C]] :
// CHECK:           arith.addi
// CHECK:           math.fma
func.func @real_units(%qx: tensor<1x1x!quant.uniform<u8:f32, 0.5:10>>) -> tensor<1x1xf32> {
  %wi = arith.constant dense<3> : tensor<1x1xi8>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %dx = quant.dcast %qx : tensor<1x1x!quant.uniform<u8:f32, 0.5:10>> to tensor<1x1xf32>
  %qw = quant.scast %wi : tensor<1x1xi8> to tensor<1x1x!w>
  %dw = quant.dcast %qw : tensor<1x1x!w> to tensor<1x1xf32>
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x1xf32>, tensor<1x1xf32>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  return %0 : tensor<1x1xf32>
}

// -----

// Lone casts. A zero point is added after clamping to [lo - z, hi - z], and
// subtracted in i32.
// CHECK-LABEL: func.func @casts(
// CHECK-DAG:       arith.constant -2.000000e+02 : f32
// CHECK-DAG:       arith.constant 5.500000e+01 : f32
// CHECK:           %[[Q:.+]] = arith.fptosi %{{.+}} : f32 to i32
// CHECK:           %[[Z:.+]] = arith.constant 200 : i32
// CHECK:           %[[S:.+]] = arith.addi %[[Q]], %[[Z]] : i32
// CHECK:           arith.trunci %[[S]] : i32 to i8
// CHECK:           %[[Z2:.+]] = arith.constant 200 : i32
// CHECK:           %[[E:.+]] = arith.extui %{{.+}} : i8 to i32
// CHECK:           %[[D:.+]] = arith.subi %[[E]], %[[Z2]] : i32
// CHECK:           arith.sitofp %[[D]] : i32 to f32
func.func @casts(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = quant.qcast %x : tensor<2xf32> to tensor<2x!quant.uniform<u8:f32, 0.5:200>>
  %1 = quant.dcast %0 : tensor<2x!quant.uniform<u8:f32, 0.5:200>> to tensor<2xf32>
  return %1 : tensor<2xf32>
}

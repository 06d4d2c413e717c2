// RUN: quant-opt %s --qopt-lower-to-integer --split-input-file | FileCheck %s

// One product, all constants by hand: sa = 0.5, sw = 0.25, sy = 2, bias = 1:
// M = 0.5·0.25/2 = 0.0625, B = 1/2 = 0.5.
#ij = affine_map<(i, j) -> (i, j)>
#j = affine_map<(i, j) -> (j)>

// CHECK-DAG:   #[[$IJ:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG:   #[[$J:.+]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG:   #[[$IK:.+]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG:   #[[$KJ:.+]] = affine_map<(d0, d1, d2) -> (d2, d1)>
// CHECK-DAG:   #[[$IJK:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-LABEL: func.func @bias_requantize(
// CHECK-SAME:    %[[X:.+]]: tensor<1x1xf32>) -> tensor<1x1xf32>
// CHECK:         %[[W:.+]] = arith.constant dense<3> : tensor<1x1xi8>

// Quantize: Q_mul with r = 1/0.5; NaN becomes 0, the rest saturates.
// CHECK:         %[[QX:.+]] = linalg.generic {indexing_maps = [#[[$IJ]], #[[$IJ]]], iterator_types = ["parallel", "parallel"]} ins(%[[X]] :
// CHECK-NEXT:      ^bb0(%[[IN:.+]]: f32, %{{.+}}: i8):
// CHECK-DAG:       %[[R:.+]] = arith.constant 2.000000e+00 : f32
// CHECK-DAG:       %[[STEPS:.+]] = arith.mulf %[[IN]], %[[R]] : f32
// CHECK-NEXT:      %[[ROUND:.+]] = math.roundeven %[[STEPS]] : f32
// CHECK-NEXT:      %[[NAN:.+]] = arith.cmpf uno, %[[ROUND]], %[[ROUND]] : f32
// CHECK:           %[[NUMBER:.+]] = arith.select %[[NAN]], %{{.+}}, %[[ROUND]] : f32
// CHECK:           %[[LOW:.+]] = arith.constant -1.280000e+02 : f32
// CHECK-NEXT:      %[[MAX:.+]] = arith.maximumf %[[NUMBER]], %[[LOW]] : f32
// CHECK:           %[[HIGH:.+]] = arith.constant 1.270000e+02 : f32
// CHECK-NEXT:      %[[MIN:.+]] = arith.minimumf %[[MAX]], %[[HIGH]] : f32
// CHECK-NEXT:      arith.fptosi %[[MIN]] : f32 to i8

// The exact i32 accumulator.
// CHECK:         %[[INIT:.+]] = linalg.fill ins(%{{.+}} : i32)
// CHECK:         %[[ACC:.+]] = linalg.generic {indexing_maps = [#[[$IK]], #[[$KJ]], #[[$IJK]]], iterator_types = ["parallel", "parallel", "reduction"]} ins(%[[QX]], %[[W]] : tensor<1x1xi8>, tensor<1x1xi8>) outs(%[[INIT]] : tensor<1x1xi32>)
// CHECK-NEXT:      ^bb0(%[[A:.+]]: i8, %[[B:.+]]: i8, %[[OUT:.+]]: i32):
// CHECK-NEXT:      %[[AE:.+]] = arith.extsi %[[A]] : i8 to i32
// CHECK-NEXT:      %[[BE:.+]] = arith.extsi %[[B]] : i8 to i32
// CHECK-NEXT:      %[[P:.+]] = arith.muli %[[AE]], %[[BE]] : i32
// CHECK-NEXT:      arith.addi %[[OUT]], %[[P]] : i32

// One epilogue: bias and requantization.
// CHECK:         %[[M:.+]] = arith.constant dense<6.250000e-02> : tensor<1xf32>
// CHECK:         %[[BIAS:.+]] = arith.constant dense<5.000000e-01> : tensor<1xf32>
// CHECK:         %[[QY:.+]] = linalg.generic {indexing_maps = [#[[$IJ]], #[[$J]], #[[$J]], #[[$IJ]]], iterator_types = ["parallel", "parallel"]} ins(%[[ACC]], %[[M]], %[[BIAS]] :
// CHECK-NEXT:      ^bb0(%[[I:.+]]: i32, %[[MC:.+]]: f32, %[[BC:.+]]: f32, %{{.+}}: i8):
// CHECK-NEXT:      %[[F:.+]] = arith.sitofp %[[I]] : i32 to f32
// CHECK-NEXT:      %[[FMA:.+]] = math.fma %[[F]], %[[MC]], %[[BC]] : f32
// CHECK-NEXT:      %[[RY:.+]] = math.roundeven %[[FMA]] : f32
// CHECK:           arith.maximumf %[[RY]], %{{.+}} : f32
// CHECK:           arith.minimumf
// CHECK:           arith.fptosi {{.+}} : f32 to i8

// Dequantize: f32(q)·s.
// CHECK:         linalg.generic {indexing_maps = [#[[$IJ]], #[[$IJ]]], {{.+}}} ins(%[[QY]] :
// CHECK:           %[[E:.+]] = arith.extsi %{{.+}} : i8 to i32
// CHECK:           %[[FE:.+]] = arith.sitofp %[[E]] : i32 to f32
// CHECK:           %[[S:.+]] = arith.constant 2.000000e+00 : f32
// CHECK:           arith.mulf %[[FE]], %[[S]] : f32
// CHECK-NOT:     quant.
func.func @bias_requantize(%x: tensor<1x1xf32>) -> tensor<1x1xf32> {
  %wi = arith.constant dense<3> : tensor<1x1xi8>
  %bias = arith.constant dense<1.0> : tensor<1xf32>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %qx = quant.qcast %x : tensor<1x1xf32> to tensor<1x1x!quant.uniform<i8:f32, 0.5>>
  %dx = quant.dcast %qx : tensor<1x1x!quant.uniform<i8:f32, 0.5>> to tensor<1x1xf32>
  %qw = quant.scast %wi : tensor<1x1xi8> to tensor<1x1x!quant.uniform<i8<-127:127>:f32:1, {0.25}>>
  %dw = quant.dcast %qw : tensor<1x1x!quant.uniform<i8<-127:127>:f32:1, {0.25}>> to tensor<1x1xf32>
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x1xf32>, tensor<1x1xf32>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  %1 = linalg.generic {indexing_maps = [#ij, #j, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<1x1xf32>, tensor<1xf32>) outs(%zero : tensor<1x1xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.addf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<1x1xf32>
  %qy = quant.qcast %1 : tensor<1x1xf32> to tensor<1x1x!quant.uniform<i8:f32, 2.0>>
  %dy = quant.dcast %qy : tensor<1x1x!quant.uniform<i8:f32, 2.0>> to tensor<1x1xf32>
  return %dy : tensor<1x1xf32>
}

// -----

// Where no quantization follows, the epilogue ends in real units: M = sa·sw and
// the bias as it is.
// CHECK-LABEL: func.func @real_units(
// CHECK-DAG:     %[[M:.+]] = arith.constant dense<[1.250000e-01, 2.500000e-01]> : tensor<2xf32>
// CHECK-DAG:     %[[B:.+]] = arith.constant dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>
// CHECK:         linalg.generic {{.+}} ins(%{{.+}}, %[[M]], %[[B]] : tensor<1x2xi32>, tensor<2xf32>, tensor<2xf32>)
// CHECK:           %[[F:.+]] = arith.sitofp %{{.+}} : i32 to f32
// CHECK-NEXT:      %[[Y:.+]] = math.fma %[[F]],
// CHECK-NEXT:      linalg.yield %[[Y]] : f32
// CHECK-NOT:     arith.addf
func.func @real_units(%qx: tensor<1x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x2xf32> {
  %wi = arith.constant dense<[[3, 4]]> : tensor<1x2xi8>
  %bias = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %dx = quant.dcast %qx : tensor<1x1x!quant.uniform<i8:f32, 0.5>> to tensor<1x1xf32>
  %qw = quant.scast %wi : tensor<1x2xi8> to tensor<1x2x!quant.uniform<i8<-127:127>:f32:1, {0.25, 0.5}>>
  %dw = quant.dcast %qw : tensor<1x2x!quant.uniform<i8<-127:127>:f32:1, {0.25, 0.5}>> to tensor<1x2xf32>
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x1xf32>, tensor<1x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<1x2xf32>, tensor<2xf32>) outs(%zero : tensor<1x2xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.addf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<1x2xf32>
  return %1 : tensor<1x2xf32>
}

// -----

// A weight quantized per tensor has the one scale in every channel.
// CHECK-LABEL: func.func @per_tensor_weight(
// CHECK:         arith.constant dense<1.250000e-01> : tensor<2xf32>
func.func @per_tensor_weight(%qx: tensor<1x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x2xf32> {
  %wi = arith.constant dense<[[3, 4]]> : tensor<1x2xi8>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %dx = quant.dcast %qx : tensor<1x1x!quant.uniform<i8:f32, 0.5>> to tensor<1x1xf32>
  %qw = quant.scast %wi : tensor<1x2xi8> to tensor<1x2x!quant.uniform<i8<-127:127>:f32, 0.25>>
  %dw = quant.dcast %qw : tensor<1x2x!quant.uniform<i8<-127:127>:f32, 0.25>> to tensor<1x2xf32>
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x1xf32>, tensor<1x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
  return %0 : tensor<1x2xf32>
}

// -----

// Two contractions in a row: the integers go from one to the other, no float
// value is in between. M = 0.5·0.25/4 = 0.03125 and 4·0.25 = 1 in real units.
// CHECK-LABEL: func.func @chain(
// CHECK:         %[[ACC:.+]] = linalg.generic {{.+}} outs(%{{.+}} : tensor<1x1xi32>)
// CHECK:         %[[M:.+]] = arith.constant dense<3.125000e-02> : tensor<1xf32>
// CHECK:         %[[Q:.+]] = linalg.generic {{.+}} ins(%[[ACC]], %[[M]],
// CHECK:         } -> tensor<1x1xi8>
// CHECK:         %[[ACC2:.+]] = linalg.generic {{.+}} ins(%[[Q]], %{{.+}} : tensor<1x1xi8>, tensor<1x1xi8>)
// CHECK:         %[[M2:.+]] = arith.constant dense<1.000000e+00> : tensor<1xf32>
// CHECK:         linalg.generic {{.+}} ins(%[[ACC2]], %[[M2]],
func.func @chain(%qx: tensor<1x1x!quant.uniform<i8:f32, 0.5>>) -> tensor<1x1xf32> {
  %wi = arith.constant dense<3> : tensor<1x1xi8>
  %zero = arith.constant dense<0.0> : tensor<1x1xf32>
  %dx = quant.dcast %qx : tensor<1x1x!quant.uniform<i8:f32, 0.5>> to tensor<1x1xf32>
  %qw = quant.scast %wi : tensor<1x1xi8> to tensor<1x1x!quant.uniform<i8<-127:127>:f32:1, {0.25}>>
  %dw = quant.dcast %qw : tensor<1x1x!quant.uniform<i8<-127:127>:f32:1, {0.25}>> to tensor<1x1xf32>
  %0 = linalg.matmul ins(%dx, %dw : tensor<1x1xf32>, tensor<1x1xf32>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  %q0 = quant.qcast %0 : tensor<1x1xf32> to tensor<1x1x!quant.uniform<i8:f32, 4.0>>
  %d0 = quant.dcast %q0 : tensor<1x1x!quant.uniform<i8:f32, 4.0>> to tensor<1x1xf32>
  %1 = linalg.matmul ins(%d0, %dw : tensor<1x1xf32>, tensor<1x1xf32>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
  return %1 : tensor<1x1xf32>
}

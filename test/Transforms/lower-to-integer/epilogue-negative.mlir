// RUN: quant-opt %s --qopt-quantize --qopt-lower-to-integer --split-input-file | FileCheck %s

#ij = affine_map<(i, j) -> (i, j)>
#j = affine_map<(i, j) -> (j)>

// The value before the bias has another reader: it is made in real units, bias
// and quantization are ops of their own.
// CHECK-LABEL: func.func @before_bias_used(
// CHECK:         %[[Y:.+]] = linalg.generic {{.+}} ins(%{{.+}} : tensor<1x2xi32>,
// CHECK:           math.fma
// CHECK:         } -> tensor<1x2xf32>
// CHECK:         linalg.generic {{.+}} ins(%[[Y]], %{{.+}} : tensor<1x2xf32>, tensor<2xf32>)
// CHECK:           arith.addf
// CHECK:           math.roundeven
// CHECK:         return %[[Y]],
func.func @before_bias_used(%x: tensor<1x1xf32>) -> (tensor<1x2xf32>, tensor<1x2x!quant.uniform<i8:f32, 2.0>>) {
  %w = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %bias = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<1x1xf32>
  %1 = linalg.matmul {qopt.quantize} ins(%0, %w : tensor<1x1xf32>, tensor<1x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = linalg.generic {indexing_maps = [#ij, #j, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%1, %bias : tensor<1x2xf32>, tensor<2xf32>) outs(%zero : tensor<1x2xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.addf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<1x2xf32>
  %3 = quant.qcast %2 : tensor<1x2xf32> to tensor<1x2x!quant.uniform<i8:f32, 2.0>>
  return %1, %3 : tensor<1x2xf32>, tensor<1x2x!quant.uniform<i8:f32, 2.0>>
}

// -----

#ij = affine_map<(i, j) -> (i, j)>

// The unclamped value has another reader (a residual branch).
// CHECK-LABEL: func.func @before_relu_used(
// CHECK:         %[[Y:.+]] = linalg.generic {{.+}} ins(%{{.+}} : tensor<1x2xi32>,
// CHECK:         } -> tensor<1x2xf32>
// CHECK:         %[[R:.+]] = linalg.generic {{.+}} ins(%[[Y]] :
// CHECK:           arith.maximumf
// CHECK:         linalg.generic {{.+}} ins(%[[R]] :
// CHECK:           math.roundeven
// CHECK:         return %[[Y]],
func.func @before_relu_used(%x: tensor<1x1xf32>) -> (tensor<1x2xf32>, tensor<1x2x!quant.uniform<i8:f32, 2.0>>) {
  %w = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %c0 = arith.constant 0.0 : f32
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<1x1xf32>
  %1 = linalg.matmul {qopt.quantize} ins(%0, %w : tensor<1x1xf32>, tensor<1x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%1 : tensor<1x2xf32>) outs(%zero : tensor<1x2xf32>) {
  ^bb0(%v: f32, %out: f32):
    %m = arith.maximumf %v, %c0 : f32
    linalg.yield %m : f32
  } -> tensor<1x2xf32>
  %3 = quant.qcast %2 : tensor<1x2xf32> to tensor<1x2x!quant.uniform<i8:f32, 2.0>>
  return %1, %3 : tensor<1x2xf32>, tensor<1x2x!quant.uniform<i8:f32, 2.0>>
}

// -----

#ij = affine_map<(i, j) -> (i, j)>

// No quantization follows: a clamp alone gains nothing from joining.
// CHECK-LABEL: func.func @relu_in_real_units(
// CHECK:           math.fma
// CHECK-NEXT:      linalg.yield
// CHECK:           arith.maximumf
func.func @relu_in_real_units(%x: tensor<1x1xf32>) -> tensor<1x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %c0 = arith.constant 0.0 : f32
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<1x1xf32>
  %1 = linalg.matmul {qopt.quantize} ins(%0, %w : tensor<1x1xf32>, tensor<1x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%1 : tensor<1x2xf32>) outs(%zero : tensor<1x2xf32>) {
  ^bb0(%v: f32, %out: f32):
    %m = arith.maximumf %v, %c0 : f32
    linalg.yield %m : f32
  } -> tensor<1x2xf32>
  return %2 : tensor<1x2xf32>
}

// -----

// One value per row is no bias, nor is a run-time value (a residual).
// CHECK-LABEL: func.func @other_sums(
// CHECK-COUNT-2: arith.addf
func.func @other_sums(%x: tensor<2x1xf32>, %r: tensor<2x2xf32>) -> (tensor<2x2xf32>, tensor<2x2xf32>) {
  %w = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %w2 = arith.constant dense<[[1.0, 3.0]]> : tensor<1x2xf32>
  %rows = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<2x1xf32>
  %1 = linalg.matmul {qopt.quantize} ins(%0, %w : tensor<2x1xf32>, tensor<1x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%1, %rows : tensor<2x2xf32>, tensor<2xf32>) outs(%zero : tensor<2x2xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.addf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x2xf32>
  %3 = linalg.matmul {qopt.quantize} ins(%0, %w2 : tensor<2x1xf32>, tensor<1x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %4 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%3, %r : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.addf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x2xf32>
  return %2, %4 : tensor<2x2xf32>, tensor<2x2xf32>
}

// -----

#ij = affine_map<(i, j) -> (i, j)>
#j = affine_map<(i, j) -> (j)>

// A bias op whose result has another type does more than add.
// CHECK-LABEL: func.func @bias_truncates(
// CHECK:           math.fma
// CHECK:         } -> tensor<1x2xf32>
// CHECK:           arith.truncf
func.func @bias_truncates(%x: tensor<1x1xf32>) -> tensor<1x2xf16> {
  %w = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %bias = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %half_zero = arith.constant dense<0.0> : tensor<1x2xf16>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<1x1xf32>
  %1 = linalg.matmul {qopt.quantize} ins(%0, %w : tensor<1x1xf32>, tensor<1x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
  %2 = linalg.generic {indexing_maps = [#ij, #j, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%1, %bias : tensor<1x2xf32>, tensor<2xf32>) outs(%half_zero : tensor<1x2xf16>) {
  ^bb0(%v: f32, %b: f32, %out: f16):
    %s = arith.addf %v, %b : f32
    %t = arith.truncf %s : f32 to f16
    linalg.yield %t : f16
  } -> tensor<1x2xf16>
  return %2 : tensor<1x2xf16>
}

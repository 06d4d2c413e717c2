// RUN: quant-opt %s --qopt-quantize --qopt-lower-to-integer --split-input-file | FileCheck %s

// What follows a contraction joins its one epilogue: a bias, clamps in any
// spelling, reshapes, and the quantization of the result.
#ij = affine_map<(i, j) -> (i, j)>

// ReLU with zero point 5: real 0 is 5, the top is the type's.
// CHECK-LABEL: func.func @relu(
// CHECK:         tensor<1x2xi32>
// CHECK:         math.fma
// CHECK-NEXT:    math.roundeven
// CHECK-NEXT:    %[[LOW:.+]] = arith.constant 5.000000e+00 : f32
// CHECK-NEXT:    arith.maximumf %{{.+}}, %[[LOW]]
// CHECK-NEXT:    %[[HIGH:.+]] = arith.constant 1.270000e+02 : f32
// CHECK-NEXT:    arith.minimumf %{{.+}}, %[[HIGH]]
// CHECK-NEXT:    arith.fptosi
// CHECK-NOT:     arith.maximumf
// CHECK:         return
func.func @relu(%x: tensor<1x1xf32>) -> tensor<1x2x!quant.uniform<i8:f32, 2.0:5>> {
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
  %3 = quant.qcast %2 : tensor<1x2xf32> to tensor<1x2x!quant.uniform<i8:f32, 2.0:5>>
  return %3 : tensor<1x2x!quant.uniform<i8:f32, 2.0:5>>
}

// -----

#ij = affine_map<(i, j) -> (i, j)>
#j = affine_map<(i, j) -> (j)>

// Bias, then ReLU6 as a select and a minimum in two ops, with reshapes around:
// the clamp is [0, 6/0.5], the integers are reshaped.
// CHECK-LABEL: func.func @bias_relu6_reshape(
// CHECK:         arith.constant dense<[4.000000e+00, 6.000000e+00]> : tensor<2xf32>
// CHECK:         %[[Q:.+]] = linalg.generic
// CHECK:           math.roundeven
// CHECK-NEXT:      arith.constant 0.000000e+00 : f32
// CHECK-NEXT:      arith.maximumf
// CHECK-NEXT:      arith.constant 1.200000e+01 : f32
// CHECK-NEXT:      arith.minimumf
// CHECK-NEXT:      arith.fptoui
// CHECK:         %[[C:.+]] = tensor.collapse_shape %[[Q]] {{\[\[}}0, 1]] : tensor<3x2xi8> into tensor<6xi8>
// CHECK-NEXT:    tensor.expand_shape %[[C]] {{\[\[}}0, 1]] output_shape [2, 3] : tensor<6xi8> into tensor<2x3xi8>
// CHECK-NOT:     linalg.generic
// CHECK:         return
func.func @bias_relu6_reshape(%x: tensor<3x1xf32>) -> tensor<2x3x!quant.uniform<u8:f32, 0.5>> {
  %w = arith.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %bias = arith.constant dense<[2.0, 3.0]> : tensor<2xf32>
  %zero = arith.constant dense<0.0> : tensor<3x2xf32>
  %flat_zero = arith.constant dense<0.0> : tensor<6xf32>
  %six = arith.constant dense<6.0> : tensor<f32>
  %c0 = arith.constant 0.0 : f32
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<3x1xf32>
  %1 = linalg.matmul {qopt.quantize} ins(%0, %w : tensor<3x1xf32>, tensor<1x2xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32>
  %2 = linalg.generic {indexing_maps = [#ij, #j, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%1, %bias : tensor<3x2xf32>, tensor<2xf32>) outs(%zero : tensor<3x2xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.addf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  %3 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%2 : tensor<3x2xf32>) outs(%zero : tensor<3x2xf32>) {
  ^bb0(%v: f32, %out: f32):
    %c = arith.cmpf ugt, %v, %c0 : f32
    %m = arith.select %c, %v, %c0 : f32
    linalg.yield %m : f32
  } -> tensor<3x2xf32>
  %4 = tensor.collapse_shape %3 [[0, 1]] : tensor<3x2xf32> into tensor<6xf32>
  %5 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> ()>, affine_map<(i) -> (i)>], iterator_types = ["parallel"]}
      ins(%4, %six : tensor<6xf32>, tensor<f32>) outs(%flat_zero : tensor<6xf32>) {
  ^bb0(%v: f32, %s: f32, %out: f32):
    %m = arith.minimumf %v, %s : f32
    linalg.yield %m : f32
  } -> tensor<6xf32>
  %6 = tensor.expand_shape %5 [[0, 1]] output_shape [2, 3] : tensor<6xf32> into tensor<2x3xf32>
  %7 = quant.qcast %6 : tensor<2x3xf32> to tensor<2x3x!quant.uniform<u8:f32, 0.5>>
  return %7 : tensor<2x3x!quant.uniform<u8:f32, 0.5>>
}

// -----

// The report tells where the clamp went.
#ij = affine_map<(i, j) -> (i, j)>

// CHECK:       {location = "here", name = "relu", op = "clamp", precision = "int8", reason = "in the epilogue of fc"}
// CHECK-LABEL: func.func @report(
module attributes {qopt.report = {edges = [], facts = [], ops = [
    {contraction, location = "here", name = "fc", op = "matmul", precision = "int8", reason = "constant weights"},
    {location = "here", name = "relu", op = "clamp", precision = "f32", reason = "computed between"}]}} {
  func.func @report(%x: tensor<1x1xf32>) -> tensor<1x1x!quant.uniform<i8:f32, 2.0>> {
    %w = arith.constant dense<1.0> : tensor<1x1xf32>
    %zero = arith.constant dense<0.0> : tensor<1x1xf32>
    %c0 = arith.constant 0.0 : f32
    %0 = qopt.observe %x {name = "x", type = !quant.uniform<i8:f32, 1.0>} : tensor<1x1xf32>
    %1 = linalg.matmul {qopt.name = "fc", qopt.quantize} ins(%0, %w : tensor<1x1xf32>, tensor<1x1xf32>) outs(%zero : tensor<1x1xf32>) -> tensor<1x1xf32>
    %2 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]}
        ins(%1 : tensor<1x1xf32>) outs(%zero : tensor<1x1xf32>) attrs = {qopt.name = "relu"} {
    ^bb0(%v: f32, %out: f32):
      %m = arith.maximumf %v, %c0 : f32
      linalg.yield %m : f32
    } -> tensor<1x1xf32>
    %3 = quant.qcast %2 : tensor<1x1xf32> to tensor<1x1x!quant.uniform<i8:f32, 2.0>>
    return %3 : tensor<1x1x!quant.uniform<i8:f32, 2.0>>
  }
}

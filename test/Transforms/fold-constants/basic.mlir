// RUN: quant-opt %s --qopt-fold-constants | FileCheck %s

// The flipped weight of a transposed convolution, as torch-mlir computes it.
// CHECK-LABEL: func.func @flipped(
// CHECK-NEXT:    %[[W:.+]] = arith.constant dense<{{\[\[}}5.000000e+00, 4.000000e+00, 3.000000e+00], [2.000000e+00, 1.000000e+00, 0.000000e+00]]> : tensor<2x3xf32>
// CHECK-NEXT:    return %[[W]]
func.func @flipped() -> tensor<2x3xf32> {
  %w = arith.constant dense<[[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]> : tensor<3x2xf32>
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %empty = tensor.empty() : tensor<2x3xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      outs(%empty : tensor<2x3xf32>) {
  ^bb0(%out: f32):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %fi = arith.subi %c1, %i : index
    %fj = arith.subi %c2, %j : index
    %e = tensor.extract %w[%fj, %fi] : tensor<3x2xf32>
    linalg.yield %e : f32
  } -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}

// Stacked weights are taken apart.
// CHECK-LABEL: func.func @stacked(
// CHECK-DAG:     %[[A:.+]] = arith.constant dense<{{\[\[}}1.000000e+00, 3.000000e+00], [2.000000e+00, 4.000000e+00]]>
// CHECK-DAG:     %[[B:.+]] = arith.constant dense<{{\[\[}}7.000000e+00, 8.000000e+00]]>
// CHECK-NOT:     tensor.
// CHECK:         return %[[A]], %[[B]]
func.func @stacked() -> (tensor<2x2xf32>, tensor<1x2xf32>) {
  %a = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %b = arith.constant dense<[[5.0, 6.0], [7.0, 8.0]]> : tensor<2x2xf32>
  %all = tensor.concat dim(0) %a, %b : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<4x2xf32>
  %first = tensor.extract_slice %all[0, 0] [2, 2] [1, 1] : tensor<4x2xf32> to tensor<2x2xf32>
  %empty = tensor.empty() : tensor<2x2xf32>
  %t = linalg.transpose ins(%first : tensor<2x2xf32>) outs(%empty : tensor<2x2xf32>) permutation = [1, 0]
  %last = tensor.extract_slice %all[3, 0] [1, 2] [1, 1] : tensor<4x2xf32> to tensor<1x2xf32>
  return %t, %last : tensor<2x2xf32>, tensor<1x2xf32>
}

// Every other movement of constants, through each other.
// CHECK-LABEL: func.func @movement(
// CHECK-NEXT:    %[[C:.+]] = arith.constant dense<[9, 1, 9, 2, 9, 9, 9, 3]> : tensor<8xi16>
// CHECK-NEXT:    return %[[C]]
func.func @movement() -> tensor<8xi16> {
  %c = arith.constant dense<[1, 2]> : tensor<2xi16>
  %nine = arith.constant 9 : i16
  %three = arith.constant 3 : i16
  %base = tensor.splat %nine : tensor<4xi16>
  %spread = tensor.insert_slice %c into %base[1] [2] [2] : tensor<2xi16> into tensor<4xi16>
  %pad = tensor.pad %spread low[0] high[1] {
  ^bb0(%i: index):
    tensor.yield %nine : i16
  } : tensor<4xi16> to tensor<5xi16>
  %rest = tensor.from_elements %nine, %nine, %three : tensor<3xi16>
  %joined = tensor.concat dim(0) %pad, %rest : (tensor<5xi16>, tensor<3xi16>) -> tensor<8xi16>
  %expanded = tensor.expand_shape %joined [[0, 1]] output_shape [2, 4] : tensor<8xi16> into tensor<2x4xi16>
  %collapsed = tensor.collapse_shape %expanded [[0, 1]] : tensor<2x4xi16> into tensor<8xi16>
  return %collapsed : tensor<8xi16>
}

// Resources, and scalars taken out of them.
// CHECK-LABEL: func.func @resource(
// CHECK-DAG:     arith.constant dense<[3.000000e+00, 4.000000e+00]> : tensor<2xf32>
// CHECK-DAG:     arith.constant 2.000000e+00 : f32
// CHECK-NOT:     tensor.extract
// CHECK:         return
func.func @resource() -> (tensor<2xf32>, f32) {
  %c = arith.constant dense_resource<weight> : tensor<4xf32>
  %slice = tensor.extract_slice %c[2] [2] [1] : tensor<4xf32> to tensor<2xf32>
  %one = arith.constant 1 : index
  %e = tensor.extract %c[%one] : tensor<4xf32>
  return %slice, %e : tensor<2xf32>, f32
}

// Sums of products add up in increasing order: 2^24 + 1 - 2^24 is 0.
// CHECK-LABEL: func.func @sums(
// CHECK-DAG:     arith.constant dense<{{\[\[}}0.000000e+00], [1.000000e+00]]> : tensor<2x1xf32>
// CHECK-DAG:     arith.constant dense<[3, 7]> : tensor<2xi32>
func.func @sums() -> (tensor<2x1xf32>, tensor<2xi32>) {
  %a = arith.constant dense<[[16777216.0, 1.0, -16777216.0], [16777216.0, -16777216.0, 1.0]]> : tensor<2x3xf32>
  %b = arith.constant dense<[[1.0], [1.0], [1.0]]> : tensor<3x1xf32>
  %init = arith.constant dense<0.0> : tensor<2x1xf32>
  %0 = linalg.matmul ins(%a, %b : tensor<2x3xf32>, tensor<3x1xf32>) outs(%init : tensor<2x1xf32>) -> tensor<2x1xf32>
  %c = arith.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  %zero = arith.constant dense<0> : tensor<2xi32>
  %1 = linalg.reduce ins(%c : tensor<2x2xi32>) outs(%zero : tensor<2xi32>) dimensions = [1]
    (%in: i32, %acc: i32) {
      %s = arith.addi %acc, %in : i32
      linalg.yield %s : i32
    }
  return %0, %1 : tensor<2x1xf32>, tensor<2xi32>
}

// A convolution reads where its map says; a mask comes from indices alone.
// CHECK-LABEL: func.func @indices(
// CHECK-DAG:     arith.constant dense<{{\[\[}}true, false], [true, true]]> : tensor<2x2xi1>
// CHECK-DAG:     arith.constant dense<[0, 2, 4]> : tensor<3xindex>
// CHECK-DAG:     arith.constant dense<{{\[\[\[}}5.000000e+00], [1.100000e+01]]]> : tensor<1x2x1xf32>
func.func @indices() -> (tensor<2x2xi1>, tensor<3xindex>, tensor<1x2x1xf32>) {
  %empty = tensor.empty() : tensor<2x2xi1>
  %mask = linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>], iterator_types = ["parallel", "parallel"]}
      outs(%empty : tensor<2x2xi1>) {
  ^bb0(%out: i1):
    %i = linalg.index 0 : index
    %j = linalg.index 1 : index
    %c = arith.cmpi sle, %j, %i : index
    linalg.yield %c : i1
  } -> tensor<2x2xi1>
  %generated = tensor.generate {
  ^bb0(%i: index):
    %twice = arith.addi %i, %i : index
    tensor.yield %twice : index
  } : tensor<3xindex>
  %x = arith.constant dense<[[[1.0], [2.0], [3.0], [4.0]]]> : tensor<1x4x1xf32>
  %w = arith.constant dense<[[[1.0]], [[2.0]]]> : tensor<2x1x1xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2x1xf32>
  %conv = linalg.conv_1d_nwc_wcf {strides = dense<2> : tensor<1xi64>, dilations = dense<1> : tensor<1xi64>}
      ins(%x, %w : tensor<1x4x1xf32>, tensor<2x1x1xf32>) outs(%zero : tensor<1x2x1xf32>) -> tensor<1x2x1xf32>
  return %mask, %generated, %conv : tensor<2x2xi1>, tensor<3xindex>, tensor<1x2x1xf32>
}

{-#
  dialect_resources: {
    builtin: {
      weight: "0x040000000000803F000000400000404000008040"
    }
  }
#-}

// RUN: quant-opt %s --qopt-fold-channel-affine --split-input-file | FileCheck %s

#ij = affine_map<(i, j) -> (i, j)>
#i = affine_map<(i, j) -> (i)>
#j = affine_map<(i, j) -> (j)>

// The bias is where it belongs already.
// CHECK-LABEL: func.func @bias(
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<2.0{{.+}}> : tensor<2x2xf32>
// CHECK-DAG:     %[[BIAS:.+]] = arith.constant dense<[1.0{{.+}}, 2.0{{.+}}]> : tensor<2xf32>
// CHECK:         %[[Y:.+]] = linalg.matmul ins(%{{.+}}, %[[W]] :
// CHECK-NEXT:    linalg.generic {{.+}} ins(%[[Y]], %[[BIAS]] :
func.func @bias(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
  %w = arith.constant dense<2.0> : tensor<2x2xf32>
  %bias = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %zero = arith.constant dense<0.0> : tensor<3x2xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<3x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32>
  %1 = linalg.generic {indexing_maps = [#ij, #j, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<3x2xf32>, tensor<2xf32>) outs(%zero : tensor<3x2xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.addf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  return %1 : tensor<3x2xf32>
}

// -----

#ij = affine_map<(i, j) -> (i, j)>
#i = affine_map<(i, j) -> (i)>
#j = affine_map<(i, j) -> (j)>

// The unscaled product has another reader.
// CHECK-LABEL: func.func @two_uses(
// CHECK:         %[[W:.+]] = arith.constant dense<2.0{{.+}}> : tensor<2x2xf32>
// CHECK:         linalg.matmul ins(%{{.+}}, %[[W]] :
// CHECK:         arith.mulf
func.func @two_uses(%x: tensor<3x2xf32>) -> (tensor<3x2xf32>, tensor<3x2xf32>) {
  %w = arith.constant dense<2.0> : tensor<2x2xf32>
  %scale = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %zero = arith.constant dense<0.0> : tensor<3x2xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<3x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<3x2xf32>) -> tensor<3x2xf32>
  %1 = linalg.generic {indexing_maps = [#ij, #j, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%0, %scale : tensor<3x2xf32>, tensor<2xf32>) outs(%zero : tensor<3x2xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.mulf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<3x2xf32>
  return %0, %1 : tensor<3x2xf32>, tensor<3x2xf32>
}

// -----

#ij = affine_map<(i, j) -> (i, j)>
#i = affine_map<(i, j) -> (i)>
#j = affine_map<(i, j) -> (j)>

// One scale per row is none per channel.
// CHECK-LABEL: func.func @per_row(
// CHECK:         linalg.matmul
// CHECK:         arith.mulf
func.func @per_row(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = arith.constant dense<2.0> : tensor<2x2xf32>
  %scale = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = linalg.generic {indexing_maps = [#ij, #i, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%0, %scale : tensor<2x2xf32>, tensor<2xf32>) outs(%zero : tensor<2x2xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.mulf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x2xf32>
  return %1 : tensor<2x2xf32>
}

// -----

#ij = affine_map<(i, j) -> (i, j)>
#i = affine_map<(i, j) -> (i)>
#j = affine_map<(i, j) -> (j)>

// The square is not affine; division by zero has no finite scale; run-time
// values are no constants; run-time weights cannot be scaled.
// CHECK-LABEL: func.func @not_affine(
// CHECK:         linalg.matmul
// CHECK:         arith.mulf
// CHECK:         linalg.matmul
// CHECK:         arith.divf
// CHECK:         linalg.matmul
// CHECK:         arith.mulf
// CHECK:         linalg.matmul
// CHECK:         arith.mulf
func.func @not_affine(%x: tensor<2x2xf32>, %r: tensor<2xf32>) -> tensor<2x2xf32> {
  %w = arith.constant dense<2.0> : tensor<2x2xf32>
  %scale = arith.constant dense<[1.0, 0.0]> : tensor<2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) {
  ^bb0(%v: f32, %out: f32):
    %s = arith.mulf %v, %v : f32
    linalg.yield %s : f32
  } -> tensor<2x2xf32>
  %2 = linalg.matmul ins(%1, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %3 = linalg.generic {indexing_maps = [#ij, #j, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%2, %scale : tensor<2x2xf32>, tensor<2xf32>) outs(%zero : tensor<2x2xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.divf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x2xf32>
  %4 = linalg.matmul ins(%3, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %5 = linalg.generic {indexing_maps = [#ij, #j, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%4, %r : tensor<2x2xf32>, tensor<2xf32>) outs(%zero : tensor<2x2xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.mulf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x2xf32>
  %6 = linalg.matmul ins(%5, %x : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %7 = linalg.generic {indexing_maps = [#ij, #j, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%6, %scale : tensor<2x2xf32>, tensor<2xf32>) outs(%zero : tensor<2x2xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.mulf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<2x2xf32>
  return %7 : tensor<2x2xf32>
}

// -----

#ij = affine_map<(i, j) -> (i, j)>
#j = affine_map<(i, j) -> (j)>

// The scale's result has another type: it cannot become the contraction's.
// CHECK-LABEL: func.func @changes_type(
// CHECK:         linalg.matmul
// CHECK:         arith.truncf
func.func @changes_type(%x: tensor<2x2xf32>) -> tensor<2x2xf16> {
  %w = arith.constant dense<2.0> : tensor<2x2xf32>
  %scale = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %empty = tensor.empty() : tensor<2x2xf16>
  %0 = linalg.matmul ins(%x, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %1 = linalg.generic {indexing_maps = [#ij, #j, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%0, %scale : tensor<2x2xf32>, tensor<2xf32>) outs(%empty : tensor<2x2xf16>) {
  ^bb0(%v: f32, %b: f32, %out: f16):
    %s = arith.mulf %v, %b : f32
    %t = arith.truncf %s : f32 to f16
    linalg.yield %t : f16
  } -> tensor<2x2xf16>
  return %1 : tensor<2x2xf16>
}

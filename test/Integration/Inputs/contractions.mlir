// Two integer contractions, three float ones with constant weights (one behind a
// transpose, one with fma), a dynamic one, and three ops that are none.
#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>
#x = affine_map<(d0, d1) -> (d0, d1)>
#y = affine_map<(d0, d1) -> (d0)>

func.func @integer(%u: tensor<4x8xi8>, %init: tensor<4x4xi32>) -> (tensor<4x4xi32>, tensor<4x4xi32>) {
  %w = arith.constant dense<3> : tensor<8x4xi8>
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%u, %w : tensor<4x8xi8>, tensor<8x4xi8>) outs(%init : tensor<4x4xi32>) {
  ^bb0(%in: i8, %weight: i8, %acc: i32):
    %1 = arith.extui %in : i8 to i32
    %2 = arith.extsi %weight : i8 to i32
    %3 = arith.muli %1, %2 : i32
    %4 = arith.addi %acc, %3 : i32
    linalg.yield %4 : i32
  } -> tensor<4x4xi32>
  %5 = linalg.matmul ins(%u, %w : tensor<4x8xi8>, tensor<8x4xi8>) outs(%init : tensor<4x4xi32>) -> tensor<4x4xi32>
  return %0, %5 : tensor<4x4xi32>, tensor<4x4xi32>
}

func.func @weights(%x: tensor<4x8xf32>, %s: tensor<1x9x8xf32>, %init: tensor<4x4xf32>, %init1: tensor<1x8x4xf32>)
    -> (tensor<4x4xf32>, tensor<1x8x4xf32>, tensor<4x4xf32>) {
  %w = arith.constant dense<1.0> : tensor<4x8xf32>
  %empty = tensor.empty() : tensor<8x4xf32>
  %t = linalg.transpose ins(%w : tensor<4x8xf32>) outs(%empty : tensor<8x4xf32>) permutation = [1, 0]
  %0 = linalg.matmul ins(%x, %t : tensor<4x8xf32>, tensor<8x4xf32>) outs(%init : tensor<4x4xf32>) -> tensor<4x4xf32>
  %k = arith.constant dense<2.0> : tensor<2x8x4xf32>
  %1 = linalg.conv_1d_nwc_wcf ins(%s, %k : tensor<1x9x8xf32>, tensor<2x8x4xf32>) outs(%init1 : tensor<1x8x4xf32>) -> tensor<1x8x4xf32>
  %2 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %t : tensor<4x8xf32>, tensor<8x4xf32>) outs(%init : tensor<4x4xf32>) {
  ^bb0(%in: f32, %weight: f32, %acc: f32):
    %3 = math.fma %in, %weight, %acc : f32
    linalg.yield %3 : f32
  } -> tensor<4x4xf32>
  return %0, %1, %2 : tensor<4x4xf32>, tensor<1x8x4xf32>, tensor<4x4xf32>
}

func.func @dynamic(%q: tensor<2x4x8xf32>, %k: tensor<2x8x4xf32>, %init: tensor<2x4x4xf32>) -> tensor<2x4x4xf32> {
  %0 = linalg.batch_matmul ins(%q, %k : tensor<2x4x8xf32>, tensor<2x8x4xf32>) outs(%init : tensor<2x4x4xf32>) -> tensor<2x4x4xf32>
  return %0 : tensor<2x4x4xf32>
}

// A sum of squares, a sum of products with a constant scalar, an elementwise product.
func.func @none(%x: tensor<4x8xf32>, %y: tensor<4x8xf32>, %init: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4x8xf32>) {
  %half = arith.constant 0.5 : f32
  %0 = linalg.generic {indexing_maps = [#x, #y], iterator_types = ["parallel", "reduction"]} ins(%x : tensor<4x8xf32>) outs(%init : tensor<4xf32>) {
  ^bb0(%in: f32, %acc: f32):
    %3 = arith.mulf %in, %in : f32
    %4 = arith.addf %acc, %3 : f32
    linalg.yield %4 : f32
  } -> tensor<4xf32>
  %1 = linalg.generic {indexing_maps = [#x, #x, #y], iterator_types = ["parallel", "reduction"]} ins(%x, %y : tensor<4x8xf32>, tensor<4x8xf32>) outs(%init : tensor<4xf32>) {
  ^bb0(%in: f32, %in2: f32, %acc: f32):
    %3 = arith.mulf %in, %half : f32
    %4 = arith.addf %3, %in2 : f32
    %5 = arith.addf %acc, %4 : f32
    linalg.yield %5 : f32
  } -> tensor<4xf32>
  %2 = linalg.generic {indexing_maps = [#x, #x, #x], iterator_types = ["parallel", "parallel"]} ins(%x, %y : tensor<4x8xf32>, tensor<4x8xf32>) outs(%x : tensor<4x8xf32>) {
  ^bb0(%in: f32, %in2: f32, %out: f32):
    %3 = arith.mulf %in, %in2 : f32
    linalg.yield %3 : f32
  } -> tensor<4x8xf32>
  return %0, %1, %2 : tensor<4xf32>, tensor<4xf32>, tensor<4x8xf32>
}

#row = affine_map<(i, j) -> (i, j)>
#column = affine_map<(i, j) -> (j)>
func.func @main(%x: tensor<2x4xf32> {qopt.name = "image"}) -> tensor<2x2xf32> {
  %w0 = arith.constant dense<[[1.0, 2.0, -4.0], [0.5, -1.0, 0.0], [0.25, 3.0, 8.0], [-1.0, 0.0, 1.0]]> : tensor<4x3xf32>
  %w1 = arith.constant dense<[[1.0, 2.0], [0.5, -1.0], [0.25, 3.0]]> : tensor<3x2xf32>
  %bias = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %zero = arith.constant 0.0 : f32
  %e0 = tensor.empty() : tensor<2x3xf32>
  %e1 = tensor.empty() : tensor<2x2xf32>
  %i0 = linalg.fill ins(%zero : f32) outs(%e0 : tensor<2x3xf32>) -> tensor<2x3xf32>
  %i1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<2x2xf32>) -> tensor<2x2xf32>
  %0 = linalg.matmul ins(%x, %w0 : tensor<2x4xf32>, tensor<4x3xf32>) outs(%i0 : tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = linalg.generic {indexing_maps = [#row, #column, #row], iterator_types = ["parallel", "parallel"]}
      ins(%0, %bias : tensor<2x3xf32>, tensor<3xf32>) outs(%e0 : tensor<2x3xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.addf %v, %b : f32
    %m = arith.maximumf %s, %zero : f32
    linalg.yield %m : f32
  } -> tensor<2x3xf32>
  %2 = linalg.matmul ins(%1, %w1 : tensor<2x3xf32>, tensor<3x2xf32>) outs(%i1 : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %2 : tensor<2x2xf32>
}

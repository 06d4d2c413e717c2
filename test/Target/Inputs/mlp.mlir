// Two layers on 6 samples: 32 -> 48, ReLU, -> 10.
func.func @classify(%x: tensor<6x32xf32> {qopt.name = "features"}) -> (tensor<6x10xf32> {qopt.name = "scores"}) {
  %w1 = arith.constant dense<0.03125> : tensor<32x48xf32>
  %b1 = arith.constant dense<-0.25> : tensor<48xf32>
  %w2 = arith.constant dense<0.125> : tensor<48x10xf32>
  %zero = arith.constant 0.0 : f32
  %e1 = tensor.empty() : tensor<6x48xf32>
  %i1 = linalg.fill ins(%zero : f32) outs(%e1 : tensor<6x48xf32>) -> tensor<6x48xf32>
  %h = linalg.matmul ins(%x, %w1 : tensor<6x32xf32>, tensor<32x48xf32>) outs(%i1 : tensor<6x48xf32>) -> tensor<6x48xf32>
  %r = linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%h, %b1 : tensor<6x48xf32>, tensor<48xf32>) outs(%e1 : tensor<6x48xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %0 = arith.addf %v, %b : f32
    %1 = arith.maximumf %0, %zero : f32
    linalg.yield %1 : f32
  } -> tensor<6x48xf32>
  %e2 = tensor.empty() : tensor<6x10xf32>
  %i2 = linalg.fill ins(%zero : f32) outs(%e2 : tensor<6x10xf32>) -> tensor<6x10xf32>
  %y = linalg.matmul ins(%r, %w2 : tensor<6x48xf32>, tensor<48x10xf32>) outs(%i2 : tensor<6x10xf32>) -> tensor<6x10xf32>
  return %y : tensor<6x10xf32>
}

// Another public function: --entry chooses.
func.func @other(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}

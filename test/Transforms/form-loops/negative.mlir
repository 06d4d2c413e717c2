// What one kernel cannot compute stays apart, with a remark where a reduction
// gets no kernel op.
// RUN: quant-opt --qopt-form-loops --split-input-file --remarks-filter=qopt --remark-policy=all %s 2> %t | FileCheck %s
// RUN: FileCheck --check-prefix=REMARK %s < %t

// Sums of products of floats are no qopt.loops.
// CHECK-LABEL: func @float_product
// CHECK-NOT:   qopt.loops
// CHECK:       linalg.generic
func.func @float_product(%x: tensor<4x8xf32>, %w: tensor<8xf32>) -> tensor<4xf32> {
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<4xf32>
  %init = linalg.fill ins(%zero : f32) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (k)>, affine_map<(m, k) -> (m)>], iterator_types = ["parallel", "reduction"]}
      ins(%x, %w : tensor<4x8xf32>, tensor<8xf32>) outs(%init : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %p = arith.mulf %a, %b : f32
    %s = arith.addf %o, %p : f32
    linalg.yield %s : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// The index of a maximum.
// CHECK-LABEL: func @argmax
// CHECK-NOT:   qopt.loops
// CHECK:       linalg.generic
// REMARK: a plain loop kernel computes it: no reduction of kernels combines its elements in this way
func.func @argmax(%x: tensor<4x8xf32>, %v0: tensor<4xf32>, %i0: tensor<4xi64>) -> tensor<4xi64> {
  %y:2 = linalg.generic {indexing_maps = [affine_map<(m, k) -> (m, k)>, affine_map<(m, k) -> (m)>, affine_map<(m, k) -> (m)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x8xf32>) outs(%v0, %i0 : tensor<4xf32>, tensor<4xi64>) {
  ^bb0(%a: f32, %o: f32, %i: i64):
    %k = linalg.index 1 : index
    %n = arith.index_cast %k : index to i64
    %v = arith.maximumf %a, %o : f32
    %c = arith.cmpf ogt, %a, %o : f32
    %j = arith.select %c, %n, %i : i64
    linalg.yield %v, %j : f32, i64
  } -> (tensor<4xf32>, tensor<4xi64>)
  return %y#1 : tensor<4xi64>
}

// -----

// An elementwise op in front of windows would be computed once per window.
// CHECK-LABEL: func @before_windows
// CHECK:       linalg.generic
// CHECK:       qopt.loops
// CHECK:         qopt.reduce maximumf %{{.*}} : f32
func.func @before_windows(%x: tensor<1x8x8x4xf32>) -> tensor<1x4x4x4xf32> {
  %lowest = arith.constant 0xFF800000 : f32
  %full = tensor.empty() : tensor<1x8x8x4xf32>
  %window = tensor.empty() : tensor<2x2xf32>
  %e = tensor.empty() : tensor<1x4x4x4xf32>
  %n = linalg.generic {indexing_maps = [affine_map<(n, h, w, c) -> (n, h, w, c)>, affine_map<(n, h, w, c) -> (n, h, w, c)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : tensor<1x8x8x4xf32>) outs(%full : tensor<1x8x8x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = math.exp %a : f32
    linalg.yield %v : f32
  } -> tensor<1x8x8x4xf32>
  %init = linalg.fill ins(%lowest : f32) outs(%e : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  %y = linalg.pooling_nhwc_max {strides = dense<2> : vector<2xi64>}
      ins(%n, %window : tensor<1x8x8x4xf32>, tensor<2x2xf32>) outs(%init : tensor<1x4x4x4xf32>) -> tensor<1x4x4x4xf32>
  return %y : tensor<1x4x4x4xf32>
}

// -----

// The scale of each row comes from a product that reads the sums: what follows
// it cannot be in the kernel that makes them.
// CHECK-LABEL: func @through_another_kernel
// CHECK:       qopt.loops ins(%arg0 : tensor<4x64xf32>)
// CHECK:       linalg.matmul
// CHECK:       linalg.generic
func.func @through_another_kernel(%x: tensor<4x64xf32>, %w: tensor<1x1xf32>) -> tensor<4x64xf32> {
  %zero = arith.constant 0.0 : f32
  %rows = tensor.empty() : tensor<4xf32>
  %full = tensor.empty() : tensor<4x64xf32>
  %column = tensor.empty() : tensor<4x1xf32>
  %sum0 = linalg.fill ins(%zero : f32) outs(%rows : tensor<4xf32>) -> tensor<4xf32>
  %sum = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<4x64xf32>) outs(%sum0 : tensor<4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.addf %a, %o : f32
    linalg.yield %v : f32
  } -> tensor<4xf32>
  %wide = tensor.expand_shape %sum [[0, 1]] output_shape [4, 1] : tensor<4xf32> into tensor<4x1xf32>
  %product0 = linalg.fill ins(%zero : f32) outs(%column : tensor<4x1xf32>) -> tensor<4x1xf32>
  %product = linalg.matmul ins(%wide, %w : tensor<4x1xf32>, tensor<1x1xf32>) outs(%product0 : tensor<4x1xf32>) -> tensor<4x1xf32>
  %y = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, 0)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%x, %product : tensor<4x64xf32>, tensor<4x1xf32>) outs(%full : tensor<4x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %v = arith.mulf %a, %b : f32
    linalg.yield %v : f32
  } -> tensor<4x64xf32>
  return %y : tensor<4x64xf32>
}

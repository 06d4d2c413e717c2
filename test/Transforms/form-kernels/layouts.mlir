// RUN: quant-opt %s --qopt-form-kernels --split-input-file | FileCheck %s

// Several dims in a row count as one.

// CHECK-DAG:   #[[$M:.+]] = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: func.func @rows(
// CHECK-SAME:    %[[X:.+]]: tensor<2x3x8xi8>, %[[S:.+]]: tensor<2x3x1xf32>)
// CHECK-DAG:     %[[A:.+]] = tensor.collapse_shape %[[X]] {{\[\[}}0, 1], [2]] : tensor<2x3x8xi8> into tensor<6x8xi8>
// CHECK-DAG:     %[[R:.+]] = tensor.collapse_shape %[[S]] {{\[\[}}0, 1, 2]] : tensor<2x3x1xf32> into tensor<6xf32>
// CHECK:         %[[Y:.+]] = qopt.gemm ins(%[[A]], %{{.+}} : tensor<6x8xi8>, tensor<4x8xi8>) epilogue(%[[R]] : tensor<6xf32>) outs(%{{.+}} : tensor<6x4xf32>)
// CHECK:         epilogue_maps = [#[[$M]]]
// CHECK:         tensor.expand_shape %[[Y]] {{\[\[}}0, 1], [2]] output_shape [2, 3, 4] : tensor<6x4xf32> into tensor<2x3x4xf32>
func.func @rows(%x: tensor<2x3x8xi8>, %s: tensor<2x3x1xf32>) -> tensor<2x3x4xf32> {
  %w = arith.constant dense<1> : tensor<8x4xi8>
  %zero = arith.constant dense<0> : tensor<2x3x4xi32>
  %acc = linalg.contract
      indexing_maps = [affine_map<(b, s, n, k) -> (b, s, k)>, affine_map<(b, s, n, k) -> (k, n)>, affine_map<(b, s, n, k) -> (b, s, n)>]
      ins(%x, %w : tensor<2x3x8xi8>, tensor<8x4xi8>) outs(%zero : tensor<2x3x4xi32>) -> tensor<2x3x4xi32>
  %e = tensor.empty() : tensor<2x3x4xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(b, s, n) -> (b, s, n)>, affine_map<(b, s, n) -> (b, s, 0)>, affine_map<(b, s, n) -> (b, s, n)>],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%acc, %s : tensor<2x3x4xi32>, tensor<2x3x1xf32>) outs(%e : tensor<2x3x4xf32>) {
  ^bb0(%a: i32, %r: f32, %out: f32):
    %1 = arith.sitofp %a : i32 to f32
    %2 = arith.mulf %1, %r : f32
    linalg.yield %2 : f32
  } -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// -----

// Columns of an attention projection, and summed dims of the one that follows:
// the constants are reshaped as they are stored.
// CHECK-LABEL: func.func @projections(
// CHECK:         %[[W1:.+]] = arith.constant dense<1> : tensor<8x6xi8>
// CHECK:         %[[P1:.+]] = qopt.pack %[[W1]] {permutation = array<i64: 1, 0>} : tensor<8x6xi8> -> tensor<6x8xi8>
// CHECK:         %[[H:.+]] = qopt.gemm ins(%{{.+}}, %[[P1]] : tensor<5x8xi8>, tensor<6x8xi8>)
// CHECK:         %[[W2:.+]] = arith.constant dense<1> : tensor<6x7xi8>
// CHECK:         %[[P2:.+]] = qopt.pack %[[W2]] {permutation = array<i64: 1, 0>} : tensor<6x7xi8> -> tensor<7x6xi8>
// CHECK:         qopt.gemm ins(%{{.+}}, %[[P2]] : tensor<5x6xi8>, tensor<7x6xi8>)
func.func @projections(%x: tensor<5x8xi8>, %y: tensor<5x2x3xi8>) -> (tensor<5x2x3xi32>, tensor<5x7xi32>) {
  %w1 = arith.constant dense<1> : tensor<8x2x3xi8>
  %w2 = arith.constant dense<1> : tensor<2x3x7xi8>
  %z1 = arith.constant dense<0> : tensor<5x2x3xi32>
  %z2 = arith.constant dense<0> : tensor<5x7xi32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(m, h, d, k) -> (m, k)>, affine_map<(m, h, d, k) -> (k, h, d)>, affine_map<(m, h, d, k) -> (m, h, d)>]
      ins(%x, %w1 : tensor<5x8xi8>, tensor<8x2x3xi8>) outs(%z1 : tensor<5x2x3xi32>) -> tensor<5x2x3xi32>
  %1 = linalg.contract
      indexing_maps = [affine_map<(m, n, h, d) -> (m, h, d)>, affine_map<(m, n, h, d) -> (h, d, n)>, affine_map<(m, n, h, d) -> (m, n)>]
      ins(%y, %w2 : tensor<5x2x3xi8>, tensor<2x3x7xi8>) outs(%z2 : tensor<5x7xi32>) -> tensor<5x7xi32>
  return %0, %1 : tensor<5x2x3xi32>, tensor<5x7xi32>
}

// -----

// The weight first, where the result has its rows last.
// CHECK-LABEL: func.func @weight_first(
// CHECK-SAME:    %[[X:.+]]: tensor<4x8xi8>)
// CHECK:         %[[P:.+]] = qopt.pack
// CHECK:         qopt.gemm ins(%[[X]], %[[P]] : tensor<4x8xi8>, tensor<6x8xi8>)
// CHECK:         b_unsigned
func.func @weight_first(%x: tensor<4x8xi8>) -> tensor<4x6xi32> {
  %w = arith.constant dense<1> : tensor<6x8xi8>
  %zero = arith.constant dense<0> : tensor<4x6xi32>
  %0 = linalg.generic
      {indexing_maps = [affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (m, n)>],
       iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%w, %x : tensor<6x8xi8>, tensor<4x8xi8>) outs(%zero : tensor<4x6xi32>) {
  ^bb0(%b: i8, %a: i8, %out: i32):
    %1 = arith.extui %b : i8 to i32
    %2 = arith.extsi %a : i8 to i32
    %3 = arith.muli %1, %2 : i32
    %4 = arith.addi %out, %3 : i32
    linalg.yield %4 : i32
  } -> tensor<4x6xi32>
  return %0 : tensor<4x6xi32>
}

// -----

// Two batch dims, a batch of constants in an order of its own, and a batch of 1,
// which is none.
// CHECK-LABEL: func.func @batches(
// CHECK:         %[[W:.+]] = arith.constant dense<1.000000e+00> : tensor<5x6x4xf32>
// CHECK:         %[[P:.+]] = qopt.pack %[[W]] {permutation = array<i64: 1, 2, 0>} : tensor<5x6x4xf32> -> tensor<6x4x5xf32>
// CHECK:         qopt.gemm ins(%{{.+}}, %[[P]] : tensor<6x7x5xf32>, tensor<6x4x5xf32>) outs(%{{.+}} : tensor<6x7x4xf32>)
// CHECK:         qopt.gemm ins(%{{.+}}, %{{.+}} : tensor<7x5xf32>, tensor<4x5xf32>) outs(%{{.+}} : tensor<7x4xf32>)
func.func @batches(%a: tensor<2x3x7x5xf32>, %x: tensor<1x7x5xf32>, %y: tensor<1x4x5xf32>) -> (tensor<2x3x7x4xf32>, tensor<1x7x4xf32>) {
  %w = arith.constant dense<1.0> : tensor<5x2x3x4xf32>
  %z1 = arith.constant dense<0.0> : tensor<2x3x7x4xf32>
  %z2 = arith.constant dense<0.0> : tensor<1x7x4xf32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(b, c, m, n, k) -> (b, c, m, k)>, affine_map<(b, c, m, n, k) -> (k, b, c, n)>, affine_map<(b, c, m, n, k) -> (b, c, m, n)>]
      ins(%a, %w : tensor<2x3x7x5xf32>, tensor<5x2x3x4xf32>) outs(%z1 : tensor<2x3x7x4xf32>) -> tensor<2x3x7x4xf32>
  %1 = linalg.batch_matmul
      indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%x, %y : tensor<1x7x5xf32>, tensor<1x4x5xf32>) outs(%z2 : tensor<1x7x4xf32>) -> tensor<1x7x4xf32>
  return %0, %1 : tensor<2x3x7x4xf32>, tensor<1x7x4xf32>
}

// -----

// Extent 1 may stand anywhere.
// CHECK-LABEL: func.func @unit_dims(
// CHECK:         tensor.collapse_shape %{{.+}} {{\[\[}}0], [1, 2]] : tensor<4x1x8xf32> into tensor<4x8xf32>
// CHECK:         tensor.collapse_shape %{{.+}} {{\[\[}}0], [1, 2]] : tensor<6x8x1xf32> into tensor<6x8xf32>
// CHECK:         qopt.gemm
// CHECK:         tensor.expand_shape %{{.+}} {{\[\[}}0, 1], [2]] output_shape [1, 4, 6]
func.func @unit_dims(%a: tensor<4x1x8xf32>, %b: tensor<6x8x1xf32>) -> tensor<1x4x6xf32> {
  %zero = arith.constant dense<0.0> : tensor<1x4x6xf32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(u, m, n, k) -> (m, u, k)>, affine_map<(u, m, n, k) -> (n, k, u)>, affine_map<(u, m, n, k) -> (u, m, n)>]
      ins(%a, %b : tensor<4x1x8xf32>, tensor<6x8x1xf32>) outs(%zero : tensor<1x4x6xf32>) -> tensor<1x4x6xf32>
  return %0 : tensor<1x4x6xf32>
}

// No rows, and a sum over two dims: two reshapes.
// CHECK-LABEL: func.func @no_rows(
// CHECK:         %[[FLAT:.+]] = tensor.collapse_shape %{{.+}} {{\[\[}}0, 1]] : tensor<2x4xf32> into tensor<8xf32>
// CHECK:         %[[A:.+]] = tensor.expand_shape %[[FLAT]] {{\[\[}}0, 1]] output_shape [1, 8]
// CHECK:         qopt.gemm ins(%[[A]], %{{.+}} : tensor<1x8xf32>, tensor<5x8xf32>)
func.func @no_rows(%a: tensor<2x4xf32>) -> tensor<5xf32> {
  %w = arith.constant dense<1.0> : tensor<2x4x5xf32>
  %zero = arith.constant dense<0.0> : tensor<5xf32>
  %0 = linalg.contract
      indexing_maps = [affine_map<(n, h, d) -> (h, d)>, affine_map<(n, h, d) -> (h, d, n)>, affine_map<(n, h, d) -> (n)>]
      ins(%a, %w : tensor<2x4xf32>, tensor<2x4x5xf32>) outs(%zero : tensor<5xf32>) -> tensor<5xf32>
  return %0 : tensor<5xf32>
}

// -----

// Q * K^T of attention: the transpose of the keys disappears, as it was made to
// undo another. For the values, the one transpose there is takes another order.
// CHECK-LABEL: func.func @attention(
// CHECK-SAME:    %[[Q:.+]]: tensor<6x4x8xf32>, %[[K:.+]]: tensor<6x5x8xf32>, %[[V:.+]]: tensor<2x5x3x8xf32>, %[[P:.+]]: tensor<6x4x5xf32>)
// CHECK-NOT:     linalg.transpose
// CHECK:         qopt.gemm ins(%[[Q]], %[[K]] : tensor<6x4x8xf32>, tensor<6x5x8xf32>) outs(%{{.+}} : tensor<6x4x5xf32>)
// CHECK:         %[[VC:.+]] = tensor.collapse_shape %[[V]] {{\[\[}}0], [1], [2, 3]] : tensor<2x5x3x8xf32> into tensor<2x5x24xf32>
// CHECK:         %[[E:.+]] = tensor.empty() : tensor<2x24x5xf32>
// CHECK:         %[[T:.+]] = linalg.transpose ins(%[[VC]] : tensor<2x5x24xf32>) outs(%[[E]] : tensor<2x24x5xf32>) permutation = [0, 2, 1]
// CHECK:         %[[VE:.+]] = tensor.expand_shape %[[T]] {{\[\[}}0], [1, 2], [3]]
// CHECK:         %[[VT:.+]] = tensor.collapse_shape %[[VE]] {{\[\[}}0, 1], [2], [3]]
// CHECK:         qopt.gemm ins(%[[P]], %[[VT]] : tensor<6x4x5xf32>, tensor<6x8x5xf32>) outs(%{{.+}} : tensor<6x4x8xf32>)
// CHECK-NOT:     linalg
func.func @attention(%q: tensor<6x4x8xf32>, %k: tensor<6x5x8xf32>, %v: tensor<2x5x3x8xf32>, %p: tensor<6x4x5xf32>) -> (tensor<6x4x5xf32>, tensor<6x4x8xf32>) {
  %c0 = arith.constant 0.0 : f32
  %ek = tensor.empty() : tensor<6x8x5xf32>
  %kt = linalg.transpose ins(%k : tensor<6x5x8xf32>) outs(%ek : tensor<6x8x5xf32>) permutation = [0, 2, 1]
  %e1 = tensor.empty() : tensor<6x4x5xf32>
  %f1 = linalg.fill ins(%c0 : f32) outs(%e1 : tensor<6x4x5xf32>) -> tensor<6x4x5xf32>
  %0 = linalg.batch_matmul ins(%q, %kt : tensor<6x4x8xf32>, tensor<6x8x5xf32>) outs(%f1 : tensor<6x4x5xf32>) -> tensor<6x4x5xf32>
  %ev = tensor.empty() : tensor<2x3x5x8xf32>
  %vt = linalg.transpose ins(%v : tensor<2x5x3x8xf32>) outs(%ev : tensor<2x3x5x8xf32>) permutation = [0, 2, 1, 3]
  %vc = tensor.collapse_shape %vt [[0, 1], [2], [3]] : tensor<2x3x5x8xf32> into tensor<6x5x8xf32>
  %e2 = tensor.empty() : tensor<6x4x8xf32>
  %f2 = linalg.fill ins(%c0 : f32) outs(%e2 : tensor<6x4x8xf32>) -> tensor<6x4x8xf32>
  %1 = linalg.batch_matmul ins(%p, %vc : tensor<6x4x5xf32>, tensor<6x5x8xf32>) outs(%f2 : tensor<6x4x8xf32>) -> tensor<6x4x8xf32>
  return %0, %1 : tensor<6x4x5xf32>, tensor<6x4x8xf32>
}

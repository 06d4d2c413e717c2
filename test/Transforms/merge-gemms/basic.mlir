// RUN: quant-opt %s --qopt-merge-gemms | FileCheck %s
// RUN: quant-opt %s --qopt-merge-gemms --remarks-filter=qopt --remark-policy=all -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// Queries and keys: one gemm with the columns of both. Constants per column are
// joined, a factor that differs becomes one per column, what is equal stays.
// REMARK:      [Passed] merged-gemms | Category:qopt | Remark="q+k: one gemm of 8 columns"
// CHECK-DAG:   #[[$COLUMNS:.+]] = affine_map<(d0, d1) -> (d1)>
// CHECK-DAG:   #[[$ROWS:.+]] = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: func.func @projections(
// CHECK-SAME:    %[[X:.+]]: tensor<2x2x4xi8>, %[[S:.+]]: tensor<4xf32>)
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<{{\[\[}}1, 2, 3, 10, 20, 0, 0, 1], [4, 5, 6, 30, 40, 0, 0, 2], [7, 8, 9, 50, 60, 0, 0, 3], [-1, -2, -3, 70, 80, 0, 0, 4]]> : tensor<4x8xi8>
// CHECK-DAG:     %[[P:.+]] = qopt.pack %[[W]] {permutation = array<i64: 1, 0>} : tensor<4x8xi8> -> tensor<8x4xi8>
// CHECK-DAG:     %[[A:.+]] = tensor.collapse_shape %[[X]]
// CHECK-DAG:     %[[M:.+]] = arith.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 4.000000e+00, 5.000000e+00, 6.000000e+00, 7.000000e+00, 8.000000e+00]> : tensor<8xf32>
// CHECK-DAG:     %[[F:.+]] = arith.constant dense<[5.000000e-01, 5.000000e-01, 5.000000e-01, 2.500000e-01, 2.500000e-01, 2.500000e-01, 2.500000e-01, 2.500000e-01]> : tensor<8xf32>
// CHECK:         %[[Y:.+]] = qopt.gemm ins(%[[A]], %[[P]] : tensor<4x4xi8>, tensor<8x4xi8>) epilogue(%[[M]], %[[S]], %[[F]] : tensor<8xf32>, tensor<4xf32>, tensor<8xf32>) outs(%{{.+}} : tensor<4x8xf32>)
// CHECK-NEXT:    ^bb0(%[[ACC:.+]]: i32, %[[M0:.+]]: f32, %[[S0:.+]]: f32, %[[F0:.+]]: f32):
// CHECK-NEXT:      %[[ONE:.+]] = arith.constant 1.000000e+00 : f32
// CHECK:           %[[V:.+]] = arith.sitofp %[[ACC]]
// CHECK:           arith.mulf %{{.+}}, %[[F0]]
// CHECK:           arith.addf %{{.+}}, %[[ONE]]
// CHECK:         {epilogue_maps = [#[[$COLUMNS]], #[[$ROWS]], #[[$COLUMNS]]], name = "q+k"}
// CHECK:         %[[Q:.+]] = tensor.extract_slice %[[Y]][0, 0] [4, 3] [1, 1] : tensor<4x8xf32> to tensor<4x3xf32>
// CHECK:         %[[K:.+]] = tensor.extract_slice %[[Y]][0, 3] [4, 5] [1, 1] : tensor<4x8xf32> to tensor<4x5xf32>
// CHECK-NOT:     qopt.gemm
// CHECK:         tensor.expand_shape %[[Q]]
// CHECK:         linalg.exp ins(%[[K]]
func.func @projections(%x: tensor<2x2x4xi8>, %s: tensor<4xf32>) -> (tensor<2x2x3xf32>, tensor<4x5xf32>) {
  %wq = arith.constant dense<[[1, 2, 3], [4, 5, 6], [7, 8, 9], [-1, -2, -3]]> : tensor<4x3xi8>
  %wk = arith.constant dense<[[10, 20, 0, 0, 1], [30, 40, 0, 0, 2], [50, 60, 0, 0, 3], [70, 80, 0, 0, 4]]> : tensor<4x5xi8>
  %mq = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %mk = arith.constant dense<[4.0, 5.0, 6.0, 7.0, 8.0]> : tensor<5xf32>
  %aq = tensor.collapse_shape %x [[0, 1], [2]] : tensor<2x2x4xi8> into tensor<4x4xi8>
  %pq = qopt.pack %wq {permutation = array<i64: 1, 0>} : tensor<4x3xi8> -> tensor<3x4xi8>
  %dq = tensor.empty() : tensor<4x3xf32>
  %q = qopt.gemm ins(%aq, %pq : tensor<4x4xi8>, tensor<3x4xi8>) epilogue(%mq, %s : tensor<3xf32>, tensor<4xf32>) outs(%dq : tensor<4x3xf32>) {
  ^bb0(%acc: i32, %m: f32, %r: f32):
    %one = arith.constant 1.0 : f32
    %half = arith.constant 0.5 : f32
    %0 = arith.sitofp %acc : i32 to f32
    %1 = arith.mulf %0, %m : f32
    %2 = arith.mulf %1, %r : f32
    %3 = arith.mulf %2, %half : f32
    %4 = arith.addf %3, %one : f32
    qopt.yield %4 : f32
  } {epilogue_maps = [affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m)>], name = "q"} -> tensor<4x3xf32>
  %ak = tensor.collapse_shape %x [[0, 1], [2]] : tensor<2x2x4xi8> into tensor<4x4xi8>
  %pk = qopt.pack %wk {permutation = array<i64: 1, 0>} : tensor<4x5xi8> -> tensor<5x4xi8>
  %dk = tensor.empty() : tensor<4x5xf32>
  %k = qopt.gemm ins(%ak, %pk : tensor<4x4xi8>, tensor<5x4xi8>) epilogue(%mk, %s : tensor<5xf32>, tensor<4xf32>) outs(%dk : tensor<4x5xf32>) {
  ^bb0(%acc: i32, %m: f32, %r: f32):
    %one = arith.constant 1.0 : f32
    %quarter = arith.constant 0.25 : f32
    %0 = arith.sitofp %acc : i32 to f32
    %1 = arith.mulf %0, %m : f32
    %2 = arith.mulf %1, %r : f32
    %3 = arith.mulf %2, %quarter : f32
    %4 = arith.addf %3, %one : f32
    qopt.yield %4 : f32
  } {epilogue_maps = [affine_map<(m, n) -> (n)>, affine_map<(m, n) -> (m)>], name = "k"} -> tensor<4x5xf32>
  %eq = tensor.expand_shape %q [[0, 1], [2]] output_shape [2, 2, 3] : tensor<4x3xf32> into tensor<2x2x3xf32>
  %e1 = tensor.empty() : tensor<2x2x3xf32>
  %xq = linalg.exp ins(%eq : tensor<2x2x3xf32>) outs(%e1 : tensor<2x2x3xf32>) -> tensor<2x2x3xf32>
  %xk = linalg.exp ins(%k : tensor<4x5xf32>) outs(%dk : tensor<4x5xf32>) -> tensor<4x5xf32>
  return %xq, %xk : tensor<2x2x3xf32>, tensor<4x5xf32>
}

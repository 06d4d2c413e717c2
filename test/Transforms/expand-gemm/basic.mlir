// RUN: quant-opt %s --qopt-expand-gemm --split-input-file --verify-diagnostics | FileCheck %s

// A padded constant, of which the product and the epilogue read the part there is.

// CHECK-DAG:   #[[$MK:.+]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG:   #[[$NK:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG:   #[[$MN3:.+]] = affine_map<(d0, d1, d2) -> (d0, d1)>
// CHECK-DAG:   #[[$MN:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG:   #[[$N:.+]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @gemm(
// CHECK-SAME:    %[[X:.+]]: tensor<4x8xi8>)
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<1> : tensor<8x6xi8>
// CHECK-DAG:     %[[S:.+]] = arith.constant dense<2.000000e+00> : tensor<6xf32>
// CHECK:         %[[T:.+]] = linalg.transpose ins(%[[W]] : tensor<8x6xi8>) outs(%{{.+}} : tensor<6x8xi8>) permutation = [1, 0]
// CHECK:         %[[B:.+]] = tensor.pad %[[T]] low[0, 0] high[10, 8]
// CHECK:           tensor.yield %{{.+}} : i8
// CHECK:         } : tensor<6x8xi8> to tensor<16x16xi8>
// CHECK:         %[[S1:.+]] = tensor.pad %[[S]] low[0] high[10]
// CHECK:         %[[E:.+]] = tensor.empty() : tensor<4x6xf32>
// CHECK:         %[[B1:.+]] = tensor.extract_slice %[[B]][0, 0] [6, 8] [1, 1]
// CHECK:         %[[ZERO:.+]] = linalg.fill ins(%{{.+}} : i32)
// CHECK:         %[[ACC:.+]] = linalg.generic {indexing_maps = [#[[$MK]], #[[$NK]], #[[$MN3]]], iterator_types = ["parallel", "parallel", "reduction"]}
// CHECK-SAME:      ins(%[[X]], %[[B1]] : tensor<4x8xi8>, tensor<6x8xi8>) outs(%[[ZERO]] : tensor<4x6xi32>)
// CHECK-NEXT:    ^bb0(%[[A0:.+]]: i8, %[[B0:.+]]: i8, %[[OUT:.+]]: i32):
// CHECK-NEXT:      %[[EA:.+]] = arith.extui %[[A0]]
// CHECK-NEXT:      %[[EB:.+]] = arith.extsi %[[B0]]
// CHECK-NEXT:      %[[P:.+]] = arith.muli %[[EA]], %[[EB]]
// CHECK-NEXT:      %[[SUM:.+]] = arith.addi %[[OUT]], %[[P]]
// CHECK-NEXT:      linalg.yield %[[SUM]]
// CHECK:         %[[S2:.+]] = tensor.extract_slice %[[S1]][0] [6] [1]
// CHECK:         %[[Y:.+]] = linalg.generic {indexing_maps = [#[[$MN]], #[[$N]], #[[$MN]]], iterator_types = ["parallel", "parallel"]}
// CHECK-SAME:      ins(%[[ACC]], %[[S2]] : tensor<4x6xi32>, tensor<6xf32>) outs(%[[E]] : tensor<4x6xf32>)
// CHECK-NEXT:    ^bb0(%[[A1:.+]]: i32, %[[S3:.+]]: f32, %{{.+}}: f32):
// CHECK-NEXT:      %[[F:.+]] = arith.sitofp %[[A1]]
// CHECK-NEXT:      %[[R:.+]] = arith.mulf %[[F]], %[[S3]]
// CHECK-NEXT:      linalg.yield %[[R]]
// CHECK:         return %[[Y]]
func.func @gemm(%x: tensor<4x8xi8>) -> tensor<4x6xf32> {
  %w = arith.constant dense<1> : tensor<8x6xi8>
  %s = arith.constant dense<2.0> : tensor<6xf32>
  %b = qopt.pack %w {permutation = array<i64: 1, 0>} : tensor<8x6xi8> -> tensor<16x16xi8>
  %s1 = qopt.pack %s {permutation = array<i64: 0>} : tensor<6xf32> -> tensor<16xf32>
  %e = tensor.empty() : tensor<4x6xf32>
  %0 = qopt.gemm ins(%x, %b : tensor<4x8xi8>, tensor<16x16xi8>) epilogue(%s1 : tensor<16xf32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%acc: i32, %s0: f32):
    %1 = arith.sitofp %acc : i32 to f32
    %2 = arith.mulf %1, %s0 : f32
    qopt.yield %2 : f32
  } {a_unsigned, epilogue_maps = [affine_map<(m, n) -> (n)>]} -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// -----

// CHECK-DAG:   #[[$A:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG:   #[[$B:.+]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-LABEL: func.func @batched(
// CHECK:         linalg.generic {indexing_maps = [#[[$A]], #[[$B]], #{{.+}}], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
// CHECK:           arith.mulf
// CHECK:           arith.addf
func.func @batched(%x: tensor<2x4x8xf32>, %b: tensor<6x8xf32>) -> tensor<2x4x6xf32> {
  %e = tensor.empty() : tensor<2x4x6xf32>
  %0 = qopt.gemm ins(%x, %b : tensor<2x4x8xf32>, tensor<6x8xf32>) outs(%e : tensor<2x4x6xf32>) {
  ^bb0(%acc: f32):
    qopt.yield %acc : f32
  } {epilogue_maps = []} -> tensor<2x4x6xf32>
  return %0 : tensor<2x4x6xf32>
}

// -----

func.func @buffers(%w: memref<4x8xi8>) {
  // expected-error @below {{is on buffers: only kernel ops on tensors are expanded}}
  %b = qopt.pack %w {permutation = array<i64: 1, 0>} : memref<4x8xi8> -> memref<8x4xi8>
  return
}

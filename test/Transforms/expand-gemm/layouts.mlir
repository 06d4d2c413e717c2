// RUN: quant-opt %s --qopt-expand-gemm | FileCheck %s

// Dims of operands in the order of the maps; a shared b; floats of 16 bits are
// extended.
// CHECK-DAG:   #[[$A:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d2, d1, d4)>
// CHECK-DAG:   #[[$B:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d1, d3, d4)>
// CHECK-DAG:   #[[$SUM:.+]] = affine_map<(d0, d1, d2, d3, d4) -> (d0, d1, d2, d3)>
// CHECK-DAG:   #[[$ALL:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG:   #[[$S:.+]] = affine_map<(d0, d1, d2, d3) -> (d1, d3)>
// CHECK-DAG:   #[[$D:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1, d3)>
// CHECK-LABEL: func.func @heads(
// CHECK-SAME:    %[[X:.+]]: tensor<2x4x3x8xf16>, %[[W:.+]]: tensor<3x6x8xf16>, %[[S:.+]]: tensor<3x6xf32>)
// CHECK:         %[[ACC:.+]] = linalg.generic {indexing_maps = [#[[$A]], #[[$B]], #[[$SUM]]]
// CHECK-SAME:      ins(%[[X]], %[[W]] : tensor<2x4x3x8xf16>, tensor<3x6x8xf16>) outs(%{{.+}} : tensor<2x3x4x6xf32>)
// CHECK:           arith.extf
// CHECK:           arith.extf
// CHECK:         linalg.generic {indexing_maps = [#[[$ALL]], #[[$S]], #[[$D]]]
// CHECK-SAME:      ins(%[[ACC]], %{{.+}} : tensor<2x3x4x6xf32>, tensor<3x6xf32>) outs(%{{.+}} : tensor<2x4x3x6xf16>)
func.func @heads(%x: tensor<2x4x3x8xf16>, %w: tensor<3x6x8xf16>, %s: tensor<3x6xf32>) -> tensor<2x4x3x6xf16> {
  %e = tensor.empty() : tensor<2x4x3x6xf16>
  %d = qopt.gemm ins(%x, %w : tensor<2x4x3x8xf16>, tensor<3x6x8xf16>) epilogue(%s : tensor<3x6xf32>) outs(%e : tensor<2x4x3x6xf16>) {
  ^bb0(%acc: f32, %s0: f32):
    %0 = arith.mulf %acc, %s0 : f32
    %1 = arith.truncf %0 : f32 to f16
    qopt.yield %1 : f16
  } {epilogue_maps = [affine_map<(b, h, m, n) -> (h, n)>],
     operand_maps = [affine_map<(b, h, m, k) -> (b, m, h, k)>, affine_map<(b, h, n, k) -> (h, n, k)>, affine_map<(b, h, m, n) -> (b, m, h, n)>]}
      -> tensor<2x4x3x6xf16>
  return %d : tensor<2x4x3x6xf16>
}

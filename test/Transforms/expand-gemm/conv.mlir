// RUN: quant-opt %s --qopt-expand-gemm --split-input-file | FileCheck %s

// A window is a convolution of the image in a filled tensor, as large as the
// windows reach or the image does; then rows and columns become two dims.

// CHECK-DAG:   #[[$X:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d0, d1 * 2 + d5, d2 + d6 * 3, d3, d7)>
// CHECK-DAG:   #[[$W:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d3, d4, d5, d6, d7)>
// CHECK-DAG:   #[[$Y:.+]] = affine_map<(d0, d1, d2, d3, d4, d5, d6, d7) -> (d0, d1, d2, d3, d4)>
// CHECK-LABEL: func.func @window(
// CHECK-SAME:    %[[X:.+]]: tensor<2x5x6x8xi8>, %[[B:.+]]: tensor<12x24xi8>)
// CHECK:         %[[PAD:.+]] = arith.constant -56 : i8
// CHECK:         %[[F:.+]] = linalg.fill ins(%[[PAD]] : i8) outs(%{{.+}} : tensor<2x10x7x8xi8>)
// CHECK:         %[[I:.+]] = tensor.insert_slice %[[X]] into %[[F]][0, 1, 0, 0] [2, 5, 6, 8] [1, 2, 1, 1]
// CHECK:         %[[XG:.+]] = tensor.expand_shape %[[I]] {{.+}} into tensor<2x10x7x2x4xi8>
// CHECK:         %[[BG:.+]] = tensor.expand_shape %[[B]] {{.+}} into tensor<2x6x3x2x4xi8>
// CHECK:         linalg.generic {indexing_maps = [#[[$X]], #[[$W]], #[[$Y]]]
// CHECK-SAME:      ins(%[[XG]], %[[BG]] : {{.+}}) outs(%{{.+}} : tensor<2x4x4x2x6xi32>)
// CHECK:           arith.extui
// CHECK:           arith.extsi
// CHECK:         tensor.collapse_shape %{{.+}} {{\[\[}}0, 1, 2], [3, 4]] : tensor<2x4x4x2x6xi32> into tensor<32x12xi32>
func.func @window(%x: tensor<2x5x6x8xi8>, %b: tensor<12x24xi8>) -> tensor<32x12xi32> {
  %e = tensor.empty() : tensor<32x12xi32>
  %d = qopt.gemm ins(%x, %b : tensor<2x5x6x8xi8>, tensor<12x24xi8>) outs(%e : tensor<32x12xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = [], a_unsigned, window = #qopt.window<kernel = [3, 2], out = [4, 4], stride = [2, 1], dilation = [1, 3], pad = [1, 0], input_dilation = [2, 1], groups = 2, pad_value = 200>} -> tensor<32x12xi32>
  return %d : tensor<32x12xi32>
}

// -----

// Layouts: heads of rows and of the result between them.

// CHECK-DAG:   #[[$A:.+]] = affine_map<(d0, d1, d2, d3) -> (d1, d0, d3)>
// CHECK-DAG:   #[[$B:.+]] = affine_map<(d0, d1, d2, d3) -> (d2, d3)>
// CHECK-DAG:   #[[$S:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>
// CHECK-DAG:   #[[$ID:.+]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-DAG:   #[[$M:.+]] = affine_map<(d0, d1, d2) -> (d1)>
// CHECK-DAG:   #[[$D:.+]] = affine_map<(d0, d1, d2) -> (d1, d0, d2)>
// CHECK-LABEL: func.func @layouts(
// CHECK:         linalg.generic {indexing_maps = [#[[$A]], #[[$B]], #[[$S]]]
// CHECK-SAME:      ins(%{{.+}}, %{{.+}} : tensor<5x3x8xi8>, tensor<4x8xi8>) outs(%{{.+}} : tensor<3x5x4xi32>)
// CHECK:         linalg.generic {indexing_maps = [#[[$ID]], #[[$M]], #[[$D]]]
// CHECK-SAME:      ins(%{{.+}}, %{{.+}} : tensor<3x5x4xi32>, tensor<5xi32>) outs(%{{.+}} : tensor<5x3x4xi32>)
func.func @layouts(%x: tensor<5x3x8xi8>, %b: tensor<4x8xi8>, %m: tensor<5xi32>) -> tensor<5x3x4xi32> {
  %e = tensor.empty() : tensor<5x3x4xi32>
  %d = qopt.gemm ins(%x, %b : tensor<5x3x8xi8>, tensor<4x8xi8>)
      epilogue(%m : tensor<5xi32>) outs(%e : tensor<5x3x4xi32>) {
  ^bb0(%acc: i32, %m0: i32):
    %s = arith.addi %acc, %m0 : i32
    qopt.yield %s : i32
  } {epilogue_maps = [affine_map<(b, m, n) -> (m)>],
     operand_maps = [affine_map<(b, m, k) -> (m, b, k)>, affine_map<(b, n, k) -> (n, k)>, affine_map<(b, m, n) -> (m, b, n)>]} -> tensor<5x3x4xi32>
  return %d : tensor<5x3x4xi32>
}

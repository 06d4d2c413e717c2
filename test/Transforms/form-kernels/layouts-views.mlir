// RUN: quant-opt %s --qopt-form-kernels --split-input-file | FileCheck %s

// Operands are read where they lie, results stored where they are wanted.

// Queries and keys as a projection leaves them, heads side by side: no transpose
// is left, samples and heads are two batch dims.
// CHECK-DAG:   #[[$HEADS:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1, d3)>
// CHECK-DAG:   #[[$PLAIN:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-LABEL: func.func @scores(
// CHECK-SAME:    %[[Q:.+]]: tensor<2x5x3x16xi8>, %[[K:.+]]: tensor<2x7x48xi8>)
// CHECK:         %[[KEYS:.+]] = tensor.expand_shape %[[K]] {{\[\[}}0], [1], [2, 3]] output_shape [2, 7, 3, 16]
// CHECK-NOT:     linalg.transpose
// CHECK:         %[[S:.+]] = qopt.gemm ins(%[[Q]], %[[KEYS]] : tensor<2x5x3x16xi8>, tensor<2x7x3x16xi8>) outs(%{{.+}} : tensor<2x3x5x7xi32>)
// CHECK:         operand_maps = [#[[$HEADS]], #[[$HEADS]], #[[$PLAIN]]]
// CHECK:         tensor.collapse_shape %[[S]] {{\[\[}}0, 1], [2], [3]]
func.func @scores(%q: tensor<2x5x3x16xi8>, %k: tensor<2x7x48xi8>) -> tensor<6x5x7xi32> {
  %ks = tensor.expand_shape %k [[0], [1], [2, 3]] output_shape [2, 7, 3, 16] : tensor<2x7x48xi8> into tensor<2x7x3x16xi8>
  %eq = tensor.empty() : tensor<2x3x5x16xi8>
  %qt = linalg.transpose ins(%q : tensor<2x5x3x16xi8>) outs(%eq : tensor<2x3x5x16xi8>) permutation = [0, 2, 1, 3]
  %qc = tensor.collapse_shape %qt [[0, 1], [2], [3]] : tensor<2x3x5x16xi8> into tensor<6x5x16xi8>
  %ek = tensor.empty() : tensor<2x3x16x7xi8>
  %kt = linalg.generic
      {indexing_maps = [affine_map<(b, h, d, t) -> (b, t, h, d)>, affine_map<(b, h, d, t) -> (b, h, d, t)>],
       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%ks : tensor<2x7x3x16xi8>) outs(%ek : tensor<2x3x16x7xi8>) {
  ^bb0(%in: i8, %out: i8):
    linalg.yield %in : i8
  } -> tensor<2x3x16x7xi8>
  %kc = tensor.collapse_shape %kt [[0, 1], [2], [3]] : tensor<2x3x16x7xi8> into tensor<6x16x7xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<6x5x7xi32>
  %f = linalg.fill ins(%c0 : i32) outs(%e : tensor<6x5x7xi32>) -> tensor<6x5x7xi32>
  %0 = linalg.batch_matmul ins(%qc, %kc : tensor<6x5x16xi8>, tensor<6x16x7xi8>) outs(%f : tensor<6x5x7xi32>) -> tensor<6x5x7xi32>
  return %0 : tensor<6x5x7xi32>
}

// -----

// Slices of one projection, transposed as a whole.
// CHECK-LABEL: func.func @slices(
// CHECK-SAME:    %[[QKV:.+]]: tensor<2x5x3x4x16xi8>)
// CHECK-NOT:     linalg.transpose
// CHECK-DAG:     %[[Q:.+]] = tensor.extract_slice %[[QKV]][0, 0, 0, 0, 0] [2, 5, 1, 4, 16] [1, 1, 1, 1, 1]
// CHECK-DAG:     %[[QC:.+]] = tensor.collapse_shape %[[Q]] {{.+}} : tensor<2x5x1x4x16xi8> into tensor<2x5x4x16xi8>
// CHECK-DAG:     %[[K:.+]] = tensor.extract_slice %[[QKV]][0, 0, 1, 0, 0] [2, 5, 1, 4, 16] [1, 1, 1, 1, 1]
// CHECK-DAG:     %[[KC:.+]] = tensor.collapse_shape %[[K]] {{.+}} : tensor<2x5x1x4x16xi8> into tensor<2x5x4x16xi8>
// CHECK:         qopt.gemm ins(%[[QC]], %[[KC]] : tensor<2x5x4x16xi8>, tensor<2x5x4x16xi8>) outs(%{{.+}} : tensor<2x4x5x5xi32>)
func.func @slices(%qkv: tensor<2x5x3x4x16xi8>) -> tensor<8x5x5xi32> {
  %et = tensor.empty() : tensor<3x2x4x5x16xi8>
  %t = linalg.transpose ins(%qkv : tensor<2x5x3x4x16xi8>) outs(%et : tensor<3x2x4x5x16xi8>) permutation = [2, 0, 3, 1, 4]
  %q = tensor.extract_slice %t[0, 0, 0, 0, 0] [1, 2, 4, 5, 16] [1, 1, 1, 1, 1] : tensor<3x2x4x5x16xi8> to tensor<2x4x5x16xi8>
  %k = tensor.extract_slice %t[1, 0, 0, 0, 0] [1, 2, 4, 5, 16] [1, 1, 1, 1, 1] : tensor<3x2x4x5x16xi8> to tensor<1x2x4x5x16xi8>
  %qc = tensor.collapse_shape %q [[0, 1], [2], [3]] : tensor<2x4x5x16xi8> into tensor<8x5x16xi8>
  %kc = tensor.collapse_shape %k [[0, 1, 2], [3], [4]] : tensor<1x2x4x5x16xi8> into tensor<8x5x16xi8>
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<8x5x5xi32>
  %f = linalg.fill ins(%c0 : i32) outs(%e : tensor<8x5x5xi32>) -> tensor<8x5x5xi32>
  %0 = linalg.batch_matmul indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%qc, %kc : tensor<8x5x16xi8>, tensor<8x5x16xi8>) outs(%f : tensor<8x5x5xi32>) -> tensor<8x5x5xi32>
  return %0 : tensor<8x5x5xi32>
}

// -----

// Values weighted by head, then wanted with heads side by side: the gemm stores
// them there. Its epilogue's operands keep their dims.
// CHECK-DAG:   #[[$HEADS:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d2, d1, d3)>
// CHECK-DAG:   #[[$CHANNELS:.+]] = affine_map<(d0, d1, d2, d3) -> (d1, d3)>
// CHECK-LABEL: func.func @context(
// CHECK-SAME:    %[[P:.+]]: tensor<2x3x5x7xi8>, %[[V:.+]]: tensor<3x2x8x7xi8>, %[[S:.+]]: tensor<1x3x1x8xf32>)
// CHECK:         %[[C:.+]] = tensor.collapse_shape %[[S]] {{.+}} into tensor<3x8xf32>
// CHECK:         %[[Y:.+]] = qopt.gemm ins(%[[P]], %[[V]] : tensor<2x3x5x7xi8>, tensor<3x2x8x7xi8>) epilogue(%[[C]] : tensor<3x8xf32>) outs(%{{.+}} : tensor<2x5x3x8xf32>)
// CHECK:         epilogue_maps = [#[[$CHANNELS]]]
// CHECK-SAME:    operand_maps = [{{.+}}, {{.+}}, #[[$HEADS]]]
// CHECK:         tensor.collapse_shape %[[Y]] {{\[\[}}0, 1], [2, 3]] : tensor<2x5x3x8xf32> into tensor<10x24xf32>
// CHECK-NOT:     linalg.transpose
func.func @context(%p: tensor<2x3x5x7xi8>, %v: tensor<3x2x8x7xi8>, %s: tensor<1x3x1x8xf32>) -> tensor<10x24xf32> {
  %zero = arith.constant dense<0> : tensor<2x3x5x8xi32>
  %acc = linalg.contract
      indexing_maps = [affine_map<(b, h, m, n, k) -> (b, h, m, k)>, affine_map<(b, h, m, n, k) -> (h, b, n, k)>, affine_map<(b, h, m, n, k) -> (b, h, m, n)>]
      ins(%p, %v : tensor<2x3x5x7xi8>, tensor<3x2x8x7xi8>) outs(%zero : tensor<2x3x5x8xi32>) -> tensor<2x3x5x8xi32>
  %e = tensor.empty() : tensor<2x3x5x8xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(b, h, m, n) -> (b, h, m, n)>, affine_map<(b, h, m, n) -> (0, h, 0, n)>, affine_map<(b, h, m, n) -> (b, h, m, n)>],
                       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%acc, %s : tensor<2x3x5x8xi32>, tensor<1x3x1x8xf32>) outs(%e : tensor<2x3x5x8xf32>) {
  ^bb0(%a: i32, %r: f32, %out: f32):
    %1 = arith.sitofp %a : i32 to f32
    %2 = arith.mulf %1, %r : f32
    linalg.yield %2 : f32
  } -> tensor<2x3x5x8xf32>
  %et = tensor.empty() : tensor<2x5x3x8xf32>
  %t = linalg.transpose ins(%0 : tensor<2x3x5x8xf32>) outs(%et : tensor<2x5x3x8xf32>) permutation = [0, 2, 1, 3]
  %c = tensor.collapse_shape %t [[0, 1], [2, 3]] : tensor<2x5x3x8xf32> into tensor<10x24xf32>
  return %c : tensor<10x24xf32>
}

// -----

// Values that are wanted with tokens last: the weights become a, what was per
// column is per row.
// CHECK-DAG:   #[[$ROWS:.+]] = affine_map<(d0, d1, d2) -> (d1)>
// CHECK-DAG:   #[[$SHARED:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-DAG:   #[[$ALL:.+]] = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
// CHECK-LABEL: func.func @values(
// CHECK-SAME:    %[[X:.+]]: tensor<2x5x16xi8>, %[[S:.+]]: tensor<24xf32>)
// CHECK:         %[[W:.+]] = qopt.pack
// CHECK:         %[[Y:.+]] = qopt.gemm ins(%[[W]], %{{.+}} : tensor<24x16xi8>, tensor<2x5x16xi8>) epilogue(%[[S]] : tensor<24xf32>) outs(%{{.+}} : tensor<2x24x5xf32>)
// CHECK:         {b_unsigned, epilogue_maps = [#[[$ROWS]]]
// CHECK-SAME:    operand_maps = [#[[$SHARED]], #[[$ALL]], #[[$ALL]]]
// CHECK:         tensor.expand_shape %[[Y]] {{\[\[}}0], [1, 2], [3]] output_shape [2, 3, 8, 5]
// CHECK-NOT:     linalg.transpose
func.func @values(%x: tensor<2x5x16xi8>, %s: tensor<24xf32>) -> tensor<2x3x8x5xf32> {
  %w = arith.constant dense<1> : tensor<16x24xi8>
  %zero = arith.constant dense<0> : tensor<2x5x24xi32>
  %acc = linalg.generic
      {indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (k, n)>, affine_map<(b, m, n, k) -> (b, m, n)>],
       iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<2x5x16xi8>, tensor<16x24xi8>) outs(%zero : tensor<2x5x24xi32>) {
  ^bb0(%a: i8, %b: i8, %out: i32):
    %1 = arith.extui %a : i8 to i32
    %2 = arith.extsi %b : i8 to i32
    %3 = arith.muli %1, %2 : i32
    %4 = arith.addi %out, %3 : i32
    linalg.yield %4 : i32
  } -> tensor<2x5x24xi32>
  %e = tensor.empty() : tensor<2x5x24xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (n)>, affine_map<(b, m, n) -> (b, m, n)>],
                       iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%acc, %s : tensor<2x5x24xi32>, tensor<24xf32>) outs(%e : tensor<2x5x24xf32>) {
  ^bb0(%a: i32, %r: f32, %out: f32):
    %1 = arith.sitofp %a : i32 to f32
    %2 = arith.mulf %1, %r : f32
    linalg.yield %2 : f32
  } -> tensor<2x5x24xf32>
  %h = tensor.expand_shape %0 [[0], [1], [2, 3]] output_shape [2, 5, 3, 8] : tensor<2x5x24xf32> into tensor<2x5x3x8xf32>
  %et = tensor.empty() : tensor<2x3x8x5xf32>
  %t = linalg.transpose ins(%h : tensor<2x5x3x8xf32>) outs(%et : tensor<2x3x8x5xf32>) permutation = [0, 2, 3, 1]
  return %t : tensor<2x3x8x5xf32>
}

// -----

// Two readers of the result, one of them not transposed; a residual, which the
// gemm would have to read transposed: the transposes stay.
// CHECK-LABEL: func.func @kept(
// CHECK:         qopt.gemm {{.+}} outs(%{{.+}} : tensor<5x24xi32>)
// CHECK:         linalg.transpose
// CHECK:         qopt.gemm {{.+}} outs(%{{.+}} : tensor<5x24xi32>)
// CHECK:         linalg.transpose
func.func @kept(%x: tensor<5x16xi8>, %r: tensor<5x24xi32>) -> (tensor<5x24xi32>, tensor<24x5xi32>, tensor<24x5xi32>) {
  %w = arith.constant dense<1> : tensor<16x24xi8>
  %zero = arith.constant dense<0> : tensor<5x24xi32>
  %0 = linalg.matmul ins(%x, %w : tensor<5x16xi8>, tensor<16x24xi8>) outs(%zero : tensor<5x24xi32>) -> tensor<5x24xi32>
  %et = tensor.empty() : tensor<24x5xi32>
  %t = linalg.transpose ins(%0 : tensor<5x24xi32>) outs(%et : tensor<24x5xi32>) permutation = [1, 0]
  %1 = linalg.matmul ins(%x, %w : tensor<5x16xi8>, tensor<16x24xi8>) outs(%zero : tensor<5x24xi32>) -> tensor<5x24xi32>
  %e = tensor.empty() : tensor<5x24xi32>
  %2 = linalg.add ins(%1, %r : tensor<5x24xi32>, tensor<5x24xi32>) outs(%e : tensor<5x24xi32>) -> tensor<5x24xi32>
  %t2 = linalg.transpose ins(%2 : tensor<5x24xi32>) outs(%et : tensor<24x5xi32>) permutation = [1, 0]
  return %0, %t, %t2 : tensor<5x24xi32>, tensor<24x5xi32>, tensor<24x5xi32>
}

// -----

// A constant with the rows, and rows on both sides of the columns: the outer ones
// are a batch.
// CHECK-DAG:   #[[$SHARED:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-LABEL: func.func @constant_rows(
// CHECK-SAME:    %[[X:.+]]: tensor<4x8xi8>, %[[A:.+]]: tensor<4x2x8xf32>, %[[B:.+]]: tensor<6x8xf32>)
// CHECK:         %[[P:.+]] = qopt.pack %{{.+}} {permutation = array<i64: 0, 1>} : tensor<6x8xi8> -> tensor<6x8xi8>
// CHECK:         qopt.gemm ins(%[[P]], %[[X]] : tensor<6x8xi8>, tensor<4x8xi8>) outs(%{{.+}} : tensor<6x4xi32>)
// CHECK:         qopt.gemm ins(%[[B]], %[[A]] : tensor<6x8xf32>, tensor<4x2x8xf32>) outs(%{{.+}} : tensor<4x6x2xf32>)
// CHECK:         operand_maps = [#[[$SHARED]], {{.+}}]
func.func @constant_rows(%x: tensor<4x8xi8>, %a: tensor<4x2x8xf32>, %b: tensor<6x8xf32>) -> (tensor<6x4xi32>, tensor<4x6x2xf32>) {
  %w = arith.constant dense<1> : tensor<6x8xi8>
  %zero = arith.constant dense<0> : tensor<6x4xi32>
  %0 = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%w, %x : tensor<6x8xi8>, tensor<4x8xi8>) outs(%zero : tensor<6x4xi32>) -> tensor<6x4xi32>
  %z1 = arith.constant dense<0.0> : tensor<4x6x2xf32>
  %1 = linalg.contract
      indexing_maps = [affine_map<(m, j, n, k) -> (m, j, k)>, affine_map<(m, j, n, k) -> (n, k)>, affine_map<(m, j, n, k) -> (m, n, j)>]
      ins(%a, %b : tensor<4x2x8xf32>, tensor<6x8xf32>) outs(%z1 : tensor<4x6x2xf32>) -> tensor<4x6x2xf32>
  return %0, %1 : tensor<6x4xi32>, tensor<4x6x2xf32>
}

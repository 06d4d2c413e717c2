// RUN: quant-opt %s --qopt-form-kernels --split-input-file | FileCheck %s

// GELU uses its argument twice: all of it is one expression that ends in one
// value. Scalars come from splats, fills, captured constants.

#mn = affine_map<(m, n) -> (m, n)>
#n = affine_map<(m, n) -> (n)>
#none = affine_map<(m, n) -> ()>

// CHECK-LABEL: func.func @gelu(
// CHECK-SAME:    %[[X:.+]]: tensor<4x8xf32>, %[[W:.+]]: tensor<6x8xf32>)
// CHECK-NOT:     linalg
// CHECK:         qopt.gemm ins(%[[X]], %[[W]] : {{.+}}) outs(%{{.+}} : tensor<4x6xf32>) {
// CHECK-NEXT:    ^bb0(%[[ACC:.+]]: f32):
// CHECK-DAG:       %[[SQRT2:.+]] = arith.constant 1.41421354 : f32
// CHECK-DAG:       %[[ONE:.+]] = arith.constant 1.000000e+00 : f32
// CHECK-DAG:       %[[HALF:.+]] = arith.constant 5.000000e-01 : f32
// CHECK:           %[[D:.+]] = arith.divf %[[ACC]], %[[SQRT2]] : f32
// CHECK:           %[[ERF:.+]] = math.erf %[[D]] : f32
// CHECK:           %[[P:.+]] = arith.addf %[[ERF]], %[[ONE]] : f32
// CHECK:           %[[XP:.+]] = arith.mulf %[[ACC]], %[[P]] : f32
// CHECK:           %[[Y:.+]] = arith.mulf %[[XP]], %[[HALF]] : f32
// CHECK:           qopt.yield %[[Y]] : f32
// CHECK:         return
func.func @gelu(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>) -> tensor<4x6xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x6xf32>
  %sqrt2 = arith.constant dense<1.41421354> : tensor<f32>
  %one = arith.constant 1.0 : f32
  %half = arith.constant 0.5 : f32
  %acc = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %w : tensor<4x8xf32>, tensor<6x8xf32>) outs(%zero : tensor<4x6xf32>) -> tensor<4x6xf32>
  %e = tensor.empty() : tensor<4x6xf32>
  %ones = linalg.fill ins(%one : f32) outs(%e : tensor<4x6xf32>) -> tensor<4x6xf32>
  %0 = linalg.generic {indexing_maps = [#mn, #none, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%acc, %sqrt2 : tensor<4x6xf32>, tensor<f32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %r = arith.divf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  %1 = linalg.erf ins(%0 : tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) -> tensor<4x6xf32>
  %2 = linalg.add ins(%1, %ones : tensor<4x6xf32>, tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) -> tensor<4x6xf32>
  %3 = linalg.mul ins(%acc, %2 : tensor<4x6xf32>, tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) -> tensor<4x6xf32>
  %4 = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%3 : tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%a: f32, %out: f32):
    %r = arith.mulf %a, %half : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %4 : tensor<4x6xf32>
}

// -----

#mn = affine_map<(m, n) -> (m, n)>

// A residual that is computed after the product, and one tensor used twice: one
// operand. The gemm comes where both are there.
// CHECK-DAG:   #[[$MN:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-LABEL: func.func @residual(
// CHECK-SAME:    %[[X:.+]]: tensor<4x8xi8>, %[[R:.+]]: tensor<4x6xi8>)
// CHECK:         %[[SUM:.+]] = linalg.add ins(%[[R]], %[[R]]
// CHECK:         qopt.gemm ins(%[[X]], %{{.+}} : {{.+}}) epilogue(%[[SUM]] : tensor<4x6xi8>) outs(%{{.+}} : tensor<4x6xi32>) {
// CHECK-NEXT:    ^bb0(%[[ACC:.+]]: i32, %[[S:.+]]: i8):
// CHECK-NEXT:      %[[WIDE:.+]] = arith.extsi %[[S]] : i8 to i32
// CHECK-NEXT:      %[[A:.+]] = arith.addi %[[ACC]], %[[WIDE]] : i32
// CHECK-NEXT:      %[[B:.+]] = arith.muli %[[A]], %[[WIDE]] : i32
// CHECK-NEXT:      qopt.yield %[[B]] : i32
// CHECK-NEXT:    } {epilogue_maps = [#[[$MN]]]
func.func @residual(%x: tensor<4x8xi8>, %r: tensor<4x6xi8>) -> tensor<4x6xi32> {
  %w = arith.constant dense<1> : tensor<8x6xi8>
  %zero = arith.constant dense<0> : tensor<4x6xi32>
  %acc = linalg.matmul ins(%x, %w : tensor<4x8xi8>, tensor<8x6xi8>) outs(%zero : tensor<4x6xi32>) -> tensor<4x6xi32>
  %e8 = tensor.empty() : tensor<4x6xi8>
  %e = tensor.empty() : tensor<4x6xi32>
  %s = linalg.add ins(%r, %r : tensor<4x6xi8>, tensor<4x6xi8>) outs(%e8 : tensor<4x6xi8>) -> tensor<4x6xi8>
  %0 = linalg.generic {indexing_maps = [#mn, #mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%s, %acc : tensor<4x6xi8>, tensor<4x6xi32>) outs(%e : tensor<4x6xi32>) {
  ^bb0(%a: i8, %b: i32, %out: i32):
    %wide = arith.extsi %a : i8 to i32
    %1 = arith.addi %b, %wide : i32
    linalg.yield %1 : i32
  } -> tensor<4x6xi32>
  %2 = linalg.generic {indexing_maps = [#mn, #mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%0, %s : tensor<4x6xi32>, tensor<4x6xi8>) outs(%e : tensor<4x6xi32>) {
  ^bb0(%a: i32, %b: i8, %out: i32):
    %wide = arith.extsi %b : i8 to i32
    %1 = arith.muli %a, %wide : i32
    linalg.yield %1 : i32
  } -> tensor<4x6xi32>
  return %2 : tensor<4x6xi32>
}

// -----

// Shapes may change on the way: heads of attention, then a scale per batch and a
// mask per row and column of each batch, which are one dim here.
// CHECK-DAG:   #[[$B:.+]] = affine_map<(d0, d1, d2) -> (d0)>
// CHECK-DAG:   #[[$BN:.+]] = affine_map<(d0, d1, d2) -> (d0, d2)>
// CHECK-DAG:   #[[$MN:.+]] = affine_map<(d0, d1, d2) -> (d1, d2)>
// CHECK-LABEL: func.func @reshapes(
// CHECK-SAME:    %[[Q:.+]]: tensor<6x4x8xf32>, %[[K:.+]]: tensor<6x5x8xf32>, %[[S:.+]]: tensor<2x3xf32>, %[[BIAS:.+]]: tensor<2x3x1x5xf32>, %[[MASK:.+]]: tensor<20xf32>)
// CHECK-DAG:     %[[S1:.+]] = tensor.collapse_shape %[[S]] {{\[\[}}0, 1]] : tensor<2x3xf32> into tensor<6xf32>
// CHECK-DAG:     %[[BIAS1:.+]] = tensor.collapse_shape %[[BIAS]] {{\[\[}}0, 1], [2, 3]] : tensor<2x3x1x5xf32> into tensor<6x5xf32>
// CHECK-DAG:     %[[MASK1:.+]] = tensor.expand_shape %[[MASK]] {{\[\[}}0, 1]] output_shape [4, 5] : tensor<20xf32> into tensor<4x5xf32>
// CHECK:         %[[Y:.+]] = qopt.gemm ins(%[[Q]], %[[K]] : {{.+}}) epilogue(%[[S1]], %[[BIAS1]], %[[MASK1]] : tensor<6xf32>, tensor<6x5xf32>, tensor<4x5xf32>)
// CHECK:         epilogue_maps = [#[[$B]], #[[$BN]], #[[$MN]]]
// CHECK:         %[[Z:.+]] = tensor.collapse_shape %[[Y]] {{\[\[}}0], [1, 2]] : tensor<6x4x5xf32> into tensor<6x20xf32>
// CHECK:         return %[[Z]]
func.func @reshapes(%q: tensor<6x4x8xf32>, %k: tensor<6x5x8xf32>, %s: tensor<2x3xf32>, %bias: tensor<2x3x1x5xf32>, %mask: tensor<20xf32>) -> tensor<6x20xf32> {
  %zero = arith.constant dense<0.0> : tensor<6x4x5xf32>
  %acc = linalg.batch_matmul
      indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (b, n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%q, %k : tensor<6x4x8xf32>, tensor<6x5x8xf32>) outs(%zero : tensor<6x4x5xf32>) -> tensor<6x4x5xf32>
  %heads = tensor.expand_shape %acc [[0, 1], [2], [3]] output_shape [2, 3, 4, 5] : tensor<6x4x5xf32> into tensor<2x3x4x5xf32>
  %e = tensor.empty() : tensor<2x3x4x5xf32>
  %0 = linalg.generic
      {indexing_maps = [affine_map<(b, h, m, n) -> (b, h, m, n)>, affine_map<(b, h, m, n) -> (b, h)>, affine_map<(b, h, m, n) -> (b, h, 0, n)>, affine_map<(b, h, m, n) -> (b, h, m, n)>],
       iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%heads, %s, %bias : tensor<2x3x4x5xf32>, tensor<2x3xf32>, tensor<2x3x1x5xf32>) outs(%e : tensor<2x3x4x5xf32>) {
  ^bb0(%a: f32, %f: f32, %g: f32, %out: f32):
    %1 = math.fma %a, %f, %g : f32
    linalg.yield %1 : f32
  } -> tensor<2x3x4x5xf32>
  %flat = tensor.collapse_shape %0 [[0, 1], [2, 3]] : tensor<2x3x4x5xf32> into tensor<6x20xf32>
  %e2 = tensor.empty() : tensor<6x20xf32>
  %1 = linalg.generic
      {indexing_maps = [affine_map<(b, i) -> (b, i)>, affine_map<(b, i) -> (i)>, affine_map<(b, i) -> (b, i)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%flat, %mask : tensor<6x20xf32>, tensor<20xf32>) outs(%e2 : tensor<6x20xf32>) {
  ^bb0(%a: f32, %f: f32, %out: f32):
    %2 = arith.addf %a, %f : f32
    linalg.yield %2 : f32
  } -> tensor<6x20xf32>
  return %1 : tensor<6x20xf32>
}

// -----

// A reshape behind the last member stays outside; a run-time scalar is an operand
// without dims, wherever it has its extents of 1; broadcasts are looked through.
// CHECK-DAG:   #[[$NONE:.+]] = affine_map<(d0, d1) -> ()>
// CHECK-DAG:   #[[$M:.+]] = affine_map<(d0, d1) -> (d0)>
// CHECK-LABEL: func.func @scalars(
// CHECK-SAME:    %[[X:.+]]: tensor<4x8xi8>, %[[S:.+]]: tensor<1x1xf32>, %[[R:.+]]: tensor<4xf32>)
// CHECK:         %[[S1:.+]] = tensor.collapse_shape %[[S]] [] : tensor<1x1xf32> into tensor<f32>
// CHECK-NOT:     linalg
// CHECK:         qopt.gemm ins(%[[X]], %{{.+}} : {{.+}}) epilogue(%[[S1]], %[[R]] : tensor<f32>, tensor<4xf32>)
// CHECK:         epilogue_maps = [#[[$NONE]], #[[$M]]]
// CHECK:         tensor.collapse_shape
func.func @scalars(%x: tensor<4x8xi8>, %s: tensor<1x1xf32>, %r: tensor<4xf32>) -> tensor<24xf32> {
  %w = arith.constant dense<1> : tensor<8x6xi8>
  %zero = arith.constant dense<0> : tensor<4x6xi32>
  %e = tensor.empty() : tensor<4x6xf32>
  %rows = linalg.broadcast ins(%r : tensor<4xf32>) outs(%e : tensor<4x6xf32>) dimensions = [1]
  %acc = linalg.matmul ins(%x, %w : tensor<4x8xi8>, tensor<8x6xi8>) outs(%zero : tensor<4x6xi32>) -> tensor<4x6xi32>
  %0 = linalg.generic
      {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (0, 0)>, affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>],
       iterator_types = ["parallel", "parallel"]}
      ins(%acc, %s, %rows : tensor<4x6xi32>, tensor<1x1xf32>, tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%a: i32, %f: f32, %g: f32, %out: f32):
    %1 = arith.sitofp %a : i32 to f32
    %2 = math.fma %1, %f, %g : f32
    linalg.yield %2 : f32
  } -> tensor<4x6xf32>
  %flat = tensor.collapse_shape %0 [[0, 1]] : tensor<4x6xf32> into tensor<24xf32>
  return %flat : tensor<24xf32>
}

// -----

#mn = affine_map<(m, n) -> (m, n)>

// Truth values are read as bytes.
// CHECK-LABEL: func.func @mask(
// CHECK-SAME:    %{{.+}}, %[[MASK:.+]]: tensor<6xi1>)
// CHECK:         qopt.gemm {{.+}} epilogue(%[[MASK]] : tensor<6xi1>)
// CHECK-NEXT:    ^bb0(%[[ACC:.+]]: i32, %[[C:.+]]: i1):
// CHECK:           arith.select %[[C]], %[[ACC]]
func.func @mask(%x: tensor<4x8xi8>, %mask: tensor<6xi1>) -> tensor<4x6xi32> {
  %w = arith.constant dense<1> : tensor<8x6xi8>
  %zero = arith.constant dense<0> : tensor<4x6xi32>
  %c7 = arith.constant 7 : i32
  %e = tensor.empty() : tensor<4x6xi32>
  %acc = linalg.matmul ins(%x, %w : tensor<4x8xi8>, tensor<8x6xi8>) outs(%zero : tensor<4x6xi32>) -> tensor<4x6xi32>
  %0 = linalg.generic {indexing_maps = [#mn, affine_map<(m, n) -> (n)>, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%acc, %mask : tensor<4x6xi32>, tensor<6xi1>) outs(%e : tensor<4x6xi32>) {
  ^bb0(%a: i32, %c: i1, %out: i32):
    %r = arith.select %c, %a, %c7 : i32
    linalg.yield %r : i32
  } -> tensor<4x6xi32>
  return %0 : tensor<4x6xi32>
}

// -----

#mn = affine_map<(m, n) -> (m, n)>

// A value that leaves ends the epilogue: here the second of three.
// CHECK-LABEL: func.func @used_outside(
// CHECK:         %[[Y:.+]] = qopt.gemm
// CHECK:           arith.sitofp
// CHECK:           math.absf
// CHECK-NEXT:      qopt.yield
// CHECK:         %[[Z:.+]] = linalg.exp ins(%[[Y]]
// CHECK:         return %[[Y]], %[[Z]]
func.func @used_outside(%x: tensor<4x8xi8>) -> (tensor<4x6xf32>, tensor<4x6xf32>) {
  %w = arith.constant dense<1> : tensor<8x6xi8>
  %zero = arith.constant dense<0> : tensor<4x6xi32>
  %e = tensor.empty() : tensor<4x6xf32>
  %acc = linalg.matmul ins(%x, %w : tensor<4x8xi8>, tensor<8x6xi8>) outs(%zero : tensor<4x6xi32>) -> tensor<4x6xi32>
  %0 = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%acc : tensor<4x6xi32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%a: i32, %out: f32):
    %r = arith.sitofp %a : i32 to f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  %1 = linalg.abs ins(%0 : tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) -> tensor<4x6xf32>
  %2 = linalg.exp ins(%1 : tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) -> tensor<4x6xf32>
  return %1, %2 : tensor<4x6xf32>, tensor<4x6xf32>
}

// Two epilogues on one accumulator: it is the result.
// CHECK-LABEL: func.func @two_epilogues(
// CHECK:         %[[ACC:.+]] = qopt.gemm
// CHECK-NEXT:    ^bb0(%[[A:.+]]: f32):
// CHECK-NEXT:      qopt.yield %[[A]]
// CHECK:         linalg.exp ins(%[[ACC]]
// CHECK:         linalg.abs ins(%[[ACC]]
func.func @two_epilogues(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>) {
  %zero = arith.constant dense<0.0> : tensor<4x6xf32>
  %e = tensor.empty() : tensor<4x6xf32>
  %acc = linalg.matmul indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%x, %w : tensor<4x8xf32>, tensor<6x8xf32>) outs(%zero : tensor<4x6xf32>) -> tensor<4x6xf32>
  %0 = linalg.exp ins(%acc : tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) -> tensor<4x6xf32>
  %1 = linalg.abs ins(%acc : tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) -> tensor<4x6xf32>
  return %0, %1 : tensor<4x6xf32>, tensor<4x6xf32>
}

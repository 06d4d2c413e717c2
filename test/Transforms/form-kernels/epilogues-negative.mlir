// RUN: quant-opt %s --qopt-form-kernels | FileCheck %s

// Elementwise ops that no kernel's epilogue takes: each stays behind a gemm whose
// region is empty.

#mn = affine_map<(m, n) -> (m, n)>
#mk = affine_map<(m, n, k) -> (m, k)>
#nk = affine_map<(m, n, k) -> (n, k)>
#mnk = affine_map<(m, n, k) -> (m, n)>

// A call of a math library.
// CHECK-LABEL: func.func @sine(
// CHECK:         %[[Y:.+]] = qopt.gemm
// CHECK-NEXT:    ^bb0(%[[ACC:.+]]: f32):
// CHECK-NEXT:      qopt.yield %[[ACC]]
// CHECK:         linalg.generic {{.*}} ins(%[[Y]]
// CHECK:           math.sin
func.func @sine(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>) -> tensor<4x6xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x6xf32>
  %acc = linalg.matmul indexing_maps = [#mk, #nk, #mnk] ins(%x, %w : tensor<4x8xf32>, tensor<6x8xf32>) outs(%zero : tensor<4x6xf32>) -> tensor<4x6xf32>
  %e = tensor.empty() : tensor<4x6xf32>
  %0 = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%acc : tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%a: f32, %out: f32):
    %1 = math.sin %a : f32
    linalg.yield %1 : f32
  } -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// exp of f64 is not expanded.
// CHECK-LABEL: func.func @wide_exp(
// CHECK:         qopt.gemm
// CHECK-NEXT:    ^bb0(%[[ACC:.+]]: f32):
// CHECK-NEXT:      qopt.yield %[[ACC]]
// CHECK:         math.exp
func.func @wide_exp(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>) -> tensor<4x6xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x6xf32>
  %acc = linalg.matmul indexing_maps = [#mk, #nk, #mnk] ins(%x, %w : tensor<4x8xf32>, tensor<6x8xf32>) outs(%zero : tensor<4x6xf32>) -> tensor<4x6xf32>
  %e = tensor.empty() : tensor<4x6xf32>
  %0 = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%acc : tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%a: f32, %out: f32):
    %1 = arith.extf %a : f32 to f64
    %2 = math.exp %1 : f64
    %3 = arith.truncf %2 : f64 to f32
    linalg.yield %3 : f32
  } -> tensor<4x6xf32>
  return %0 : tensor<4x6xf32>
}

// The accumulator read across.
// CHECK-LABEL: func.func @transposed(
// CHECK:         %[[Y:.+]] = qopt.gemm
// CHECK:         linalg.generic {{.+}} ins(%[[Y]]
func.func @transposed(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>) -> tensor<6x4xf32> {
  %zero = arith.constant dense<0.0> : tensor<4x6xf32>
  %acc = linalg.matmul indexing_maps = [#mk, #nk, #mnk] ins(%x, %w : tensor<4x8xf32>, tensor<6x8xf32>) outs(%zero : tensor<4x6xf32>) -> tensor<4x6xf32>
  %e = tensor.empty() : tensor<6x4xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(n, m) -> (m, n)>, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%acc : tensor<4x6xf32>) outs(%e : tensor<6x4xf32>) {
  ^bb0(%a: f32, %out: f32):
    %1 = math.absf %a : f32
    linalg.yield %1 : f32
  } -> tensor<6x4xf32>
  return %0 : tensor<6x4xf32>
}

// The index of an element, a scalar argument, and an assertion.
// CHECK-LABEL: func.func @other_bodies(
// CHECK-COUNT-3: qopt.yield %{{.+}} : f32
// CHECK-COUNT-3: linalg.generic
func.func @other_bodies(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>, %s: f32, %c: i1) -> (tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>) {
  %zero = arith.constant dense<0.0> : tensor<4x6xf32>
  %acc0 = linalg.matmul indexing_maps = [#mk, #nk, #mnk] ins(%x, %w : tensor<4x8xf32>, tensor<6x8xf32>) outs(%zero : tensor<4x6xf32>) -> tensor<4x6xf32>
  %acc1 = linalg.matmul indexing_maps = [#mk, #nk, #mnk] ins(%x, %w : tensor<4x8xf32>, tensor<6x8xf32>) outs(%zero : tensor<4x6xf32>) -> tensor<4x6xf32>
  %acc2 = linalg.matmul indexing_maps = [#mk, #nk, #mnk] ins(%x, %w : tensor<4x8xf32>, tensor<6x8xf32>) outs(%zero : tensor<4x6xf32>) -> tensor<4x6xf32>
  %e = tensor.empty() : tensor<4x6xf32>
  %0 = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%acc0 : tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%a: f32, %out: f32):
    %i = linalg.index 0 : index
    %j = arith.index_cast %i : index to i32
    %f = arith.sitofp %j : i32 to f32
    %r = arith.addf %a, %f : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  %1 = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%acc1 : tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%a: f32, %out: f32):
    %r = arith.addf %a, %s : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  %2 = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%acc2 : tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%a: f32, %out: f32):
    cf.assert %c, "fails"
    %r = arith.addf %a, %a : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %0, %1, %2 : tensor<4x6xf32>, tensor<4x6xf32>, tensor<4x6xf32>
}

// Operands that are no rows, columns or batches: part of the rows, a stride, one
// element of several, an element type that kernels do not read.
// CHECK-LABEL: func.func @operands(
// CHECK-COUNT-4: qopt.yield %{{.+}} : f32
// CHECK-COUNT-4: linalg.generic
func.func @operands(%x: tensor<2x3x8xf32>, %w: tensor<6x8xf32>, %p: tensor<3xf32>, %s: tensor<6x2x3xf32>, %o: tensor<5xf32>, %d: tensor<6xf64>)
    -> (tensor<2x3x6xf32>, tensor<2x3x6xf32>, tensor<2x3x6xf32>, tensor<2x3x6xf32>) {
  %zero = arith.constant dense<0.0> : tensor<2x3x6xf32>
  %e = tensor.empty() : tensor<2x3x6xf32>
  %acc0 = linalg.contract indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%x, %w : tensor<2x3x8xf32>, tensor<6x8xf32>) outs(%zero : tensor<2x3x6xf32>) -> tensor<2x3x6xf32>
  %acc1 = linalg.contract indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%x, %w : tensor<2x3x8xf32>, tensor<6x8xf32>) outs(%zero : tensor<2x3x6xf32>) -> tensor<2x3x6xf32>
  %acc2 = linalg.contract indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%x, %w : tensor<2x3x8xf32>, tensor<6x8xf32>) outs(%zero : tensor<2x3x6xf32>) -> tensor<2x3x6xf32>
  %acc3 = linalg.contract indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (n, k)>, affine_map<(b, m, n, k) -> (b, m, n)>]
      ins(%x, %w : tensor<2x3x8xf32>, tensor<6x8xf32>) outs(%zero : tensor<2x3x6xf32>) -> tensor<2x3x6xf32>
  %0 = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (m)>, affine_map<(b, m, n) -> (b, m, n)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%acc0, %p : tensor<2x3x6xf32>, tensor<3xf32>) outs(%e : tensor<2x3x6xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<2x3x6xf32>
  %1 = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (n, b, m)>, affine_map<(b, m, n) -> (b, m, n)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%acc1, %s : tensor<2x3x6xf32>, tensor<6x2x3xf32>) outs(%e : tensor<2x3x6xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<2x3x6xf32>
  %2 = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (2)>, affine_map<(b, m, n) -> (b, m, n)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%acc2, %o : tensor<2x3x6xf32>, tensor<5xf32>) outs(%e : tensor<2x3x6xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %r = arith.addf %a, %b : f32
    linalg.yield %r : f32
  } -> tensor<2x3x6xf32>
  %3 = linalg.generic {indexing_maps = [affine_map<(b, m, n) -> (b, m, n)>, affine_map<(b, m, n) -> (n)>, affine_map<(b, m, n) -> (b, m, n)>], iterator_types = ["parallel", "parallel", "parallel"]}
      ins(%acc3, %d : tensor<2x3x6xf32>, tensor<6xf64>) outs(%e : tensor<2x3x6xf32>) {
  ^bb0(%a: f32, %b: f64, %out: f32):
    %c = arith.truncf %b : f64 to f32
    %r = arith.addf %a, %c : f32
    linalg.yield %r : f32
  } -> tensor<2x3x6xf32>
  return %0, %1, %2, %3 : tensor<2x3x6xf32>, tensor<2x3x6xf32>, tensor<2x3x6xf32>, tensor<2x3x6xf32>
}

// A result type that kernels do not store is no end, but may be on the way.
// CHECK-LABEL: func.func @truth_values(
// CHECK:         %[[Y:.+]] = qopt.gemm {{.+}} outs(%{{.+}} : tensor<4x6xf32>)
// CHECK-NEXT:    ^bb0(%[[ACC:.+]]: f32):
// CHECK-NEXT:      qopt.yield %[[ACC]]
// CHECK:         linalg.generic {{.+}} ins(%[[Y]]
// CHECK:         %[[Z:.+]] = qopt.gemm
// CHECK:           arith.cmpf
// CHECK:           arith.select
// CHECK:           qopt.yield
func.func @truth_values(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>) -> (tensor<4x6xi1>, tensor<4x6xf32>) {
  %zero = arith.constant dense<0.0> : tensor<4x6xf32>
  %c0 = arith.constant 0.0 : f32
  %e1 = tensor.empty() : tensor<4x6xi1>
  %e = tensor.empty() : tensor<4x6xf32>
  %acc0 = linalg.matmul indexing_maps = [#mk, #nk, #mnk] ins(%x, %w : tensor<4x8xf32>, tensor<6x8xf32>) outs(%zero : tensor<4x6xf32>) -> tensor<4x6xf32>
  %0 = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%acc0 : tensor<4x6xf32>) outs(%e1 : tensor<4x6xi1>) {
  ^bb0(%a: f32, %out: i1):
    %r = arith.cmpf ogt, %a, %c0 : f32
    linalg.yield %r : i1
  } -> tensor<4x6xi1>
  %acc1 = linalg.matmul indexing_maps = [#mk, #nk, #mnk] ins(%x, %w : tensor<4x8xf32>, tensor<6x8xf32>) outs(%zero : tensor<4x6xf32>) -> tensor<4x6xf32>
  %1 = linalg.generic {indexing_maps = [#mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%acc1 : tensor<4x6xf32>) outs(%e1 : tensor<4x6xi1>) {
  ^bb0(%a: f32, %out: i1):
    %r = arith.cmpf ogt, %a, %c0 : f32
    linalg.yield %r : i1
  } -> tensor<4x6xi1>
  %2 = linalg.generic {indexing_maps = [#mn, #mn, #mn], iterator_types = ["parallel", "parallel"]}
      ins(%1, %acc1 : tensor<4x6xi1>, tensor<4x6xf32>) outs(%e : tensor<4x6xf32>) {
  ^bb0(%c: i1, %a: f32, %out: f32):
    %r = arith.select %c, %a, %c0 : f32
    linalg.yield %r : f32
  } -> tensor<4x6xf32>
  return %0, %2 : tensor<4x6xi1>, tensor<4x6xf32>
}

// RUN: quant-opt %s --qopt-specialize-integer | FileCheck %s

#a = affine_map<(m, n, k) -> (m, k)>
#b = affine_map<(m, n, k) -> (k, n)>
#c = affine_map<(m, n, k) -> (m, n)>

// u8 x s8, in either order: linalg.matmul would extend both with sign.
// CHECK-LABEL: @unsigned
// CHECK-NOT: linalg.matmul
// CHECK: arith.extui
// CHECK: arith.extui
// CHECK: return
func.func @unsigned(%x: tensor<4x8xi8>, %w: tensor<8x2xi8>, %z: tensor<4x2xi32>) -> (tensor<4x2xi32>, tensor<4x2xi32>) {
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x8xi8>, tensor<8x2xi8>) outs(%z : tensor<4x2xi32>) {
  ^bb0(%p: i8, %q: i8, %out: i32):
    %1 = arith.extui %p : i8 to i32
    %2 = arith.extsi %q : i8 to i32
    %3 = arith.muli %1, %2 : i32
    %4 = arith.addi %out, %3 : i32
    linalg.yield %4 : i32
  } -> tensor<4x2xi32>
  %5 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x8xi8>, tensor<8x2xi8>) outs(%z : tensor<4x2xi32>) {
  ^bb0(%p: i8, %q: i8, %out: i32):
    %1 = arith.extsi %p : i8 to i32
    %2 = arith.extui %q : i8 to i32
    %3 = arith.muli %1, %2 : i32
    %4 = arith.addi %out, %3 : i32
    linalg.yield %4 : i32
  } -> tensor<4x2xi32>
  return %0, %5 : tensor<4x2xi32>, tensor<4x2xi32>
}

// Float contractions and elementwise ops are not its business, and a matrix of
// weights for every batch has no name.
// CHECK-LABEL: @others
// CHECK-COUNT-2: linalg.generic
// CHECK-NOT: linalg.matmul
func.func @others(%x: tensor<4x8xf32>, %w: tensor<8x2xf32>, %z: tensor<4x2xf32>,
                  %q: tensor<3x4x8xi8>, %v: tensor<8x2xi8>, %y: tensor<3x4x2xi32>) -> (tensor<4x2xf32>, tensor<3x4x2xi32>) {
  %0 = linalg.generic {indexing_maps = [#a, #b, #c], iterator_types = ["parallel", "parallel", "reduction"]}
      ins(%x, %w : tensor<4x8xf32>, tensor<8x2xf32>) outs(%z : tensor<4x2xf32>) {
  ^bb0(%p: f32, %r: f32, %out: f32):
    %1 = arith.mulf %p, %r : f32
    %2 = arith.addf %out, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<4x2xf32>
  %3 = linalg.generic {indexing_maps = [affine_map<(b, m, n, k) -> (b, m, k)>, affine_map<(b, m, n, k) -> (k, n)>,
      affine_map<(b, m, n, k) -> (b, m, n)>], iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q, %v : tensor<3x4x8xi8>, tensor<8x2xi8>) outs(%y : tensor<3x4x2xi32>) {
  ^bb0(%p: i8, %r: i8, %out: i32):
    %4 = arith.extsi %p : i8 to i32
    %5 = arith.extsi %r : i8 to i32
    %6 = arith.muli %4, %5 : i32
    %7 = arith.addi %out, %6 : i32
    linalg.yield %7 : i32
  } -> tensor<3x4x2xi32>
  return %0, %3 : tensor<4x2xf32>, tensor<3x4x2xi32>
}

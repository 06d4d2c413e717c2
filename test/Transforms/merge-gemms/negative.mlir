// RUN: quant-opt %s --qopt-merge-gemms | FileCheck %s

// What is not merged.

// Results whose rows must stay together: one is returned, one is reshaped across
// rows and columns.
// CHECK-LABEL: func.func @contiguous(
// CHECK-COUNT-2: qopt.gemm ins(%{{.+}}, %{{.+}} : tensor<4x8xi8>, tensor<4x8xi8>)
func.func @contiguous(%x: tensor<4x8xi8>, %d: tensor<16xi32>) -> (tensor<4x4xi32>, tensor<16xi32>) {
  %w1 = arith.constant dense<1> : tensor<4x8xi8>
  %w2 = arith.constant dense<2> : tensor<4x8xi8>
  %p1 = qopt.pack %w1 {permutation = array<i64: 0, 1>} : tensor<4x8xi8> -> tensor<4x8xi8>
  %p2 = qopt.pack %w2 {permutation = array<i64: 0, 1>} : tensor<4x8xi8> -> tensor<4x8xi8>
  %e = tensor.empty() : tensor<4x4xi32>
  %0 = qopt.gemm ins(%x, %p1 : tensor<4x8xi8>, tensor<4x8xi8>) outs(%e : tensor<4x4xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x4xi32>
  %1 = qopt.gemm ins(%x, %p2 : tensor<4x8xi8>, tensor<4x8xi8>) outs(%e : tensor<4x4xi32>) {
  ^bb0(%acc: i32):
    qopt.yield %acc : i32
  } {epilogue_maps = []} -> tensor<4x4xi32>
  %c = tensor.collapse_shape %1 [[0, 1]] : tensor<4x4xi32> into tensor<16xi32>
  %2 = linalg.add ins(%c, %c : tensor<16xi32>, tensor<16xi32>) outs(%d : tensor<16xi32>) -> tensor<16xi32>
  return %0, %2 : tensor<4x4xi32>, tensor<16xi32>
}

// Other rows, other signs of a, weights that are no constants, other epilogues,
// and ends of quantizations that differ.
// CHECK-LABEL: func.func @different(
// CHECK-COUNT-7: qopt.gemm ins(%{{.+}}, %{{.+}} : tensor<4x8xi8>, tensor<4x8xi8>)
func.func @different(%x: tensor<4x8xi8>, %y: tensor<4x8xi8>, %w: tensor<4x8xi8>) -> tensor<4x4xi8> {
  %w1 = arith.constant dense<1> : tensor<4x8xi8>
  %p1 = qopt.pack %w1 {permutation = array<i64: 0, 1>} : tensor<4x8xi8> -> tensor<4x8xi8>
  %e = tensor.empty() : tensor<4x4xi8>
  %0 = qopt.gemm ins(%x, %p1 : tensor<4x8xi8>, tensor<4x8xi8>) outs(%e : tensor<4x4xi8>) {
  ^bb0(%acc: i32):
    %c = arith.trunci %acc : i32 to i8
    qopt.yield %c : i8
  } {epilogue_maps = []} -> tensor<4x4xi8>
  %1 = qopt.gemm ins(%y, %p1 : tensor<4x8xi8>, tensor<4x8xi8>) outs(%e : tensor<4x4xi8>) {
  ^bb0(%acc: i32):
    %c = arith.trunci %acc : i32 to i8
    qopt.yield %c : i8
  } {epilogue_maps = []} -> tensor<4x4xi8>
  %2 = qopt.gemm ins(%x, %p1 : tensor<4x8xi8>, tensor<4x8xi8>) outs(%e : tensor<4x4xi8>) {
  ^bb0(%acc: i32):
    %c = arith.trunci %acc : i32 to i8
    qopt.yield %c : i8
  } {a_unsigned, epilogue_maps = []} -> tensor<4x4xi8>
  %3 = qopt.gemm ins(%x, %w : tensor<4x8xi8>, tensor<4x8xi8>) outs(%e : tensor<4x4xi8>) {
  ^bb0(%acc: i32):
    %c = arith.trunci %acc : i32 to i8
    qopt.yield %c : i8
  } {epilogue_maps = []} -> tensor<4x4xi8>
  %4 = qopt.gemm ins(%x, %p1 : tensor<4x8xi8>, tensor<4x8xi8>) outs(%e : tensor<4x4xi8>) {
  ^bb0(%acc: i32):
    %s = arith.addi %acc, %acc : i32
    %c = arith.trunci %s : i32 to i8
    qopt.yield %c : i8
  } {epilogue_maps = []} -> tensor<4x4xi8>
  %5 = qopt.gemm ins(%x, %p1 : tensor<4x8xi8>, tensor<4x8xi8>) outs(%e : tensor<4x4xi8>) {
  ^bb0(%acc: i32):
    %low = arith.constant -128.0 : f32
    %high = arith.constant 127.0 : f32
    %f = arith.sitofp %acc : i32 to f32
    %r = math.roundeven %f : f32
    %a = arith.maximumf %r, %low : f32
    %b = arith.minimumf %a, %high : f32
    %c = arith.fptosi %b : f32 to i8
    qopt.yield %c : i8
  } {epilogue_maps = []} -> tensor<4x4xi8>
  %6 = qopt.gemm ins(%x, %p1 : tensor<4x8xi8>, tensor<4x8xi8>) outs(%e : tensor<4x4xi8>) {
  ^bb0(%acc: i32):
    %low = arith.constant -128.0 : f32
    %high = arith.constant 99.0 : f32
    %f = arith.sitofp %acc : i32 to f32
    %r = math.roundeven %f : f32
    %a = arith.maximumf %r, %low : f32
    %b = arith.minimumf %a, %high : f32
    %c = arith.fptosi %b : f32 to i8
    qopt.yield %c : i8
  } {epilogue_maps = []} -> tensor<4x4xi8>
  %map = linalg.generic {indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m, n)>], iterator_types = ["parallel", "parallel"]}
      ins(%0, %1, %2, %3, %4, %5, %6 : tensor<4x4xi8>, tensor<4x4xi8>, tensor<4x4xi8>, tensor<4x4xi8>, tensor<4x4xi8>, tensor<4x4xi8>, tensor<4x4xi8>) outs(%e : tensor<4x4xi8>) {
  ^bb0(%a: i8, %b: i8, %c: i8, %d: i8, %f: i8, %g: i8, %h: i8, %out: i8):
    %s0 = arith.addi %a, %b : i8
    %s1 = arith.addi %s0, %c : i8
    %s2 = arith.addi %s1, %d : i8
    %s3 = arith.addi %s2, %f : i8
    %s4 = arith.addi %s3, %g : i8
    %s5 = arith.addi %s4, %h : i8
    linalg.yield %s5 : i8
  } -> tensor<4x4xi8>
  return %map : tensor<4x4xi8>
}

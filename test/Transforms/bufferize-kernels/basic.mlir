// RUN: quant-opt %s --one-shot-bufferize='bufferize-function-boundaries=1 function-boundary-type-conversion=identity-layout-map' --canonicalize --split-input-file | FileCheck %s
// RUN: %mlir_opt --load-dialect-plugin=%quantopt_lib %s --one-shot-bufferize='bufferize-function-boundaries=1 function-boundary-type-conversion=identity-layout-map' --canonicalize --split-input-file | FileCheck %s

// The result is written to the init operand's buffer, which is not read: no copy
// of it. A packed constant is a buffer without allocation, made from the global.

// CHECK:       memref.global "private" constant @[[$W:.+]] : memref<8x6xi8> = dense<1>
// CHECK-LABEL: func.func @layer(
// CHECK-SAME:    %[[X:.+]]: memref<4x8xi8>, %[[R:.+]]: memref<4x6xi32>) -> memref<4x6xi32>
// CHECK:         %[[GLOBAL:.+]] = memref.get_global @[[$W]]
// CHECK-NOT:     memref.copy
// CHECK:         %[[B:.+]] = qopt.pack %[[GLOBAL]] {permutation = array<i64: 1, 0>} : memref<8x6xi8> -> memref<16x16xi8>
// CHECK:         %[[D:.+]] = memref.alloc() {{.*}}: memref<4x6xi32>
// CHECK:         qopt.gemm ins(%[[X]], %[[B]] : memref<4x8xi8>, memref<16x16xi8>) epilogue(%[[R]] : memref<4x6xi32>) outs(%[[D]] : memref<4x6xi32>) {
// CHECK-NEXT:    ^bb0(%[[ACC:.+]]: i32, %[[R0:.+]]: i32):
// CHECK-NEXT:      %[[SUM:.+]] = arith.addi %[[ACC]], %[[R0]]
// CHECK-NEXT:      qopt.yield %[[SUM]]
// CHECK-NEXT:    } {a_unsigned, config = #qopt.gemm_config<mma, {{.+}}>, epilogue_maps = {{.+}}, name = "layer"}
// CHECK-NOT:     memref.copy
// CHECK:         return %[[D]]
func.func @layer(%x: tensor<4x8xi8>, %r: tensor<4x6xi32>) -> tensor<4x6xi32> {
  %w = arith.constant dense<1> : tensor<8x6xi8>
  %b = qopt.pack %w {permutation = array<i64: 1, 0>} : tensor<8x6xi8> -> tensor<16x16xi8>
  %e = tensor.empty() : tensor<4x6xi32>
  %0 = qopt.gemm ins(%x, %b : tensor<4x8xi8>, tensor<16x16xi8>) epilogue(%r : tensor<4x6xi32>) outs(%e : tensor<4x6xi32>) {
  ^bb0(%acc: i32, %r0: i32):
    %1 = arith.addi %acc, %r0 : i32
    qopt.yield %1 : i32
  } {a_unsigned, name = "layer", config = #qopt.gemm_config<mma, block = [64, 64, 64], warp = [32, 32], stages = 2, split_k = 1>,
     epilogue_maps = [affine_map<(m, n) -> (m, n)>]} -> tensor<4x6xi32>
  return %0 : tensor<4x6xi32>
}

// -----

// An init operand that others read later must keep its contents: a new buffer,
// and still no copy, as the contents do not matter to the gemm.
// CHECK-LABEL: func.func @init_is_used(
// CHECK-SAME:    %[[X:.+]]: memref<4x8xf32>, %[[W:.+]]: memref<6x8xf32>, %[[D:.+]]: memref<4x6xf32>)
// CHECK:         %[[NEW:.+]] = memref.alloc() {{.*}}: memref<4x6xf32>
// CHECK-NOT:     memref.copy
// CHECK:         qopt.gemm ins(%[[X]], %[[W]] : {{.+}}) outs(%[[NEW]] : memref<4x6xf32>)
// CHECK:         return %[[NEW]], %[[D]]
func.func @init_is_used(%x: tensor<4x8xf32>, %w: tensor<6x8xf32>, %d: tensor<4x6xf32>) -> (tensor<4x6xf32>, tensor<4x6xf32>) {
  %0 = qopt.gemm ins(%x, %w : tensor<4x8xf32>, tensor<6x8xf32>) outs(%d : tensor<4x6xf32>) {
  ^bb0(%acc: f32):
    qopt.yield %acc : f32
  } {epilogue_maps = []} -> tensor<4x6xf32>
  return %0, %d : tensor<4x6xf32>, tensor<4x6xf32>
}

// -----

// Nobody writes a packed constant: who wants to gets a copy.
// CHECK-LABEL: func.func @pack_is_read_only(
// CHECK:         %[[P:.+]] = qopt.pack
// CHECK:         %[[COPY:.+]] = memref.alloc
// CHECK:         memref.copy %[[P]], %[[COPY]]
// CHECK:         memref.store %{{.+}}, %[[COPY]]
func.func @pack_is_read_only(%f: f32, %i: index) -> tensor<4xf32> {
  %w = arith.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %p = qopt.pack %w {permutation = array<i64: 0>} : tensor<3xf32> -> tensor<4xf32>
  %0 = tensor.insert %f into %p[%i] : tensor<4xf32>
  return %0 : tensor<4xf32>
}

// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-build-kernels)' --split-input-file | FileCheck %s

// One kernel for copies that differ in the number of rows only.
// CHECK-COUNT-1: llvm.func @copy_f32_f32
// CHECK-NOT:     llvm.func
// CHECK-LABEL: func.func @main
// CHECK:         gpu.launch_func @kernels::@copy_f32_f32 blocks
// CHECK:         gpu.launch_func @kernels::@copy_f32_f32 blocks
func.func @main(%x: memref<4x8xf32> {qopt.kind = "input"},
                %y: memref<4x8xf32> {qopt.kind = "output"},
                %z: memref<4x16xf32> {qopt.kind = "output"}) {
  %0 = memref.get_global @c : memref<4x16xf32>
  memref.copy %x, %y : memref<4x8xf32> to memref<4x8xf32>
  memref.copy %0, %z : memref<4x16xf32> to memref<4x16xf32>
  return
}
memref.global "private" constant @c : memref<4x16xf32> = dense<1.0>

// -----

// Different constants, inner extents, aliasing: different kernels.
// CHECK-COUNT-5: llvm.func @
// CHECK-NOT:     llvm.func @
// CHECK-LABEL: func.func @main
#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>
func.func @main(%x: memref<4x8xf32> {qopt.kind = "input"},
                %s: memref<4xf32> {qopt.kind = "input"},
                %y: memref<4x8xf32> {qopt.kind = "output"},
                %t: memref<4x12xf32> {qopt.kind = "output"}) {
  %two = arith.constant 2.0 : f32
  %three = arith.constant 3.0 : f32
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<4x8xf32>) outs(%y : memref<4x8xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.mulf %a, %two : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<4x8xf32>) outs(%y : memref<4x8xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.mulf %a, %three : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%y : memref<4x8xf32>) outs(%y : memref<4x8xf32>) {
  ^bb0(%a: f32, %out: f32):
    %0 = arith.mulf %a, %three : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%s : memref<4xf32>) outs(%y : memref<4x8xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  linalg.generic {indexing_maps = [#row, #id], iterator_types = ["parallel", "parallel"]}
      ins(%s : memref<4xf32>) outs(%t : memref<4x12xf32>) {
  ^bb0(%a: f32, %out: f32):
    linalg.yield %a : f32
  }
  return
}

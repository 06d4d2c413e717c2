// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-build-kernels)' --split-input-file | FileCheck %s

// A padded window, unrolled, in vectors of channels: the pad takes the place of
// what is outside. Equal loops share a kernel.
// CHECK-LABEL:   llvm.func @loops_threads_i8_i8
// CHECK:           scf.if
// CHECK:             arith.cmpi ult, %{{.+}}, %c5_i32
// CHECK:             %[[POINTER:.+]] = arith.select %[[INSIDE:.+]], %{{.+}}, %{{.+}} : !llvm.ptr<1>
// CHECK:             %[[WORDS:.+]] = llvm.load %[[POINTER]] {alignment = 8 : i64} : !llvm.ptr<1> -> vector<2xi32>
// CHECK:             arith.select %[[INSIDE]]
// CHECK-COUNT-3:     llvm.load %{{.+}} -> vector<2xi32>
// CHECK-NOT:         llvm.load
// CHECK-COUNT-16:    arith.maxsi
// CHECK:             llvm.store %{{.+}} {alignment = 8 : i64} : vector<2xi32>
// CHECK-NOT:     llvm.func @
// CHECK-LABEL:   func.func @main
// CHECK-COUNT-2:   gpu.launch_func @kernels::@loops_threads_i8_i8
#in = affine_map<(n, h, w, c, r, s) -> (n, h * 2 + r - 1, w * 2 + s - 1, c)>
#out = affine_map<(n, h, w, c, r, s) -> (n, h, w, c)>
func.func @main(%x: memref<2x5x5x8xi8> {qopt.kind = "input"}, %y: memref<2x3x3x8xi8> {qopt.kind = "output"},
                %z: memref<2x3x3x8xi8> {qopt.kind = "output"}, %arena: memref<0xi8> {qopt.kind = "arena"}) {
  qopt.loops ins(%x : memref<2x5x5x8xi8>) outs(%y : memref<2x3x3x8xi8>) {
  ^bb0(%in: i8):
    %max = qopt.reduce maxsi %in : i8
    qopt.yield %max : i8
  } {extents = array<i64: 2, 3, 3, 8, 2, 2>, reductions = array<i1: false, false, false, false, true, true>,
     indexing_maps = [#in, #out], pads = [-128 : i8],
     config = #qopt.loops_config<threads, threads = 64, row_threads = 1, lanes = 8, items = 1>}
  qopt.loops ins(%x : memref<2x5x5x8xi8>) outs(%z : memref<2x3x3x8xi8>) {
  ^bb0(%in: i8):
    %max = qopt.reduce maxsi %in : i8
    qopt.yield %max : i8
  } {extents = array<i64: 2, 3, 3, 8, 2, 2>, reductions = array<i1: false, false, false, false, true, true>,
     indexing_maps = [#in, #out], pads = [-128 : i8], name = "again",
     config = #qopt.loops_config<threads, threads = 64, row_threads = 1, lanes = 8, items = 1>}
  return
}

// -----

// A long sum of floats in its order: a loop per level of the tree, and one over
// the elements of a partial sum.
// CHECK-LABEL:   llvm.func @loops_threads_f32_f32
// CHECK-COUNT-9: scf.for
// CHECK:         llvm.load
// CHECK-NOT:     scf.for
// CHECK:         llvm.store
func.func @main(%x: memref<2x400x3xf32> {qopt.kind = "input"}, %y: memref<2x3xf32> {qopt.kind = "output"},
                %arena: memref<0xi8> {qopt.kind = "arena"}) {
  qopt.loops ins(%x : memref<2x400x3xf32>) outs(%y : memref<2x3xf32>) {
  ^bb0(%in: f32):
    %sum = qopt.reduce addf %in : f32
    qopt.yield %sum : f32
  } {extents = array<i64: 2, 3, 400>, reductions = array<i1: false, false, true>,
     indexing_maps = [affine_map<(n, c, k) -> (n, k, c)>, affine_map<(n, c, k) -> (n, c)>],
     config = #qopt.loops_config<threads, threads = 64, row_threads = 1, lanes = 1, items = 1>}
  return
}

// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-build-kernels)' --split-input-file | FileCheck %s

// Windows read pads in places of other samples, never the samples: any number
// of them can be run.
// CHECK-DAG:   #[[$GRID:.+]] = affine_map<()[s0] -> ((s0 * 3) ceildiv 64)>
// CHECK:       module attributes {gpu.container_module, qopt.batch = 4 : i64}
// CHECK-LABEL: func.func @main
// CHECK:         affine.apply #[[$GRID]]()
func.func @main(%x: memref<4x5x8xi8> {qopt.kind = "input"}, %y: memref<4x3x8xi8> {qopt.kind = "output"},
                %arena: memref<0xi8> {qopt.kind = "arena"}) {
  qopt.loops ins(%x : memref<4x5x8xi8>) outs(%y : memref<4x3x8xi8>) {
  ^bb0(%in: i8):
    %max = qopt.reduce maxsi %in : i8
    qopt.yield %max : i8
  } {extents = array<i64: 4, 3, 8, 3>, reductions = array<i1: false, false, false, true>,
     indexing_maps = [affine_map<(n, p, c, r) -> (n, p * 2 + r - 1, c)>, affine_map<(n, p, c, r) -> (n, p, c)>],
     pads = [-128 : i8], config = #qopt.loops_config<threads, threads = 64, row_threads = 1, lanes = 8, items = 1>}
  return
}

// -----

// A window over the samples.
// CHECK:       module attributes {gpu.container_module, qopt.batch = 4 : i64,
// CHECK-SAME:    qopt.fixed_batch = "'neighbours' (qopt.loops) reads other samples than those it computes"}
func.func @main(%x: memref<4x8xi8> {qopt.kind = "input"}, %y: memref<4x8xi8> {qopt.kind = "output"},
                %arena: memref<0xi8> {qopt.kind = "arena"}) {
  qopt.loops ins(%x : memref<4x8xi8>) outs(%y : memref<4x8xi8>) {
  ^bb0(%in: i8):
    %max = qopt.reduce maxsi %in : i8
    qopt.yield %max : i8
  } {extents = array<i64: 4, 8, 2>, reductions = array<i1: false, false, true>, name = "neighbours",
     indexing_maps = [affine_map<(n, c, r) -> (n + r, c)>, affine_map<(n, c, r) -> (n, c)>],
     pads = [-128 : i8], config = #qopt.loops_config<threads, threads = 64, row_threads = 1, lanes = 8, items = 1>}
  return
}

// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-build-kernels)' --split-input-file --verify-diagnostics

#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
func.func @main(%x: memref<8x256xf32> {qopt.kind = "input"}, %y: memref<8xf32> {qopt.kind = "output"}) {
  // expected-error @below {{has no config: run qopt-select-configs first}}
  qopt.loops ins(%x : memref<8x256xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%in: f32):
    %max = qopt.reduce maximumf %in : f32
    qopt.yield %max : f32
  } {extents = array<i64: 8, 256>, reductions = array<i1: false, true>, indexing_maps = [#id, #row]}
  return
}

// -----

#id = affine_map<(m, n) -> (m, n)>
#row = affine_map<(m, n) -> (m)>
func.func @main(%x: memref<8x256xf32> {qopt.kind = "input"}, %y: memref<8xf32> {qopt.kind = "output"}) {
  // expected-error @below {{has no GPU kernel in this version: 'math.log' in its body has no exact code for GPUs}}
  qopt.loops ins(%x : memref<8x256xf32>) outs(%y : memref<8xf32>) {
  ^bb0(%in: f32):
    %max = qopt.reduce maximumf %in : f32
    %log = math.log %max : f32
    qopt.yield %log : f32
  } {extents = array<i64: 8, 256>, reductions = array<i1: false, true>, indexing_maps = [#id, #row],
     config = #qopt.loops_config<rows, threads = 64, row_threads = 32, lanes = 4, items = 2>}
  return
}

// -----

func.func @main(%x: memref<8x5x10x4xi8> {qopt.kind = "input"}, %w: memref<3x4xi8> {qopt.kind = "input"},
                %y: memref<8x5x8x4xi32> {qopt.kind = "output"}) {
  // expected-error @below {{needs packed weights for #qopt.loops_config<depthwise, threads = 64, row_threads = 1, lanes = 4, items = 2>: run qopt-select-configs before bufferization}}
  qopt.loops ins(%x, %w : memref<8x5x10x4xi8>, memref<3x4xi8>) outs(%y : memref<8x5x8x4xi32>) {
  ^bb0(%in: i8, %tap: i8):
    %a = arith.extui %in : i8 to i32
    %b = arith.extsi %tap : i8 to i32
    %p = arith.muli %a, %b : i32
    %sum = qopt.reduce addi %p : i32
    qopt.yield %sum : i32
  } {extents = array<i64: 8, 5, 8, 4, 3>, reductions = array<i1: false, false, false, false, true>,
     indexing_maps = [affine_map<(n, p, q, c, s) -> (n, p, q + s, c)>,
                      affine_map<(n, p, q, c, s) -> (s, c)>,
                      affine_map<(n, p, q, c, s) -> (n, p, q, c)>],
     config = #qopt.loops_config<depthwise, threads = 64, row_threads = 1, lanes = 4, items = 2>}
  return
}

// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-build-kernels)' --split-input-file | FileCheck %s

// A row of 256 in the registers of a warp: one pass over memory, the partial
// sums' levels as shuffles of half of the lanes each.
// CHECK-DAG:     #[[$GRID:.+]] = affine_map<()[s0] -> (s0 ceildiv 4)>
// CHECK-LABEL:   llvm.func @loops_rows_f32_f32
// CHECK-SAME:      (%[[X:.+]]: !llvm.ptr<1> {llvm.noalias, llvm.readonly}, %[[Y:.+]]: !llvm.ptr<1> {llvm.noalias}, %[[ROWS:.+]]: i32)
// CHECK-SAME:      nvvm.reqntid = array<i32: 128, 1, 1>
// CHECK:           %[[EXISTS:.+]] = arith.cmpi ult, %{{.+}}, %[[ROWS]]
// The last row takes the place of those beyond it.
// CHECK:           arith.select %[[EXISTS]]
// CHECK-COUNT-2:   llvm.load %{{.+}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// CHECK-NOT:       llvm.load
// CHECK:           nvvm.shfl.sync bfly %{{.+}}, %{{.+}}, %c16_i32
// CHECK:           nvvm.shfl.sync bfly %{{.+}}, %{{.+}}, %c8_i32
// CHECK:           nvvm.shfl.sync bfly %{{.+}}, %{{.+}}, %c4_i32
// CHECK:           nvvm.shfl.sync bfly %{{.+}}, %{{.+}}, %c2_i32
// CHECK:           nvvm.shfl.sync bfly %{{.+}}, %{{.+}}, %c1_i32
// CHECK-COUNT-2:   nvvm.shfl.sync bfly %{{.+}}, %{{.+}}, %c16_i32
// CHECK:           nvvm.shfl.sync bfly %{{.+}}, %{{.+}}, %c8_i32
// CHECK:           nvvm.shfl.sync bfly %{{.+}}, %{{.+}}, %c4_i32
// CHECK:           nvvm.shfl.sync bfly %{{.+}}, %{{.+}}, %c2_i32
// CHECK:           nvvm.shfl.sync bfly %{{.+}}, %{{.+}}, %c1_i32
// CHECK:           nvvm.shfl.sync bfly %{{.+}}, %{{.+}}, %c16_i32
// CHECK:           nvvm.shfl.sync bfly %{{.+}}, %{{.+}}, %c8_i32
// CHECK-NOT:       nvvm.shfl.sync
// CHECK:           scf.if %[[EXISTS]] {
// CHECK-COUNT-2:     llvm.store %{{.+}} {alignment = 16 : i64} : vector<4xf32>, !llvm.ptr<1>
// CHECK-LABEL:   func.func @main
// CHECK-SAME:      %[[BATCH:[a-z0-9]+]]: index {qopt.kind = "batch"})
// CHECK:           affine.apply #[[$GRID]]()[%[[BATCH]]]
// CHECK:           gpu.launch_func {{.*}} {qopt.name = "attention"
#id = affine_map<(m, n) -> (m, n)>
func.func @main(%x: memref<8x256xf32> {qopt.kind = "input"}, %y: memref<8x256xf32> {qopt.kind = "output"},
                %arena: memref<0xi8> {qopt.kind = "arena"}) {
  qopt.loops ins(%x : memref<8x256xf32>) outs(%y : memref<8x256xf32>) {
  ^bb0(%in: f32):
    %max = qopt.reduce maximumf %in : f32
    %d = arith.subf %in, %max : f32
    %sum = qopt.reduce addf %d : f32
    %r = arith.divf %d, %sum : f32
    qopt.yield %r : f32
  } {extents = array<i64: 8, 256>, reductions = array<i1: false, true>, indexing_maps = [#id, #id],
     name = "attention", config = #qopt.loops_config<rows, threads = 128, row_threads = 32, lanes = 4, items = 2>}
  return
}

// -----

// Four warps share a row that is too long for registers: elements beyond it
// are the identity of the sum, warps meet in shared memory.
// CHECK-LABEL:   llvm.func @loops_rows_f16_f32
// CHECK:           scf.for {{.+}} -> (f32, f32)
// CHECK:             arith.cmpi ult, %{{.+}}, %{{.+}}
// CHECK:             llvm.load %{{.+}} {alignment = 4 : i64} : !llvm.ptr<1> -> vector<2xf16>
// CHECK:             arith.select %{{.+}}, %{{.+}}, %cst
// CHECK:           llvm.store %{{.+}} : f32, !llvm.ptr<3>
// CHECK:           nvvm.barrier
// CHECK-COUNT-8:   llvm.load %{{.+}} : !llvm.ptr<3> -> f32
// CHECK-NOT:       nvvm.barrier
// CHECK:           scf.if
// CHECK:             scf.if
// CHECK:               llvm.store %{{.+}} : f32, !llvm.ptr<1>
// CHECK-LABEL:   func.func @main
// 128 threads of two sums each.
// CHECK:           %[[SHARED:.+]] = arith.constant 1024 : i32
// CHECK:           gpu.launch_func {{.*}} dynamic_shared_memory_size %[[SHARED]]
func.func @main(%x: memref<8x700xf16> {qopt.kind = "input"}, %y: memref<8xf32> {qopt.kind = "output"},
                %arena: memref<0xi8> {qopt.kind = "arena"}) {
  qopt.loops ins(%x : memref<8x700xf16>) outs(%y : memref<8xf32>) {
  ^bb0(%in: f16):
    %w = arith.extf %in : f16 to f32
    %sum = qopt.reduce addf %w : f32
    qopt.yield %sum : f32
  } {extents = array<i64: 8, 700>, reductions = array<i1: false, true>,
     indexing_maps = [affine_map<(m, n) -> (m, n)>, affine_map<(m, n) -> (m)>],
     config = #qopt.loops_config<rows, threads = 128, row_threads = 128, lanes = 2, items = 1>}
  return
}

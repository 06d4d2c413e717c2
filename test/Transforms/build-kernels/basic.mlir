// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-build-kernels)' | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
#col = affine_map<(i, j) -> (j)>

// CHECK-DAG:   #[[$POINTS:.+]] = affine_map<()[s0] -> (s0 * 3)>
// CHECK-DAG:   #[[$BLOCKS:.+]] = affine_map<()[s0] -> ((s0 * 3) ceildiv 256)>
// CHECK:       module attributes {gpu.container_module, qopt.batch = 8 : i64}
// CHECK:       gpu.module @kernels [#nvvm.target<chip = "sm_80">]

// One thread for four elements: 16 bytes are read, 4 are written.
// CHECK:       llvm.func @[[$QUANTIZE:[a-z0-9_]+]](%[[A:.+]]: !llvm.ptr<1> {llvm.noalias, llvm.readonly}, %[[M:.+]]: !llvm.ptr<1> {llvm.noalias, llvm.readonly}, %[[Q:.+]]: !llvm.ptr<1> {llvm.noalias}, %[[N:.+]]: i32)
// CHECK-SAME:    gpu.kernel, nvvm.kernel, nvvm.reqntid = array<i32: 256, 1, 1>
// CHECK:         %[[BLOCK:.+]] = nvvm.read.ptx.sreg.ctaid.x
// CHECK:         %[[THREAD:.+]] = nvvm.read.ptx.sreg.tid.x
// CHECK:         %[[FIRST:.+]] = arith.shli %[[BLOCK]], %c8_i32
// CHECK:         %[[POINT:.+]] = arith.addi %[[FIRST]], %[[THREAD]]
// CHECK:         %[[INSIDE:.+]] = arith.cmpi ult, %[[POINT]], %[[N]]
// CHECK:         scf.if %[[INSIDE]]
// CHECK:           arith.remui %[[POINT]], %c3_i32
// CHECK:           arith.divui %[[POINT]], %c3_i32
// CHECK:           llvm.load %{{.+}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// CHECK:           llvm.load %{{.+}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
// CHECK-COUNT-4:   qopt.cvt_rni
// CHECK:           qopt.cvt_pack_sat
// CHECK:           %[[WORD:.+]] = qopt.cvt_pack_sat
// CHECK:           llvm.store %[[WORD]], %{{.+}} {alignment = 4 : i64} : i32
// CHECK:         llvm.return

// The running value of a reduction is in a register; its fill is no launch.
// CHECK:       llvm.func @[[$SUM:[a-z0-9_]+]](%[[S_IN:.+]]: !llvm.ptr<1> {{.*}}, %[[S_OUT:.+]]: !llvm.ptr<1> {{.*}}, %{{.+}}: i32)
// CHECK:         %[[ZERO:.+]] = arith.constant 0 : i32
// CHECK:         %[[RESULT:.+]] = scf.for %{{.+}} = %{{.+}} to %c12_i32{{.*}} step %{{.+}} iter_args(%[[ACC:.+]] = %[[ZERO]]) -> (i32)
// CHECK:           %[[LOADED:.+]] = llvm.load %{{.+}} : !llvm.ptr<1> -> i8
// CHECK:           %[[EXT:.+]] = arith.extsi %[[LOADED]]
// CHECK:           %[[NEXT:.+]] = arith.addi %[[ACC]], %[[EXT]]
// CHECK:           scf.yield %[[NEXT]]
// CHECK:         llvm.store %[[RESULT]]

// CHECK:       memref.global "private" constant @m
// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[X:.+]]: memref<8x12xf32> {qopt.kind = "input", qopt.name = "x"}
// CHECK-SAME:    %[[Y:.+]]: memref<8xi32> {qopt.kind = "output"}
// CHECK-SAME:    %[[ARENA:.+]]: memref<256xi8> {qopt.kind = "arena"}
// CHECK-SAME:    %[[WORKSPACE:.+]]: memref<0xi8> {qopt.kind = "workspace"}
// CHECK-SAME:    %[[BATCH:.+]]: index {qopt.kind = "batch"})
// CHECK-DAG:     %[[SCALES:.+]] = memref.get_global @m
// CHECK-DAG:     %[[T:.+]] = memref.view %[[ARENA]]
// CHECK:         %[[POINTS:.+]] = affine.apply #[[$POINTS]]()[%[[BATCH]]]
// CHECK:         %[[POINTS32:.+]] = arith.index_cast %[[POINTS]] : index to i32
// CHECK:         %[[BLOCKS:.+]] = affine.apply #[[$BLOCKS]]()[%[[BATCH]]]
// CHECK:         gpu.launch_func @kernels::@[[$QUANTIZE]] blocks in (%[[BLOCKS]], %c1{{[_0-9]*}}, %c1{{[_0-9]*}}) threads in (%c256{{[_0-9]*}}, %c1{{[_0-9]*}}, %c1{{[_0-9]*}})
// CHECK-SAME:      args(%[[X]] : memref<8x12xf32>, %[[SCALES]] : memref<12xf32>, %[[T]] : memref<8x12xi8>, %[[POINTS32]] : i32) {qopt.name = "quantize", qopt.work = {
// CHECK-NOT:     linalg
// CHECK:         gpu.launch_func @kernels::@[[$SUM]]
// CHECK-SAME:      args(%[[T]] : memref<8x12xi8>, %[[Y]] : memref<8xi32>, %{{.+}} : i32) {qopt.name = "[[$SUM]]", qopt.work = {
// CHECK-NOT:     linalg
// CHECK:         return
memref.global "private" constant @m : memref<12xf32> = dense<2.0>
func.func @main(%x: memref<8x12xf32> {qopt.kind = "input", qopt.name = "x"},
                %y: memref<8xi32> {qopt.kind = "output"},
                %arena: memref<256xi8> {qopt.kind = "arena"}) {
  %c0 = arith.constant 0 : index
  %zero = arith.constant 0 : i32
  %zerof = arith.constant 0.0 : f32
  %m = memref.get_global @m : memref<12xf32>
  %t = memref.view %arena[%c0][] : memref<256xi8> to memref<8x12xi8>
  linalg.generic {indexing_maps = [#id, #col, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x, %m : memref<8x12xf32>, memref<12xf32>) outs(%t : memref<8x12xi8>) {
  ^bb0(%in: f32, %s: f32, %out: i8):
    %low = arith.constant -128.0 : f32
    %high = arith.constant 127.0 : f32
    %0 = arith.mulf %in, %s : f32
    %1 = math.roundeven %0 : f32
    %2 = arith.cmpf uno, %1, %1 : f32
    %3 = arith.select %2, %zerof, %1 : f32
    %4 = arith.maximumf %3, %low : f32
    %5 = arith.minimumf %4, %high : f32
    %6 = arith.fptosi %5 : f32 to i8
    linalg.yield %6 : i8
  } loc("quantize")
  linalg.fill ins(%zero : i32) outs(%y : memref<8xi32>)
  linalg.generic {indexing_maps = [#id, affine_map<(i, j) -> (i)>], iterator_types = ["parallel", "reduction"]}
      ins(%t : memref<8x12xi8>) outs(%y : memref<8xi32>) {
  ^bb0(%in: i8, %out: i32):
    %0 = arith.extsi %in : i8 to i32
    %1 = arith.addi %out, %0 : i32
    linalg.yield %1 : i32
  }
  return
}

// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-build-kernels)' --split-input-file | FileCheck %s

// A pool: windows overlap, the subscripts are sums of two loops. The window's
// shape is no operand of the kernel.
// CHECK-LABEL: llvm.func @reduce_i8_i8
// CHECK-SAME:    (%{{[a-z0-9]+}}: !llvm.ptr<1> {{{.*}}}, %{{[a-z0-9]+}}: !llvm.ptr<1> {{{.*}}}, %{{[a-z0-9]+}}: i32)
// CHECK:         %[[INIT:.+]] = arith.constant -128 : i8
// CHECK:         scf.for %[[R:[a-z0-9]+]] = {{.+}} iter_args(%{{.+}} = %[[INIT]]
// CHECK:           %[[ROW:.+]] = arith.muli %[[R]], %c40_i32{{[_0-9]*}}
// CHECK:           %[[P:.+]] = llvm.getelementptr %{{.+}}[%[[ROW]]]
// CHECK:           scf.for %[[S:[a-z0-9]+]] =
// CHECK:             %[[COLUMN:.+]] = arith.shli %[[S]], %c3_i32{{[_0-9]*}}
// CHECK:             llvm.getelementptr %[[P]][%[[COLUMN]]]
// CHECK:             llvm.load %{{.+}} {alignment = 8 : i64} : !llvm.ptr<1> -> vector<8xi8>
// CHECK-COUNT-8:     arith.maxsi
// CHECK:           scf.yield
// CHECK:         scf.yield
func.func @main(%x: memref<2x5x5x8xi8> {qopt.kind = "input"},
                %y: memref<2x2x2x8xi8> {qopt.kind = "output"},
                %arena: memref<256xi8> {qopt.kind = "arena"}) {
  %c0 = arith.constant 0 : index
  %window = memref.view %arena[%c0][] : memref<256xi8> to memref<3x3xi8>
  %low = arith.constant -128 : i8
  linalg.fill ins(%low : i8) outs(%y : memref<2x2x2x8xi8>)
  linalg.generic {indexing_maps = [
      affine_map<(n, h, w, c, r, s) -> (n, h * 2 + r, w * 2 + s, c)>,
      affine_map<(n, h, w, c, r, s) -> (r, s)>,
      affine_map<(n, h, w, c, r, s) -> (n, h, w, c)>],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction", "reduction"]}
      ins(%x, %window : memref<2x5x5x8xi8>, memref<3x3xi8>) outs(%y : memref<2x2x2x8xi8>) {
  ^bb0(%in: i8, %none: i8, %out: i8):
    %0 = arith.maxsi %in, %out : i8
    linalg.yield %0 : i8
  }
  return
}

// -----

// Two results with one loop, and its counter.
// CHECK-LABEL: llvm.func @reduce_f32_f32
// CHECK:         %[[R:.+]]:2 = scf.for %[[I:[a-z0-9]+]] = {{.+}} -> (f32, i32)
// CHECK:           arith.index_castui %[[I]]
// CHECK:         llvm.store %[[R]]#0
// CHECK:         llvm.store %[[R]]#1
func.func @main(%x: memref<6x10xf32> {qopt.kind = "input"},
                %y: memref<6xf32> {qopt.kind = "output"},
                %z: memref<6xi32> {qopt.kind = "output"}) {
  %low = arith.constant 0xFF800000 : f32
  %zero = arith.constant 0 : i32
  linalg.fill ins(%low : f32) outs(%y : memref<6xf32>)
  linalg.fill ins(%zero : i32) outs(%z : memref<6xi32>)
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>,
      affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<6x10xf32>) outs(%y, %z : memref<6xf32>, memref<6xi32>) {
  ^bb0(%in: f32, %max: f32, %arg: i32):
    %i = linalg.index 1 : index
    %i32 = arith.index_cast %i : index to i32
    %more = arith.cmpf ogt, %in, %max : f32
    %0 = arith.maximumf %in, %max : f32
    %1 = arith.select %more, %i32, %arg : i32
    linalg.yield %0, %1 : f32, i32
  }
  return
}

// -----

// A gather: what the data says is limited to the table, what is known to lie
// inside is not.
// CHECK-LABEL: llvm.func @gather_i64_f32
// CHECK-SAME:    (%{{.+}}, %{{.+}}, %[[TABLE:.+]]: !llvm.ptr<1> {llvm.noalias, llvm.readonly}, %{{.+}}: i32)
// CHECK:         %[[ID:.+]] = llvm.load %{{.+}} : !llvm.ptr<1> -> i64
// CHECK:         %[[ONCE:.+]] = llvm.freeze
// CHECK:         %[[ABOVE:.+]] = arith.maxsi %[[ONCE]], %c0_i64
// CHECK:         arith.minsi %[[ABOVE]], %c29_i64
// CHECK-NOT:     arith.minsi
// CHECK:         llvm.getelementptr %[[TABLE]]
func.func @main(%x: memref<6xi64> {qopt.kind = "input"},
                %y: memref<6x3xf32> {qopt.kind = "output"}) {
  %table = memref.get_global @table : memref<30x3xf32>
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>,
      affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<6xi64>) outs(%y : memref<6x3xf32>) {
  ^bb0(%id: i64, %out: f32):
    %i = arith.index_cast %id : i64 to index
    %j = linalg.index 1 : index
    %0 = memref.load %table[%i, %j] : memref<30x3xf32>
    linalg.yield %0 : f32
  }
  return
}
memref.global "private" constant @table : memref<30x3xf32> = dense<1.0>

// -----

// Subscripts that are not linear are evaluated; i1 is a byte in memory.
// CHECK-LABEL: llvm.func @elementwise_i1_f32
// CHECK:         %[[BYTE:.+]] = llvm.load %{{.+}} {alignment = 1 : i64} : !llvm.ptr<1> -> i8
// CHECK:         %[[BIT:.+]] = arith.cmpi ne, %[[BYTE]]
// CHECK:         arith.select %[[BIT]]
func.func @main(%x: memref<6xi1> {qopt.kind = "input"},
                %y: memref<6x3xf32> {qopt.kind = "output"}) {
  linalg.generic {indexing_maps = [affine_map<(i, j) -> ((i * 3 + j) floordiv 3)>,
      affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<6xi1>) outs(%y : memref<6x3xf32>) {
  ^bb0(%in: i1, %out: f32):
    %a = arith.constant 1.0 : f32
    %b = arith.constant 2.0 : f32
    %0 = arith.select %in, %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// An op that reads its output without a fill in front of it.
// CHECK-LABEL: llvm.func @reduce_f32_f32
// CHECK:         %[[OLD:.+]] = llvm.load %[[P:.+]] {alignment = 4 : i64}
// CHECK:         %[[NEW:.+]] = scf.for {{.+}} iter_args(%{{.+}} = %[[OLD]])
// CHECK:         llvm.store %[[NEW]], %[[P]]
// CHECK-LABEL: func.func @main
// CHECK-COUNT-2: gpu.launch_func
func.func @main(%x: memref<6x10xf32> {qopt.kind = "input"},
                %x0: memref<6xf32> {qopt.kind = "input"},
                %y: memref<6xf32> {qopt.kind = "output"}) {
  memref.copy %x0, %y : memref<6xf32> to memref<6xf32>
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<6x10xf32>) outs(%y : memref<6xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.addf %out, %in : f32
    linalg.yield %0 : f32
  }
  return
}

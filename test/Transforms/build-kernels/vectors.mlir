// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-build-kernels)' --split-input-file | FileCheck %s

// The widest element decides: 16 bytes of it. Where all operands are dense the
// space is one loop, without divisions.
// CHECK-LABEL: llvm.func @copy_i8_i8
// CHECK-NOT:     remui
// CHECK:         llvm.load {{.+}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<16xi8>
// CHECK:         llvm.store {{.+}} {alignment = 16 : i64} : vector<4xi32>
func.func @main(%x: memref<4x4x8xi8> {qopt.kind = "input"},
                %y: memref<4x32xi8> {qopt.kind = "output"}) {
  %0 = memref.collapse_shape %x [[0], [1, 2]] : memref<4x4x8xi8> into memref<4x32xi8>
  memref.copy %0, %y : memref<4x32xi8> to memref<4x32xi8>
  return
}

// -----

// A row of 6 f32 has no whole groups of 4: 2 at a time.
// CHECK-LABEL: llvm.func @copy_f32_f32
// CHECK:         llvm.load {{.+}} {alignment = 8 : i64} : !llvm.ptr<1> -> vector<2xf32>
func.func @main(%x: memref<4x6xf32> {qopt.kind = "input"},
                %y: memref<4x6xf32> {qopt.kind = "output"}) {
  memref.copy %x, %y : memref<4x6xf32> to memref<4x6xf32>
  return
}

// -----

// An odd first element: one at a time.
// CHECK-LABEL: llvm.func @copy_f32_f32
// CHECK-NOT:     vector<
// CHECK:         llvm.load {{.+}} {alignment = 4 : i64} : !llvm.ptr<1> -> f32
func.func @main(%x: memref<4x8xf32> {qopt.kind = "input"},
                %y: memref<4x4xf32> {qopt.kind = "output"}) {
  %0 = memref.subview %x[0, 1] [4, 4] [1, 1]
      : memref<4x8xf32> to memref<4x4xf32, strided<[8, 1], offset: 1>>
  memref.copy %0, %y : memref<4x4xf32, strided<[8, 1], offset: 1>> to memref<4x4xf32>
  return
}

// -----

// A slice that starts at 16 bytes.
// CHECK-LABEL: llvm.func @copy_f32_f32
// CHECK:         llvm.load {{.+}} {alignment = 16 : i64} : !llvm.ptr<1> -> vector<4xf32>
func.func @main(%x: memref<4x8xf32> {qopt.kind = "input"},
                %y: memref<4x4xf32> {qopt.kind = "output"}) {
  %0 = memref.subview %x[0, 4] [4, 4] [1, 1]
      : memref<4x8xf32> to memref<4x4xf32, strided<[8, 1], offset: 4>>
  memref.copy %0, %y : memref<4x4xf32, strided<[8, 1], offset: 4>> to memref<4x4xf32>
  return
}

// -----

// A transpose walks across one of its operands: one element at a time.
// CHECK-LABEL: llvm.func @copy_f32_f32
// CHECK-NOT:     vector<
func.func @main(%x: memref<4x8x8xf32> {qopt.kind = "input"},
                %y: memref<4x8x8xf32> {qopt.kind = "output"}) {
  linalg.transpose ins(%x : memref<4x8x8xf32>) outs(%y : memref<4x8x8xf32>) permutation = [0, 2, 1]
  return
}

// -----

// One value per row, read once for all lanes.
// CHECK-LABEL: llvm.func @elementwise_f32_f32
// CHECK:         llvm.load {{.+}} : !llvm.ptr<1> -> vector<4xf32>
// CHECK:         %[[S:.+]] = llvm.load {{.+}} {alignment = 4 : i64} : !llvm.ptr<1> -> f32
// CHECK-COUNT-4: arith.mulf %{{.+}}, %[[S]]
#id = affine_map<(i, j) -> (i, j)>
func.func @main(%x: memref<4x8xf32> {qopt.kind = "input"},
                %s: memref<4xf32> {qopt.kind = "input"},
                %y: memref<4x8xf32> {qopt.kind = "output"}) {
  linalg.generic {indexing_maps = [#id, affine_map<(i, j) -> (i)>, #id],
      iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<4x8xf32>, memref<4xf32>) outs(%y : memref<4x8xf32>) {
  ^bb0(%a: f32, %b: f32, %out: f32):
    %0 = arith.mulf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Groups must not straddle samples: a batch of 4 rows of one element can run
// with 1 to 4.
// CHECK-LABEL: llvm.func @copy_f32_f32
// CHECK-NOT:     vector<
func.func @main(%x: memref<4xf32> {qopt.kind = "input"},
                %y: memref<4xf32> {qopt.kind = "output"}) {
  memref.copy %x, %y : memref<4xf32> to memref<4xf32>
  return
}

// -----

// More than 2^31 points, and offsets beyond 2^31 bytes.
// CHECK-LABEL: llvm.func @copy_i8_i8
// CHECK-SAME:    %[[N:[a-z0-9]+]]: i64)
// CHECK:         arith.cmpi ult, %{{.+}}, %[[N]] : i64
// CHECK-LABEL: func.func @main
// CHECK:         arith.index_cast %{{.+}} : index to i64
func.func @main(%x: memref<2x2147483647xi8> {qopt.kind = "input"},
                %y: memref<2x2147483647xi8> {qopt.kind = "output"}) {
  memref.copy %x, %y : memref<2x2147483647xi8> to memref<2x2147483647xi8>
  return
}

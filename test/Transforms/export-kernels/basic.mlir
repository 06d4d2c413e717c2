// RUN: %quant_opt %s --qopt-export-kernels --split-input-file | FileCheck %s
// RUN: %quant_opt %s --qopt-export-kernels --split-input-file | %mlir_opt --split-input-file | FileCheck %s

// Device ops become upstream's, launches take addresses: of arguments, of
// constants, and of parts of the arena. What only our passes read is dropped,
// names and kinds stay.
// CHECK:       module attributes {gpu.container_module, qopt.batch = 2 : i64}
// CHECK:       gpu.module @kernels [#nvvm.target<chip = "sm_80", features = "+ptx70">]
// CHECK-NOT:   qopt
// CHECK:         llvm.call_intrinsic "llvm.nvvm.f2i.rn"
// CHECK:         llvm.inline_asm {{.*}}"cvt.pack.sat.s8.s32.b32 $0, $1, $2, $3;"
// CHECK-LABEL: func.func @main
// CHECK-SAME:    %[[X:[a-z0-9]+]]: memref<2x4xf32> {qopt.kind = "input", qopt.name = "x"},
// CHECK-SAME:    %[[ARENA:[a-z0-9]+]]: memref<512xi8> {qopt.kind = "arena"}
// CHECK-SAME:    %[[BATCH:[a-z0-9]+]]: index {qopt.kind = "batch"}
// CHECK-DAG:     %[[X_INDEX:.+]] = memref.extract_aligned_pointer_as_index %[[X]]
// CHECK-DAG:     %[[X_INT:.+]] = arith.index_cast %[[X_INDEX]] : index to i64
// CHECK-DAG:     %[[X_PTR:.+]] = llvm.inttoptr %[[X_INT]] : i64 to !llvm.ptr<1>
// CHECK-DAG:     %[[A_INDEX:.+]] = memref.extract_aligned_pointer_as_index %[[ARENA]]
// CHECK-DAG:     %[[A_INT:.+]] = arith.index_cast %[[A_INDEX]] : index to i64
// CHECK-DAG:     %[[A_PTR:.+]] = llvm.inttoptr %[[A_INT]] : i64 to !llvm.ptr<1>
// CHECK-NOT:     memref.view
// The second column of a view 256 bytes into the arena.
// CHECK:         %[[OFFSET:.+]] = arith.constant 260 : i64
// CHECK:         %[[PART:.+]] = llvm.getelementptr %[[A_PTR]][%[[OFFSET]]] : (!llvm.ptr<1>, i64) -> !llvm.ptr<1>, i8
// CHECK:         gpu.launch_func @kernels::@pack
// CHECK-SAME:      args(%[[X_PTR]] : !llvm.ptr<1>, %[[PART]] : !llvm.ptr<1>, %{{.+}} : i32) {qopt.name = "first"}
// At its start there is nothing to add.
// CHECK:         gpu.launch_func @kernels::@pack
// CHECK-SAME:      args(%[[A_PTR]] : !llvm.ptr<1>, %[[X_PTR]] : !llvm.ptr<1>, %{{.+}} : i32) {qopt.name = "second"}
module attributes {gpu.container_module, qopt.batch = 2 : i64} {
  gpu.module @kernels [#nvvm.target<chip = "sm_80">] {
    llvm.func @pack(%x: !llvm.ptr<1>, %y: !llvm.ptr<1>, %n: i32) attributes {gpu.kernel, nvvm.kernel, qopt.kernel_key = "pack"} {
      %v = llvm.load %x : !llvm.ptr<1> -> f32
      %i = qopt.cvt_rni %v
      %p = qopt.cvt_pack_sat %i, %n, %n
      llvm.store %p, %y : i32, !llvm.ptr<1>
      llvm.return
    }
  }
  func.func @main(%x: memref<2x4xf32> {qopt.kind = "input", qopt.name = "x"}, %y: memref<2x4xf32> {qopt.kind = "output"},
                  %arena: memref<512xi8> {qopt.kind = "arena"}, %workspace: memref<0xi8> {qopt.kind = "workspace"},
                  %batch: index {qopt.kind = "batch"}) {
    %c1 = arith.constant 1 : index
    %c256 = arith.constant 256 : index
    %view = memref.view %arena[%c256][] : memref<512xi8> to memref<2x4xf32>
    %column = memref.subview %view[0, 1] [2, 1] [1, 1] : memref<2x4xf32> to memref<2x1xf32, strided<[4, 1], offset: 1>>
    %n = affine.apply affine_map<()[s0] -> (s0 * 4)>()[%batch]
    %n32 = arith.index_cast %n : index to i32
    gpu.launch_func @kernels::@pack blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1)
        args(%x : memref<2x4xf32>, %column : memref<2x1xf32, strided<[4, 1], offset: 1>>, %n32 : i32) {qopt.name = "first"}
    %flat = memref.collapse_shape %x [[0, 1]] : memref<2x4xf32> into memref<8xf32>
    gpu.launch_func @kernels::@pack blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1)
        args(%arena : memref<512xi8>, %flat : memref<8xf32>, %n32 : i32) {qopt.name = "second"}
    return
  }
}

// -----

// Mixed signs need a later PTX version than the chip.
// CHECK: gpu.module @kernels [#nvvm.target<chip = "sm_80", features = "+ptx71">]
module attributes {gpu.container_module} {
  gpu.module @kernels [#nvvm.target<chip = "sm_80">] {
    llvm.func @mma(%a: i32, %c: i32) {
      %0 = nvvm.mma.sync A[%a, %a, %a, %a] B[%a, %a] C[%c, %c, %c, %c]
          {layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, intOverflowBehavior = #nvvm.mma_int_overflow<wrapped>,
           multiplicandAPtxType = #nvvm.mma_type<u8>, multiplicandBPtxType = #nvvm.mma_type<s8>, shape = #nvvm.shape<m = 16, n = 8, k = 32>}
          : (i32, i32, i32) -> !llvm.struct<(i32, i32, i32, i32)>
      llvm.return
    }
  }
  func.func @main(%x: memref<4xf32> {qopt.kind = "input"}, %batch: index {qopt.kind = "batch"}) {
    return
  }
}

// -----

// A packed constant is laid out here: transposed and padded, equal ones once.
// What only packs read is gone, what a launch reads as well stays.
// CHECK-NOT:   @gone :
// CHECK:       memref.global "private" constant @gone_packed : memref<4x3xi8>
// CHECK-SAME{LITERAL}: dense<[[1, 4, 0], [2, 5, 0], [3, 6, 0], [0, 0, 0]]> {alignment = 256 : i64}
// CHECK-NOT:   @gone
// CHECK:       memref.global "private" constant @stays_packed : memref<4xf32> = dense<[5.000000e-01, 1.500000e+00, 0.000000e+00, 0.000000e+00]>
// CHECK:       memref.global "private" constant @stays_packed_0 : memref<2x3xf32>
// CHECK-SAME{LITERAL}: dense<[[5.000000e-01, 0.000000e+00, 0.000000e+00], [1.500000e+00, 0.000000e+00, 0.000000e+00]]>
// CHECK:       memref.global "private" constant @stays : memref<2xf32>
// CHECK:       func.func @main
// CHECK:         memref.get_global @stays :
// CHECK:         memref.get_global @gone_packed
// CHECK:         memref.get_global @gone_packed
// CHECK:         memref.get_global @stays_packed
// CHECK:         memref.get_global @stays_packed_0
// CHECK-NOT:     qopt.pack
module attributes {gpu.container_module} {
  memref.global "private" constant @gone : memref<2x3xi8> = dense<[[1, 2, 3], [4, 5, 6]]>
  memref.global "private" constant @stays : memref<2xf32> = dense<[0.5, 1.5]>
  gpu.module @kernels [#nvvm.target<chip = "sm_80">] {
    llvm.func @read(%a: !llvm.ptr<1>, %b: !llvm.ptr<1>, %c: !llvm.ptr<1>, %d: !llvm.ptr<1>, %e: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
      llvm.return
    }
  }
  func.func @main(%x: memref<4xf32> {qopt.kind = "input"}, %batch: index {qopt.kind = "batch"}) {
    %c1 = arith.constant 1 : index
    %gone = memref.get_global @gone : memref<2x3xi8>
    %stays = memref.get_global @stays : memref<2xf32>
    %0 = qopt.pack %gone {permutation = array<i64: 1, 0>} : memref<2x3xi8> -> memref<4x3xi8>
    %1 = qopt.pack %gone {permutation = array<i64: 1, 0>} : memref<2x3xi8> -> memref<4x3xi8>
    %2 = qopt.pack %stays {permutation = array<i64: 0>} : memref<2xf32> -> memref<4xf32>
    %column = memref.expand_shape %stays [[0, 1]] output_shape [2, 1] : memref<2xf32> into memref<2x1xf32>
    %3 = qopt.pack %column {permutation = array<i64: 0, 1>} : memref<2x1xf32> -> memref<2x3xf32>
    gpu.launch_func @kernels::@read blocks in (%c1, %c1, %c1) threads in (%c1, %c1, %c1)
        args(%0 : memref<4x3xi8>, %1 : memref<4x3xi8>, %2 : memref<4xf32>, %3 : memref<2x3xf32>, %stays : memref<2xf32>)
    return
  }
}

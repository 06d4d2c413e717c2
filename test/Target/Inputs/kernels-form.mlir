// A kernels form as `qopt-build-kernels` writes it, small: two launches of one
// kernel, one of another; arena, constants packed and plain, all kinds of views.
module attributes {gpu.container_module, qopt.batch = 6 : i64} {
  memref.global "private" constant @weights : memref<3x4xi8> = dense<[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12]]>
  memref.global "private" constant @scales : memref<4xf32> = dense<0.5>
  memref.global "private" constant @mask : memref<5xi1> = dense<[true, false, true, true, false]>
  memref.global "private" constant @copy_of_scales : memref<4xf32> = dense<[0.5, 0.5, 0.5, 0.5]>

  func.func @main(%x: memref<6x4xi8> {qopt.kind = "input", qopt.name = "x"},
                  %y: memref<6x8xf32> {qopt.kind = "output"}, %arena: memref<512xi8> {qopt.kind = "arena"},
                  %workspace: memref<64xi8> {qopt.kind = "workspace"}, %batch: index {qopt.kind = "batch"}) {
    %c1 = arith.constant 1 : index
    %c32 = arith.constant 32 : index
    %c64 = arith.constant 64 : index
    %c256 = arith.constant 256 : index
    %shared = arith.constant 1024 : i32
    %seven = arith.constant 7 : i32
    %w = memref.get_global @weights : memref<3x4xi8>
    %packed = qopt.pack %w {permutation = array<i64: 1, 0>} : memref<3x4xi8> -> memref<8x16xi8>
    %s = memref.get_global @scales : memref<4xf32>
    %s2 = memref.get_global @copy_of_scales : memref<4xf32>
    %m = memref.get_global @mask : memref<5xi1>
    %t = memref.view %arena[%c256][] : memref<512xi8> to memref<6x8xf32>
    %rows = memref.subview %t[2, 4] [4, 4] [1, 1] : memref<6x8xf32> to memref<4x4xf32, strided<[8, 1], offset: 20>>
    %flat = memref.collapse_shape %t [[0, 1]] : memref<6x8xf32> into memref<48xf32>
    %counter = memref.view %workspace[%c32][] : memref<64xi8> to memref<2xi32>
    %grid = affine.apply affine_map<()[s0] -> ((s0 * 5 + 1) ceildiv 4)>()[%batch]
    %tiles = affine.apply affine_map<()[s0] -> ((s0 floordiv 2) * 3)>()[%batch]
    %count = affine.apply affine_map<()[s0] -> (s0 * 8)>()[%batch]
    %count32 = arith.index_cast %count : index to i32
    gpu.launch_func @kernels::@product blocks in (%grid, %c1, %tiles) threads in (%c64, %c1, %c1)
        dynamic_shared_memory_size %shared
        args(%x : memref<6x4xi8>, %packed : memref<8x16xi8>, %rows : memref<4x4xf32, strided<[8, 1], offset: 20>>,
             %counter : memref<2xi32>, %count32 : i32, %count : index) {qopt.name = "fc"}
    gpu.launch_func @kernels::@scale blocks in (%c1, %c1, %c1) threads in (%c32, %c1, %c1)
        args(%flat : memref<48xf32>, %s : memref<4xf32>, %y : memref<6x8xf32>, %seven : i32)
    gpu.launch_func @kernels::@scale blocks in (%batch, %c1, %c1) threads in (%c32, %c1, %c1)
        args(%m : memref<5xi1>, %s2 : memref<4xf32>, %y : memref<6x8xf32>, %seven : i32)
    return
  }

  gpu.module @kernels {
    llvm.func @product(%a: !llvm.ptr<1>, %b: !llvm.ptr<1>, %d: !llvm.ptr<1>, %counter: !llvm.ptr<1>,
                       %count: i32, %count64: i64)
        attributes {gpu.kernel, nvvm.kernel, nvvm.reqntid = array<i32: 64, 1, 1>} {
      llvm.return
    }
    llvm.func @scale(%a: !llvm.ptr<1> {llvm.noalias}, %b: !llvm.ptr<1> {llvm.noalias}, %d: !llvm.ptr<1> {llvm.noalias}, %n: i32)
        attributes {gpu.kernel, nvvm.kernel, nvvm.reqntid = array<i32: 32, 1, 1>} {
      %i = nvvm.read.ptx.sreg.tid.x : i32
      %inside = arith.cmpi ult, %i, %n : i32
      scf.if %inside {
        %pa = llvm.getelementptr %a[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
        %pb = llvm.getelementptr %b[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
        %pd = llvm.getelementptr %d[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
        %va = llvm.load %pa {alignment = 4 : i64} : !llvm.ptr<1> -> f32
        %vb = llvm.load %pb {alignment = 4 : i64} : !llvm.ptr<1> -> f32
        %product = arith.mulf %va, %vb : f32
        %sum = arith.addf %product, %va : f32
        llvm.store %sum, %pd {alignment = 4 : i64} : f32, !llvm.ptr<1>
      }
      llvm.return
    }
  }
}

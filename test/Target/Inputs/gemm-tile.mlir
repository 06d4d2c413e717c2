// The instructions of a tensor-core kernel: one 16-byte copy, one ldmatrix, one
// mma on u8 and s8, the end of an epilogue.
module attributes {gpu.container_module} {
  func.func @main(%arena: memref<0xi8> {qopt.kind = "arena"}, %workspace: memref<0xi8> {qopt.kind = "workspace"},
                  %batch: index {qopt.kind = "batch"}) {
    return
  }
  gpu.module @kernels {
    llvm.mlir.global external @dynsmem() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>
    llvm.func @tile(%a: !llvm.ptr<1> {llvm.noalias}, %scale: !llvm.ptr<1> {llvm.noalias}, %d: !llvm.ptr<1> {llvm.noalias}, %bytes: i32)
        attributes {gpu.kernel, nvvm.kernel, nvvm.reqntid = array<i32: 32, 1, 1>, nvvm.minctasm = 2 : i32} {
      %zero = arith.constant 0 : i32
      %shared = llvm.mlir.addressof @dynsmem : !llvm.ptr<3>
      %lane = nvvm.read.ptx.sreg.tid.x : i32
      %chunk = arith.muli %lane, %bytes : i32
      %to = llvm.getelementptr %shared[%chunk] : (!llvm.ptr<3>, i32) -> !llvm.ptr<3>, i8
      %from = llvm.getelementptr %a[%chunk] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, i8
      nvvm.cp.async.shared.global %to, %from, 16, cache = cg, %bytes : !llvm.ptr<3>, !llvm.ptr<1>, i32
      nvvm.cp.async.commit.group
      nvvm.cp.async.wait.group 0
      nvvm.barrier
      %m = nvvm.ldmatrix %to {num = 4 : i32, layout = #nvvm.mma_layout<row>, shape = #nvvm.ld_st_matrix_shape<m = 8, n = 8>, eltType = #nvvm.ld_st_matrix_elt_type<b16>} : (!llvm.ptr<3>) -> !llvm.struct<(i32, i32, i32, i32)>
      %m0 = llvm.extractvalue %m[0] : !llvm.struct<(i32, i32, i32, i32)>
      %m1 = llvm.extractvalue %m[1] : !llvm.struct<(i32, i32, i32, i32)>
      %m2 = llvm.extractvalue %m[2] : !llvm.struct<(i32, i32, i32, i32)>
      %m3 = llvm.extractvalue %m[3] : !llvm.struct<(i32, i32, i32, i32)>
      %r = nvvm.mma.sync A[%m0, %m1, %m2, %m3] B[%m0, %m1] C[%zero, %zero, %zero, %zero] {intOverflowBehavior = #nvvm.mma_int_overflow<wrapped>, layoutA = #nvvm.mma_layout<row>, layoutB = #nvvm.mma_layout<col>, multiplicandAPtxType = #nvvm.mma_type<u8>, multiplicandBPtxType = #nvvm.mma_type<s8>, shape = #nvvm.shape<m = 16, n = 8, k = 32>} : (i32, i32, i32) -> !llvm.struct<(i32, i32, i32, i32)>
      %r0 = llvm.extractvalue %r[0] : !llvm.struct<(i32, i32, i32, i32)>
      %s = llvm.load %scale {alignment = 4 : i64} : !llvm.ptr<1> -> f32
      %f = arith.sitofp %r0 : i32 to f32
      %y = math.fma %f, %s, %s : f32
      %q = qopt.cvt_rni %y
      %p = qopt.cvt_pack_sat %q, %q, %zero
      llvm.store %p, %d {alignment = 4 : i64} : i32, !llvm.ptr<1>
      llvm.return
    }
  }
}

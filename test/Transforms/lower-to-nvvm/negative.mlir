// RUN: quant-opt %s --pass-pipeline='builtin.module(gpu.module(qopt-lower-to-nvvm))' > %t
// RUN: quant-opt %s | diff - %t

// What upstream's conversions lower stays.

gpu.module @kernels {
  llvm.func @scale(%p: !llvm.ptr<1>) attributes {gpu.kernel, nvvm.kernel} {
    %i = nvvm.read.ptx.sreg.tid.x : i32
    %a = llvm.getelementptr %p[%i] : (!llvm.ptr<1>, i32) -> !llvm.ptr<1>, f32
    %v = llvm.load %a {alignment = 4 : i64} : !llvm.ptr<1> -> f32
    %r = math.roundeven %v : f32
    %q = arith.fptosi %r : f32 to i32
    llvm.store %q, %a {alignment = 4 : i64} : i32, !llvm.ptr<1>
    llvm.return
  }
}

// RUN: quant-opt %s --pass-pipeline='builtin.module(gpu.module(qopt-lower-to-nvvm))' | FileCheck %s
// RUN: %mlir_opt %s --load-dialect-plugin=%quantopt_lib --load-pass-plugin=%quantopt_lib \
// RUN:   --pass-pipeline='builtin.module(gpu.module(qopt-lower-to-nvvm))' | FileCheck %s

// The last operand of the instruction is kept: high, low, rest.

gpu.module @kernels {
  // CHECK-LABEL: llvm.func @convert
  // CHECK-SAME:    %[[F:[a-z0-9]+]]: f32, %[[A:[a-z0-9]+]]: i32, %[[B:[a-z0-9]+]]: i32, %[[C:[a-z0-9]+]]: i32
  llvm.func @convert(%f: f32, %a: i32, %b: i32, %c: i32) -> i32 {
    // CHECK: %[[I:.+]] = llvm.call_intrinsic "llvm.nvvm.f2i.rn"(%[[F]]) : (f32) -> i32
    %i = qopt.cvt_rni %f
    // CHECK: %[[S:.+]] = llvm.inline_asm asm_dialect = att "cvt.pack.sat.s8.s32.b32 $0, $1, $2, $3;", "=r,r,r,r" %[[A]], %[[B]], %[[C]] : (i32, i32, i32) -> i32
    %s = qopt.cvt_pack_sat %a, %b, %c
    // CHECK: %[[U:.+]] = llvm.inline_asm asm_dialect = att "cvt.pack.sat.u8.s32.b32 $0, $1, $2, $3;", "=r,r,r,r" %[[I]], %[[B]], %[[S]] : (i32, i32, i32) -> i32
    %u = qopt.cvt_pack_sat %i, %b, %s {is_unsigned}
    // CHECK: llvm.return %[[U]]
    llvm.return %u : i32
  }
}

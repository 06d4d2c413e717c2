// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-plan-memory)' --split-input-file --verify-diagnostics

func.func @main(%x: memref<4xi1>, %y: memref<4xf32>) {
  %c0 = arith.constant 0 : index
  %b = memref.load %x[%c0] : memref<4xi1>
  // expected-error @below {{has no GPU kernel in this version: control flow}}
  scf.if %b {
    linalg.exp ins(%y : memref<4xf32>) outs(%y : memref<4xf32>)
  }
  return
}

// -----

func.func @main(%n: index, %y: memref<4xf32>) {
  // expected-error @below {{has no GPU kernel in this version: a buffer of type 'memref<?xf32>'}}
  %0 = memref.alloc(%n) : memref<?xf32>
  linalg.exp ins(%0 : memref<?xf32>) outs(%0 : memref<?xf32>)
  return
}

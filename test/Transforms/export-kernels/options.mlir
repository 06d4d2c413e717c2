// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-export-kernels{entry=second})' | FileCheck %s
// RUN: not %quant_opt %s --pass-pipeline='builtin.module(qopt-export-kernels{entry=third})' 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: no function 'third' with a body

// Only the entry is looked at.
// CHECK-LABEL: func.func @first
// CHECK:         memref.view
// CHECK-LABEL: func.func @second
// CHECK-NOT:     memref.view
// CHECK:         return
module {
  func.func @first(%x: memref<4xi8> {qopt.kind = "arena"}, %batch: index {qopt.kind = "batch"}) {
    %c0 = arith.constant 0 : index
    %0 = memref.view %x[%c0][] : memref<4xi8> to memref<1xf32>
    return
  }
  func.func @second(%x: memref<4xi8> {qopt.kind = "arena"}, %batch: index {qopt.kind = "batch"}) {
    %c0 = arith.constant 0 : index
    %0 = memref.view %x[%c0][] : memref<4xi8> to memref<1xf32>
    return
  }
}

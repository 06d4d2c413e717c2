// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-build-kernels{target=sm_90 entry=model})' | FileCheck %s
// RUN: not %quant_opt %s --pass-pipeline='builtin.module(qopt-build-kernels{target=sm_10})' 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: error: unknown target 'sm_10'; known are sm_80 sm_86 sm_87 sm_89 sm_90
// CHECK: gpu.module @kernels [#nvvm.target<chip = "sm_90">]
// CHECK-LABEL: func.func @model
// CHECK: gpu.launch_func
func.func @model(%x: memref<8xf32> {qopt.kind = "input"}, %y: memref<8xf32> {qopt.kind = "output"}) {
  memref.copy %x, %y : memref<8xf32> to memref<8xf32>
  return
}

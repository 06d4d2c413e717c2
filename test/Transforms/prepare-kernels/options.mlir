// RUN: %quant_opt %s --pass-pipeline='builtin.module(qopt-prepare-kernels{entry=second})' | FileCheck %s
// RUN: not %quant_opt %s --pass-pipeline='builtin.module(qopt-prepare-kernels{entry=third})' 2>&1 | FileCheck %s --check-prefix=MISSING

// The other function is not part of the model.
// CHECK-NOT:   @first
// CHECK-LABEL: func.func @second
// CHECK-NOT:   @first
// MISSING: 'third'
func.func @first(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
func.func @second(%x: tensor<8xf32>) -> tensor<8xf32> {
  return %x : tensor<8xf32>
}

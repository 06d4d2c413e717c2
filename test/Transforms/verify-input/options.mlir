// RUN: quant-opt %s --qopt-verify-input=entry=inner | FileCheck %s
// RUN: not quant-opt %s --qopt-verify-input 2>&1 | FileCheck %s --check-prefix=MAIN

// `entry` may name a private function; without it `main` is taken, whose
// control flow cannot be imported.
// CHECK: func.func private @inner
// MAIN: error: control flow between blocks cannot be imported
func.func private @inner(%x: tensor<1xf32>) -> tensor<1xf32> {
  return %x : tensor<1xf32>
}
func.func @other(%x: tensor<1xf32>) -> tensor<1xf32> {
  return %x : tensor<1xf32>
}
func.func @main(%x: tensor<1xf32>) -> tensor<1xf32> {
  cf.br ^exit
^exit:
  return %x : tensor<1xf32>
}

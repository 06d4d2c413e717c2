// RUN: not quant-opt %s --qopt-annotate="keep-float=[a" 2>&1 | FileCheck %s
// RUN: not quant-opt %s --qopt-annotate="entry=other" 2>&1 | FileCheck %s --check-prefix=ENTRY

// CHECK: error: keep-float pattern '[a' is not a glob: invalid glob pattern, unmatched '['
// ENTRY: error: no function 'other' with a body; the module has: main
func.func @main(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  return %x : tensor<2x2xf32>
}

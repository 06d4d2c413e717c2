// RUN: not quant-opt %s --qopt-specialize-shapes="shape=arg0:1x4" 2>&1 | FileCheck %s

// Which block returns is not asked: control flow cannot be imported anyway.
// CHECK: error: control flow between blocks cannot be imported
func.func @main(%x: tensor<?x4xf32>, %c: i1) -> tensor<?x4xf32> {
  cf.cond_br %c, ^then, ^else
^then:
  return %x : tensor<?x4xf32>
^else:
  return %x : tensor<?x4xf32>
}

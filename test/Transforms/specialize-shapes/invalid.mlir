// Every message of the pass, one run per bad `shape`.
// DEFINE: %{pass} = --qopt-specialize-shapes
// RUN: not quant-opt %s %{pass}="shape=arg0" 2>&1 | FileCheck %s --check-prefix=FORM -DSHAPE=arg0
// RUN: not quant-opt %s %{pass}="shape=:1x4" 2>&1 | FileCheck %s --check-prefix=FORM -DSHAPE=:1x4
// RUN: not quant-opt %s %{pass}="shape=arg0:0x4" 2>&1 | FileCheck %s --check-prefix=FORM -DSHAPE=arg0:0x4
// RUN: not quant-opt %s %{pass}="shape=arg0:-1x4" 2>&1 | FileCheck %s --check-prefix=FORM -DSHAPE=arg0:-1x4
// RUN: not quant-opt %s %{pass}="shape=arg0:?x4" 2>&1 | FileCheck %s --check-prefix=FORM -DSHAPE=arg0:?x4
// RUN: not quant-opt %s %{pass}="shape=arg0:1x99999999999999999999" 2>&1 | FileCheck %s --check-prefix=FORM -DSHAPE=arg0:1x99999999999999999999
// RUN: not quant-opt %s %{pass}="shape=arg0:1x5" 2>&1 | FileCheck %s --check-prefix=FIT -DSHAPE=arg0:1x5
// RUN: not quant-opt %s %{pass}="shape=arg0:4" 2>&1 | FileCheck %s --check-prefix=FIT -DSHAPE=arg0:4
// RUN: not quant-opt %s %{pass}="shape=n:1" 2>&1 | FileCheck %s --check-prefix=SCALAR
// RUN: not quant-opt %s %{pass}="shape=image:1x4" 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not quant-opt %s %{pass}="shape=arg1:1x4" 2>&1 | FileCheck %s --check-prefix=OTHER

// FORM: invalid.mlir:[[# @LINE + 5]]:1: error: shape '[[SHAPE]]' is not of the form NAME:1x3x224x224 with positive dimensions
// FIT: invalid.mlir:[[# @LINE + 4]]:1: error: shape '[[SHAPE]]' does not fit argument 'arg0' of type 'tensor<?x4xf32>'
// SCALAR: error: shape 'n:1' does not fit argument 'n' of type 'index'
// UNKNOWN: error: shape 'image:1x4' names no argument of 'main'
// OTHER: error: shape 'arg1:1x4' names no argument of 'main'
func.func @main(%x: tensor<?x4xf32>, %n: index {qopt.name = "n"}) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}

// RUN: quant-opt %s --qopt-propagate-scales | FileCheck %s

// An edge without statistics stays dynamic.
// CHECK: qopt.observe %{{.+}} {name = "edge"} : tensor<2xf32>
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = qopt.observe %x {name = "edge"} : tensor<2xf32>
  return %0 : tensor<2xf32>
}

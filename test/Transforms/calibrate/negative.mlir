// RUN: quant-opt %s --qopt-calibrate | FileCheck %s

// Without data nothing is known: the edge stays dynamic.
// CHECK: qopt.observe %{{.+}} {name = "image"} : tensor<2x2xf32>
// CHECK-NOT: calibration
func.func @main(%x: tensor<2x2xf32> {qopt.name = "image"}) -> tensor<2x2xf32> {
  %0 = qopt.observe %x {name = "image"} : tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

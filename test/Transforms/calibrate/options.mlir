// RUN: quant-opt %s --qopt-calibrate="data=%S/Inputs/rows.npz entry=second" | FileCheck %s

// CHECK-LABEL: func.func @second
// CHECK:         qopt.observe %{{.+}} {name = "image", stats = #qopt.stats<min = -5.0, max = 14.75, count = 80,
func.func @first(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  return %x : tensor<2x2xf32>
}
func.func @second(%x: tensor<2x2xf32> {qopt.name = "image"}) -> tensor<2x2xf32> {
  %0 = qopt.observe %x {name = "image"} : tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

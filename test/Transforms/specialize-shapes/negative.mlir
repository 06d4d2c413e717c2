// RUN: quant-opt %s --qopt-specialize-shapes | FileCheck %s
// RUN: quant-opt %s --qopt-specialize-shapes="shape=s:" | FileCheck %s

// Without shapes, and with a shape the argument has already, nothing changes.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.+]]: tensor<?x4xf32>, %{{.+}}: tensor<f32> {qopt.name = "s"}) -> tensor<?x4xf32>
// CHECK-NEXT:    return %[[X]] : tensor<?x4xf32>
func.func @main(%x: tensor<?x4xf32>, %s: tensor<f32> {qopt.name = "s"}) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}

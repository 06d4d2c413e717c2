// RUN: quant-opt %s --qopt-strip-leftovers --allow-unregistered-dialect | FileCheck %s

// Ops and attributes of others are none of its business.
// CHECK-LABEL: module
// CHECK-SAME:    attributes {qopt.report
// CHECK:         memref.global
// CHECK:         func.func @main(%{{.+}}: tensor<2xf32> {qopt.name = "x"})
// CHECK:         "third.party"
module attributes {qopt.report = {}} {
  memref.global "private" constant @table : memref<2xf32> = dense<1.0>
  func.func @main(%x: tensor<2xf32> {qopt.name = "x"}) -> tensor<2xf32> {
    %0 = "third.party"(%x) {third.attribute} : (tensor<2xf32>) -> tensor<2xf32>
    return %0 : tensor<2xf32>
  }
}

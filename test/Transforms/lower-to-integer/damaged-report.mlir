// RUN: quant-opt %s --qopt-lower-to-integer | FileCheck %s
// RUN: quant-opt %s --qopt-annotate --qopt-quantize --qopt-lower-to-integer --qopt-write-report -o /dev/null

// The report is a user's text when a job is resumed: rows without a name, and of
// other types than ours, are no reason to crash.
// CHECK-LABEL: func.func @main(
// CHECK:         return
module attributes {qopt.report = {edges = 3, facts = [{name = 1}, 2], ops = [{op = "matmul", precision = "f32"}, {name = "fc", op = 7}]}} {
  func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    %0 = arith.negf %x : tensor<2xf32>
    return %0 : tensor<2xf32>
  }
}

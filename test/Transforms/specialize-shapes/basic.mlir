// RUN: quant-opt %s --split-input-file \
// RUN:   --qopt-specialize-shapes="shape=arg0:2x4,tokens:2x7" | FileCheck %s

// Arguments are named by position or by qopt.name; all shapes that follow from
// theirs become static, the function's results too.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    %[[X:.+]]: tensor<2x4xf32>, %[[T:.+]]: tensor<2x7xi64> {qopt.name = "tokens"}
// CHECK-SAME:  -> (tensor<2x4xf32>, tensor<2x7xi64>)
// CHECK-NOT:   tensor.dim
// CHECK:       %[[EMPTY:.+]] = tensor.empty() : tensor<2x4xf32>
// CHECK:       %[[Y:.+]] = linalg.exp ins(%[[X]] : tensor<2x4xf32>) outs(%[[EMPTY]] : tensor<2x4xf32>)
// CHECK:       return %[[Y]], %[[T]] : tensor<2x4xf32>, tensor<2x7xi64>
func.func @main(%x: tensor<?x4xf32>, %tokens: tensor<?x?xi64> {qopt.name = "tokens"})
    -> (tensor<?x4xf32>, tensor<?x?xi64>) {
  %c0 = arith.constant 0 : index
  %batch = tensor.dim %x, %c0 : tensor<?x4xf32>
  %empty = tensor.empty(%batch) : tensor<?x4xf32>
  %y = linalg.exp ins(%x : tensor<?x4xf32>) outs(%empty : tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y, %tokens : tensor<?x4xf32>, tensor<?x?xi64>
}

// -----

// A private function beside the entry keeps its dynamic shapes.
// CHECK-LABEL: func.func @main(
// CHECK-SAME:    tensor<2x4xf32>, %{{.+}}: tensor<2x7xf32> {qopt.name = "tokens"}) -> tensor<2x7xf32>
// CHECK-LABEL: func.func private @helper(%{{.+}}: tensor<?xf32>) -> tensor<?xf32>
func.func @main(%x: tensor<2x?xf32>, %t: tensor<2x7xf32> {qopt.name = "tokens"}) -> tensor<2x7xf32> {
  return %t : tensor<2x7xf32>
}
func.func private @helper(%x: tensor<?xf32>) -> tensor<?xf32> {
  return %x : tensor<?xf32>
}

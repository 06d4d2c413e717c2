// RUN: quant-opt %s --qopt-annotate=keep-float=fc | FileCheck %s

// Annotating again with other options forgets the earlier choice.
// CHECK:     linalg.matmul {qopt.name = "fc"}
// CHECK-NOT: qopt.quantize
func.func @main(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = arith.constant dense<1.0> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = linalg.matmul {qopt.name = "fc", qopt.quantize} ins(%x, %w : tensor<2x2xf32>, tensor<2x2xf32>)
                     outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32> loc("fc")
  return %0 : tensor<2x2xf32>
}

// RUN: quant-opt %s --qopt-annotate="keep-float=fc[12],*_0 entry=second" \
// RUN:   --remarks-filter=qopt --remark-policy=all 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=REMARK --input-file=%t.remarks

// CHECK-LABEL: func.func @first
// CHECK-NOT:     qopt.
// CHECK-LABEL: func.func @second
// CHECK:         linalg.matmul {qopt.name = "fc1"} ins
// CHECK:         linalg.matmul {qopt.name = "matmul_0"} ins
// CHECK:         linalg.matmul {qopt.name = "fc3", qopt.quantize} ins

// REMARK:      fc1: kept float by --keep-float=fc[12]
// REMARK:      matmul_0: kept float by --keep-float=*_0
// REMARK-NOT:  fc3
func.func @first(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  return %x : tensor<2x2xf32>
}
func.func @second(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %w = arith.constant dense<1.0> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32> loc("fc1")
  %1 = linalg.matmul ins(%0, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  %2 = linalg.matmul ins(%1, %w : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32> loc("fc3")
  return %2 : tensor<2x2xf32>
}

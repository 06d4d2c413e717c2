// RUN: quant-opt --load-dialect-plugin=%quantopt_test_dialect %s --split-input-file \
// RUN:   --qopt-quantize --qopt-lower-to-integer | FileCheck %s

// With a calibrated u8 activation the op is told so, and its bias joins the
// epilogue: M = 0.5·1/1 = 0.5 in real units, c = -10·127.
#ij = affine_map<(i, j) -> (i, j)>
#j = affine_map<(i, j) -> (j)>

// CHECK-LABEL: func.func @u8(
// CHECK:         %[[ACC:.+]] = test_q.integer_dense %{{.+}}, %{{.+}} {unsigned_x} : tensor<4x1xi8>, tensor<1x1xi8> -> tensor<4x1xi32>
// CHECK-DAG:     %[[M:.+]] = arith.constant dense<5.000000e-01> : tensor<1xf32>
// CHECK-DAG:     %[[B:.+]] = arith.constant dense<3.000000e+00> : tensor<1xf32>
// CHECK-DAG:     %[[C:.+]] = arith.constant dense<-1270> : tensor<1xi32>
// CHECK:         linalg.generic {{.+}} ins(%[[ACC]], %[[M]], %[[B]], %[[C]] :
// CHECK-NOT:     arith.addf
func.func @u8(%x: tensor<4x1xf32>) -> tensor<4x1xf32> {
  %w = arith.constant dense<127.0> : tensor<1x1xf32>
  %bias = arith.constant dense<3.0> : tensor<1xf32>
  %empty = tensor.empty() : tensor<4x1xf32>
  %0 = qopt.observe %x {name = "x", type = !quant.uniform<u8:f32, 0.5:10>} : tensor<4x1xf32>
  %1 = test_q.dense %0, %w {qopt.quantize} : tensor<4x1xf32>, tensor<1x1xf32> -> tensor<4x1xf32>
  %2 = linalg.generic {indexing_maps = [#ij, #j, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%1, %bias : tensor<4x1xf32>, tensor<1xf32>) outs(%empty : tensor<4x1xf32>) {
  ^bb0(%v: f32, %b: f32, %out: f32):
    %s = arith.addf %v, %b : f32
    linalg.yield %s : f32
  } -> tensor<4x1xf32>
  return %2 : tensor<4x1xf32>
}

// RUN: quant-opt %s --qopt-normalize-contractions | FileCheck %s
// RUN: quant-opt %s --qopt-normalize-contractions -o %t.once
// RUN: quant-opt %t.once --qopt-normalize-contractions -o %t.twice
// RUN: diff %t.once %t.twice

// A contraction from zero is in normal form already, however zero is written.
// CHECK-LABEL: func.func @from_zero(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<2x2xf32>)
// CHECK:         %[[ZERO:.+]] = arith.constant dense<0.000000e+00> : tensor<2x2xf32>
// CHECK-NEXT:    %[[Y:.+]] = linalg.matmul ins(%[[X]], %[[X]] : {{.+}}) outs(%[[ZERO]] :
// CHECK-NEXT:    return %[[Y]]
func.func @from_zero(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
  %zero = arith.constant dense<0.0> : tensor<2x2xf32>
  %0 = linalg.matmul ins(%x, %x : tensor<2x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<2x2xf32>) -> tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// A pool's initial value is no bias.
// CHECK-LABEL: func.func @max_pool(
// CHECK:         %[[INIT:.+]] = arith.constant dense<-1.000000e+00>
// CHECK:         linalg.pooling_nhwc_max {{.+}} outs(%[[INIT]] :
// CHECK-NEXT:    return
func.func @max_pool(%x: tensor<1x4x4x2xf32>) -> tensor<1x2x2x2xf32> {
  %window = tensor.empty() : tensor<3x3xf32>
  %init = arith.constant dense<-1.0> : tensor<1x2x2x2xf32>
  %0 = linalg.pooling_nhwc_max ins(%x, %window : tensor<1x4x4x2xf32>, tensor<3x3xf32>)
                               outs(%init : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %0 : tensor<1x2x2x2xf32>
}

// A copied activation may have other readers: the copy stays.
// CHECK-LABEL: func.func @copied_activation(
// CHECK:         %[[COPIES:.+]] = linalg.broadcast
// CHECK:         linalg.batch_matmul ins(%[[COPIES]],
func.func @copied_activation(%x: tensor<3x2xf32>, %y: tensor<2x2x2xf32>) -> tensor<2x3x2xf32> {
  %empty = tensor.empty() : tensor<2x3x2xf32>
  %copies = linalg.broadcast ins(%x : tensor<3x2xf32>) outs(%empty : tensor<2x3x2xf32>) dimensions = [0]
  %zero = arith.constant dense<0.0> : tensor<2x3x2xf32>
  %0 = linalg.batch_matmul ins(%copies, %y : tensor<2x3x2xf32>, tensor<2x2x2xf32>)
                           outs(%zero : tensor<2x3x2xf32>) -> tensor<2x3x2xf32>
  return %0 : tensor<2x3x2xf32>
}

// A strided slice is not evaluated.
// CHECK-LABEL: func.func @strided_slice(
// CHECK:         tensor.extract_slice
func.func @strided_slice() -> tensor<2xf32> {
  %w = arith.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %0 = tensor.extract_slice %w[0] [2] [2] : tensor<4xf32> to tensor<2xf32>
  return %0 : tensor<2xf32>
}

// An init that is read (an accumulation) stays.
// CHECK-LABEL: func.func @read_init(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<2x3xf32>, %[[Y:[^:]+]]: tensor<2xf32>)
// CHECK:         linalg.generic {{.+}} ins(%[[X]] : tensor<2x3xf32>) outs(%[[Y]] :
func.func @read_init(%x: tensor<2x3xf32>, %y: tensor<2xf32>) -> tensor<2xf32> {
  %0 = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<2x3xf32>) outs(%y : tensor<2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.addf %in, %out : f32
    linalg.yield %1 : f32
  } -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

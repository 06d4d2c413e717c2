// RUN: quant-opt %s --qopt-normalize-contractions | FileCheck %s

// CHECK-DAG: #[[$ID4:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG: #[[$CHANNEL:.+]] = affine_map<(d0, d1, d2, d3) -> (d3)>
// CHECK-DAG: #[[$ID2:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG: #[[$ROW:.+]] = affine_map<(d0, d1) -> (0, d1)>
// CHECK-DAG: #[[$ACTIVATION:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d3)>
// CHECK-DAG: #[[$WEIGHT:.+]] = affine_map<(d0, d1, d2, d3) -> (d3, d2)>
// CHECK-DAG: #[[$RESULT:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2)>

// A convolution that starts from a broadcast bias starts from zero; the bias
// stays one value per channel.
// CHECK-LABEL: func.func @broadcast_bias(
// CHECK-SAME:    %[[X:[^:]+]]:
// CHECK-DAG:     %[[BIAS:.+]] = arith.constant dense<[1.000000e+00, 2.000000e+00]>
// CHECK-DAG:     %[[ZERO:.+]] = arith.constant 0.000000e+00 : f32
// CHECK:         %[[INIT:.+]] = linalg.fill ins(%[[ZERO]] : f32)
// CHECK:         %[[CONV:.+]] = linalg.conv_2d_nhwc_fhwc ins(%[[X]], {{.+}} outs(%[[INIT]] :
// CHECK:         %[[SUM:.+]] = linalg.generic {indexing_maps = [#[[$ID4]], #[[$CHANNEL]], #[[$ID4]]], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%[[CONV]], %[[BIAS]] :
// CHECK:           arith.addf
// CHECK:         return %[[SUM]]
func.func @broadcast_bias(%x: tensor<1x4x4x3xf32>, %w: tensor<2x3x3x3xf32>) -> tensor<1x2x2x2xf32> {
  %bias = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %empty = tensor.empty() : tensor<1x2x2x2xf32>
  %init = linalg.broadcast ins(%bias : tensor<2xf32>) outs(%empty : tensor<1x2x2x2xf32>) dimensions = [0, 1, 2]
  %0 = linalg.conv_2d_nhwc_fhwc ins(%x, %w : tensor<1x4x4x3xf32>, tensor<2x3x3x3xf32>)
                                outs(%init : tensor<1x2x2x2xf32>) -> tensor<1x2x2x2xf32>
  return %0 : tensor<1x2x2x2xf32>
}

// The same for a broadcast written as a copying generic.
// CHECK-LABEL: func.func @copied_bias(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<2x3xf32>, %[[W:[^:]+]]: tensor<3x4xf32>, %[[BIAS:[^:]+]]: tensor<1x4xf32>)
// CHECK:         %[[INIT:.+]] = linalg.fill
// CHECK:         %[[PRODUCT:.+]] = linalg.matmul ins(%[[X]], %[[W]] : {{.+}}) outs(%[[INIT]] :
// CHECK:         linalg.generic {indexing_maps = [#[[$ID2]], #[[$ROW]], #[[$ID2]]], iterator_types = ["parallel", "parallel"]} ins(%[[PRODUCT]], %[[BIAS]] :
func.func @copied_bias(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>, %bias: tensor<1x4xf32>) -> tensor<2x4xf32> {
  %empty = tensor.empty() : tensor<2x4xf32>
  %init = linalg.generic {
      indexing_maps = [affine_map<(i, j) -> (0, j)>, affine_map<(i, j) -> (i, j)>],
      iterator_types = ["parallel", "parallel"]}
      ins(%bias : tensor<1x4xf32>) outs(%empty : tensor<2x4xf32>) {
  ^bb0(%in: f32, %out: f32):
    linalg.yield %in : f32
  } -> tensor<2x4xf32>
  %0 = linalg.matmul ins(%x, %w : tensor<2x3xf32>, tensor<3x4xf32>) outs(%init : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// Any other initial value is added as it is.
// CHECK-LABEL: func.func @residual(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<2x3xf32>, %[[W:[^:]+]]: tensor<3x4xf32>, %[[R:[^:]+]]: tensor<2x4xf32>)
// CHECK:         %[[INIT:.+]] = linalg.fill
// CHECK:         %[[PRODUCT:.+]] = linalg.matmul ins(%[[X]], %[[W]] : {{.+}}) outs(%[[INIT]] :
// CHECK:         linalg.generic {indexing_maps = [#[[$ID2]], #[[$ID2]], #[[$ID2]]], {{.+}}} ins(%[[PRODUCT]], %[[R]] :
func.func @residual(%x: tensor<2x3xf32>, %w: tensor<3x4xf32>, %r: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = linalg.matmul ins(%x, %w : tensor<2x3xf32>, tensor<3x4xf32>) outs(%r : tensor<2x4xf32>) -> tensor<2x4xf32>
  return %0 : tensor<2x4xf32>
}

// A weight copied once per batch is read itself.
// CHECK-LABEL: func.func @batch_matmul(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<2x3x2xf32>)
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<{{.+}}> : tensor<2x2xf32>
// CHECK-NOT:     linalg.broadcast
// CHECK:         linalg.contract indexing_maps = [#[[$ACTIVATION]], #[[$WEIGHT]], #[[$RESULT]]] ins(%[[X]], %[[W]] :
func.func @batch_matmul(%x: tensor<2x3x2xf32>) -> tensor<2x3x2xf32> {
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %empty = tensor.empty() : tensor<2x2x2xf32>
  %copies = linalg.broadcast ins(%w : tensor<2x2xf32>) outs(%empty : tensor<2x2x2xf32>) dimensions = [0]
  %zero = arith.constant dense<0.0> : tensor<2x3x2xf32>
  %0 = linalg.batch_matmul ins(%x, %copies : tensor<2x3x2xf32>, tensor<2x2x2xf32>)
                           outs(%zero : tensor<2x3x2xf32>) -> tensor<2x3x2xf32>
  return %0 : tensor<2x3x2xf32>
}

// An init operand that is never read says only its shape.
// CHECK-LABEL: func.func @unread_init(
// CHECK-SAME:    %[[X:[^:]+]]: tensor<2xf32>, %{{.+}}: tensor<2xf32>)
// CHECK:         %[[EMPTY:.+]] = tensor.empty() : tensor<2xf32>
// CHECK:         linalg.generic {{.+}} ins(%[[X]] : tensor<2xf32>) outs(%[[EMPTY]] :
func.func @unread_init(%x: tensor<2xf32>, %other: tensor<2xf32>) -> tensor<2xf32> {
  %0 = linalg.generic {
      indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
      iterator_types = ["parallel"]}
      ins(%x : tensor<2xf32>) outs(%other : tensor<2xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.negf %in : f32
    linalg.yield %1 : f32
  } -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

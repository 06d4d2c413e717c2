// RUN: quant-opt %s --qopt-lower-quantized-ops --split-input-file | FileCheck %s

// The sum of products is that of integer form; the sums of the constant weight
// over each column, times the zero point, are a constant per column:
// -3 * (1 + 3) and -3 * (2 - 4).
// CHECK-DAG:   #[[$ID:.+]] = affine_map<(d0, d1) -> (d0, d1)>
// CHECK-DAG:   #[[$COLUMN:.+]] = affine_map<(d0, d1) -> (d1)>
// CHECK-LABEL: func.func @matmul(
// CHECK-SAME:    %[[X:.+]]: tensor<3x2xi8>)
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<{{\[}}[1, 2], [3, -4]]> : tensor<2x2xi8>
// CHECK-DAG:     %[[TERM:.+]] = arith.constant dense<[-12, 6]> : tensor<2xi32>
// CHECK:         %[[ZERO:.+]] = linalg.fill
// CHECK:         %[[ACC:.+]] = linalg.generic {{.+}}"reduction"{{.+}} ins(%[[X]], %[[W]] : tensor<3x2xi8>, tensor<2x2xi8>) outs(%[[ZERO]] : tensor<3x2xi32>)
// CHECK:           arith.extsi
// CHECK:           arith.extsi
// CHECK:           arith.muli
// CHECK:           arith.addi
// CHECK:         %[[SUM:.+]] = linalg.generic {indexing_maps = [#[[$ID]], #[[$COLUMN]], #[[$ID]]]{{.+}} ins(%[[ACC]], %[[TERM]] :
// CHECK:           arith.addi
// CHECK:         return %[[SUM]]
func.func @matmul(%x: tensor<3x2xi8>) -> tensor<3x2xi32> {
  %w = arith.constant dense<[[1, 2], [3, -4]]> : tensor<2x2xi8>
  %za = arith.constant 3 : i32
  %zw = arith.constant 0 : i32
  %e = tensor.empty() : tensor<3x2xi32>
  %init = linalg.fill ins(%zw : i32) outs(%e : tensor<3x2xi32>) -> tensor<3x2xi32>
  %0 = linalg.quantized_matmul ins(%x, %w, %za, %zw : tensor<3x2xi8>, tensor<2x2xi8>, i32, i32) outs(%init : tensor<3x2xi32>) -> tensor<3x2xi32>
  return %0 : tensor<3x2xi32>
}

// -----

// With zero points on two run-time operands the sums of rows and columns are
// ops of their own.
// CHECK-LABEL: func.func @both_at_run_time(
// CHECK-SAME:    %[[A:[^:]+]]: tensor<2x3x4xi8>, %[[B:[^:]+]]: tensor<2x4x5xi8>)
// CHECK:         %[[SB:.+]] = linalg.generic {{.+}} ins(%[[B]] : tensor<2x4x5xi8>) outs(%{{.+}} : tensor<2x5xi32>)
// CHECK:         %[[TB:.+]] = linalg.generic {{.+}} ins(%[[SB]] : tensor<2x5xi32>)
// CHECK:         %[[SA:.+]] = linalg.generic {{.+}} ins(%[[A]] : tensor<2x3x4xi8>) outs(%{{.+}} : tensor<2x3xi32>)
// CHECK:         %[[TA:.+]] = linalg.generic {{.+}} ins(%[[SA]] : tensor<2x3xi32>)
// CHECK:         %[[ACC:.+]] = linalg.generic {{.+}} ins(%[[A]], %[[B]] : tensor<2x3x4xi8>, tensor<2x4x5xi8>)
// CHECK:         linalg.generic {{.+}} ins(%[[ACC]], %[[TB]], %[[TA]] : tensor<2x3x5xi32>, tensor<2x5xi32>, tensor<2x3xi32>)
func.func @both_at_run_time(%a: tensor<2x3x4xi8>, %b: tensor<2x4x5xi8>) -> tensor<2x3x5xi32> {
  %za = arith.constant 3 : i32
  %zb = arith.constant -7 : i32
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<2x3x5xi32>
  %init = linalg.fill ins(%c0 : i32) outs(%e : tensor<2x3x5xi32>) -> tensor<2x3x5xi32>
  %0 = linalg.quantized_batch_matmul ins(%a, %b, %za, %zb : tensor<2x3x4xi8>, tensor<2x4x5xi8>, i32, i32) outs(%init : tensor<2x3x5xi32>) -> tensor<2x3x5xi32>
  return %0 : tensor<2x3x5xi32>
}

// -----

// A convolution becomes channels-last, its bias one constant with the zero-point
// term: 100 + 128 * (1 + 2 + 3 + 4) and 200 + 128 * 4.
// CHECK-DAG:   #[[$ID:.+]] = affine_map<(d0, d1, d2, d3) -> (d0, d1, d2, d3)>
// CHECK-DAG:   #[[$CHANNEL:.+]] = affine_map<(d0, d1, d2, d3) -> (d3)>
// CHECK-LABEL: func.func @convolution(
// CHECK-SAME:    %[[X:.+]]: tensor<1x1x3x3xi8>)
// CHECK-DAG:     %[[W:.+]] = arith.constant dense<{{.+}}> : tensor<2x2x2x1xi8>
// CHECK-DAG:     %[[TERM:.+]] = arith.constant dense<[1380, 712]> : tensor<2xi32>
// CHECK-DAG:     %[[T:.+]] = linalg.transpose ins(%[[X]] : {{.+}} permutation = [0, 2, 3, 1]
// CHECK:         %[[ACC:.+]] = linalg.generic {{.+}} ins(%[[T]], %[[W]] : tensor<1x3x3x1xi8>, tensor<2x2x2x1xi8>) outs(%{{.+}} : tensor<1x2x2x2xi32>)
// CHECK:         %[[SUM:.+]] = linalg.generic {indexing_maps = [#[[$ID]], #[[$CHANNEL]], #[[$ID]]]{{.+}} ins(%[[ACC]], %[[TERM]] :
// CHECK:         linalg.transpose ins(%[[SUM]] : {{.+}} permutation = [0, 3, 1, 2]
func.func @convolution(%x: tensor<1x1x3x3xi8>) -> tensor<1x2x2x2xi32> {
  %w = arith.constant dense<[[[[1, 2], [3, 4]]], [[[1, 1], [1, 1]]]]> : tensor<2x1x2x2xi8>
  %bias = arith.constant dense<[100, 200]> : tensor<2xi32>
  %za = arith.constant -128 : i32
  %c0 = arith.constant 0 : i32
  %e = tensor.empty() : tensor<1x2x2x2xi32>
  %init = linalg.broadcast ins(%bias : tensor<2xi32>) outs(%e : tensor<1x2x2x2xi32>) dimensions = [0, 2, 3]
  %0 = linalg.conv_2d_nchw_fchw_q {dilations = dense<1> : vector<2xi64>, strides = dense<1> : vector<2xi64>}
      ins(%x, %w, %za, %c0 : tensor<1x1x3x3xi8>, tensor<2x1x2x2xi8>, i32, i32) outs(%init : tensor<1x2x2x2xi32>) -> tensor<1x2x2x2xi32>
  return %0 : tensor<1x2x2x2xi32>
}

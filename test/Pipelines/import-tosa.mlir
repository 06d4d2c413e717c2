// RUN: quant-opt --quantize-int8 --to=import %s | FileCheck %s --check-prefix=IMPORT
// RUN: quant-opt --quantize-int8 %s | FileCheck %s --check-prefix=INTEGER

// TOSA goes through upstream's lowering into normal form: the bias leaves the
// init, ReLU is a clamp, the fully connected layer a contraction with a constant.
// IMPORT-LABEL: func.func @main(
// IMPORT-NOT:     tosa.
// IMPORT:         %[[CONV:.+]] = linalg.conv_2d_nhwc_{{.+}} outs(%[[ZERO:.+]] : tensor<1x4x4x2xf32>)
// IMPORT:         linalg.generic {{.+}} ins(%[[CONV]], %{{.+}} : tensor<1x4x4x2xf32>, tensor<2xf32>)
// IMPORT:           arith.addf
// IMPORT-NOT:     tosa.
// IMPORT:         return

// INTEGER-COUNT-2: tensor<{{[0-9x]+}}xi8>) outs(%{{.+}} : tensor<{{[0-9x]+}}xi32>)
func.func @main(%x: tensor<1x4x4x3xf32>) -> tensor<1x16x4xf32> {
  %w = "tosa.const"() {values = dense<0.5> : tensor<2x3x3x3xf32>} : () -> tensor<2x3x3x3xf32>
  %b = "tosa.const"() {values = dense<[1.0, 2.0]> : tensor<2xf32>} : () -> tensor<2xf32>
  %z = "tosa.const"() {values = dense<0.0> : tensor<1xf32>} : () -> tensor<1xf32>
  %0 = tosa.conv2d %x, %w, %b, %z, %z {acc_type = f32, dilation = array<i64: 1, 1>, pad = array<i64: 1, 1, 1, 1>, stride = array<i64: 1, 1>}
      : (tensor<1x4x4x3xf32>, tensor<2x3x3x3xf32>, tensor<2xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x4x4x2xf32>
  %1 = tosa.clamp %0 {min_val = 0.0 : f32, max_val = 6.0 : f32} : (tensor<1x4x4x2xf32>) -> tensor<1x4x4x2xf32>
  %shape = tosa.const_shape {values = dense<[1, 16, 2]> : tensor<3xindex>} : () -> !tosa.shape<3>
  %2 = tosa.reshape %1, %shape : (tensor<1x4x4x2xf32>, !tosa.shape<3>) -> tensor<1x16x2xf32>
  %v = "tosa.const"() {values = dense<[[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]]> : tensor<1x2x4xf32>} : () -> tensor<1x2x4xf32>
  %3 = tosa.matmul %2, %v, %z, %z : (tensor<1x16x2xf32>, tensor<1x2x4xf32>, tensor<1xf32>, tensor<1xf32>) -> tensor<1x16x4xf32>
  return %3 : tensor<1x16x4xf32>
}

// RUN: quant-opt %s --qopt-verify-qdq-form | FileCheck %s

// Per-tensor, per-axis and sub-channel types of 8 bits, 16 bits, and run-time scales.
// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<2x2xf32>, %w: tensor<2x2xi8>) -> (tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>) {
  %0 = quant.qcast %x : tensor<2x2xf32> to tensor<2x2x!quant.uniform<u8:f32, 0.5:3>>
  %1 = quant.dcast %0 : tensor<2x2x!quant.uniform<u8:f32, 0.5:3>> to tensor<2x2xf32>
  %2 = quant.scast %w : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8<-127:127>:f32:1, {0.5, 0.25}>>
  %3 = quant.dcast %2 : tensor<2x2x!quant.uniform<i8<-127:127>:f32:1, {0.5, 0.25}>> to tensor<2x2xf32>
  %4 = quant.scast %w : tensor<2x2xi8> to tensor<2x2x!quant.uniform<i8<-127:127>:f32:{0:1, 1:1}, {{0.5, 0.25}, {1.0, 2.0}}>>
  %5 = quant.dcast %4 : tensor<2x2x!quant.uniform<i8<-127:127>:f32:{0:1, 1:1}, {{0.5, 0.25}, {1.0, 2.0}}>> to tensor<2x2xf32>
  %q, %s = qopt.dynamic_quantize %x {per = #qopt<granularity row>} : tensor<2x2xf32> -> tensor<2x2xi8>, tensor<2xf32>
  %6 = qopt.dynamic_dequantize %q, %s {per = #qopt<granularity row>} : tensor<2x2xi8>, tensor<2xf32> -> tensor<2x2xf32>
  %7 = quant.qcast %x : tensor<2x2xf32> to tensor<2x2x!quant.uniform<i16:f32, 0.5>>
  %8 = quant.dcast %7 : tensor<2x2x!quant.uniform<i16:f32, 0.5>> to tensor<2x2xf32>
  return %1, %3, %5, %6, %8 : tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>, tensor<2x2xf32>
}

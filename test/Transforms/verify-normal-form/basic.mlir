// RUN: quant-opt %s --qopt-verify-normal-form | FileCheck %s

// Upstream ops on static tensors, channels-last, with the observers of a module
// that comes back from a later phase.
// CHECK-LABEL: func.func @main
// CHECK:         qopt.observe
// CHECK:         linalg.conv_2d_nhwc_fhwc
func.func @main(%x: tensor<1x4x4x2xf32>) -> tensor<1x3x3x1xf32> {
  %w = arith.constant dense_resource<w> : tensor<1x2x2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<1x3x3x1xf32>
  %0 = qopt.observe %x {name = "arg0"} : tensor<1x4x4x2xf32>
  %1 = linalg.conv_2d_nhwc_fhwc ins(%0, %w : tensor<1x4x4x2xf32>, tensor<1x2x2x2xf32>)
                                outs(%zero : tensor<1x3x3x1xf32>) -> tensor<1x3x3x1xf32>
  return %1 : tensor<1x3x3x1xf32>
}

// A recurrent cell: a loop that runs a constant number of times.
// CHECK-LABEL: func.func @loop
// CHECK:         scf.for
func.func @loop(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %w = arith.constant dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
  %zero = arith.constant dense<0.0> : tensor<1x2xf32>
  %0 = scf.for %i = %c0 to %c4 step %c1 iter_args(%h = %x) -> (tensor<1x2xf32>) {
    %1 = linalg.matmul ins(%h, %w : tensor<1x2xf32>, tensor<2x2xf32>) outs(%zero : tensor<1x2xf32>) -> tensor<1x2xf32>
    scf.yield %1 : tensor<1x2xf32>
  }
  return %0 : tensor<1x2xf32>
}

{-# dialect_resources: { builtin: {
  w: "0x040000000000803F0000803F0000803F0000803F0000803F0000803F0000803F0000803F"
} } #-}

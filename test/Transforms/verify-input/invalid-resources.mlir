// RUN: quant-opt %s --qopt-verify-input --split-input-file --verify-diagnostics

// Weights that are not in the file, or not all of them.

func.func @elided() -> tensor<2x2xf32> {
  // expected-error @below {{resource 'elided' has no data in this file (elided weights cannot be quantized: print the model without eliding)}}
  %0 = arith.constant dense_resource<elided> : tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}

// -----

func.func @short() -> tensor<2x2xf32> {
  // expected-error @below {{resource 'short' holds 4 bytes, but its type 'tensor<2x2xf32>' needs 16}}
  %0 = arith.constant dense_resource<short> : tensor<2x2xf32>
  return %0 : tensor<2x2xf32>
}
{-# dialect_resources: { builtin: { short: "0x040000000000803F" } } #-}

// -----

func.func @long() -> tensor<1xf32> {
  // expected-error @below {{resource 'long' holds 8 bytes, but its type 'tensor<1xf32>' needs 4}}
  %0 = arith.constant dense_resource<long> : tensor<1xf32>
  return %0 : tensor<1xf32>
}
{-# dialect_resources: { builtin: { long: "0x040000000000803F0000803F" } } #-}

// -----

func.func @tosa() -> tensor<1xf32> {
  // expected-error @below {{resource 'tosa' has no data in this file}}
  %0 = "tosa.const"() {values = dense_resource<tosa> : tensor<1xf32>} : () -> tensor<1xf32>
  return %0 : tensor<1xf32>
}

// -----

func.func @bits() -> tensor<2xi4> {
  // expected-error @below {{resource 'bits' has the type 'tensor<2xi4>', whose size in bytes cannot be represented}}
  %0 = arith.constant dense_resource<bits> : tensor<2xi4>
  return %0 : tensor<2xi4>
}
{-# dialect_resources: { builtin: { bits: "0x0100000021" } } #-}

// -----

// 2^61 f32: the size in bytes overflows.
func.func @overflow() {
  // expected-error @below {{resource 'overflow' has the type 'tensor<2305843009213693952x4xf32>', whose size in bytes cannot be represented}}
  %0 = arith.constant dense_resource<overflow> : tensor<2305843009213693952x4xf32>
  return
}
{-# dialect_resources: { builtin: { overflow: "0x040000000000803F" } } #-}

// RUN: quant-opt %s --qopt-verify-qdq-form --split-input-file --verify-diagnostics

func.func @observer(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{is an observer: QDQ form has casts in its place}}
  %0 = qopt.observe %x {name = "edge"} : tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @four_bits(%x: tensor<2xf32>) -> tensor<2x!quant.uniform<i4:f32, 0.5>> {
  // expected-error @below {{has storage of 4 bits; QDQ form has 8 or 16}}
  %0 = quant.qcast %x : tensor<2xf32> to tensor<2x!quant.uniform<i4:f32, 0.5>>
  return %0 : tensor<2x!quant.uniform<i4:f32, 0.5>>
}

// -----

func.func @accumulators(%x: tensor<2xi32>) -> tensor<2x!quant.uniform<i32:f32, 0.5>> {
  // expected-error @below {{has storage of 32 bits; QDQ form has 8 or 16, and 32 for constants}}
  %0 = quant.scast %x : tensor<2xi32> to tensor<2x!quant.uniform<i32:f32, 0.5>>
  return %0 : tensor<2x!quant.uniform<i32:f32, 0.5>>
}

// -----

func.func @half(%x: tensor<2x!quant.uniform<i8:f16, 0.5>>) -> tensor<2xf16> {
  // expected-error @below {{expresses 'f16'; QDQ form expresses f32}}
  %0 = quant.dcast %x : tensor<2x!quant.uniform<i8:f16, 0.5>> to tensor<2xf16>
  return %0 : tensor<2xf16>
}

// -----

func.func @any(%x: tensor<2x!quant.any<i8:f32>>) -> tensor<2xf32> {
  // expected-error @below {{has the type '!quant.any<i8:f32>', which is not a !quant.uniform type}}
  %0 = quant.dcast %x : tensor<2x!quant.any<i8:f32>> to tensor<2xf32>
  return %0 : tensor<2xf32>
}

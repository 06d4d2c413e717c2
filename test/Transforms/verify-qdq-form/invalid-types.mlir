// RUN: quant-opt %s --qopt-verify-qdq-form --split-input-file --verify-diagnostics

// Types that upstream's verifiers accept and no lowering can do anything with.

func.func @calibrated(%x: tensor<2x!quant.calibrated<f32<-1.0:1.0>>>) -> tensor<2xf32> {
  // expected-error @below {{which is not a !quant.uniform type}}
  %0 = quant.dcast %x : tensor<2x!quant.calibrated<f32<-1.0:1.0>>> to tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @zero_point(%x: tensor<2x!quant.uniform<i8:f32, 1.0:200>>) -> tensor<2xf32> {
  // expected-error @below {{zero point}}
  %0 = quant.dcast %x : tensor<2x!quant.uniform<i8:f32, 1.0:200>> to tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @scalar(%x: !quant.uniform<i8:f32, 1.0>) -> f32 {
  // expected-error-re @below {{{{static|tensor}}}}
  %0 = quant.dcast %x : !quant.uniform<i8:f32, 1.0> to f32
  return %0 : f32
}

// -----

func.func @unranked(%x: tensor<*x!quant.uniform<i8:f32, 1.0>>) -> tensor<*xf32> {
  // expected-error-re @below {{{{static|tensor}}}}
  %0 = quant.dcast %x : tensor<*x!quant.uniform<i8:f32, 1.0>> to tensor<*xf32>
  return %0 : tensor<*xf32>
}

// -----

func.func @dynamic(%x: tensor<?x!quant.uniform<i8:f32, 1.0>>) -> tensor<?xf32> {
  // expected-error-re @below {{{{static|tensor}}}}
  %0 = quant.dcast %x : tensor<?x!quant.uniform<i8:f32, 1.0>> to tensor<?xf32>
  return %0 : tensor<?xf32>
}

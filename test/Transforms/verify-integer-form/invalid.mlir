// RUN: quant-opt %s --qopt-verify-integer-form --split-input-file --verify-diagnostics

func.func @quant_op(%x: tensor<2xf32>) {
  // expected-error @below {{op 'quant.qcast' is left in integer form}}
  %0 = quant.qcast %x : tensor<2xf32> to tensor<2x!quant.uniform<i8:f32, 0.5>>
  return
}

// -----

func.func @qopt_op(%x: tensor<2xf32>) {
  // expected-error @below {{op 'qopt.observe' is left in integer form}}
  %0 = qopt.observe %x {name = "x"} : tensor<2xf32>
  return
}

// -----

func.func @type() {
  // expected-error @below {{has the quantized type 'tensor<2x!quant.uniform<i8:f32, 5.000000e-01>>'; integer form has storage types only}}
  %0 = tensor.empty() : tensor<2x!quant.uniform<i8:f32, 0.5>>
  return
}

// -----

func.func @attribute(%x: tensor<2xf32>) {
  // expected-error @below {{attribute 'qopt.name' is left in integer form}}
  %0 = arith.negf %x {qopt.name = "fc"} : tensor<2xf32>
  return
}

// -----

// Arguments have types too.
// expected-error @below {{integer form has storage types only}}
func.func @argument(%x: tensor<2x!quant.uniform<i8:f32, 0.5>>) {
  return
}
